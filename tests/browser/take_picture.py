"""Take the README's picture: the first screen of a page of the built book.

Usage: python -m tests.browser.take_picture _build/html book/_static/report.png
"""

import argparse
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.check_pages import SWITCHES, faults_in_look, in_look

COLOURS = 128  # few enough for a small file, enough for smooth text


def main() -> None:
    """Open the page, take the picture, write it with few colours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--page", default="book/intro.html")
    parser.add_argument("--browser", default="/usr/bin/chromium")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=900)
    given = parser.parse_args()
    page_file = given.folder / given.page
    if not page_file.is_file():
        raise SystemExit(f"there is no page {page_file}; run make book first")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.browser, args=SWITCHES)
        page = in_look(browser, given.width, "light", height=given.height).new_page()
        page.goto(page_file.resolve().as_uri(), wait_until="load")
        faults_in_look(page, "light")  # waits until all is drawn
        shot = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    given.picture.parent.mkdir(parents=True, exist_ok=True)
    shot.convert("RGB").quantize(COLOURS).save(given.picture, optimize=True)
    print(f"{given.picture}: {given.picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
