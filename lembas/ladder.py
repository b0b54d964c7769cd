"""Say which models are fitted on which networks: the real one, and controls made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from lembas import rewiring
from lembas.baselines import ModelSpec, registry
from lembas.network import Network
from lembas.recipes import make_config

REAL = "real"

Entries = Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True)
class Variant:
    """Say how a control is made.

    Attributes:
        label: How the report calls it.
        words: Several of them, in a sentence.
        make: From the real network and a seed to the control network.
        is_random: Whether another seed makes another control.
        shuffles_samples: Whether the training samples' inputs are shuffled against their targets.
        of_signs: Whether it differs from the real network in its signs only.
    """

    label: str
    words: str
    make: Callable[[Network, int], Network]
    is_random: bool = True
    shuffles_samples: bool = False
    of_signs: bool = False


VARIANTS: Mapping[str, Variant] = {
    REAL: Variant("Real network", "real", lambda network, _: network, is_random=False),
    "rewired": Variant(
        "Rewired, same degrees",
        "rewired",
        lambda network, seed: rewiring.rewired(network, seed=seed),
    ),
    "permuted_genes": Variant(
        "Gene labels permuted",
        "gene-permuted",
        lambda network, seed: rewiring.permuted_genes(network, seed=seed),
    ),
    "random_edges": Variant(
        "Random edges, as many",
        "random",
        lambda network, seed: rewiring.random_edges(network, seed=seed),
    ),
    "flipped_signs": Variant(
        "Signs flipped",
        "sign-flipped",
        lambda network, _: rewiring.flipped_signs(network),
        is_random=False,
        of_signs=True,
    ),
    "shuffled_signs": Variant(
        "Signs shuffled",
        "sign-shuffled",
        lambda network, seed: rewiring.shuffled_signs(network, seed=seed),
        of_signs=True,
    ),
    "without_tf_edges": Variant(
        "No TF-TF edges",
        "TF-TF-free",
        lambda network, _: rewiring.without_tf_edges(network),
        is_random=False,
    ),
    # Not the network but the samples are shuffled: a check of everything else.
    "permuted_samples": Variant(
        "Training samples shuffled",
        "sample-shuffled",
        lambda network, _: network,
        shuffles_samples=True,
    ),
}


@dataclass(frozen=True)
class Rung:
    """Ask for one model on one kind of network.

    Attributes:
        model: Name of the model.
        variant: A key of ``VARIANTS``.
        n_draws: How many such networks; 1 where the variant is not random.
    """

    model: str
    variant: str
    n_draws: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if self.variant not in VARIANTS:
            raise ValueError(
                f"unknown variant {self.variant!r} of the network; known are {', '.join(VARIANTS)}"
            )
        most = None if VARIANTS[self.variant].is_random else 1
        if self.n_draws < 1 or (most and self.n_draws > most):
            raise ValueError(
                f"{self.n_draws} draws of {self.variant!r} for {self.model!r}; expected "
                f"{'1, since all are alike' if most else 'at least 1'}"
            )


# What a model whose reach is a gene's own regulators is compared with, and what models of longer
# reach are. Of these only the signed ridge knows of signs, and only the others of TF-TF edges.
NEAR: Mapping[str, tuple[str, ...]] = {
    "masked_ridge": ("rewired", "permuted_genes", "random_edges", "permuted_samples"),
    "signed_ridge": ("flipped_signs", "shuffled_signs"),
}
FAR: Mapping[str, tuple[str, ...]] = {
    "path_ridge": ("rewired",),
    "lembas": ("rewired", "without_tf_edges"),
}


@dataclass(frozen=True)
class Asked:
    """What chapter 07_controls is asked to fit; its parameters say what each of these means.

    Attributes:
        models, rnn_models: Model to its controls; empty: ``NEAR`` and ``FAR``.
        n_rewired, n_rewired_rnn: Rewired networks for each of them.
        depths: Numbers of updates T of LEMBAS-RNN.
        settings: What differs from the registry.
    """

    models: Mapping[str, Iterable[str]]
    rnn_models: Mapping[str, Iterable[str]]
    n_rewired: int
    n_rewired_rnn: int
    depths: Iterable[int]
    settings: Entries

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Asked:
        """Take the chapter's parameters; others than these are left."""
        return cls(**{field.name: parameters[field.name] for field in fields(cls)})

    @property
    def deep(self) -> dict[str, dict[str, Any]]:
        """LEMBAS-RNN with other numbers of updates, by name."""
        return depth_models(self.depths, models=self.settings)

    @property
    def entries(self) -> dict[str, Mapping[str, Any] | None]:
        """What differs from the registry, those of other depths included."""
        return {**self.settings, **self.deep}

    @property
    def shared(self) -> list[Rung]:
        """The ladder that a second network gets as well."""
        return [
            *rungs(self.models or NEAR, n_rewired=self.n_rewired),
            *rungs(self.rnn_models or FAR, n_rewired=self.n_rewired_rnn),
        ]

    @property
    def whole(self) -> list[Rung]:
        """The whole ladder."""
        return [*self.shared, *rungs(dict.fromkeys(self.deep, ()))]


