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
# Their counterparts on a dark page: of the same family of hues, with a contrast of at least 3:1 on
# the dark card; every pair keeps a distance of at least 21 in normal, protan and deutan vision and
# of 15 in tritan vision.
DARK_MODEL_COLOURS: Final[Mapping[str, str]] = {
    "train_mean": "#7A7A7A",
    "knn": "#ADFF66",
    "mlr": "#85D6FF",
    "ridge": "#EBF5FF",
    "pls": "#8547C2",
    "masked_ridge": "#3DFFA3",
    "signed_ridge": "#9999FF",
    "xgbrf": "#E09914",
    "boosted": "#B86647",
    "mlp": "#005CF5",
    "lembas_published": "#CC66B8",
    "lembas": "#CC4714",
    "lembas_ensemble": "#C2B8B8",
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
