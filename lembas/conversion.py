"""Turn a checkpoint of the original study into one of the package's own."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

from lembas.checkpoint import save
from lembas.formats import SEPARATORS, existing_file, listed
from lembas.network import Network
from lembas.original_checkpoint import Original, read_original


def convert(
    original: Path, own: Path, *, network: Path, tfs: Path, genes: Path, off_network: str = "refuse"
) -> Original:
    """Read a checkpoint of the study and write it in the package's own format.

    Args:
        original: The study's file.
        own: Where to; its name ends in ``.safetensors``.
        network: Table of the network it was trained with: TF, Gene, Interaction.
        tfs: The TF table it was trained with, or a list of its names: see :func:`read_names`.
        genes: The gene table it was trained with, or a list of its names.
        off_network: "refuse" weights where the network has no edge, or "drop" them.

    Returns:
        The model and what was found on reading it.

    Raises:
        FileNotFoundError, ValueError: If a file is missing, unreadable, or does not fit the others;
            nothing is written then.
    """
    if own.suffix != ".safetensors":
        raise ValueError(f"{own} is no name for the new file; expected one ending in .safetensors")
    found = read_original(
        original,
        Network.read(network),
        read_names(tfs, "TF table"),
        read_names(genes, "gene table"),
        off_network=off_network,
    )
    notes = {
        "original": original.name,
        "seed": found.seed,
        "bionet_params": found.bionet_params,
        "n_off_network_dropped": found.n_off_network,
    }
    save(found.model, own, notes=notes)
    return found


def read_names(path: Path, what: str) -> list[str]:
    """Read the genes' names of a table without reading its values.

    Args:
        path: TSV, CSV or TXT, gzipped or not: a table ``(sample, gene)`` whose first column holds
            the samples, or a list with one name a line.
        what: What the file holds, for messages.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is of another format, damaged or empty.
    """
    path = existing_file(path, what)
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if kind not in SEPARATORS:
        raise ValueError(f"{what} {path} is no table; expected {', '.join(SEPARATORS)} (or .gz)")
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines, delimiter=SEPARATORS[kind])
            header, first = next(rows, []), next(rows, [])
            is_list = len(header) == 1 and len(first) <= 1
            names = [cell for row in (header, first, *rows) for cell in row] if is_list else header
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{what} {path} cannot be read ({error}); copy it again") from error
    # R writes no name above the samples, so its header is one field short.
    names = names if is_list or len(first) == len(header) + 1 else header[1:]
    names = [name for name in names if name.strip()]
    if not names:
        raise ValueError(f"{what} {path} is empty; expected genes' names in its first line")
    return names


def summary(found: Original) -> str:
    """Say in one line what a checkpoint of the study turned out to hold."""
    model = found.model
    parts = [
        f"{len(model.inputs):,} TFs, {len(model.outputs):,} genes, {len(model.edges):,} edges",
        f"{model.n_sign_violations:,} weights of the wrong sign, {found.n_zero_edges:,} of zero",
    ]
    if found.n_off_network:
        parts.append(f"{found.n_off_network:,} weights off the network dropped")
    for what, ignored in (("TFs", found.ignored_tfs), ("genes", found.ignored_genes)):
        if len(ignored):
            parts.append(f"{len(ignored):,} {what} ignored, no nodes: {listed(ignored)}")
    return "; ".join(parts)
