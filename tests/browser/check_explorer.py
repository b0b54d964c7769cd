"""Use the gene explorer of the built book in headless Chromium, as a reader would, and time it.

First the run's own explorer, then a made-up one of 16,100 genes, among them names that break
pages; each over http and from the folder.

Usage: python -m tests.browser.check_explorer _build/html --browser /usr/bin/chromium
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.check_pages import SWITCHES, WIDTHS, in_look, listen, served
from tests.explorer_sources import ODD, made_sources

PAGE = "book/chapters/15_genes.html"
N_GENES, N_TFS = 16_100, 600
SAMPLES = {"train": 110, "test": 100, "away": 100, "far": 100}
MODELS = ("train_mean", "mlr", "ridge", "masked_ridge", "lembas", "pls", "knn", "mlp", "xgbrf")
# What a reader waits for at most, on a machine that does nothing else. Judged by the time that the
# page's own thread computes, which other programs lengthen less; the time that passed is told too.
MOST_MS = {"opens": 2000.0, "filters": 100.0, "sorts": 500.0}
READY = ".lembas-explorer .lx-table[data-ready]"
HEADING = ".lembas-explorer h3"
SORT_MS = """async () => {
  const start = performance.now();
  document.querySelector('.lx-table .tabulator-col[tabulator-field=c0] button').click();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  return performance.now() - start;
}"""
# Sets the text of the name filter, and waits for the table as a reader would: until it is painted.
FILTER_MS = """async (text) => {
  const input = document.querySelector('.lx-filters input[type=search]');
  const table = document.querySelector('.lx-table');
  delete table.dataset.filterMs;
  input.value = text;
  input.dispatchEvent(new Event('input'));
  while (!table.dataset.filterMs) await new Promise((done) => setTimeout(done, 5));
  return Number(table.dataset.filterMs);
}"""


@dataclass
class Report:
    """Collect what went wrong, and how long things took."""

    faults: list[str] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=dict)
    n_checks: int = 0

    def expect(self, what: str, found: Any, wanted: Any) -> None:
        """Note a fault where something is not as wanted."""
        self.n_checks += 1
        if found != wanted:
            self.faults.append(f"{what}: found {found!r}, expected {wanted!r}")

    def time(self, what: str, ms: float) -> None:
        self.times.setdefault(what, []).append(ms)


def index_of(folder: Path) -> dict[str, Any]:
    """Read the explorer's index."""
    text = (folder / "explorer" / "index.js").read_text(encoding="ascii")
    return json.loads(text[text.index(",") + 1 : -3])


@contextmanager
def opened(browser: Browser, base: str, hash_: str) -> Iterator[tuple[Page, list[str]]]:
    """Open the explorer's page and wait until its table is drawn."""
    context = in_look(browser, WIDTHS["desktop"], "light")
    page = context.new_page()
    # Whatever a name could set off would open a dialogue.
    faults = listen(page, base)
    page.on("dialog", lambda dialog: faults.append("a name was run as a script"))
    page.goto(f"{base}/{PAGE}{hash_}", wait_until="load")
    page.wait_for_selector(READY)
    page.wait_for_selector(HEADING)
    yield page, faults
    context.close()


def heading(page: Page) -> str:
    """Return the name of the gene or TF that is shown, with its kind."""
    return page.locator(HEADING).first.inner_text()


def shows(page: Page, name: str, kind: str) -> bool:
    """Wait until a gene or TF is shown."""
    wanted = f"{name} {kind}"
    script = f"(wanted) => document.querySelector({json.dumps(HEADING)}).textContent === wanted"
    page.wait_for_function(script, arg=wanted, timeout=5000)
    return True


