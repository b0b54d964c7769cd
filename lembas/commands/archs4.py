"""The command `lembas archs4`: from ARCHS4's HDF5 file to an .h5ad of selected samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lembas.commands.shared import examples, may_redraw, named_value, say, verbosity

FILE = click.Path(path_type=Path)
EXAMPLES = (
    "lembas archs4 human_gene_v2.5.h5 --dry-run",
    "lembas archs4 human_gene_v2.5.h5 liver.h5ad",
    "lembas archs4 human_gene_v2.5.h5 liver.h5ad --query keep_fetal=true",
    "lembas archs4 human_gene_v2.5.h5 skin.h5ad --query 'tissue=[skin]'",
)


@click.command(epilog=examples(*EXAMPLES))
@click.argument("source", type=FILE)
@click.argument("out", type=FILE, required=False)
@click.option(
    "--query", "settings", multiple=True, metavar="NAME=VALUE", help="Change the query for liver."
)
@click.option("--gene-lengths", type=FILE, help="Table gene_name, length_bp: TPM instead of CPM.")
@click.option("--network", type=FILE, help="Keep the genes of this network only.")
@click.option(
    "--near-duplicate",
    type=float,
    default=0.98,
    show_default=True,
    help="Correlation from which two samples count as the same.",
)
@click.option("--selection", type=FILE, help="Write sample, selected, reason, evidence as TSV.")
@click.option("--dry-run", is_flag=True, help="Count samples by reason; read no counts.")
@verbosity
def archs4(
    source: Path,
    out: Path | None,
    settings: tuple[str, ...],
    selection: Path | None,
    dry_run: bool,
    **options: Any,
) -> None:
    """Select samples of a tissue from ARCHS4's SOURCE.h5 and write them as OUT.h5ad.

    Without --query: bulk samples of human liver. OUT holds log10(CPM + 1), or log10(TPM + 1), and
    the groups of linked series; the source h5ad of a profile reads it.
    """
    from lembas import archs4_extract  # imports scientific packages, which no other command needs
    from lembas.archs4_query import TissueQuery, counts_by_reason

    query = TissueQuery.of(
        dict(named_value(text, option="--query", example="keep_fetal=true") for text in settings)
    )
    if not dry_run and out is None:
        raise click.UsageError("name the file to write, such as liver.h5ad, or give --dry-run")
    if dry_run:
        _, table = archs4_extract.open_and_select(source, query)
    else:
        recipe = _recipe(query, **options)
        table = archs4_extract.extract(source, Path(str(out)), recipe, progress=may_redraw())
    for row in counts_by_reason(table).itertuples():
        say(f"{row.samples:>10,}  {row.reason:<46}{row.such_as}".rstrip())
    if selection is not None:
        _write(table, selection)
    n_selected = int(table["selected"].sum())
    if dry_run:
        say(f"{n_selected:,} selected before library sizes and duplicates are looked at")
    else:
        say(f"{out}: {n_selected:,} samples")


def _recipe(
    query: Any, *, gene_lengths: Path | None, network: Path | None, near_duplicate: float
) -> Any:
    from lembas.annotation import read_gene_lengths
    from lembas.archs4_extract import Recipe
    from lembas.network_formats import read_network
    from lembas.network_reading import NetworkOptions

    # Only its names are wanted.
    how = NetworkOptions(unsigned=True, on_conflict="unsigned")
    return Recipe(
        query=query,
        unit="cpm" if gene_lengths is None else "tpm",
        lengths=None if gene_lengths is None else read_gene_lengths(gene_lengths),
        lengths_from=str(gene_lengths),
        genes=None if network is None else read_network(network, how).network.nodes,
        near_duplicate=near_duplicate,
    )


def _write(table: Any, path: Path) -> None:
    from lembas.atomic import write_atomically

    write_atomically(path, lambda part: table.to_csv(part, sep="\t"))
