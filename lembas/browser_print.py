"""Print the whole book into one PDF, by a headless Chromium that is on this machine."""

import os
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from lembas.atomic import write_atomically
from lembas.errors import ChapterError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
VARIABLE = "LEMBAS_BROWSER"
TIME_OUT_S = 300
# Formulas are typeset by a script: the clock of the page runs ahead until nothing is left to do.
SWITCHES = (
    "--headless=new",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
    "--virtual-time-budget=120000",
)


def find_browser(named: str | None = None) -> Path:
    """Find a Chromium or Chrome.

    Args:
        named: Path or name of a program, such as that in the environment variable
            ``LEMBAS_BROWSER``; None: the usual names are looked for in PATH.

    Raises:
        ChapterError: If there is none.
    """
    for name in [named] if named else NAMES:
        if found := shutil.which(name):
            return Path(found)
    where = f"{named!r} is no program" if named else f"PATH has none of {', '.join(NAMES)}"
    raise ChapterError(
        f"a PDF needs Chromium or Chrome to print it, and {where}; install Chromium, or name it: "
        f"lembas build --pdf --browser /path/to/chromium (or the variable {VARIABLE})"
    )


def print_page(page: Path, pdf: Path, browser: Path) -> None:
    """Print one page of HTML into a PDF; an older PDF stays until the new one is whole.

    Args:
        page: The page; its pictures and scripts are read from its folder.
        pdf: File to write.
        browser: Program, as :func:`find_browser` finds it.

    Raises:
        ChapterError: If the browser writes no PDF.
    """
    write_atomically(pdf, partial(_print, page.resolve(), browser))


def _print(page: Path, browser: Path, pdf: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="lembas-print-", ignore_cleanup_errors=True) as folder:
        command = [str(browser), *SWITCHES, f"--user-data-dir={folder}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium's sandbox does not start as root
        command += [f"--print-to-pdf={pdf.resolve()}", page.as_uri()]
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, timeout=TIME_OUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ChapterError(
                f"{browser.name} did not print the book within {TIME_OUT_S} s; close programs that "
                "keep the machine busy, and try again"
            ) from error
    if ended.returncode != 0 or not _is_pdf(pdf):
        said = " | ".join(ended.stderr.strip().splitlines()[-3:])
        raise ChapterError(
            f"{browser.name} wrote no PDF (exit code {ended.returncode}): "
            f"{said or 'no reason given'}"
        )


def _is_pdf(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(5) == b"%PDF-"
