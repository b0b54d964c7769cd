"""Say what a folder holds and what is proposed: sentences for people, a document for programs."""

from __future__ import annotations

from typing import Any

from lembas.draft import Draft
from lembas.folder_survey import Found
from lembas.formats import counted, listed
from lembas.measured import Measured, Overlap
from lembas.recognise import ROLES, Recognised

KINDS_OF_NAMES = {
    "symbol": "symbols",
    "ensembl": "Ensembl ids",
    "ensembl_versioned": "Ensembl ids with versions",
    "entrez": "Entrez ids",
    "mixed": "names of several kinds",
    "other": "names of an unknown kind",
}
SCALES = {
    "counts": "counts",
    "log10": "log10 of CPM or TPM",
    "log2": "log2 values",
    "linear": "CPM or TPM, no logarithm",
    "centred": "centred values",
    "mixed": "samples on different scales",
    "unclear": "scale not clear",
}
LICENCES = (
    "Nothing was copied. Data and networks keep their own licences and terms of use: look them up "
    "before you share results. CollecTRI and DoRothEA unite sources with terms of their own."
)


def lines(found: Found, draft: Draft) -> list[str]:
    """Describe a folder and the proposal, line by line.

    Args:
        found: What the folder holds.
        draft: What is proposed.
    """
    parts = [
        [f"{found.folder}: {counted(len(found.records), 'file')}", *_files(found)],
        ["Names that network and tables share", *map(_met, draft.overlaps)],
        _proposal(draft),
        ["Not used", *(f"  {file}: {reason}" for file, reason in draft.unused.items())],
        ["Notes", *(f"  - {note}" for note in draft.notes), f"  - {LICENCES}"],
        _questions(draft),
    ]
    shown = [part for part in parts if len(part) > 1]
    return [line for part in shown for line in ("", *part)][1:]


def document(found: Found, draft: Draft) -> dict[str, Any]:
    """Describe a folder and the proposal as JSON holds it.

    Args:
        found: What the folder holds.
        draft: What is proposed.
    """
    return {
        "folder": str(found.folder),
        "files": [_file_entry(record, found) for record in found.records.values()],
        "overlaps": [_overlap_entry(shared) for shared in draft.overlaps],
        "proposal": {
            "source": draft.source,
            "study": draft.study.file if draft.study is not None else "",
            "files": draft.files,
            "options": draft.options,
            "reasons": draft.reasons,
        },
        "unused": draft.unused,
        "notes": [*draft.notes, LICENCES],
        "questions": [{"text": item.text, "answer": item.answer} for item in draft.questions],
    }


def described(record: Recognised, found: Found) -> str:
    """Say in a line what a file holds."""
    table = found.table(record.file)
    if table is not None:
        return _described_table(table)
    if (network := found.networks.get(record.file)) is not None:
        return (
            f"network: {counted(len(network.edges), 'edge')}, {counted(len(network.tfs), 'TF')}, "
            f"{counted(len(network.genes), 'target')} ({record.why})"
        )
    rows = f", {counted(record.n_rows, 'row')}" if record.n_rows else ""
    return f"{ROLES[record.role]}{rows} ({record.why})"


def _described_table(table: Measured) -> str:
    about = "" if table.record.complete or table.record.layout == "archs4" else "about "
    kind = {"h5ad": "AnnData", "archs4": "ARCHS4", "parquet": "Parquet"}.get(table.record.layout)
    head = f"expression ({kind})" if kind else "expression"
    if not table.genes_in:
        size = f"{table.record.n_rows:,} rows, {len(table.record.columns):,} columns"
        return f"{head}: {about}{size}; where the genes are is not known ({table.why})"
    return (
        f"{head}: {about}{counted(table.n_samples, 'sample')}, "
        f"{counted(table.n_genes, 'gene')} in {table.genes_in}, "
        f"{KINDS_OF_NAMES[table.names.kind]}; {SCALES[table.scale.kind]}"
    )