def check_use(browser: Browser, base: str, index: dict[str, Any], report: Report) -> None:
    """Type, choose, follow links, go back."""
    genes, tfs = index["genes"]["names"], index["tfs"]["names"]
    with opened(browser, base, "") as (page, faults):
        first = genes[index["first"]]
        report.expect("the gene at first", heading(page), f"{first} gene")
        wanted = genes[len(genes) // 2]
        page.fill("#lx-name", wanted.lower())
        page.wait_for_selector("#lx-offered li")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        report.expect("typing and Enter", shows(page, wanted, "gene"), True)
        report.expect(
            "the address", page.evaluate("location.hash"), f"#gene={quote(wanted, safe='')}"
        )
        page.go_back()
        report.expect("the back button", shows(page, first, "gene"), True)
        page.go_forward()
        report.expect("the forward button", shows(page, wanted, "gene"), True)
        page.fill("#lx-name", "no such name")
        page.keyboard.press("Enter")
        page.wait_for_function(
            "document.querySelector('[role=status]').textContent.includes('No gene')"
        )
        page.evaluate("location.hash = '#gene=' + encodeURIComponent('nowhere')")
        page.wait_for_function(
            "document.querySelector('[role=status]').textContent.includes('nowhere')"
        )
        page.evaluate("location.hash = '#gene=%E0%A4%A'")
        page.wait_for_function(
            "document.querySelector('[role=status]').textContent.includes('%E0')"
        )
        page.fill("#lx-name", first)
        page.keyboard.press("Enter")  # before names are offered
        report.expect("typing and Enter at once", shows(page, first, "gene"), True)
        page.wait_for_timeout(300)
        report.expect("the list then", page.locator("#lx-offered").is_visible(), False)
        report.faults += faults
    with opened(browser, base, f"#tf={quote(tfs[-1], safe='')}") as (page, faults):
        report.expect("a TF's address", heading(page), f"{tfs[-1]} TF")
        rows = page.locator(".lx-scroll tbody th a")
        if rows.count():
            name = rows.first.inner_text()
            rows.first.click()
            report.expect("a link to a target", shows(page, name, "gene"), True)
        report.faults += faults


def check_charts(browser: Browser, base: str, index: dict[str, Any], report: Report) -> None:
    """Turn models on and off, and change the score that is shown."""
    with opened(browser, base, "") as (page, faults):
        checks = page.locator(".lx-legend input")
        groups = page.locator(".lx-panels figure").first.locator(".lx-points")
        before = groups.count()
        checks.first.click()
        report.expect("a model taken out of the charts", groups.count(), before - 1)
        checks.first.click()
        report.expect("and put back", groups.count(), before)
        metric = page.locator(".lx-record select").first
        metric.select_option(label=index["metrics"][3])
        caption = page.locator(".lx-record caption").first.inner_text()
        report.expect("another score", caption.startswith("Rank by skill"), True)
        report.faults += faults


def check_table(browser: Browser, base: str, index: dict[str, Any], report: Report) -> None:
    """Sort by mouse and keyboard, filter by name and by number, show the TFs."""
    genes, column = index["genes"]["names"], index["genes"]["columns"][0]
    known = [value for value in column["values"] if value is not None]
    first_cell = ".lx-table .tabulator-row .tabulator-cell[tabulator-field=c0]"
    with opened(browser, base, "") as (page, faults):
        head = page.locator(".lx-table .tabulator-col[tabulator-field=c0]").first
        head.click()
        _cell_shows(page, first_cell, max(known), report, "sorted from the highest")
        head.get_by_role("button").focus()
        page.keyboard.press("Enter")
        _cell_shows(page, first_cell, min(known), report, "sorted from the lowest, by keyboard")
        part = genes[-1][-3:]
        n = sum(part.upper() in name.upper() for name in genes)
        page.evaluate(FILTER_MS, part)
        note = page.locator(".lx-all .lx-note").first
        report.expect(
            "rows with a text in their name", note.inner_text().split(" of ")[0], f"{n:,}"
        )
        page.evaluate(FILTER_MS, "")
        page.select_option(".lx-filters select", label=column["title"])
        middle = sorted(known)[len(known) // 2]
        page.fill(".lx-limits input >> nth=0", str(middle / 1000))
        n = sum(value >= middle for value in known)
        wanted = f"{n:,} of {len(genes):,} genes"
        page.wait_for_function(
            "(wanted) => document.querySelector('.lx-all .lx-note').textContent === wanted",
            arg=wanted,
        )
        report.n_checks += 1
        extra = index["genes"]["columns"][-1]["title"]
        page.click(".lx-filters summary >> nth=0")
        page.get_by_label(extra, exact=True).first.check()
        shown = page.get_by_role("columnheader", name=extra).count()
        report.expect(f"the column {extra!r} when it is chosen", shown, 1)
        page.click(".lx-tabs button >> nth=1")
        page.wait_for_selector(f"{READY} >> nth=1")
        tf = page.locator(".lx-table >> nth=1").locator(".tabulator-row a").first
        name = tf.inner_text()
        tf.click()
        report.expect("a TF of the table", shows(page, name, "TF"), True)
        report.faults += faults


def _cell_shows(page: Page, cell: str, value: int, report: Report, what: str) -> None:
    page.wait_for_timeout(400)
    report.expect(what, page.locator(cell).first.inner_text(), f"{value / 1000:.2f}")


def check_odd_names(browser: Browser, base: str, report: Report) -> None:
    """Open every name that could break a page."""
    for name in ODD:
        with opened(browser, base, f"#gene={quote(name, safe='')}") as (page, faults):
            report.expect(
                f"the gene {name!r}", page.locator(HEADING).first.text_content(), f"{name} gene"
            )
            report.expect(
                "marks of names",
                page.locator(".lembas-explorer b, .lembas-explorer img").count(),
                0,
            )
            report.faults += faults


class Clock:
    """Measure what a page's own thread computes, in ms."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.start = 0.0

    def lap(self) -> float:
        """Return the time computed since the last lap."""
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        now = 1000 * next(one["value"] for one in metrics if one["name"] == "TaskDuration")
        lap, self.start = now - self.start, now
        return lap


def check_speed(browser: Browser, base: str, index: dict[str, Any], report: Report) -> None:
    """Time opening, filtering and sorting, several times."""
    names = index["genes"]["names"]
    gene = names[len(names) // 3]
    for _ in range(5):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        clock = Clock(page)
        page.goto(f"{base}/{PAGE}#gene={quote(gene, safe='')}", wait_until="load")
        page.wait_for_selector(READY)
        report.time("opens", clock.lap())
        report.time("opens, passed", page.evaluate("window.lembasExplorer.readyMs"))
        page.close()
    with opened(browser, base, f"#gene={quote(gene, safe='')}") as (page, faults):
        clock = Clock(page)
        for text in ("G0", "G01", "G012", "00", "7", "nothing", ""):
            clock.lap()
            report.time("filters, passed", page.evaluate(FILTER_MS, text))
            report.time("filters", clock.lap())
        for _ in range(3):
            clock.lap()
            report.time("sorts, passed", page.evaluate(SORT_MS))
            report.time("sorts", clock.lap())
        report.faults += faults
    for what, most in MOST_MS.items():
        if median(report.times[what]) > most:
            report.faults.append(
                f"{what} in {median(report.times[what]):.0f} ms; expected {most:.0f}"
            )


@contextmanager
def large_site(folder: Path, n_genes: int) -> Iterator[Path]:
    """Put made-up genes in the place of the run's, in a copy of the page."""
    from lembas.explorer import Choice, build

    sources = made_sources(n_genes, n_tfs=N_TFS, models=MODELS, samples=SAMPLES, n_edges_a_gene=40)
    made = build(sources, Choice())
    print(
        f"made-up explorer: {made.n_genes:,} genes, {made.size_mb:.1f} MB in {len(made.files)} "
        f"files, index {len(made.files['index.js']) / 1e6:.1f} MB, drawn {dict(made.n_drawn)}"
    )
    with tempfile.TemporaryDirectory() as place:
        site = Path(place)
        shutil.copytree(folder / "_static", site / "_static")
        (site / PAGE).parent.mkdir(parents=True)
        for name in (PAGE, "searchindex.js"):
            shutil.copy(folder / name, site / name)
        (site / "explorer").mkdir()
        for name, text in made.files.items():
            (site / "explorer" / name).write_text(text, encoding="ascii")
        yield site


def both_ways(folder: Path, check: Callable[[str], None]) -> None:
    """Check a site over http and from its folder."""
    with served(folder) as base:
        check(base)
    check(folder.resolve().as_uri())


def check(folder: Path, browser: Browser, report: Report, n_genes: int) -> None:
    """Check the run's explorer and the made-up one."""
    index = index_of(folder)

    def own(base: str) -> None:
        check_use(browser, base, index, report)
        check_charts(browser, base, index, report)
        check_table(browser, base, index, report)

    both_ways(folder, own)
    if n_genes:
        check_made_up(folder, browser, report, n_genes)


def check_made_up(folder: Path, browser: Browser, report: Report, n_genes: int) -> None:
    """Check the explorer of a made-up study."""
    with large_site(folder, n_genes) as site:
        large = index_of(site)

        def made_up(base: str) -> None:
            check_odd_names(browser, base, report)
            check_speed(browser, base, large, report)

        both_ways(site, made_up)


def main() -> None:
    """Check the explorer of a built book; exit 1 if anything is at fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    parser.add_argument("--genes", type=int, default=N_GENES, help="made-up genes; 0: none")
    given = parser.parse_args()
    report = Report()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.browser, args=SWITCHES)
        check(given.folder, browser, report, given.genes)
        browser.close()
    for fault in dict.fromkeys(report.faults):
        print(fault)
    for what, found in report.times.items():
        print(
            f"{what}: median {median(found):.0f} ms, most {max(found):.0f} ms ({len(found)} times)"
        )
    print(f"explorer: {report.n_checks} checks, {len(report.faults)} fault(s)")
    sys.exit(1 if report.faults else 0)


if __name__ == "__main__":
    main()
