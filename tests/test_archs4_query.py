"""The query against descriptions as submitters write them, and its settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from lembas.archs4_query import (
    CELL_LINE,
    FETAL,
    IN_VITRO,
    ISOLATED,
    NO_TISSUE,
    OTHER_ORGAN,
    OTHER_SPECIES,
    OWN,
    PROBABILITY,
    SINGLE_CELL,
    TissueQuery,
    counts_by_reason,
    refuse_none,
    select,
)
from lembas.archs4_words import plain, split_pairs, word_pattern

# Source name, title, characteristics, reason to leave it out (blank: a bulk sample of liver).
DESCRIBED = [
    ("Liver biopsy", "NASH_F3_012", "tissue: liver,disease: NASH,fibrosis stage: 3", ""),
    ("liver", "Sample 12", "nas score: 5,hepatocyte ballooning: 2,Sex: M", ""),
    ("Liver tissue", "C_08", "tissue: liver, left lobe,diagnosis: healthy control", ""),
    ("frozen tissue", "pat_7", "tissue: Liver,gender: female,age: 51", ""),
    ("HCC tumor tissue", "T-17", "tissue: hepatocellular carcinoma", ""),
    ("adjacent normal", "N-17", "sample type: non-tumor liver,hbv: positive", ""),
    ("hepatic biopsy", "B9", "", ""),
    ("Liver", "liver_GTEX_1", "tissue: liver,organ: liver,cell line: NA", ""),
    ("explanted liver", "ALD_3", "disease: alcoholic hepatitis,tissue: liver", ""),
    ("liver needle biopsy", "week 48", "treatment: tenofovir,virus: HBV", ""),
    ("surgical specimen", "donor liver 4", "age: 33", ""),
    ("liver", "HIGH_FAT_control", "Tissue: liver\tbmi: 41\tdisease: steatosis", ""),
    ("biopsy", "P2", "biopsy site: liver,primary disease: PSC,donor id: 4", ""),
    ("liver", "Non-cirrhotic", "tissue: liver,comorbidity: kidney failure", ""),
    ("liver tissue", "x", "organism part: liver,ethnicity: blood group unknown", ""),
    ("whole blood", "NAFLD_1", "disease: non-alcoholic fatty liver disease", NO_TISSUE),
    ("PBMC", "HCV_3", "disease state: liver cirrhosis,cell type: PBMC", NO_TISSUE),
    ("Kidney cortex", "K1", "tissue: kidney", NO_TISSUE),
    ("brain", "B_3", "tissue: brain,cause of death: liver failure", NO_TISSUE),
    ("tissue", "delivery 3", "treatment: deliverable", NO_TISSUE),
    ("HepG2", "HepG2 liver cells DMSO", "cell line: HepG2", CELL_LINE),
    ("liver carcinoma cells", "siNC rep1", "cell line: Huh-7.5", CELL_LINE),
    ("liver", "Hep-3B_2", "tissue: liver", CELL_LINE),
    ("hepatic cells", "SK_HEP_1 ctrl", "treatment: none", CELL_LINE),
    ("Liver", "HepaRG d28", "tissue: liver", CELL_LINE),
    ("liver", "PLC/PRF/5 ctrl", "", CELL_LINE),
    ("hepatic stellate cell line LX-2", "TGFb", "", CELL_LINE),
    ("liver", "unnamed", "tissue: liver,cell_line: XYZ-4", CELL_LINE),
    ("liver organoids", "ICO_2", "tissue: liver", IN_VITRO),
    ("hepatocyte-like cells", "d20", "source: iPSC,tissue: liver", IN_VITRO),
    ("primary human hepatocytes", "PHH_rif", "tissue: liver", IN_VITRO),
    ("liver", "donor 3", "tissue: liver,protocol: cultured for 48 h", IN_VITRO),
    ("precision-cut liver slices", "PCLS", "", IN_VITRO),
    ("liver spheroid", "3D", "", IN_VITRO),
    ("liver", "cell 442", "tissue: liver,method: scRNA-seq", SINGLE_CELL),
    ("liver nuclei", "single-nucleus RNA-seq 3", "", SINGLE_CELL),
    ("liver tumor", "PDX 7", "tissue: liver", OTHER_SPECIES),
    ("liver", "hu-liver 1", "host: humanized mouse,tissue: liver", OTHER_SPECIES),
    ("liver", "Kupffer 1", "cell type: Kupffer cell", ISOLATED),
    ("liver", "EPCAM", "tissue: liver,cell type: cholangiocytes", ISOLATED),
    ("liver", "TIL_2", "cell type: CD8+ T cells,tissue: liver", ISOLATED),
    ("liver-derived hepatocytes, sorted", "H", "", ISOLATED),
    ("liver metastasis", "CRC_12", "primary site: colon", OTHER_ORGAN),
    ("liver and kidney pool", "mix", "", OTHER_ORGAN),
    ("liver", "pt 3", "tissue: lymph node, hepatic hilum", OTHER_ORGAN),
    ("fetal liver", "FL", "age: 14 pcw", FETAL),
    ("liver", "FL3", "tissue: liver,developmental stage: embryonic", FETAL),
    ("Liver", "L", "tissue: liver,age: 17 weeks post-conception", FETAL),
]


def table_of(rows: list[tuple[str, ...]], probability: float = 0.01) -> pd.DataFrame:
    table = pd.DataFrame(
        [row[:3] for row in rows], columns=["source_name_ch1", "title", "characteristics_ch1"]
    )
    table.index = pd.Index([f"GSM{number}" for number in range(len(rows))], name="sample")
    return table.assign(series_id="GSE1", singlecellprobability=probability)


@pytest.mark.parametrize(("source", "title", "characteristics", "reason"), DESCRIBED)
def test_descriptions(source: str, title: str, characteristics: str, reason: str) -> None:
    chosen = select(table_of([(source, title, characteristics)]), TissueQuery())
    assert chosen["reason"].tolist() == [reason]
    assert chosen["selected"].tolist() == [reason == ""]


def test_a_verdict_rests_on_one_sample_alone() -> None:
    """Order and company change nothing."""
    samples = table_of(DESCRIBED)
    shuffled = samples.sample(frac=1, random_state=3)
    there = select(shuffled, TissueQuery())
    pd.testing.assert_frame_equal(there.loc[samples.index], select(samples, TissueQuery()))


def test_capitals_change_nothing() -> None:
    samples = table_of(DESCRIBED)
    upper = samples.assign(**{name: samples[name].str.upper() for name in samples.columns[:3]})
    expected = select(samples, TissueQuery())["reason"]
    assert select(upper, TissueQuery())["reason"].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("probability", "kept"), [(0.0, True), (0.49, True), (0.5, False), (1.0, False), (None, False)]
)
def test_the_single_cell_probability(probability: float | None, kept: bool) -> None:
    samples = table_of(DESCRIBED[:1], np.nan if probability is None else probability)
    chosen = select(samples, TissueQuery())
    assert chosen["selected"].item() is kept
    assert chosen["reason"].item() == ("" if kept else PROBABILITY)
    assert select(samples, TissueQuery(single_cell_probability=None))["selected"].item() is True


def test_fetal_samples_are_kept_on_request() -> None:
    samples = table_of([("fetal liver", "FL", "age: 14 pcw")])
    assert select(samples, TissueQuery(keep_fetal=True))["selected"].all()


def test_own_words_and_another_tissue() -> None:
    samples = table_of([("HCC tissue", "T", "tissue: liver"), ("kidney biopsy", "K", "")])
    own = select(samples, TissueQuery.of({"also_exclude": ["HCC"]}))
    assert own["reason"].tolist() == [OWN, NO_TISSUE]
    kidney = TissueQuery.of({"tissue": ["kidney*"], "other_organs": ["liver*"]})
    assert select(samples, kidney)["selected"].tolist() == [False, True]


def test_counts_by_reason() -> None:
    chosen = select(table_of(DESCRIBED), TissueQuery())
    table = counts_by_reason(chosen).set_index("reason")
    assert table.index[0] == "selected"
    assert table["samples"].sum() == len(DESCRIBED)
    expected = pd.Series([row[3] or "selected" for row in DESCRIBED]).value_counts()
    assert table["samples"].to_dict() == expected.to_dict()
    assert "hepg2" in table.loc[CELL_LINE, "such_as"]


def test_none_selected_names_reasons_and_sources() -> None:
    samples = table_of([("HepG2", "1", ""), ("HepG2", "2", ""), ("brain", "3", "")])
    chosen = select(samples, TissueQuery())
    with pytest.raises(
        ValueError, match=r"selects none of 3 samples: .*not named \(3\).*'HepG2' \(2\)"
    ) as said:
        refuse_none(chosen, samples, "file.h5")
    assert str(said.value).endswith("change the query's words or limits")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tisue": ["liver"]}, "unknown setting.*tisue.*near: tisue: tissue"),
        ({"tissue": "liver"}, "tissue is 'liver'; expected a list of words"),
        ({"tissue": []}, "tissue is empty"),
        ({"also_exclude": ["?"]}, "expected a list of words"),
        ({"keep_fetal": "maybe"}, "keep_fetal is 'maybe'; expected true or false"),
        ({"single_cell_probability": 2}, "single_cell_probability is 2; expected a number above 0"),
        ({"single_cell_probability": "high"}, "single_cell_probability is 'high'; expected a numb"),
        ({"single_cell_probability": True}, "single_cell_probability is True; expected a number"),
        (["keep_fetal"], r"query is \['keep_fetal'\]; expected settings by name"),
        ({"min_library_size": -1}, "min_library_size must be at least 1"),
        ({"min_genes": 1.5}, "min_genes must be a whole number, got 1.5; correct the query"),
    ],
)
def test_settings_without_meaning(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TissueQuery.of(settings)


@pytest.mark.parametrize(
    ("tissue", "source"),
    [("skin", "skin biopsy"), ("kidney", "kidney"), ("lung*", "Lung, left"), ("whole blood",) * 2],
)
def test_the_tissue_asked_for_is_no_other_organ(tissue: str, source: str) -> None:
    query = TissueQuery.of({"tissue": [tissue]})
    chosen = select(table_of([(source, "1", ""), (f"{source}, brain", "2", "")]), query)
    assert chosen["reason"].tolist() == ["", OTHER_ORGAN]


def test_a_part_of_another_organs_name_leaves_it_excluded() -> None:
    query = TissueQuery.of({"tissue": ["bone"]})
    chosen = select(table_of([("bone", "1", ""), ("bone marrow", "2", "")]), query)
    assert chosen["reason"].tolist() == ["", OTHER_ORGAN]


def test_settings_come_back() -> None:
    query = TissueQuery.of({"keep_fetal": True, "also_exclude": ["HCC"], "min_genes": 5})
    assert TissueQuery.of(query.settings) == query


@pytest.mark.parametrize(
    "text", ["HepG2", "Hep-G2", "hep_g2", "HEP G 2", "x HepG2/C3A", "hepg2ntcp"]
)
def test_a_word_is_found_however_it_is_written(text: str) -> None:
    assert word_pattern(["Hep G2*"]).search(plain(text))


@pytest.mark.parametrize("text", ["deliver", "oliver", "slivers", "l iver"])
def test_a_part_of_a_word_is_no_word(text: str) -> None:
    assert not word_pattern(["liver*"]).search(plain(text))


def test_no_word_finds_nothing() -> None:
    assert not word_pattern([]).search("liver")


def test_pairs_of_early_releases() -> None:
    pairs = [("tissue", "liver"), ("age", "51")]
    assert split_pairs("tissue: liverXx-xXage: 51") == pairs
    assert split_pairs("tissue: liver\tage: 51") == pairs
