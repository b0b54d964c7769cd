"""Choose which table is the study, which are external cohorts, and say why; ask where unclear."""

from __future__ import annotations

import re

from lembas.draft import Draft
from lembas.folder_survey import Answers, Found
from lembas.formats import counted, listed
from lembas.measured import Measured
from lembas.recognise import ORIGINAL_FILES
from lembas.survey_words import KINDS_OF_NAMES, SCALES

ACCESSION = re.compile(r"GSE\d+|E-[A-Z]{4}-\d+|TCGA-\w+", re.IGNORECASE)
# Words that say what a table holds, not whose samples they are.
NOT_NAMES = re.compile(
    r"\b(counts?|raw|expression|genes?|table|tpm|cpm|log\d*|matrix|norm|ncbi|grch\d+|p\d+)\b"
)
RESERVED = ("train", "test", "study")


def choose_study(draft: Draft, found: Found, answers: Answers) -> None:
    """Take the table the user names, or propose the largest."""
    tables = [table for table in found.tables if table.file not in answers.external.values()]
    if not tables:
        _ask_for_table(draft, found)
        return
    if answers.study:
        draft.study = found.table(answers.study)
        draft.reasons["study"] = "named by --study"
    elif found.is_original:
        draft.study = found.table(ORIGINAL_FILES["gene_table"])
        draft.reasons["study"] = "named as in the original study"
    else:
        _propose_largest(draft, tables)


def _ask_for_table(draft: Draft, found: Found) -> None:
    """Say that there is no table, and which files may be one but cannot be read."""
    ask_for_file(
        draft,
        found,
        "There is no table of expression here",
        "put one into the folder: .tsv, .csv, .txt (each also with .gz), .parquet, .h5ad, or "
        "ARCHS4's .h5; genes on one side, samples on the other",
    )


def ask_for_file(draft: Draft, found: Found, lacking: str, remedy: str) -> None:
    """Ask for a file that is not there, and name those that may be it but cannot be read.

    Args:
        draft: Takes the question.
        found: What the folder holds.
        lacking: What is not there, a sentence without its full stop.
        remedy: What to put there.
    """
    spoilt = found.of_role("unreadable")
    reasons = "; ".join(f"{record.file}: {record.why}" for record in spoilt[:5])
    draft.ask(
        f"{lacking}{f'; not readable: {reasons}' if spoilt else ''}.",
        f"{'mend what is not readable, or ' if spoilt else ''}{remedy}",
    )


def _propose_largest(draft: Draft, tables: list[Measured]) -> None:
    """Propose the largest table as the study, and say so; ask where several are as large."""
    most = max(table.n_cells for table in tables)
    largest = [table for table in tables if table.n_cells == most]
    if len(largest) > 1:
        draft.ask(
            f"{counted(len(largest), 'table')} are equally large: "
            f"{listed(table.file for table in largest)}. Which is the study?",
            f"--study {largest[0].file}",
        )
        return
    (draft.study,) = largest
    if len(tables) == 1:
        draft.reasons["study"] = "the only table"
        return
    draft.reasons["study"] = f"the largest of {len(tables)} tables"
    draft.notes.append(
        f"{draft.study.file} is proposed as the study because it is the largest table; "
        "--study FILE names another."
    )


def choose_partner(draft: Draft, found: Found) -> tuple[Measured, Measured] | None:
    """Find the study's table of TFs and its table of genes, where they are two files.

    Returns:
        The two tables, TFs first; None when the study is one table.
    """
    study = draft.study
    if study is None:
        return None
    if found.is_original and study.record.original == "gene_table":
        tfs = found.table(ORIGINAL_FILES["tf_table"])
        return (tfs, study) if tfs is not None and tfs.genes_in == study.genes_in else None
    same = [
        table
        for table in found.tables
        if table.file != study.file and same_samples(table, study) and _fits(table, study)
    ]
    if not same:
        return None
    if len(same) > 1:
        draft.ask(
            f"{listed(table.file for table in same)} have the samples of {study.file}. Which "
            "belongs to the study?",
            "leave one table of TFs and one of genes in the folder",
        )
        return None
    network = draft.files.get("network") or next(iter(found.networks), "")
    if network not in found.networks:
        return None
    known = found.networks[network]
    pair = sorted(
        (study, same[0]), key=lambda table: table.genes.isin(known.tfs).mean(), reverse=True
    )
    return pair[0], pair[1]


