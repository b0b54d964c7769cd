"""Find with axe-core what shuts readers out of a page."""

from dataclasses import dataclass

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Page

SCRIPT = AXE_FILE_PATH.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Excused:
    """A finding that is not ours to mend.

    Attributes:
        rule: Name of axe-core's rule.
        within: CSS selector of the elements it is excused for.
        reason: Why.
    """

    rule: str
    within: str
    reason: str


EXCUSED = (
    Excused(
        "region",
        ".sidebar-primary-items__start > .sidebar-primary-item",
        "pydata-sphinx-theme puts the book's name beside the navigation, in no landmark",
    ),
    Excused(
        "definition-list",
        ".sig > dl",
        "Sphinx sets each argument of a long signature as a definition without a term",
    ),
    Excused(
        "aria-allowed-role",
        ".citation",
        "docutils gives a citation the role that HTML's accessibility rules do not give a div",
    ),
    Excused(
        "aria-deprecated-role",
        ".citation",
        "docutils marks citations by a role of DPUB-ARIA 1.0, which 1.1 deprecates",
    ),
    Excused(
        "aria-required-children",
        ".citation-list",
        "docutils' list of citations holds docutils' citations, with the roles above",
    ),
)
COLOURS = "color-contrast"
# Judging colours takes most of the time. Chapters show what no other page does; the others are
# made alike, and a page of each kind stands for them.
CHAPTERS = "book/chapters/"
KINDS = {
    *("book/intro.html", "book/glossary.html", "book/command_line.html", "book/methods.html"),
    *("book/add_a_chapter.html", "book/bibliography.html", "book/api/network.html"),
}
# What a dark page has of its own.
DARK = KINDS | {
    *("book/chapters/05_test.html", "book/chapters/15_genes.html", "book/chapters/data_cards.html"),
}
FIND = """async ([options, excused]) => {
  const found = await axe.run(document, options);
  const faults = [];
  for (const one of found.violations) {
    const known = excused.filter(([rule]) => rule === one.id).map(([, within]) => within);
    const ours = one.nodes.filter((node) => {
      const element = document.querySelector(node.target[0]);
      return !(known.length && element && element.matches(known.join(', ')));
    });
    const where = ours.slice(0, 3).map((node) => node.html.replace(/\\s+/g, ' ').slice(0, 120));
    if (ours.length) faults.push(`axe ${one.id} (${ours.length}): ${where.join('; ')}`);
  }
  return faults;
}"""


def barriers(page: Page, name: str, theme: str) -> list[str]:
    """Return what axe-core finds on an open page, but for what is excused.

    Args:
        page: The page, loaded and at rest.
        name: Its name in the site.
        theme: The theme it is shown in; of the dark one, colours are judged on some pages.
    """
    # Nothing is fetched again: that serves rules on films.
    options: dict[str, object] = {"resultTypes": ["violations"], "preload": False}
    if theme == "dark":
        if name not in DARK:
            return []
        options["runOnly"] = [COLOURS]
    elif name not in KINDS and not name.startswith(CHAPTERS):
        options["rules"] = {COLOURS: {"enabled": False}}
    # Evaluated, not put into the page: a page from a folder may forbid more scripts.
    page.evaluate(SCRIPT)
    return page.evaluate(FIND, [options, [(one.rule, one.within) for one in EXCUSED]])
