"""Colours of text, rules and cards, and matplotlib's settings for every figure."""

from collections.abc import Mapping
from typing import Any, Final

from matplotlib.colors import LinearSegmentedColormap

INK: Final = "#1F2430"
MUTED: Final = "#5A6270"
RULE: Final = "#C9CED6"
CARD: Final = "#FFFFFF"
TRACK: Final = "#E9ECF0"

# Paul Tol's high-contrast scheme for the first three: they differ in lightness, so in grey too.
COHORT_COLOURS: Final = ("#004488", "#DDAA33", "#BB5566", "#117733", "#882255", "#44AA99")
COHORT_MARKERS: Final = ("o", "s", "^", "D", "v", "P")

RAISES: Final = "#B2182B"
LOWERS: Final = "#2166AC"

# Steps from the first to the last of an order; they differ in lightness.
STEP_COLOURS: Final = ("#9FB4CE", "#5D85B3", "#2B5C9E", "#0D204A")
# From a gene's regulators outwards, and last what is no TF's.
KIND_COLOURS: Final = ("#0D204A", "#2B78B5", "#A9CBE6", "#DDAA33")

COUNT_CMAP: Final = LinearSegmentedColormap.from_list(
    "lembas_counts", ["#BFD3E6", "#6A9BC9", "#2B5C9E", "#0D204A"]
)
SIGNED_CMAP: Final = LinearSegmentedColormap.from_list("lembas_signed", [LOWERS, CARD, RAISES])
LEVEL_CMAP: Final = LinearSegmentedColormap.from_list("lembas_levels", [LOWERS, "#C9B6CF", RAISES])
SHARE_CMAP: Final = LinearSegmentedColormap.from_list("lembas_shares", [CARD, "#8FB3D9"])

RC: Final[Mapping[Any, Any]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": CARD,
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 10.5,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "axes.titlepad": 6.0,
    "axes.unicode_minus": False,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.facecolor": CARD,
    "figure.titlesize": 11.5,
    "figure.titleweight": "bold",
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "legend.fontsize": 10.0,
    "legend.frameon": False,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.2,
    "lines.linewidth": 1.8,
    "savefig.facecolor": CARD,
    "svg.fonttype": "path",
    "svg.hashsalt": "lembas",
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 10.0,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 10.0,
}
