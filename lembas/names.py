"""Name the genes of a simulated study: familiar symbols first, then clearly synthetic ones.

The symbols are those of human genes, and :data:`KNOWN_EDGES` follows textbook liver biology, so
that a reader finds a way about the figures. The measurements given to them are invented: nothing
simulated under a real symbol is evidence about that gene.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

_TF_SYMBOLS = """
    HNF4A CEBPA FOXA2 HNF1A NR1H4 STAT3 NFKB1 SREBF1 PPARA TP53 FOXA1 ONECUT1 JUN MYC CEBPB NR1I2
    NR5A2 NR0B2 NR1I3 SREBF2 MLXIPL NFE2L2 HIF1A ATF4 SMAD3 STAT1 IRF1 RELA FOXO1 NR1H3 RXRA FOXA3
    FOS EGR1 GATA4 GATA6 PROX1 HHEX KLF6 SMAD4 YY1 SP1 ETS1 STAT5B CREB1 ESRRA PPARG ZHX2 TCF7L2
    SOX9
"""
TFS = tuple(_TF_SYMBOLS.split())

_TARGET_SYMBOLS = """
    ALB AFP APOA1 APOB CYP3A4 TTR SERPINA1 FGB TF APOC3 FGA FGG CYP7A1 ABCB11 CRP SAA1 HP HAMP
    G6PC1 PCK1 IGFBP1 FASN SCD ACACA HMGCR LDLR PCSK9 PKLR CPT1A ACOX1 HMGCS2 FGF21 PDK4 CDKN1A
    MDM2 BAX ICAM1 CXCL8 CCL2 CXCL10 SOCS3 NQO1 HMOX1 GCLM ASNS TRIB3 VEGFA CA9 COL1A1 COL3A1
    TIMP1 SLC10A1 SLCO1B1 CYP8B1 CYP2C9 CYP2E1 CYP1A2 APOA2 APOE APOH AHSG AMBP F2 F7 F9 HPX TAT
    UGT1A1 GLUL ASS1 CPS1 ARG1 IGF1 GCK GPC3 KRT8 KRT18 KRT19 EPCAM VIM ACTA2 CCND1 SAA2
