"""Propose a profile for a folder: what is chosen and why, and what only the user can say."""

from __future__ import annotations

from lembas.cohort_choice import (
    ask_for_file,
    choose_externals,
    choose_partner,
    choose_series,
    choose_study,
    study_name,
)
from lembas.draft import Draft
from lembas.folder_survey import Answers, Found
from lembas.formats import counted, listed
from lembas.gene_choice import choose_names
from lembas.measured import Measured, Overlap, overlap
from lembas.recognise import ORIGINAL_FILES
from lembas.scales import EXPECTED

SCALE_REMEDIES = {
    "log2": "multiply log2(x + 1) by 0.30103 to make it log10(x + 1), or give raw counts",
    "linear": "take log10(x + 1) of CPM or TPM first, or give raw counts",
    "centred": "give values from before centring, or raw counts",
    "mixed": "bring all samples to one scale",
}


def propose(found: Found, answers: Answers | None = None) -> Draft:
    """Choose files and settings for a profile.

    What names and numbers say is chosen, with the reason; what they do not say is asked. Larger
    tables are proposed as the study, and that is said.

    Args:
        found: What the folder holds.
        answers: What the user settles.

    Returns:
        The draft; it may be written as a profile when ``questions`` is empty.
    """
    answers = answers or Answers()
    draft = Draft()
    _choose_network(draft, found, answers)
    choose_study(draft, found, answers)
    if draft.study is not None and _is_sound(draft, draft.study):
        _choose_source(draft, found, draft.study, answers=answers)
        choose_names(draft, found, answers)
        if draft.source not in ("h5ad", "archs4"):
            choose_externals(draft, found, answers)
        choose_series(draft, found, answers)
        _settle(draft, draft.study, answers)
        _choose_lengths(draft, found)
    _meet(draft, found)
    _list_unused(draft, found)
    _note_unreadable(draft, found)
    return draft


def _choose_network(draft: Draft, found: Found, answers: Answers) -> None:
    """Take the only network, or the one the user names."""
    files = list(found.networks)
    refused = [record for record in found.of_role("network") if record.file not in files]
    if answers.network_options:
        draft.set("network_options", answers.network_options, "as the options of the call say")
    blocking = [record for record in refused if answers.network == record.file or not files]
    for record in blocking:
        draft.ask(
            f"{record.file} is a network ({record.why}) that cannot be read: {record.problems[0]}.",
            "; ".join(["mend it", *_flags_for(record.problems[0])]),
        )
    if blocking:
        return
    if answers.network:
        draft.use("network", answers.network, "named by --network")
    elif len(files) == 1:
        draft.use("network", files[0], "the only network")
    elif found.is_original and not answers.study and ORIGINAL_FILES["network"] in files:
        draft.use("network", ORIGINAL_FILES["network"], "named as in the original study")
    else:
        _ask_for_network(draft, found)


def _flags_for(problem: str) -> list[str]:
    """Offer the options that settle what a network was refused for: those its message names."""
    flags = {
        "unsigned: true": "--unsigned lets edges have no sign",
        "on_conflict: drop (": "--on-conflict drop leaves out edges with both signs",
    }
    return [words for named, words in flags.items() if named in problem]


def _ask_for_network(draft: Draft, found: Found) -> None:
    """Ask which network is the prior, or for one."""
    if not found.networks:
        ask_for_file(
            draft,
            found,
            "There is no network here",
            "put one into the folder: the columns TF, Gene and Interaction (1 or -1), or another "
            "layout of the page own_network",
        )
        return
    sizes = (
        f"{file} ({counted(len(network.edges), 'edge')}, {counted(len(network.tfs), 'TF')})"
        for file, network in found.networks.items()
    )
    draft.ask(
        f"There are {len(found.networks)} networks: {listed(sizes)}. Which is the prior?",
        f"--network {next(iter(found.networks))}",
    )


def _is_sound(draft: Draft, study: Measured) -> bool:
    """Ask for what must be mended, or said, before anything else is known of a study."""
    for problem in study.record.problems:
        draft.ask(f"{study.file} cannot be read as it is.", problem)
    if not study.genes_in:
        rows, columns = study.record.rows, study.record.columns
        draft.ask(
            f"Where are the genes of {study.file}? {study.why}. Its rows are called "
            f"{listed(rows, most=3)}, its columns {listed(columns, most=3)}.",
            "--genes-in rows or --genes-in columns",
        )
    return bool(study.genes_in)


