"""Tests of the report before any fit: its schema, its text, its page."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import jsonschema
import pandas as pd
import pytest

from lembas.audit import leakage_audit
from lembas.audit_page import as_html
from lembas.audit_report import SCHEMA, as_text, document
from lembas.data import build_dataset
from lembas.network import Network
from lembas.quality import quality_audit
from tests.conftest import random_expression

SCRIPT = "<script>alert(1)</script>"
CONTROL = "G\x1b[31mRED"


@pytest.fixture
def found(small_study, small_network) -> dict:
    other = random_expression("e", 4, ["TF1", "G1", "TF2", "G2"], seed=2)
    dataset = build_dataset(small_study, small_network, external={"other": other})
    return document(dataset, small_network, origin="profile small")


@pytest.fixture
def hostile() -> dict:
    """Genes and samples with names that a page or a terminal could take for orders."""
    edges = [(tf, gene, 1) for tf in ("TF1", SCRIPT) for gene in ("G1", SCRIPT, CONTROL, "G9")]
    network = Network.from_edges(pd.DataFrame(edges, columns=["TF", "Gene", "Interaction"]))
    genes = ["TF1", SCRIPT, "G1", CONTROL]
    study = random_expression('"><img src=x>', 20, genes, seed=1)
    study.iloc[3] = study.iloc[2]
    return document(build_dataset(study, network), network, origin=f"dataset {SCRIPT}")


def test_the_document_is_valid_and_survives_json(found, hostile) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for item in (found, hostile):
        jsonschema.validate(item, SCHEMA)
        assert json.loads(json.dumps(item, allow_nan=False)) == item


def test_genes_of_no_role_are_valid_and_shown_whole(found) -> None:
    names = ["ENSG00000000952.8", "ENSG00000000953.9"]
    row = {"role": "none", "reason": "no symbol in the table of names", "genes": 2}
    many = {**found, "excluded": [{**row, "examples": names}]}
    jsonschema.validate(many, SCHEMA)
    shown = next(line for line in as_text(many).splitlines() if "no symbol" in line)
    assert shown.startswith("  neither  no symbol")
    assert shown.endswith("ENSG00000000952.8 ...")


def test_the_rows_are_those_of_the_audits(found, small_study, small_network) -> None:
    other = random_expression("e", 4, ["TF1", "G1", "TF2", "G2"], seed=2)
    dataset = build_dataset(small_study, small_network, external={"other": other})
    for topic, table in (
        ("leakage", leakage_audit(dataset, small_network)),
        ("quality", quality_audit(dataset)),
    ):
        rows = pd.DataFrame([row for row in found["audit"] if row["topic"] == topic])
        pd.testing.assert_frame_equal(rows[list(table.columns)], table)
    assert sum(found["verdicts"].values()) == len(found["audit"])
    assert [row["samples"] for row in found["samples"]] == [16, 4, 4]
    assert found["samples"][0]["known_series"] is None
    assert sum(row["genes"] for row in found["excluded"]) == len(dataset.excluded)


def test_the_text_is_narrow_and_names_every_check(found) -> None:
    text = as_text(found)
    assert max(map(len, text.splitlines())) <= 80
    for row in found["audit"]:
        assert f"{row['verdict']:<8} {row['check']}" in text
    assert text.splitlines()[0] == "profile small: study, log10(CPM+1)"


def test_the_text_sends_a_terminal_no_orders(hostile) -> None:
    text = as_text({**hostile, "study": CONTROL})
    assert "\x1b" not in text
    assert "G?[31mRED" in text


class Tags(HTMLParser):
    """Gather tags and text, as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_names_as_text(hostile) -> None:
    page = Tags()
    page.feed(as_html(hostile))
    assert not {"script", "img", "link"} & set(page.tags)
    assert SCRIPT in page.text
    assert '"><img src=x>' in page.text
    assert not {"src", "href", "onerror"} & set(page.attributes)


def test_the_page_holds_every_row_and_stands_alone(found) -> None:
    text = as_html(found)
    page = Tags()
    page.feed(text)
    for row in found["audit"]:
        assert row["check"] in page.text
        assert row["finding"] in page.text
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    assert "http" not in text