"""
TARGETS = tuple(_TARGET_SYMBOLS.split())

_ACTIVATORS = {
    "ALB": "HNF4A CEBPA HNF1A FOXA2",
    "AFP": "HNF4A CEBPA HNF1A FOXA2",
    "APOA1": "HNF4A NR5A2",
    "APOB": "HNF4A CEBPA",
    "APOC3": "HNF4A FOXO1",
    "TTR": "HNF4A FOXA2 HNF1A CEBPA",
    "SERPINA1": "HNF1A HNF4A",
    "FGA": "HNF1A STAT3 CEBPB",
    "FGB": "HNF1A STAT3 CEBPB",
    "FGG": "STAT3 HNF1A",
    "TF": "HNF4A CEBPA",
    "CYP3A4": "NR1I2 NR1I3 HNF4A",
    "CYP7A1": "NR5A2 HNF4A",
    "CYP8B1": "HNF4A",
    "ABCB11": "NR1H4",
    "SLC10A1": "HNF1A",
    "CRP": "STAT3 CEBPB NFKB1 HNF1A",
    "SAA1": "NFKB1 CEBPB",
    "HP": "STAT3 CEBPB",
    "HAMP": "STAT3 SMAD4",
    "G6PC1": "HNF4A FOXO1",
    "PCK1": "HNF4A FOXO1 CREB1",
    "IGFBP1": "FOXO1",
    "FASN": "SREBF1 MLXIPL",
    "SCD": "SREBF1",
    "ACACA": "SREBF1",
    "HMGCR": "SREBF2",
    "LDLR": "SREBF2",
    "PCSK9": "SREBF2",
    "PKLR": "MLXIPL",
    "CPT1A": "PPARA",
    "ACOX1": "PPARA",
    "HMGCS2": "PPARA",
    "FGF21": "PPARA",
    "PDK4": "PPARA",
    "CDKN1A": "TP53",
    "MDM2": "TP53",
    "BAX": "TP53",
    "ICAM1": "NFKB1 RELA",
    "CXCL8": "NFKB1 RELA",
    "CCL2": "NFKB1 RELA",
    "CXCL10": "STAT1 IRF1",
    "SOCS3": "STAT3",
    "NQO1": "NFE2L2",
    "HMOX1": "NFE2L2",
    "GCLM": "NFE2L2",
    "ASNS": "ATF4",
    "TRIB3": "ATF4",
    "VEGFA": "HIF1A",
    "CA9": "HIF1A",
    "COL1A1": "SMAD3",
    "HNF1A": "HNF4A FOXA2",
    "HNF4A": "HNF1A FOXA2",
    "FOXA2": "ONECUT1",
    "NR1H4": "HNF1A",
    "PPARA": "HNF4A",
    "NR1I2": "HNF4A",
    "NR0B2": "NR1H4 NR5A2",
    "SREBF1": "NR1H3",
    "IRF1": "STAT1",
    "MYC": "STAT3",
    "CEBPA": "CEBPA",
    "STAT3": "STAT3",
}
_REPRESSORS = {
    "AFP": "TP53 ZHX2",
    "APOA1": "NR1H4",
    "APOC3": "NR1H4",
    "CYP7A1": "NR0B2",
    "CYP8B1": "NR0B2",
    "SLC10A1": "NR0B2",
    "NR5A2": "NR0B2",
    "HNF4A": "TP53",
    "CEBPA": "MYC",
    "MYC": "TP53",
}

# (TF, gene, sign). HNF4A and HNF1A activate each other, so that every simulated cascade holds a
# cycle; with NR0B2 (SHP), which represses the NR5A2 that activates it, also a negative one.
KNOWN_EDGES = tuple(
    (tf, gene, sign)
    for sign, wiring in ((1, _ACTIVATORS), (-1, _REPRESSORS))
    for gene, tfs in wiring.items()
    for tf in tfs.split()
)

# log10 CPM of secreted proteins that lead any liver transcriptome.
ABUNDANCE = {
    "ALB": 3.9,
    "APOA1": 3.7,
    "SERPINA1": 3.6,
    "FGB": 3.5,
    "FGA": 3.4,
    "TF": 3.3,
    "TTR": 3.4,
    "APOB": 3.3,
    "CYP3A4": 2.8,
    "HNF4A": 1.6,
    "AFP": 0.9,
}


def tf_names(n_tfs: int) -> pd.Index:
    """Name the TFs of a study: at most half of them familiar, the rest TFX001, TFX002 ...

    Example:
        >>> tf_names(4).tolist()
        ['HNF4A', 'CEBPA', 'TFX001', 'TFX002']
    """
    return pd.Index(_names(TFS, "TFX", 3, n_tfs), name="tf")


def target_names(n_targets: int) -> pd.Index:
    """Name the target genes: at most half of them familiar, the rest GENE0001, GENE0002 ...

    Example:
        >>> target_names(4).tolist()
        ['ALB', 'AFP', 'GENE0001', 'GENE0002']
    """
    return pd.Index(_names(TARGETS, "GENE", 4, n_targets), name="gene")


def known_edges(tfs: pd.Index, genes: pd.Index) -> pd.DataFrame:
    """List the familiar edges whose two ends are both present.

    Args:
        tfs: TF names of the study.
        genes: Target names of the study.

    Returns:
        Columns ``TF``, ``Gene`` and ``Interaction``.
    """
    edges = pd.DataFrame(list(KNOWN_EDGES), columns=["TF", "Gene", "Interaction"])
    present = edges["TF"].isin(tfs) & edges["Gene"].isin(tfs.append(genes))
    return edges[present].astype({"Interaction": np.int8}).reset_index(drop=True)


def _names(familiar: tuple[str, ...], prefix: str, width: int, count: int) -> list[str]:
    """Take familiar names for up to half of ``count``, and number the rest."""
    first = familiar[: min(len(familiar), count // 2)]
    digits = max(width, len(str(count)))
    return [*first, *(f"{prefix}{i:0{digits}d}" for i in range(1, count - len(first) + 1))]
