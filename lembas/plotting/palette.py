"""Colours and markers of the registered models, the same in every figure."""

from collections.abc import Mapping
from typing import Final

# Chosen by search: every pair keeps a CIELAB distance of at least 25 in normal, protan and deutan
# vision and of 19 in tritan vision, and every colour a contrast of at least 3:1 on white.
MODEL_COLOURS: Final[Mapping[str, str]] = {
    "train_mean": "#949494",
    "knn": "#669955",
    "mlr": "#1A9BE2",
    "ridge": "#0D204A",
    "pls": "#9955FF",
    "masked_ridge": "#046348",
    "signed_ridge": "#440088",
    "xgbrf": "#CC8008",
    "boosted": "#551100",
    "mlp": "#0000DD",
    "lembas_published": "#BE279E",
    "lembas": "#A32707",
    "lembas_ensemble": "#220011",
}
# Their counterparts on a dark page, by the same search: 3:1 on the dark card, and hues of the same
# family where the distances allow.
DARK_MODEL_COLOURS: Final[Mapping[str, str]] = {
    "train_mean": "#8A8F98",
    "knn": "#8CC47A",
    "mlr": "#45B2F0",
    "ridge": "#C9DDF5",
    "pls": "#B48CFF",
    "masked_ridge": "#3FD1A5",
    "signed_ridge": "#D3B3F7",
    "xgbrf": "#F0A830",
    "boosted": "#D9A58C",
    "mlp": "#6F78FF",
    "lembas_published": "#F060D0",
    "lembas": "#FF6B47",
    "lembas_ensemble": "#FFE3EC",
}
MODEL_MARKERS: Final[Mapping[str, str]] = {
    "train_mean": "|",
    "knn": "8",
    "mlr": "s",
    "ridge": "D",
    "pls": "d",
    "masked_ridge": "^",
    "signed_ridge": "<",
    "xgbrf": "v",
    "boosted": ">",
    "mlp": "X",
    "lembas_published": "P",
    "lembas": "o",
    "lembas_ensemble": "*",
}
