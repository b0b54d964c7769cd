"""Use the built book in headless Chromium as readers do: search, read on, change the look, take.

Over http and from the folder: search for words and open what is found; switch to the dark theme;
open the contents on a phone; show and hide code; take figures; and read from the first page to the
last (from the folder: the first few), and back. Over http each page is weighed as well.

Usage: python -m tests.browser.check_use _build/html --browser /usr/bin/chromium
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Browser, Locator, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.browser.check_explorer import Report
from tests.browser.check_pages import SWITCHES, WIDTHS, listen, served
from tests.browser.loads import load_of, told

FIRST = "book/intro.html"
FEW = 6  # pages that are read from the folder
# Words that a reader looks for, and a page that must be found by each.
SOUGHT = {
    "glossary": "book/glossary.html",
    "checkpoints": "book/checkpoints.html",
    "cluster": "book/cluster.html",
}
# Chromium reads no page for the words around a hit from a folder: the hit is listed without them.
NO_EXCERPT = re.compile(
    r"Access to fetch at 'file:|Failed to fetch|net::ERR_FAILED|failed request .*: file:.*\.html"
)
NEXT, PREVIOUS = "a.right-next", "a.left-prev"
CONTENTS = "#pst-primary-sidebar nav.bd-links a.internal"
FILES = ".figure-files a"
# How each kind of file that may be taken begins.
BEGINS = {".svg": (b"<?xml", b"<svg"), ".png": (b"\x89PNG",)}
ADDRESSES = "(links) => links.map((link) => link.href.split('#')[0])"
THEME = "document.documentElement.dataset.theme"
PICTURES = """async () => {
  const shown = (image) => getComputedStyle(image).display !== 'none';
  const all = [...document.querySelectorAll('img.on-light, img.on-dark')];
  for (const image of all.filter(shown)) {
    image.loading = 'eager';
    await image.decode();
  }
  return [...new Set(all.filter(shown).map((image) => image.className.match(/on-\\w+/)[0]))];
}"""


@contextmanager
def opened(
    browser: Browser, address: str, report: Report, *, width: str = "desktop"
) -> Iterator[Page]:
    """Open a page as a reader who was never there, and keep what its console says."""
    context = browser.new_context(
        viewport={"width": WIDTHS[width], "height": 900}, color_scheme="light"
    )
    page = context.new_page()
    heard = listen(page, address.removesuffix(FIRST))
    page.goto(address)
    try:
        yield page
    finally:
        context.close()
    from_folder = address.startswith("file:")
    report.faults += [fault for fault in heard if not (from_folder and NO_EXCERPT.search(fault))]


def place(page: Page, base: str) -> str:
    """Return which page of the book is open."""
    return unquote(page.url.removeprefix(f"{base}/").split("#")[0].split("?")[0])


def check_search(browser: Browser, base: str, report: Report) -> None:
    """Type words into the search, open what is found."""
    for word, wanted in SOUGHT.items():
        with opened(browser, f"{base}/{FIRST}", report) as page:
            _search(page, word)
            hits = page.locator("#search-results li > a")
            hits.first.wait_for()
            found = [urlsplit(one).path for one in hits.evaluate_all(ADDRESSES)]
            place_of_hit = next((i for i, one in enumerate(found) if one.endswith(wanted)), None)
            report.expect(f"hits for {word!r} name {wanted}", place_of_hit is not None, True)
            if place_of_hit is not None:
                hits.nth(place_of_hit).click()
                page.wait_for_url(f"**/{wanted}*")
                text = page.locator("article").inner_text().lower()
                report.expect(f"{wanted} says {word!r}", word in text, True)
    with opened(browser, f"{base}/{FIRST}", report) as page:
        _search(page, "zzznowhere")
        said = page.locator("#search-results", has_text="did not match")
        said.wait_for()
        report.expect("a word that is nowhere", said.locator("li").count(), 0)


def _follow(page: Page, link: Locator) -> None:
    """Click a link and wait for its page."""
    wanted = link.evaluate("(link) => link.href")
    link.click()
    page.wait_for_url(wanted)


def _search(page: Page, word: str) -> None:
    page.locator(".search-button__button:visible").first.click()
    page.locator("#pst-search-dialog input[type=search]").fill(word)
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=*")


def check_dark(browser: Browser, base: str, report: Report) -> None:
    """Switch to the dark theme where there are figures; the next page stays dark."""
    with opened(browser, f"{base}/{FIRST}", report) as page:
        while not page.locator("article img.on-dark").count():
            _follow(page, page.locator(NEXT))
        report.expect("the theme at first", page.evaluate(THEME), "light")
        report.expect("figures on a light page", page.evaluate(PICTURES), ["on-light"])
        for _ in range(3):  # light, dark, as the system is
            if page.evaluate(THEME) != "dark":
                page.locator(".theme-switch-button:visible").first.click()
        report.expect("the theme after the switch", page.evaluate(THEME), "dark")
        report.expect("figures on a dark page", page.evaluate(PICTURES), ["on-dark"])
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        light = sum(int(part) for part in ground[4:-1].split(",")[:3]) / 3
        report.expect(f"the ground {ground} is dark", light < 80, True)
        _follow(page, page.locator(NEXT))
        report.expect("the theme of the next page", page.evaluate(THEME), "dark")


def check_contents(browser: Browser, base: str, report: Report) -> None:
    """Open another page by the contents: beside the page, and behind a button on a phone."""
    for width in WIDTHS:
        with opened(browser, f"{base}/{FIRST}", report, width=width) as page:
            if width == "phone":
                report.expect("contents at first", page.locator(CONTENTS).first.is_visible(), False)
                page.locator("button.primary-toggle:visible").first.click()
            # A phone's contents are shown in a dialogue of the theme.
            link = page.locator("nav.bd-links a.internal:visible").nth(2)
            _follow(page, link)
            report.expect(f"{width}: the page's title", page.locator("article h1").count(), 1)


def check_reading(
    browser: Browser, base: str, report: Report, *, folder: Path | None = None
) -> None:
    """Read on to the last page; on each, show and hide code, and take the figures' files.

    Pages of a folder that is served are weighed; without one, only the first few are read.
    """
    most = FEW if folder is None else 1000
    with opened(browser, f"{base}/{FIRST}", report) as page:
        contents = page.locator(CONTENTS).evaluate_all(ADDRESSES)
        wanted = [unquote(one.removeprefix(f"{base}/")) for one in contents]
        wanted = [FIRST, *(one for one in wanted if one != FIRST)]
        seen, taken = [FIRST], 0
        loads = [] if folder is None else [load_of(page, base, folder)]
        while page.locator(NEXT).count() and len(seen) < most:
            _follow(page, page.locator(NEXT))
            here = place(page, base)
            back = page.locator(PREVIOUS).evaluate_all(ADDRESSES)
            report.expect(f"back from {here}", back, [f"{base}/{seen[-1]}"])
            seen.append(here)
            _use_code(page, here, report)
            taken += _take_files(page, report)
            loads += [] if folder is None else [load_of(page, base, folder)]
        report.expect("pages by 'next', as in the contents", seen, wanted[:most])
        report.expect("files of figures were taken", taken > 0, True)
        _follow(page, page.locator(PREVIOUS))
        report.expect("the page before", place(page, base), seen[-2])
        report.faults += filter(None, (load.fault() for load in loads))
        print(*filter(None, [told(loads) if loads else ""]), sep="\n")
        print(f"{base.partition(':')[0]}: {len(seen)} pages read, {taken} files of figures taken")


def _use_code(page: Page, here: str, report: Report) -> None:
    """Show the first hidden code of a page, and hide it again."""
    hidden = page.locator("article details.hide").first
    if hidden.count():
        code, button = hidden.locator("pre").first, hidden.locator("summary").first
        looks = [code.is_visible()]
        for _ in range(2):
            button.click()
            looks.append(code.is_visible())
        report.expect(f"{here}: code before, after a click, after two", looks, [False, True, False])


def _take_files(page: Page, report: Report) -> int:
    """Ask for every file that a page's figures offer; take the first by a click."""
    links = page.locator(FILES)
    addresses = list(dict.fromkeys(links.evaluate_all(ADDRESSES)))
    for address in addresses:
        name = Path(unquote(urlsplit(address).path))
        if address.startswith("file:"):
            begin = name.read_bytes()[:5] if name.is_file() else b""
        else:
            answer = page.request.get(address)
            begin = answer.body()[:5] if answer.ok else b""
        right = begin.startswith(BEGINS.get(name.suffix, (begin or b"?",)))
        report.expect(f"{name.name} begins with {begin!r}, as such a file does", right, True)
    # A page from a folder shows the file instead, as a link does.
    if addresses and addresses[0].startswith("http"):
        with page.expect_download() as download:
            links.first.click()
        size = download.value.path().stat().st_size
        report.expect(f"{download.value.suggested_filename} holds something", size > 0, True)
    return len(addresses)


