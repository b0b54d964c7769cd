"""What is true of each registered model in every run: equation, source, use and limits.

Numbers are no part of it: those come from the run (:mod:`lembas.model_cards`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Keys of book/references.bib.
_RIDGE = ("hoerl1970", "golub1979")
_LINEAGE = ("nilsson2022",)


@dataclass(frozen=True)
class ModelFacts:
    """Describe a model as its card does, but for the numbers.

    Attributes:
        sees: What a gene's prediction is made from.
        equation: LaTeX of the prediction, in the symbols of the page on methods.
        sources: Keys of the bibliography; empty where the idea is nobody's.
        use: What the model is in the benchmark for.
        limits: What it cannot do, one sentence each.
        reads_network: Whether the prior network shapes its predictions.
    """

    sees: str
    equation: str
    sources: tuple[str, ...]
    use: str
    limits: tuple[str, ...]
    reads_network: bool = False


_NO_NETWORK = "It knows nothing of regulation: a good score says nothing of any edge."
_UNSEEN = "A gene without a measured regulator is predicted to be at its training mean."
_SIGNS_FREE = "Weights may contradict the signs of the network; how many do is counted."
_PANEL = (
    "It is dear: where a profile fits a panel of genes only, its scores are of that panel, and it "
    "has no rank."
)
_NOT_THE_EDGES = (
    "A score alone does not show that the edges are right: rewired networks reach as far, and the "
    "chapter on controls puts them beside it."
)
_SEED = "The result depends on the seed: compare the ensemble, or several seeds."

_RECURRENCE = r"h^{(\tau)} = f\bigl( W h^{(\tau-1)} + u + b \bigr)"
_READ_OUT = r"w^{\mathrm{out}}_g \, h^{(T)}_g + b^{\mathrm{out}}_g"
_RNN = rf"{_RECURRENCE}, \quad \hat y_g = {_READ_OUT}"
_SKIP = r"\sum_{s \in R(g)} s_{gs} \, x_s"
_WITH_SKIP = rf"{_RECURRENCE}, \quad \hat y_g = {_SKIP} + {_READ_OUT}"


def _ridge(inputs: str, weights: str = r"\beta") -> str:
    """Write a ridge regression on the inputs that a gene sees."""
    fit = rf"\arg\min_{{{weights}}} \lVert y_g - \bar y_g - {inputs} \beta \rVert^2"
    return rf"\hat\beta_g = {fit} + \alpha_g \lVert \beta \rVert^2"


_WITHIN_NETWORK = "the TFs from which paths of the network lead to the gene"

MODEL_FACTS: Mapping[str, ModelFacts] = {
    "train_mean": ModelFacts(
        sees="nothing of the sample",
        equation=r"\hat y_{ig} = \bar y_g",
        sources=(),
        use="The null that stands beside every score: skill 0.",
        limits=("It cannot tell one sample from another.",),
    ),
    "mlr": ModelFacts(
        sees="all TFs",
        equation=r"\hat y_g = b_g + \sum_t \beta_{gt} \, x_t,"
        r" \quad \beta_g = \arg\min_\beta \lVert y_g - b_g - X \beta \rVert^2",
        sources=("pedregosa2011",),
        use="The original study's linear model, kept as it was.",
        limits=(
            "It has no penalty: with more TFs than training samples it repeats these exactly, and "
            "its scores on them mean nothing.",
            "TFs that rise and fall together share weights at random, so its attributions change "
            "with the samples.",
            _NO_NETWORK,
        ),
    ),
    "ridge": ModelFacts(
        sees="all TFs",
        equation=_ridge("Z"),
        sources=_RIDGE,
        use="The linear yardstick without any network: what all TFs tell of a gene.",
        limits=("It is linear.", _NO_NETWORK),
    ),
    "masked_ridge": ModelFacts(
        sees="the gene's regulators in the network",
        equation=_ridge("Z_{R(g)}"),
        sources=_RIDGE,
        use="The yardstick of every network model: the same edges, one step, no recurrence.",
        limits=("It is linear, and reaches one edge far.", _UNSEEN, _SIGNS_FREE),
        reads_network=True,
    ),
    "path_ridge": ModelFacts(
        sees="the TFs from which at most four edges lead to the gene (unless a profile says "
        "otherwise)",
        equation=_ridge("Z_{R_k(g)}"),
        sources=_RIDGE,
        use="The control of reach: what LEMBAS-RNN gains over it is not that it sees more TFs.",
        limits=(
            "In a dense network a few edges lead from nearly every TF, and it is nearly the ridge.",
            _UNSEEN,
        ),
        reads_network=True,
    ),
    "signed_ridge": ModelFacts(
        sees="the gene's regulators in the network, with the signs of their edges",
        equation=_ridge("Z_{R(g)}", weights=r"\beta:\, \sigma_e \beta_e \ge 0"),
        sources=("lawson1974",),
        use="Asks what the signs of the network are worth.",
        limits=(
            "An edge whose sign is wrong in the network can carry no weight.",
            "Each gene keeps the penalty of its masked ridge: it has none of its own.",
            _UNSEEN,
        ),
        reads_network=True,
    ),
    "pls": ModelFacts(
        sees="all TFs, through a few components that all genes share",
        equation=r"\hat Y = \bar Y + Z \, W (P^\top W)^{-1} Q^\top",
        sources=("wold2001",),
        use="A linear model of few components.",
        limits=("Components that serve most genes may miss what moves a few.", _NO_NETWORK),
    ),
    "knn": ModelFacts(
        sees="all TFs, as a distance between samples",
        equation=r"\hat y_{ig} = \tfrac1k \sum_{j \in N_k(i)} y_{jg}",
        sources=("cover1967",),
        use="What the most similar training samples tell, without any model of a gene.",
        limits=(
            "It can predict nothing beyond what training samples show; in a cohort on another "
            "level its neighbours are the wrong ones.",
            _NO_NETWORK,
        ),
    ),
    "xgbrf": ModelFacts(
        sees="all TFs",
        equation=r"\hat y_g = \tfrac13 \sum_{m=1}^{3} \mathrm{tree}_{gm}(x)",
        sources=("chen2016", "breiman2001"),
        use="The original study's trees, kept as they were.",
        limits=(
            "Three trees a gene are few: it stands for that study, not for what trees can do.",
            _PANEL,
            _NO_NETWORK,
        ),
    ),
    "boosted": ModelFacts(
        sees="all TFs",
        equation=r"\hat y_g = \bar y_g + \eta \sum_{m=1}^{M} \mathrm{tree}_{gm}(x)",
        sources=("friedman2001", "chen2016"),
        use="What trees can do when there are enough of them.",
        limits=(
            "Only the number of trees is chosen; depth, rate and shares are fixed.",
            _PANEL,
            _NO_NETWORK,
        ),
    ),
    "mlp": ModelFacts(
        sees="all TFs",
        equation=r"\hat y = B \max(0, A z + a) + b",
        sources=("rumelhart1986", "kingma2014"),
        use="A neural network without a network of regulation.",
        limits=(
            "One hidden layer, and two sizes of it tried: no search for the best perceptron.",
            "It stops by held-out samples drawn without regard to series.",
            _NO_NETWORK,
        ),
    ),
    "lembas_published": ModelFacts(
        sees=_WITHIN_NETWORK,
        equation=_RNN,
        sources=_LINEAGE,
        use="Stands for the original study's model; its training code was never published.",
        limits=(
            "A reconstruction: batch size and the exact form of some penalties are not known.",
            "Inputs are raw logarithms, and the learning rate rises until the last epoch.",
            _UNSEEN,
        ),
        reads_network=True,
    ),
    "lembas_ridge_start": ModelFacts(
        sees=_WITHIN_NETWORK,
        equation=_RNN,
        sources=(*_LINEAGE, "kingma2014"),
        use="The same architecture with scaled inputs, another start and early stopping.",
        limits=(
            "Its settings were chosen on the liver samples with the test scores in sight: its "
            "scores there are a little too good.",
            _SEED,
            _UNSEEN,
        ),
        reads_network=True,
    ),
    "lembas_residual": ModelFacts(
        sees=_WITHIN_NETWORK,
        equation=_WITH_SKIP,
        sources=(*_LINEAGE, "kingma2014"),
        use="Asks what the updates add to the direct regulators.",
        limits=(
            "Two weights on each edge to a gene: a variant of the architecture.",
            _SIGNS_FREE,
            _SEED,
        ),
        reads_network=True,
    ),
    "lembas": ModelFacts(
        sees=_WITHIN_NETWORK,
        equation=_WITH_SKIP,
        sources=(*_LINEAGE, "golub1973", "liu1989"),
        use="The LEMBAS-RNN that this report speaks of; weights onto genes are solved for.",
        limits=(
            "Its states are kept in the linear part of the activation, so that it bends little.",
            _NOT_THE_EDGES,
            _SIGNS_FREE,
            _SEED,
        ),
        reads_network=True,
    ),
    "lembas_ensemble": ModelFacts(
        sees=_WITHIN_NETWORK,
        equation=r"\hat y_g = \tfrac13 \sum_{k=1}^{3} \hat y_g^{(k)}",
        sources=_LINEAGE,
        use="The mean of three seeds, so that chance in the training matters less.",
        limits=("Three times the cost of one network.", _SIGNS_FREE),
        reads_network=True,
    ),
    "lembas_channels": ModelFacts(
        sees=_WITHIN_NETWORK,
        equation=r"\hat y_g = b_g + \sum_{s \in R(g)} \Bigl( s_{gs} \, x_s"
        r" + \sum_{c=1}^{4} m_{gsc} \, h^{(T-1)}_{sc} \Bigr)",
        sources=_LINEAGE,
        use="Asks whether one state a TF is too narrow.",
        limits=(
            "Four weights of each kind on every edge: a variant, not the published architecture.",
            _NOT_THE_EDGES,
            "It takes several times as long to fit.",
        ),
        reads_network=True,
    ),
}