def _choose_source(draft: Draft, found: Found, study: Measured, *, answers: Answers) -> None:
    """Choose the kind of source by the file's format and the values' scale."""
    scale = _scale(draft, study, answers.scale)
    if study.record.layout == "archs4":
        draft.source, draft.reasons["source"] = "archs4", "data/expression and meta, as in ARCHS4"
        draft.use("archs4", study.file, draft.reasons.get("study", ""))
    elif scale == "counts":
        _choose_counts(draft, found, study)
    elif scale == "log10" and study.record.layout == "h5ad":
        draft.source, draft.reasons["source"] = "h5ad", "an .h5ad on a log10 scale"
        draft.use("h5ad", study.file, draft.reasons.get("study", ""))
    elif scale == "log10":
        _choose_tables(draft, found, study)


def _scale(draft: Draft, study: Measured, said: str) -> str:
    """Return the scale of the study's values; ask, and return nothing, where it is not clear."""
    report = study.scale
    evidence = " ".join(report.evidence)
    if said and said not in report.may_be:
        draft.ask(
            f"--scale {said} does not fit {study.file}, whose scale is {report.kind}. {evidence}",
            SCALE_REMEDIES.get(report.kind, "leave the option out, or name another --study"),
        )
        return ""
    if said or report.kind in EXPECTED:
        draft.reasons["scale"] = "as --scale says" if said else evidence
        return said or report.kind
    choices = " or ".join(f"--scale {kind}" for kind in EXPECTED if kind in report.may_be)
    draft.ask(
        f"The scale of {study.file} is {report.kind}. {evidence}".strip(),
        choices or SCALE_REMEDIES.get(report.kind, "give raw counts, or log10(CPM + 1)"),
    )
    return ""


def _choose_counts(draft: Draft, found: Found, study: Measured) -> None:
    """Read counts, those of NCBI by their annotation."""
    annotations = [record.file for record in found.of_role("annotation")]
    draft.use("counts", study.file, draft.reasons.get("study", ""))
    if study.names.kind == "entrez" and len(annotations) == 1:
        draft.source = "geo"
        draft.reasons["source"] = "counts under Entrez ids, and the annotation that names them"
        draft.use("annotation", annotations[0], "columns GeneID and Symbol")
        return
    draft.source, draft.reasons["source"] = "counts", draft.reasons["scale"]
    if study.names.kind == "entrez" and len(annotations) > 1:
        draft.ask(
            f"There are {len(annotations)} annotations: {listed(annotations)}. Which belongs to "
            f"{study.file}?",
            "leave that one in the folder: it is of the genome that the counts' name says",
        )


def _choose_tables(draft: Draft, found: Found, study: Measured) -> None:
    """Read tables on a log10 scale: one of TFs and one of genes, or one of both."""
    draft.source, draft.reasons["source"] = "tables", draft.reasons["scale"]
    pair = choose_partner(draft, found)
    if pair is None:
        draft.use("tf_table", study.file, "one table holds TFs and genes")
        draft.use("gene_table", study.file, draft.reasons.get("study", ""))
        return
    tfs, genes = pair
    draft.beside = tfs.file if genes is study else genes.file
    draft.names[study.file] = genes.genes.union(tfs.genes)
    if found.is_original:
        draft.source, draft.reasons["source"] = "study", "files named as in the original study"
    draft.use("tf_table", tfs.file, f"the samples of {genes.file}, and more TFs among its genes")
    draft.use("gene_table", genes.file, draft.reasons.get("study", ""))


def _settle(draft: Draft, study: Measured, answers: Answers) -> None:
    """Choose the settings of the source."""
    name = study_name(study.file)
    if draft.source in ("counts", "geo", "archs4"):
        unit = answers.unit or "cpm"
        draft.set("unit", unit, "as --unit says" if answers.unit else "counts per million reads")
        draft.set("min_expression", 0.5, f"in {unit.upper()}; a gene must reach it in min_fraction")
        draft.set("min_fraction", 0.2, "of the training samples")
    elif draft.source:
        draft.set("unit", "log10(x+1)", "a label in figures: write CPM or TPM for x")
    if draft.source == "h5ad":
        _choose_cohort(draft, study, answers.cohort)
    elif draft.source:
        draft.set("study", name, "after its file; a name for tables and figures")
    usual = {"counts": "rows", "tables": "columns", "study": "columns"}.get(draft.source)
    if usual and study.genes_in != usual:
        draft.set("genes_in", study.genes_in, study.why)
    if draft.source:
        draft.set("seed", 888, "of the split into training and test samples")


