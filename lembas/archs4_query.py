"""Decide from their descriptions which of ARCHS4's samples are bulk samples of a tissue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import pandas as pd

from lembas.archs4_words import Description, plain, word_pattern
from lembas.checks import check_whole, is_number
from lembas.formats import listed
from lembas.labels import offered_names
from lembas.plain_text import quoted

NO_TISSUE = "the tissue is not named"
CELL_LINE = "cell line"
IN_VITRO = "grown or kept in culture"
SINGLE_CELL = "single cells or nuclei"
OTHER_SPECIES = "xenograft or another species"
ISOLATED = "isolated cells"
OTHER_ORGAN = "another organ, or spread from one"
FETAL = "fetal or embryonic"
OWN = "excluded by words of your own"
PROBABILITY = "single-cell probability too high, or unknown"
LIBRARY = "library too small"
FEW_GENES = "too few genes detected"
SIMILAR = "nearly the same as another sample"


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.replace("\n", " ").split(","))


@dataclass(frozen=True)
class TissueQuery:
    """Say which samples are wanted; as it stands, bulk samples of human liver.

    Words are compared without regard to capitals and punctuation, as whole words; ``*`` at the
    end stands for any ending, and a blank also for none: ``Hep G2`` finds HepG2, Hep-G2, hep_g2.

    What a sample is, is said by its source name, its title, and those of its characteristics
    whose key speaks of tissue, organ, cell type, source, site, specimen or biopsy: a disease or a
    treatment does not make a blood sample one of liver. A sample is left out for the first
    reason that holds, in the order of the attributes.

    Attributes:
        tissue: One of these must be in what the sample is.
        cell_lines: Names of cell lines, anywhere; a filled characteristic ``cell line`` counts too.
        in_vitro: Signs of culture, of stem cells or of organoids, anywhere.
        single_cells: Signs of single cells or nuclei, anywhere.
        other_species: Signs of a xenograft or of another species, anywhere.
        isolated_cells: Cell types taken out of the tissue, in what the sample is.
        other_organs: Other organs, body fluids and metastases, in what the sample is; a word that
            one of ``tissue`` names too is passed over.
        fetal: Signs of unborn donors, anywhere.
        keep_fetal: Whether to keep them all the same.
        also_exclude: Words of your own, anywhere, such as ``hepatocellular carcinoma``.
        single_cell_probability: Samples at or above it are left out, and those without one;
            in (0, 1]; None: not asked.
        min_library_size: Counts that a sample must have, over all genes.
        min_genes: Genes with a count that a sample must have.
    """

    tissue: tuple[str, ...] = _words("liver*, hepatic, hepatocellular*")
    cell_lines: tuple[str, ...] = _words(
        """Hep G2*, Huh 6*, Huh 7*, Huh 1, HepaRG*, Hepa RG*, Hep 3B*, C3A, SK Hep*, PLC PRF 5*,
        THLE 2*, THLE 3*, THLE 5B*, L02, LO2, HL 7702, LX 2*, MHCC97*, MHCC 97*, HCCLM3*,
        HCC LM3*, SMMC 7721*, BEL 7402*, BEL 7404*, QGY 7703*, SNU 182, SNU 387, SNU 398, SNU 423,
        SNU 449, SNU 475, JHH*, HLE, HLF, Li 7, HepAD38*, Hep AD38*, HepLL*, Fa2N 4, HHL 5,
        HuCCT1*, TFK 1, RBE, Hep 1 6, Hepa 1 6, HEK 293*, 293 T, HeLa*, A549*, K562*, MCF 7*,
        HCT 116*, Caco 2*, U2OS*, GM12878, HUVEC*, immortali*"""
    )
    in_vitro: tuple[str, ...] = _words(
        """cell line*, cell culture*, cultur*, cocultur*, in vitro, organoid*, spheroid*,
        bioprinted, liver chip*, microtissue*, organ on a chip, precision cut, liver slice*,
        tissue slice*, passage*, plated, ipsc*, ips cell*, hipsc*, ips derived, pluripotent, hesc*,
        esc derived, embryonic stem, stem cell derived, hepatocyte like*, HLC, HLCs, progenitor*,
        hepatoblast*,
        HepatoStem*, transfect*, transduc*, lentivir*, siRNA*, shRNA*, si control*, knockdown,
        CRISPR*, overexpress*, primary human hepatocyte*, PHH, PHHs, cryopreserved hepatocyte*"""
    )
    single_cells: tuple[str, ...] = _words(
        """single cell*, single nucle*, scRNA*, snRNA*, sc RNA*, sn RNA*, 10x genomics,
        10x chromium, smart seq*, drop seq*, CEL seq*, MARS seq*, single hepatocyte*"""
    )
    other_species: tuple[str, ...] = _words(
        """xenograft*, PDX, PDXs, patient derived x*, mouse, mice, murine, rat, rats, humanized,
        humanised, chimeric, NSG, uPA SCID*, macaque, monkey, pig, porcine, mus musculus"""
    )
    isolated_cells: tuple[str, ...] = _words(
        """hepatocyte, hepatocytes, kupffer*, stellate, HSC, HSCs, sinusoidal, LSEC*,
        cholangiocyte*, macrophage*, monocyte*, lymphocyte*, T cell*, B cell*, NK cell*, CD4*, CD8*,
        CD45*, CD14*, neutrophil*, dendritic, fibroblast*, endothelial, mesenchymal, stem cell*,
        FACS*, sorted, MACS, purified, isolated, exosome*, extracellular vesicle*, microdissect*,
        nuclei, cancer cells, tumor cells, tumour cells, epithelial cell*, infiltrating*, TIL,
        TILs"""
    )
    other_organs: tuple[str, ...] = _words(
        """blood, PBMC*, plasma, serum, leukocyte*, platelet*, bone marrow, brain, cortex,
        cerebell*, hippocamp*, kidney*, renal, lung*, heart, cardiac, muscle*, adipose, skin,
        colon*, colorectal*, rectal, rectum, intestin*, ileum, ileal, jejun*, duoden*, stomach,
        gastric, pancrea*, spleen*, thymus, lymph node*, breast*, prostat*, testis, testes, ovar*,
        uter*, endometri*, placenta*, bladder, gallbladder, bile, retina*, thyroid*, adrenal*,
        esophag*, oesophag*, tonsil*, urine, saliva, feces, stool, ascites, tendon, cartilage, bone,
        melanoma*, glioma*, neuro*, metasta*, CRLM, universal human reference, UHRR"""
    )
    fetal: tuple[str, ...] = _words(
        """fetal, foetal, fetus*, foetus*, embryo*, gestation*, weeks post conception, pcw,
        post conception*, trimester, prenatal, umbilical"""
    )
    keep_fetal: bool = False
    also_exclude: tuple[str, ...] = ()
    single_cell_probability: float | None = 0.5
    min_library_size: int = 1_000_000
    min_genes: int = 10_000

    def __post_init__(self) -> None:
        """Refuse values that have no meaning."""
        for name in _word_fields():
            words = getattr(self, name)
            if not isinstance(words, tuple) or not all(
                isinstance(word, str) and plain(word) for word in words
            ):
                raise ValueError(f"query: {name} is {quoted(words)}; expected a list of words")
        if not self.tissue:
            raise ValueError("query: tissue is empty; name at least one word, such as liver*")
        if not isinstance(self.keep_fetal, bool):
            raise ValueError(
                f"query: keep_fetal is {quoted(self.keep_fetal)}; expected true or false"
            )
        limit = self.single_cell_probability
        if limit is not None and not (is_number(limit) and 0 < limit <= 1):
            raise ValueError(
                f"query: single_cell_probability is {quoted(limit)}; expected a number above 0, at "
                "most 1, or null to leave it unasked"
            )
        check_whole("query: min_library_size", self.min_library_size, least=1)
        check_whole("query: min_genes", self.min_genes, least=1)

    @classmethod
    def of(cls, settings: Mapping[str, Any] | None) -> TissueQuery:
        """Make a query of a profile's settings; what they leave out is as for liver.

        Raises:
            ValueError: If a setting is unknown or has no meaning, or these are no settings.
        """
        if settings is not None and not isinstance(settings, Mapping):
            raise ValueError(
                f"query is {quoted(settings)}; expected settings by name, such as "
                "{keep_fetal: true}"
            )
        given = dict(settings or {})
        known = [item.name for item in fields(cls)]
        unknown = [name for name in given if name not in known]
        if unknown:
            raise ValueError(
                f"query: unknown setting(s) {listed(unknown)} (near: "
                f"{offered_names(unknown[:5], known)}); known: {', '.join(known)}"
            )
        for name in _word_fields():
            if isinstance(given.get(name), list):
                given[name] = tuple(given[name])
        try:
            return cls(**given)
        except TypeError as error:
            raise ValueError(f"{error}; correct the query") from error

    @property
    def settings(self) -> dict[str, Any]:
        """All settings as plain lists, numbers and truth values."""
        listed_words = {name: list(getattr(self, name)) for name in _word_fields()}
        return {**asdict(self), **listed_words}


@dataclass(frozen=True)
class Rule:
    """Leave samples out for one reason.

    Attributes:
        reason: In words.
        pattern: Finds the words.
        everywhere: Whether to look into everything, or only into what the sample is.
    """

    reason: str
    pattern: re.Pattern[str] = field(repr=False)
    everywhere: bool = True

    def evidence(self, described: Description) -> str:
        """Return the words found, blank if there are none."""
        if self.reason == CELL_LINE and described.cell_line:
            return described.cell_line
        text = described.everything if self.everywhere else described.identity
        found = self.pattern.search(text)
        return found.group().strip() if found else ""


def select(samples: pd.DataFrame, query: TissueQuery) -> pd.DataFrame:
    """Decide over the samples' descriptions.

    Args:
        samples: As ``lembas.archs4.Archs4File`` holds them, over ``sample``.
        query: What is wanted.

    Returns:
        Over ``sample``, in the given order: ``selected``; ``reason``, the first one to leave a
        sample out (blank when selected); ``evidence``, the words or number that it rests on.
    """
    tissue = word_pattern(query.tissue)
    rules = _rules(query)
    texts = samples[["source_name_ch1", "title", "characteristics_ch1"]]
    verdicts = [
        _verdict(Description.of(*row), rules, tissue)
        if tissue.search(plain(" | ".join(row)))
        else (NO_TISSUE, "")
        for row in texts.itertuples(index=False, name=None)
    ]
    table = pd.DataFrame(verdicts, index=samples.index, columns=["reason", "evidence"])
    if query.single_cell_probability is not None:
        value = samples["singlecellprobability"]
        wrong = ~(value < query.single_cell_probability) & (table["reason"] == "")
        table.loc[wrong, "reason"] = PROBABILITY
        table.loc[wrong, "evidence"] = value[wrong].map("{:.3g}".format)
    table.insert(0, "selected", table["reason"] == "")
    return table


def counts_by_reason(selection: pd.DataFrame) -> pd.DataFrame:
    """Count the samples selected and those left out for each reason.

    Returns:
        One row a reason: ``reason``, ``samples``, ``such_as`` (commonest evidence); the selected
        come first, then reasons by falling number.
    """
    table = selection.assign(reason=selection["reason"].where(~selection["selected"], "selected"))
    rows = []
    for reason, part in table.groupby("reason", sort=True):
        words = part.loc[part["evidence"] != "", "evidence"].value_counts(sort=False)
        words = words.sort_index().sort_values(ascending=False, kind="stable")
        rows.append((reason, len(part), listed(words.index, most=4) if len(words) else ""))
    found = pd.DataFrame(rows, columns=["reason", "samples", "such_as"])
    order = found.assign(last=found["reason"] != "selected", size=-found["samples"])
    return found.loc[order.sort_values(["last", "size", "reason"]).index].reset_index(drop=True)


def refuse_none(selection: pd.DataFrame, samples: pd.DataFrame, origin: str) -> None:
    """Say why no sample is selected, if none is.

    Raises:
        ValueError: With the number of samples by reason and the commonest source names.
    """
    if selection["selected"].any():
        return
    table = counts_by_reason(selection)
    reasons = listed(f"{row.reason} ({row.samples:,})" for row in table.itertuples())
    sources = samples["source_name_ch1"].value_counts(sort=False).sort_index()
    sources = sources.sort_values(ascending=False, kind="stable")
    named = listed(f"{quoted(name)} ({number:,})" for name, number in sources.items())
    raise ValueError(
        f"{origin}: the query selects none of {len(selection):,} samples: {reasons}; commonest "
        f"source names: {named}; change the query's words or limits"
    )


def _word_fields() -> list[str]:
    return [item.name for item in fields(TissueQuery) if item.type == "tuple[str, ...]"]


def _rules(query: TissueQuery) -> list[Rule]:
    """List the rules of a query in their order."""
    return [
        Rule(CELL_LINE, word_pattern(query.cell_lines)),
        Rule(IN_VITRO, word_pattern(query.in_vitro)),
        Rule(SINGLE_CELL, word_pattern(query.single_cells)),
        Rule(OTHER_SPECIES, word_pattern(query.other_species)),
        Rule(ISOLATED, word_pattern(query.isolated_cells), everywhere=False),
        Rule(OTHER_ORGAN, word_pattern(_organs_besides(query)), everywhere=False),
        Rule(FETAL, word_pattern(() if query.keep_fetal else query.fetal)),
        Rule(OWN, word_pattern(query.also_exclude)),
    ]


def _organs_besides(query: TissueQuery) -> list[str]:
    """Name the other organs, without words for the tissue itself: they would exclude it."""
    tissue = word_pattern(query.tissue)
    return [
        word
        for word in query.other_organs
        if not tissue.fullmatch(plain(word))
        and not any(word_pattern([word]).search(plain(own)) for own in query.tissue)
    ]


def _verdict(described: Description, rules: list[Rule], tissue: re.Pattern[str]) -> tuple[str, str]:
    """Return the first reason to leave a sample out and its evidence; blank both, if none."""
    if not tissue.search(described.identity):
        return NO_TISSUE, ""
    for rule in rules:
        if evidence := rule.evidence(described):
            return rule.reason, evidence
    return "", ""