def choose_externals(draft: Draft, found: Found, answers: Answers) -> None:
    """Propose every other table that can be read beside the study as an external cohort."""
    study = draft.study
    if study is None or answers.no_external:
        return
    if answers.external:
        draft.use("external", dict(answers.external), "named by --external")
        for name, file in answers.external.items():
            table = found.table(file)
            if table is not None and (reason := _reason_against(table, study)):
                draft.ask(f"The external cohort {name} does not fit: {file} {reason}.", MEND)
        return
    proposed: dict[str, str] = {}
    taken = {study.file, *(file for file in draft.files.values() if isinstance(file, str))}
    for table in found.tables:
        if table.file in taken:
            continue
        if reason := _reason_against(table, study):
            draft.unused[table.file] = reason
        else:
            proposed[cohort_name(table.file, (*RESERVED, study_name(study.file), *proposed))] = (
                table.file
            )
    if proposed:
        draft.use("external", proposed, "other samples, the same scale and orientation")
        draft.notes.append(
            f"{listed(proposed.values())}: proposed as external {plural_cohorts(len(proposed))}; "
            "--external NAME=FILE names others, --no-external none."
        )


MEND = "make it like the study's table, name another with --external NAME=FILE, or --no-external"


def plural_cohorts(number: int) -> str:
    """Write "cohort" or "cohorts"."""
    return "cohort" if number == 1 else "cohorts"


def _reason_against(table: Measured, study: Measured) -> str:
    """Say why a table cannot be an external cohort of a study; empty when it can."""
    if not table.genes_in:
        return "does not say where its genes are"
    if table.record.layout in ("h5ad", "archs4"):
        return f"is {table.record.layout}, whose cohorts are named inside the file"
    if same_samples(table, study):
        return f"has the samples of {study.file} in another form"
    shared = table.samples[table.samples.isin(study.samples)]
    if len(shared):
        return f"shares {counted(len(shared), 'sample name')} with {study.file}: {listed(shared)}"
    if not _fits(table, study):
        return (
            f"holds {SCALES[table.scale.kind]}, {KINDS_OF_NAMES[table.names.kind]} in "
            f"{table.genes_in}; the study {SCALES[study.scale.kind]}, "
            f"{KINDS_OF_NAMES[study.names.kind]} in {study.genes_in}"
        )
    return f"has a problem: {table.record.problems[0]}" if table.record.problems else ""


def _fits(table: Measured, study: Measured) -> bool:
    """Say whether two tables can be read by the same settings."""
    if table.genes_in != study.genes_in or study.record.layout in ("h5ad", "archs4"):
        return False
    identifiers = {"ensembl_versioned": "ensembl", "mixed": "symbol", "other": "symbol"}
    kinds = {identifiers.get(part.names.kind, part.names.kind) for part in (table, study)}
    scales = table.scale.may_be & study.scale.may_be
    return len(kinds) == 1 and bool(scales)


def same_samples(one: Measured, other: Measured) -> bool:
    """Say whether two tables have the same samples, in any order."""
    return len(one.samples) == len(other.samples) > 0 and bool(
        one.samples.isin(other.samples).all()
    )


def study_name(file: str) -> str:
    """Name a study after its file."""
    return cohort_name(file, ())


def cohort_name(file: str, taken: tuple[str, ...]) -> str:
    """Name a cohort after its file: an accession in the name, or the name without its suffix.

    Args:
        file: Name of the file.
        taken: Names that are no longer free.
    """
    stem = file.rpartition("/")[2].split(".")[0]
    accession = ACCESSION.search(stem)
    plain = re.sub(r"[^A-Za-z0-9]+", " ", stem)
    words = NOT_NAMES.sub("", plain.lower()).split() or plain.split()
    name = accession.group().upper() if accession else "_".join(words) or "cohort"
    numbered = (f"{name}_{number}" for number in range(2, 1000))
    return name if name not in taken else next(n for n in numbered if n not in taken)


def choose_series(draft: Draft, found: Found, answers: Answers) -> None:
    """Use the table of series, if there is one, and ask when there are several."""
    records = found.of_role("series")
    if draft.source in ("h5ad", "archs4"):
        draft.unused |= {record.file: "series are read from the file itself" for record in records}
        return
    files = [answers.series] if answers.series else [record.file for record in records]
    if len(files) > 1:
        draft.ask(
            f"{listed(files)} both name the samples' series. Which holds?",
            f"--series {files[0]}",
        )
    elif files and draft.study is not None:
        rows = found.records[files[0]]
        known = int(draft.study.samples.isin(rows.rows).sum()) if rows.corner == "sample" else None
        draft.use("series", files[0], "whole series are held out, so none is in both parts")
        if known is not None and known < draft.study.n_samples:
            draft.ask(
                f"{files[0]} names the series of {known:,} of the "
                f"{counted(draft.study.n_samples, 'sample')} of {draft.study.file}.",
                "add the others, or take the table out of the folder",
            )
