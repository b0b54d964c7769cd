"""Load every page of the built book in headless Chromium as a first visitor: its weight and paint.

Weight is all that a page transfers from a server that compresses nothing, with nothing kept from
pages before: HTML, style sheets, scripts, fonts, pictures. The explorer's data count apart: they
grow with the study. The first paint is told and not judged: it depends on what else the machine
does.

Usage: python -m tests.browser.check_load _build/html --browser /usr/bin/chromium
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import quote, urlsplit

from playwright.sync_api import Browser, sync_playwright

from tests.browser.check_pages import (
    LOAD_SHOWN_PICTURES,
    SETTLED,
    SWITCHES,
    in_look,
    pages_in,
    served,
)

MB = 1_000_000
MOST = 1.5 * MB
# Formulas are set by one script of 2.1 MB, on the pages that have formulas.
FORMULAS = "_static/mathjax/"
DATA = "/explorer/"
SIZES = """() => performance.getEntriesByType('resource')
  .concat(performance.getEntriesByType('navigation'))
  .map((one) => [one.name, one.encodedBodySize])"""
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
        parts: Bytes of each file, by its path in the site.
        paint_ms: Until the first text or picture was painted.
    """

    page: str
    parts: dict[str, int]
    paint_ms: float

    def weight(self, *, formulas: bool = True) -> int:
        """Return the bytes of all files but the explorer's data; without formulas' script too."""
        return sum(
            size
            for path, size in self.parts.items()
            if not f"/{path}".startswith(DATA) and (formulas or not path.startswith(FORMULAS))
        )

    def heaviest(self) -> str:
        """Name the three largest files."""
        largest = sorted(self.parts.items(), key=lambda part: -part[1])[:3]
        return ", ".join(f"{path} {size / MB:.2f}" for path, size in largest)


def loads(browser: Browser, base: str, names: list[str]) -> Iterator[Load]:
    """Load each page with nothing kept of the others."""
    for name in names:
        context = in_look(browser, 1440, "light")
        page = context.new_page()
        page.goto(f"{base}/{quote(name)}", wait_until="load")
        page.evaluate(SETTLED)
        page.evaluate(LOAD_SHOWN_PICTURES)
        parts = {
            urlsplit(address).path.lstrip("/"): size
            for address, size in page.evaluate(SIZES)
            if address.startswith(base)
        }
        yield Load(name, parts, page.evaluate(PAINT))
        context.close()


def main() -> None:
    """Load the pages of a folder; exit 1 if one weighs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    given = parser.parse_args()
    names = pages_in(given.folder)
    with served(given.folder) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.browser, args=SWITCHES)
        found = list(loads(browser, base, names))
        browser.close()
    heavy = [load for load in found if load.weight(formulas=False) > MOST]
    for load in found:
        rest = load.weight() - load.weight(formulas=False)
        note = f" + {rest / MB:.2f} MB for formulas" if rest else ""
        print(
            f"{load.page:<40} {load.weight(formulas=False) / MB:.2f} MB{note}, "
            f"first paint {load.paint_ms:.0f} ms"
        )
    for load in heavy:
        print(f"{load.page} weighs more than {MOST / MB:.1f} MB; its largest: {load.heaviest()}")
    paints = [load.paint_ms for load in found]
    print(
        f"{len(found)} pages loaded: {len(heavy)} above {MOST / MB:.1f} MB; first paint after "
        f"{median(paints):.0f} ms (median), {max(paints):.0f} ms (most)"
    )
    sys.exit(1 if heavy else 0)


if __name__ == "__main__":
    main()