def _files(found: Found) -> list[str]:
    texts = []
    for record in found.records.values():
        texts.append(f"  {record.file}")
        texts.append(f"      {described(record, found)}")
        texts += [f"      problem: {problem}" for problem in record.problems]
        if table := found.table(record.file):
            if table.genes_in and record.layout in ("text", "parquet"):
                texts.append(f"      genes in {table.genes_in}: {table.why}")
            texts += [f"      scale: {sentence}" for sentence in table.scale.evidence]
            texts += [f"      note: {text}" for text in _about_names(table)]
    return texts


def _about_names(table: Measured) -> list[str]:
    """Say what looks wrong with a table's names of genes."""
    names = table.names
    found = (
        (names.excel_mangled, "a spreadsheet changes: dates, or symbols it takes for dates"),
        (names.mouse_style if len(names.mouse_style) * 2 > names.n else (), "written as for mice"),
        (names.lower_case if len(names.lower_case) * 2 > names.n else (), "in lower case"),
    )
    return [
        f"{counted(len(labels), 'gene name')} that are {what}: {listed(labels)}"
        if what != found[0][1]
        else f"{counted(len(labels), 'gene name')} that {what}: {listed(labels)}"
        for labels, what in found
        if labels
    ]


def _met(shared: Overlap) -> str:
    """Say in a line what a network and a table share."""
    lacking = listed(shared.not_measured, most=3)
    text = (
        f"  {shared.table} has {shared.n_tfs_measured:,} of {shared.n_tfs:,} TFs and "
        f"{shared.n_targets_measured:,} of {shared.n_targets:,} targets of {shared.network}"
    )
    offers = [f"{old} as {new}" for old, new in list(shared.offers.items())[:5]]
    hint = f"; may be meant: {', '.join(offers)}" if offers else ""
    return f"{text}{f'; it lacks {lacking}' if lacking else ''}{hint}"


def _proposal(draft: Draft) -> list[str]:
    if not draft.source:
        return []
    shown = [f"  source {draft.source}: {draft.reasons.get('source', '')}"]
    for role, value in draft.files.items():
        shown.append(f"  {role} {_value(value)}: {draft.reasons.get(role, '')}".rstrip(": "))
    for option, value in draft.options.items():
        shown.append(f"  {option} {value}: {draft.reasons.get(option, '')}".rstrip(": "))
    return ["Proposal", *shown]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={file}" for name, file in value.items())
    return str(value)


def _questions(draft: Draft) -> list[str]:
    head = f"{counted(len(draft.questions), 'question')} to settle before a profile is written"
    texts = []
    for number, question in enumerate(draft.questions, start=1):
        texts += [f"  {number}. {question.text}", f"     Answer: {question.answer}"]
    return [head, *texts]


def _file_entry(record: Recognised, found: Found) -> dict[str, Any]:
    table, network = found.table(record.file), found.networks.get(record.file)
    entry: dict[str, Any] = {
        "file": record.file,
        "role": record.role,
        "why": record.why,
        "layout": record.layout,
        "problems": list(record.problems),
    }
    if table is not None:
        entry |= {
            "genes_in": table.genes_in,
            "orientation": table.why,
            "n_samples": table.n_samples,
            "n_genes": table.n_genes,
            "estimated": not record.complete and record.layout != "archs4",
            "names": table.names.kind,
            "scale": table.scale.kind,
            "scale_evidence": list(table.scale.evidence),
            "cohorts": dict(record.cohorts),
        }
    if network is not None:
        entry |= {
            "n_edges": len(network.edges),
            "n_tfs": len(network.tfs),
            "n_targets": len(network.genes),
        }
    return entry


def _overlap_entry(shared: Overlap) -> dict[str, Any]:
    names = ("table", "network", "n_tfs", "n_tfs_measured", "n_targets", "n_targets_measured")
    entry = {name: getattr(shared, name) for name in names}
    return entry | {
        "not_measured": list(shared.not_measured),
        "offers": dict(list(shared.offers.items())[:5]),
    }
