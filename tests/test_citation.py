"""The citation box holds the works of CITATION.cff, for readers and for BibTeX."""

import re
from pathlib import Path

import pytest

from lembas.citation import citation_box
from tests.toy import ROOT


def test_every_work_of_this_project_is_cited_once_in_each_form() -> None:
    text = citation_box(ROOT / "CITATION.cff")
    sentences = [line for line in text.splitlines() if line.startswith("- ")]
    entries = re.findall(r"^@(\w+)\{(\w+),$", text, flags=re.MULTILINE)
    assert len(sentences) == len(entries) == 3
    assert sentences[0].startswith("- the lembas developers: *lembas: network-constrained")
    assert "doi:10.1038/s41467-022-30684-y" in sentences[1]
    assert [kind for kind, _ in entries] == ["software", "article", "software"]
    assert len({key for _, key in entries}) == 3
    assert text.count("{") == text.count("}")


def test_names_of_people_and_of_groups(tmp_path: Path) -> None:
    path = tmp_path / "CITATION.cff"
    path.write_text(
        "title: A tool\nauthors: [{name: The group}, {family-names: Curie, given-names: Marie}]\n"
        "version: 2.0\nyear: 1911\nrepository-code: https://example.org/x\n"
    )
    text = citation_box(path)
    assert "- The group, Marie Curie: *A tool*, version 2.0, 1911." in text
    assert "  author = {{The group} and Curie, Marie}" in text
    assert "  url = {https://example.org/x}" in text


def test_many_authors_are_cut_for_readers_only(tmp_path: Path) -> None:
    people = ", ".join(f"{{family-names: F{i}, given-names: G{i}}}" for i in range(5))
    path = tmp_path / "CITATION.cff"
    path.write_text(f"title: A\nauthors: [{people}]\n")
    text = citation_box(path)
    assert "- G0 F0, and others: *A*." in text
    assert "F4, G4" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("title: [", r"CITATION\.cff is not valid YAML"),
        ("- a", r"must hold `key: value` lines"),
        ("title: A tool", r"CITATION\.cff: A tool has no authors; add it"),
        ("title: A\nauthors: [{name: B}]\nreferences: [{year: 1}]",
         "a work without title has no title and no authors"),
        ("title: A tool\nauthors: [Marie Curie]", "each of the authors of A tool needs a `name`"),
        ("title: A tool\nauthors: {name: B}", "each of the authors of A tool needs a `name`"),
        ("title: A\nauthors: [{name: B}]\nreferences: [a]", "`key: value` lines, not 'a'"),
    ],
)  # fmt: skip
def test_faults_of_the_file_are_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "CITATION.cff"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        citation_box(path)