def _choose_lengths(draft: Draft, found: Found) -> None:
    """Use a table of gene lengths when TPM is wanted, and say that it is there when not."""
    files = [record.file for record in found.of_role("gene_lengths")]
    if draft.options.get("unit") != "tpm" or draft.source == "geo":
        if files and draft.source in ("counts", "archs4"):
            draft.notes.append(f"{listed(files)} would allow TPM instead of CPM: --unit tpm.")
        return
    if len(files) == 1:
        draft.use("gene_lengths", files[0], "columns gene_name and length_bp, needed for TPM")
    else:
        draft.ask(
            f"TPM needs one table of gene lengths, and there are {len(files)}.",
            "leave one table with the columns gene_name and length_bp in the folder, or --unit cpm",
        )


def _choose_cohort(draft: Draft, study: Measured, said: str) -> None:
    """Name the cohort of an .h5ad that is split; the others are external."""
    sizes = dict(study.record.cohorts)
    if len(sizes) < 2:
        draft.set("study", next(iter(sizes), study_name(study.file)), "its only cohort")
        return
    largest = max(sizes.values())
    candidates = [name for name, size in sizes.items() if size == largest]
    if said and said not in sizes:
        raise ValueError(
            f"--cohort {said}: {study.file} has the cohorts {listed(sizes)}; name one of them"
        )
    if not said and len(candidates) > 1:
        draft.ask(
            f"{study.file} has {counted(len(candidates), 'cohort')} of {largest:,} samples: "
            f"{listed(candidates)}. Which is split into training and test samples?",
            f"--cohort {candidates[0]}",
        )
        return
    draft.set("study", said or candidates[0], "named by --cohort" if said else "the largest cohort")
    if not said:
        draft.notes.append(
            f"{candidates[0]} is proposed as the study because it is the largest cohort of "
            f"{study.file}; --cohort NAME names another. The others are external."
        )


def _meet(draft: Draft, found: Found) -> None:
    """Count what networks and tables share; refuse a pair that shares nothing."""
    chosen = draft.files.get("network")
    files = [chosen] if chosen else list(found.networks)
    externals = draft.files.get("external", {}).values()
    tables = [draft.study, *(found.table(file) for file in externals)]
    for file in files:
        for table in tables:
            if table is not None and table.genes_in:
                names = draft.names.get(table.file)
                beside = draft.beside if table is draft.study else ""
                draft.overlaps.append(
                    overlap(table, found.networks[file], file, names=names, beside=beside)
                )
    for shared in draft.overlaps if chosen else ():
        if not (shared.n_tfs_measured and shared.n_targets_measured) and not draft.needs_names:
            answer = "use the same gene names in both"
            if shared.offers:
                answer += ", or --to-upper, which puts names into capitals (from mouse to human "
                answer += "that is a guess)"
            draft.ask(_no_meeting(shared, found), answer)


def _no_meeting(shared: Overlap, found: Found) -> str:
    table = found.table(shared.table.split(" with ")[0])
    named = listed(table.genes, most=3) if table is not None else ""
    offers = [f"{old} as {new}" for old, new in list(shared.offers.items())[:5]]
    hint = f"; may be meant: {', '.join(offers)}" if offers else ""
    return (
        f"{shared.table} measures {shared.n_tfs_measured} of {shared.n_tfs:,} TFs and "
        f"{shared.n_targets_measured} of {shared.n_targets:,} targets of {shared.network}, which "
        f"has names such as {listed(shared.not_measured, most=3)}; the table has {named}{hint}."
    )


def _list_unused(draft: Draft, found: Found) -> None:
    """Say of every other file why it is not used."""
    chosen = {file for file in draft.files.values() if isinstance(file, str)}
    chosen |= set(draft.files.get("external", {}).values())
    if draft.study is not None:
        chosen.add(draft.study.file)
    for record in found.records.values():
        is_asked = record.role == "network" and "network" not in draft.files
        if record.file in chosen or is_asked:
            continue
        # Without a study, which tables are used is still open.
        if record.role == "network" or (draft.study and record.role in ("gene_map", "expression")):
            draft.unused.setdefault(record.file, "not chosen")


def _note_unreadable(draft: Draft, found: Found) -> None:
    """Say which files cannot be read, where no question says it."""
    for record in found.of_role("unreadable"):
        if not any(record.file in question.text for question in draft.questions):
            draft.notes.append(f"{record.file} is not readable, and so not used: {record.why}.")
