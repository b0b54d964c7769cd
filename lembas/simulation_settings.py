"""Hold and check the settings of a simulation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lembas.checks import check_whole
from lembas.conditions import Noise

MIN_TFS = 20
MIN_TARGETS = 20
LEAST_RECALL = 0.01
MOST_FALSE = 0.9
DTYPES = ("float64", "float32")
PER_COHORT = ("n_external", "external_shift", "external_missing")


@dataclass(frozen=True)
class SimulationSettings:
    """Hold every setting of a simulation; :func:`lembas.simulate.simulate` explains them."""

    n_samples: int = 1200
    n_series: int = 24
    n_tfs: int = 150
    n_targets: int = 1000
    n_external: tuple[int, ...] = (150, 150)
    external_shift: tuple[float, ...] = (0.25, 1.0)
    external_missing: tuple[float, ...] = (0.0, 0.03)
    n_decoys: int = 5
    mean_regulators: float = 6.0
    prior_recall: float = 0.6
    prior_false_share: float = 0.3
    prior_sign_errors: float = 0.04
    n_prior_edges: int | None = None
    n_prior_tf_edges: int | None = None
    noise: Noise = field(default_factory=Noise)
    dtype: str = "float64"
    seed: int = 888

    def __post_init__(self) -> None:
        """Check the settings once; everything after this trusts them."""
        _require_cohorts(self)
        _require_counts(self)
        _require_numbers(self)
        _require_prior_size(self)
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {self.dtype!r}")

    @property
    def external_names(self) -> tuple[str, ...]:
        """Names of the external cohorts; two of them are called near and far."""
        if len(self.n_external) == 2:
            return ("external_near", "external_far")
        return tuple(f"external_{i}" for i in range(1, len(self.n_external) + 1))


def _require_cohorts(settings: SimulationSettings) -> None:
    """Check that the three settings of external cohorts list the same number of them."""
    lists = {name: getattr(settings, name) for name in PER_COHORT}
    for name, value in lists.items():
        if not isinstance(value, tuple | list):
            raise TypeError(
                f"{name} must list one entry a cohort, such as (150, 150); got {value!r}"
            )
    if len({len(value) for value in lists.values()}) > 1:
        sizes = ", ".join(f"{name} has {len(value)}" for name, value in lists.items())
        raise ValueError(f"{', '.join(PER_COHORT)} need one entry a cohort each, but {sizes}")


def _require_counts(settings: SimulationSettings) -> None:
    """Check the settings that count something."""
    lowest = {
        "n_samples": 1,
        "n_series": 1,
        "n_tfs": MIN_TFS,
        "n_targets": MIN_TARGETS,
        "n_decoys": 0,
        "seed": 0,
    }
    counts: dict[str, tuple[Any, int]] = {
        name: (getattr(settings, name), low) for name, low in lowest.items()
    }
    counts |= {f"n_external[{i}]": (n, 1) for i, n in enumerate(settings.n_external)}
    sizes = {"n_prior_edges": settings.n_prior_edges, "n_prior_tf_edges": settings.n_prior_tf_edges}
    counts |= {name: (size, 0) for name, size in sizes.items() if size is not None}
    for name, (value, low) in counts.items():
        check_whole(name, value, least=low)
    if settings.n_series > settings.n_samples:
        raise ValueError(
            f"n_series ({settings.n_series}) exceeds n_samples ({settings.n_samples}): every "
            "series needs a sample; lower n_series or raise n_samples"
        )
    if settings.n_decoys > settings.n_tfs // 4:
        raise ValueError(
            f"n_decoys ({settings.n_decoys}) may be at most a quarter of n_tfs "
            f"({settings.n_tfs}); lower it to {settings.n_tfs // 4} or raise n_tfs"
        )


def _require_numbers(settings: SimulationSettings) -> None:
    """Check the shares and the other real numbers."""
    most = settings.n_tfs // 2
    bounds: dict[str, tuple[Any, float, float]] = {
        "prior_recall": (settings.prior_recall, LEAST_RECALL, 1),
        "prior_false_share": (settings.prior_false_share, 0, MOST_FALSE),
        "prior_sign_errors": (settings.prior_sign_errors, 0, 1),
        "mean_regulators": (settings.mean_regulators, 1, most),
    }
    bounds |= {f"external_shift[{i}]": (v, 0, 5) for i, v in enumerate(settings.external_shift)}
    bounds |= {
        f"external_missing[{i}]": (v, 0, 0.9) for i, v in enumerate(settings.external_missing)
    }
    for name, (value, low, high) in bounds.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} must be a number, got {value!r}")
        if not low <= value <= high:
            raise ValueError(f"{name} must be within [{low}, {high}], got {value}")


def _require_prior_size(settings: SimulationSettings) -> None:
    """Check that the edges asked for fit between the TFs and the genes."""
    n_edges, n_tf_edges = settings.n_prior_edges, settings.n_prior_tf_edges
    if n_tf_edges is None and n_edges is None:
        return
    if n_edges is None:
        raise ValueError(
            f"n_prior_tf_edges is {n_tf_edges} without n_prior_edges; give the number of all edges"
        )
    parts = {"n_prior_edges": (n_edges, settings.n_tfs + settings.n_targets)}
    if n_tf_edges is not None:
        parts = {
            "n_prior_tf_edges": (n_tf_edges, settings.n_tfs),
            "n_prior_edges less n_prior_tf_edges": (n_edges - n_tf_edges, settings.n_targets),
        }
    for name, (count, n_genes) in parts.items():
        if not 0 <= count <= settings.n_tfs * n_genes:
            raise ValueError(
                f"{name} is {count}; expected 0 to {settings.n_tfs * n_genes}, one edge for each "
                f"of {settings.n_tfs} TFs and {n_genes} genes"
            )
