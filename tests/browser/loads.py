"""Tell what an open page's load took: its weight, and the time to its first paint.

The weight is that of all files a page needs: HTML, style sheets, scripts, fonts, pictures of the
shown theme. It is counted as the files lie, and as a server sends them that compresses text, as
servers of pages do. The explorer's data are left out: they grow with the study. The first paint is
told and not judged: it depends on what else the machine does.
"""

import gzip
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Page

from tests.browser.check_pages import LOAD_SHOWN_PICTURES

MB = 1_000_000
MOST_SENT = 1.5 * MB
# Formulas alone take a script of 2.1 MB on the pages that have some.
MOST = 4.0 * MB
DATA = "explorer/"
TEXT = {".html", ".css", ".js", ".svg"}
FILES = """() => performance.getEntriesByType('resource').map((one) => one.name)
  .concat([location.href])"""
PAINT = """() => new Promise((done) => {
  const watch = new PerformanceObserver((list) => {
    const first = list.getEntriesByName('first-contentful-paint')[0];
    if (first) done(first.startTime);
  });
  watch.observe({ type: 'paint', buffered: true });
})"""


@dataclass(frozen=True)
class Load:
    """What one page's load took.

    Attributes:
        page: Its name.
        files: Paths of the files it needs, in the site.
        weight: Their bytes.
        sent: Bytes of these as a server sends them that compresses text.
        paint_ms: Until the first text or picture was painted.
    """

    page: str
    files: tuple[Path, ...]
    weight: int
    sent: int
    paint_ms: float

    def fault(self) -> str:
        """Say what weighs too much; nothing where all is well."""
        if self.sent <= MOST_SENT and self.weight <= MOST:
            return ""
        largest = sorted(self.files, key=lambda file: -sent_size(file))[:3]
        names = ", ".join(f"{file.name} {sent_size(file) / MB:.2f}" for file in largest)
        return (
            f"{self.page} weighs {self.weight / MB:.2f} MB, {self.sent / MB:.2f} sent; expected at "
            f"most {MOST / MB:.1f} and {MOST_SENT / MB:.1f}; the largest when sent: {names}"
        )


@cache
def sent_size(file: Path) -> int:
    """Return the bytes of a file as a server sends it."""
    content = file.read_bytes()
    return len(gzip.compress(content, 6)) if file.suffix in TEXT else len(content)


def load_of(page: Page, base: str, folder: Path) -> Load:
    """Measure the page that is open, from a folder served at an address."""
    page.evaluate(LOAD_SHOWN_PICTURES)
    page.evaluate("document.fonts.ready.then(() => true)")
    names = {
        unquote(urlsplit(address).path).lstrip("/")
        for address in page.evaluate(FILES)
        if address.startswith(base)
    }
    files = tuple(folder / name for name in sorted(names) if not name.startswith(DATA))
    weight = sum(file.stat().st_size for file in files)
    name = unquote(urlsplit(page.url).path).lstrip("/")
    return Load(name, files, weight, sum(map(sent_size, files)), page.evaluate(PAINT))


def told(loads: list[Load]) -> str:
    """Return a line for each page, and one for all."""
    lines = [
        f"{load.page:<36} {load.weight / MB:.2f} MB, {load.sent / MB:.2f} sent compressed; "
        f"first paint {load.paint_ms:.0f} ms"
        for load in loads
    ]
    paints = [load.paint_ms for load in loads]
    heaviest = max(loads, key=lambda load: load.sent)
    lines.append(
        f"{len(loads)} pages; the heaviest is {heaviest.page}, {heaviest.sent / MB:.2f} MB sent; "
        f"first paint {paints[0]:.0f} ms at a first visit, then {median(paints):.0f} ms (median), "
        f"{max(paints):.0f} ms (most)"
    )
    return "\n".join(lines)