def rungs(controls: Mapping[str, Iterable[str]], *, n_rewired: int = 1) -> list[Rung]:
    """Set up a ladder: every model on the real network and on its controls.

    Args:
        controls: Model that takes a network to keys of ``VARIANTS``; the real network need not
            be named.
        n_rewired: Rewired networks; of each other random variant there are a quarter as many, at
            least one.

    Raises:
        ValueError: If a variant is unknown, or there is nothing to draw.
    """
    return [
        Rung(model, variant, _n_draws(variant, n_rewired))
        for model, variants in controls.items()
        for variant in dict.fromkeys([REAL, *variants])
    ]


def _n_draws(variant: str, n_rewired: int) -> int:
    if variant == "rewired":
        return n_rewired
    known = VARIANTS.get(variant)
    return max(1, n_rewired // 4) if known and known.is_random else 1


def depth_models(
    depths: Iterable[int], *, base: str = "lembas", models: Entries | None = None
) -> dict[str, dict[str, Any]]:
    """Describe LEMBAS-RNN with other numbers of updates T, for the argument ``models``.

    Args:
        depths: Values of T, >= 1; the base model's own is left out, for it is there already.
        base: Registered LEMBAS-RNN that they differ from in T only.
        models: What differs from the registry.

    Returns:
        ``<base>_t<T>`` to a registry entry.

    Raises:
        KeyError: If there is no such model.
    """
    spec = _spec(base, models)
    settings, own = dict(spec.parameters.get("settings") or {}), depth_of(base, models)
    return {
        f"{base}_t{depth}": {
            "estimator": spec.estimator,
            "label": f"{spec.label}, T = {depth}",
            "parameters": {**spec.parameters, "settings": {**settings, "max_steps": depth}},
        }
        for depth in depths
        if depth != own
    }


def depth_of(model: str, models: Entries | None = None) -> int:
    """Look up the number of updates T of a LEMBAS-RNN.

    Raises:
        KeyError: If there is no such model.
    """
    given = _spec(model, models).parameters
    seed = given.get("seed", 0)
    return make_config(given.get("recipe", "improved"), given.get("settings"), seed).max_steps


def _spec(model: str, models: Entries | None) -> ModelSpec:
    known = registry({name: dict(entry or {}) for name, entry in (models or {}).items()})
    if model not in known:
        raise KeyError(f"no model named {model!r}; registered are {', '.join(known)}")
    return known[model]


def possible(ladder: Iterable[Rung], network: Network) -> list[Rung]:
    """Leave out controls of signs where the network knows none: they would be the real network."""
    return [rung for rung in ladder if network.has_signs or not VARIANTS[rung.variant].of_signs]


def check_ladder(ladder: list[Rung]) -> None:
    """Refuse a ladder without the real network, or with a rung twice."""
    pairs = [(rung.model, rung.variant) for rung in ladder]
    twice = sorted({f"{model} on {variant}" for model, variant in pairs
                    if pairs.count((model, variant)) > 1})  # fmt: skip
    if twice or not ladder:
        raise ValueError(
            f"a ladder needs each rung once; given twice: {', '.join(twice[:5]) or 'none'}, "
            f"{len(ladder)} rung(s) in all"
        )
    without = sorted({model for model, _ in pairs} - {m for m, v in pairs if v == REAL})
    if without:
        raise ValueError(
            f"no rung with the real network for {', '.join(without[:5])}; add Rung(model, {REAL!r})"
        )
