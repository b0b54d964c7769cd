"""Open every page of the built book in headless Chromium, as a reader would, and complain.

Over http every page is opened at 1440 and 390 px, light, then turned dark, as it does where the
system does; it is pictured in each look, and at 1440 px looked through with axe-core for what shuts
readers out. From the folder it is opened at 390 px, dark: what a folder lacks, it lacks in every
look.

Usage: python -m tests.browser.check_pages _build/html --browser /usr/bin/chromium
"""

import argparse
import functools
import http.server
import re
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.barriers import barriers

SWITCHES = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = {"desktop": 1440, "phone": 390}
THEMES = ("light", "dark")
# A picture of a longer page, such as the API reference, shows its start.
HIGHEST = 8_000
NOT_PAGES = {"genindex.html", "search.html", "index.html", "py-modindex.html"}
ABSOLUTE = re.compile(r"(?<![\w.:/-])/(?:tmp|home|root|work|Users)/[\w.-]+")
# Of a request that was on its way when its page was left.
LEFT = "net::ERR_ABORTED"
# Until formulas and letters are there, and the page has been drawn with them.
SETTLED = """async () => {
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
}"""
# Pictures far below the screen wait to be scrolled to; a picture of the page has no screen.
LOAD_SHOWN_PICTURES = """async () => {
  const shown = [...document.images].filter((i) => getComputedStyle(i).display !== 'none');
  for (const image of shown) image.loading = 'eager';
  await Promise.all(shown.map((image) => image.decode().catch(() => {})));
}"""
FAULTS_IN_PAGE = """() => {
  const faults = [];
  const article = document.querySelector('.bd-article') || document.body;
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...article.querySelectorAll('*')].filter((element) => {
      const box = element.getBoundingClientRect();
      return box.right > root.clientWidth + 1 && !element.closest('table, pre, mjx-container');
    });
    const names = wide.slice(0, 3).map((element) => element.tagName + '.' + element.className);
    faults.push(`scrolls sideways: ${root.scrollWidth} > ${root.clientWidth} px ${names}`);
  }
  for (const element of article.querySelectorAll('span.pasted-text, span.pasted-inline')) {
    if (!element.textContent.trim()) faults.push('an empty glued number');
  }
  for (const element of article.querySelectorAll('.system-message, .problematic')) {
    faults.push(`an unresolved mark-up: ${element.textContent.trim().slice(0, 60)}`);
  }
  const prose = article.cloneNode(true);
  prose.querySelectorAll('pre, code, script, style').forEach((element) => element.remove());
  const unread = /`{3,}\\{|\\{(?:doc|numref|ref|term|cite|glue:text)\\}`|^:name:/m;
  const raw = prose.textContent.match(unread);
  if (raw) faults.push(`mark-up that was not read: ${raw[0]}`);
  for (const image of article.querySelectorAll('img')) {
    const alt = (image.getAttribute('alt') || '').trim();
    const name = (image.getAttribute('src') || '').split('/').pop();
    if (!alt) faults.push(`a picture without alternative text: ${name}`);
    else if (/\\.(png|svg|jpe?g)$/i.test(alt) || /^[\\w-]*[0-9a-f]{16,}/.test(alt)) {
      faults.push(`alternative text is a file name: ${alt}`);
    }
    if (image.complete && image.naturalWidth === 0) faults.push(`a broken picture: ${name}`);
  }
  for (const math of article.querySelectorAll('.math')) {
    if (!math.querySelector('mjx-container')) faults.push('a formula that was not typeset');
    if (math.querySelector('[data-mml-node="merror"]')) faults.push('a formula with an error');
  }
  return faults;
}"""


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # one connection serves many files

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine only."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def faults_in_text(path: Path) -> list[str]:
    """Return what a page's text must not hold: papermill's error marks, absolute paths."""
    text = path.read_text(encoding="utf-8")
    faults = ["papermill-error"] if "papermill-error" in text else []
    return faults + [f"an absolute path: {hit}" for hit in sorted(set(ABSOLUTE.findall(text)))[:5]]


def in_look(browser: Browser, width: int, theme: str, *, height: int = 900) -> BrowserContext:
    """Open a context in which pages have a width and the theme of a system."""
    size = {"width": width, "height": height}
    context = browser.new_context(viewport=size, color_scheme=theme)
    context.add_init_script("localStorage.setItem('mode', 'auto')")
    return context


