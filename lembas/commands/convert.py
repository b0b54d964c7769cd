"""Convert a checkpoint of the original study."""

from pathlib import Path

import click

from lembas.commands.shared import examples, say, verbosity

NETWORK_HELP = "Table of the network it was trained with: TF, Gene, Interaction."
NAMES_HELP = "The {} table it was trained with (samples x genes), or a list of its names."
FILE = click.Path(path_type=Path)


@click.command(
    short_help="Convert a checkpoint of the original study.",
    epilog=examples(
        "lembas convert study.pt own.safetensors --network network.tsv \\",
        "    --tfs tf_table.tsv --genes gene_table.tsv",
    ),
)
@click.argument("original", type=FILE)
@click.argument("own", type=FILE)
@click.option("--network", required=True, type=FILE, help=NETWORK_HELP)
@click.option("--tfs", required=True, type=FILE, help=NAMES_HELP.format("TF"))
@click.option("--genes", required=True, type=FILE, help=NAMES_HELP.format("gene"))
@click.option(
    "--off-network",
    type=click.Choice(["refuse", "drop"]),
    default="refuse",
    show_default=True,
    help="What to do with weights where the network has no edge.",
)
@verbosity
def convert(
    original: Path, own: Path, network: Path, tfs: Path, genes: Path, off_network: str
) -> None:
    """Convert a checkpoint of the original study: ORIGINAL.pt to OWN.safetensors."""
    from lembas import conversion  # imports torch, which no other command needs

    found = conversion.convert(
        original, own, network=network, tfs=tfs, genes=genes, off_network=off_network
    )
    say(f"{own}: {conversion.summary(found)}")