CHECKS: tuple[Callable[[Browser, str, Report], None], ...] = (
    check_search,
    check_dark,
    check_contents,
)


def check(folder: Path, browser_path: str) -> Report:
    """Use the book over http and from its folder, side by side."""
    with served(folder) as http, ProcessPoolExecutor(2, mp_context=get_context("spawn")) as ways:
        tasks = [
            ways.submit(_use, browser_path, http, folder),
            ways.submit(_use, browser_path, folder.resolve().as_uri()),
        ]
        reports = [task.result() for task in tasks]
    return Report(
        faults=[fault for report in reports for fault in report.faults],
        n_checks=sum(report.n_checks for report in reports),
    )


def _use(browser_path: str, base: str, folder: Path | None = None) -> Report:
    """Use the book in a browser of its own."""
    report = Report()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=SWITCHES)
        for use in (*CHECKS, partial(check_reading, folder=folder)):
            try:
                use(browser, base, report)
            except PlaywrightError as error:
                waited = "; ".join(line.strip() for line in error.message.splitlines()[:4])
                report.faults.append(f"{base.partition(':')[0]}: {waited}")
        browser.close()
    return report


def main() -> None:
    """Use a built book; exit 1 if anything is at fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    given = parser.parse_args()
    if not (given.folder / FIRST).is_file():
        raise SystemExit(f"there is no page {given.folder / FIRST}; run make book first")
    report = check(given.folder, given.browser)
    for fault in dict.fromkeys(report.faults):
        print(fault)
    print(f"use of the book: {report.n_checks} checks, {len(report.faults)} fault(s)")
    sys.exit(1 if report.faults else 0)


if __name__ == "__main__":
    main()