def faults_in_look(page: Page, theme: str) -> list[str]:
    """Return the faults of an open page in the look it is shown in."""
    page.evaluate(SETTLED)
    page.evaluate(LOAD_SHOWN_PICTURES)
    faults = page.evaluate(FAULTS_IN_PAGE)
    if page.evaluate("document.documentElement.dataset.theme") != theme:
        faults.append(f"the {theme} theme did not take")
    return faults


def listen(page: Page, base: str) -> list[str]:
    """Return a list that grows with each error of a page and each request that fails or leaves."""
    faults: list[str] = []
    page.on(
        "console",
        lambda message: (
            faults.append(f"console: {message.text}") if message.type == "error" else None
        ),
    )
    page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    page.on(
        "requestfailed",
        lambda request: (
            None
            if request.failure == LEFT
            else faults.append(f"failed request ({request.failure}): {request.url}")
        ),
    )
    page.on(
        "response",
        lambda response: (
            faults.append(f"status {response.status}: {response.url}")
            if response.status >= 400
            else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((base, "data:", "blob:"))
            else faults.append(f"a request leaves the site: {request.url}")
        ),
    )
    return faults


def pages_in(folder: Path) -> list[str]:
    """Name the pages of a built book that are written, not made to lead to others."""
    pages = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.html")
        if path.name not in NOT_PAGES and "_static" not in path.relative_to(folder).parts
    )
    if not pages:
        raise SystemExit(f"there is no page in {folder}; run make book first")
    return pages


def check(folder: Path, browser_path: str, shots: Path) -> tuple[int, list[str]]:
    """Check every page over http and from the folder itself, two browsers at a time.

    Returns:
        Number of pages and all faults, each with page, way, width and theme.
    """
    pages = pages_in(folder)
    shots.mkdir(parents=True, exist_ok=True)
    faults = [f"{name}: {fault}" for name in pages for fault in faults_in_text(folder / name)]
    with (
        served(folder) as http_base,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes,
    ):
        ways = [(http_base, (width, THEMES)) for width in WIDTHS]
        ways.append((folder.resolve().as_uri(), ("phone", THEMES[-1:])))
        tasks = [
            processes.submit(_visit_all, browser_path, base, looks, pages[part::2], shots)
            for base, looks in ways
            for part in range(2)
        ]
        faults += [fault for task in tasks for fault in task.result()]
    return len(pages), faults


def _visit_all(
    browser_path: str, base: str, looks: tuple[str, tuple[str, ...]], pages: list[str], shots: Path
) -> list[str]:
    """Visit pages in a browser of their own, at one width, in one theme after another."""
    (width, themes), way, faults = looks, base.partition(":")[0], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=SWITCHES)
        # One for all pages: scripts, styles and fonts that they share are fetched and read once.
        page = in_look(browser, WIDTHS[width], themes[0]).new_page()
        heard = listen(page, base)
        for name in pages:
            page.emulate_media(color_scheme=themes[0])
            page.goto(f"{base}/{quote(name)}", wait_until="load")
            for theme in themes:
                page.emulate_media(color_scheme=theme)
                found = faults_in_look(page, theme)
                if way == "http":
                    picture = shots / f"{_stem(name)}-{width}-{theme}.jpg"
                    found += _look_closely(page, name, (width, theme), picture)
                label = f"{name} ({way}, {width}, {theme})"
                faults += [f"{label}: {fault}" for fault in dict.fromkeys([*heard, *found])]
                heard.clear()
        browser.close()
    return faults


def _stem(name: str) -> str:
    return name.removesuffix(".html").replace("/", "-")


def _look_closely(page: Page, name: str, look: tuple[str, str], picture: Path) -> list[str]:
    """Picture a page, and look for barriers where it is wide."""
    width, theme = look
    height = min(page.evaluate("document.documentElement.scrollHeight"), HIGHEST)
    clip = {"x": 0, "y": 0, "width": WIDTHS[width], "height": height}
    page.screenshot(path=picture, full_page=True, clip=clip, type="jpeg", quality=80)
    return barriers(page, name, theme) if width == "desktop" else []


def main() -> None:
    """Check the pages named on the command line; exit 1 if any has a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    parser.add_argument("--screenshots", type=Path, default=Path("_build/screenshots"))
    given = parser.parse_args()
    count, faults = check(given.folder, given.browser, given.screenshots)
    for fault in faults:
        print(fault)
    looks = "over http at 1440 and 390 px, light and dark, and from the folder at 390 px, dark"
    print(f"{count} pages opened {looks}: {len(faults)} fault(s); pictures in {given.screenshots}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
