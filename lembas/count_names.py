"""Refuse names in a table of counts that stand for no gene and for no sample."""

from __future__ import annotations

import pandas as pd

from lembas.formats import counted, listed

# Reads that STAR could give to no gene stand in the first rows of its tables; HTSeq's begin with
# two low lines.
_OF_STAR = ("N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous")
# Columns of annotation beside the counts of featureCounts and others.
_ANNOTATION = ("length", "start", "end", "chr", "strand")


def refuse_other_names(counts: pd.DataFrame, *, origin: str) -> None:
    """Refuse sums over reads without a gene, and annotation of genes among the samples.

    Args:
        counts: Shape ``(sample, gene)``.
        origin: Where they come from; named in messages.

    Raises:
        ValueError: If there are some.
    """
    genes = counts.columns.astype(str)
    no_genes = genes[genes.str.startswith("__") | genes.isin(_OF_STAR)]
    if len(no_genes):
        raise ValueError(
            f"{origin} has {counted(len(no_genes), 'row')} of reads that belong to no gene: "
            f"{listed(no_genes)}; HTSeq and STAR write them beside the genes, and they would count "
            "as genes and for the library size: remove them"
        )
    samples = counts.index.astype(str)
    no_samples = samples[samples.str.strip().str.lower().isin(_ANNOTATION)]
    if len(no_samples):
        raise ValueError(
            f"{origin} has {counted(len(no_samples), 'column')} of annotation among the samples: "
            f"{listed(no_samples)}; remove what describes genes (for TPM, give a table of "
            "gene_name and length_bp as gene_lengths), or name the sample otherwise"
        )
