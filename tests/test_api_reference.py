"""The API reference is on the site, and is left out of the book as one page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import lembas

ROOT = Path(__file__).resolve().parents[1]
CONF = """extensions = ['myst_parser', 'lembas_api']
autodoc_default_options = {'members': True}
nitpick_ignore_regex = [('py:.*', '(?!lembas.shares.Share$).*')]
"""
PAGE = """# Shares

{py:class}`lembas.shares.Share`

```{eval-rst}
.. api:: lembas.shares
```

{download}`cards.json`
"""


@pytest.mark.parametrize(("builder", "is_shown"), [("html", True), ("singlehtml", False)])
def test_docstrings_are_on_the_site_and_not_in_print(
    tmp_path: Path, builder: str, is_shown: bool
) -> None:
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "index.md").write_text(PAGE)
    (tmp_path / "cards.json").write_text("[]")
    places = os.pathsep.join(map(str, (ROOT, ROOT / "book" / "_ext")))
    command = [sys.executable, "-P", "-m", "sphinx", "-W", "-n", "-q", "-b", builder]
    subprocess.run(
        [*command, str(tmp_path), str(tmp_path / "out")],
        env={**os.environ, "PYTHONPATH": places},
        check=True,
    )
    page = (tmp_path / "out" / "index.html").read_text()
    assert ('id="lembas.shares.Share"' in page) == is_shown
    assert ('href="#lembas.shares.Share"' in page) == is_shown
    assert "lembas.shares.Share</" in page, "in print the name stands without a link"
    assert list((tmp_path / "out").rglob("cards.json"))


def test_the_package_exports_what_it_lists() -> None:
    assert all(callable(getattr(lembas, name)) for name in lembas.__all__ if name[0] != "_")
    with pytest.raises(
        AttributeError, match=r"'lembas' has no attribute 'lode'; it has Align, .*, l"
    ):
        _ = lembas.lode
