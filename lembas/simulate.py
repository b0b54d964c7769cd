"""Simulate expression of a regulated transcriptome whose true network is known.

The measurements are fictional. Familiar gene symbols are used so that figures are easy to read;
no number simulated under one says anything about the real gene.

A sample is made in four steps: latent factors, series and chance drive the TFs and genes
(``lembas.conditions``); the TF cascade settles under Hill-type regulation and the targets
follow (``lembas.kinetics``); technical effects distort what is measured; reads are counted
(``lembas.reads``).
The models get another network than the true one: some edges missing, some false, some with the
wrong sign (``lembas.wiring``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from lembas.conditions import Noise, draw_conditions, draw_susceptibility
from lembas.drawn import DrawnConditions
from lembas.kinetics import Regulation
from lembas.names import ABUNDANCE, target_names, tf_names
from lembas.network import Network
from lembas.reads import count_reads, expected_cpm, log10_cpm
from lembas.simulation_settings import SimulationSettings
from lembas.wiring import draw_prior, draw_regulation, draw_truth

STUDY = "study"
STREAMS = (
    "networks",
    "prior",
    "regulation",
    "abundance",
    "susceptibility",
    "series",
    "conditions",
    "counts",
    "missing",
)
MOST_CPM_IN_ALL = 2e5


@dataclass(frozen=True, eq=False)
class Simulation:
    """Hold a simulated study, its external cohorts and the truth behind them.

    Attributes:
        expression: log10(CPM+1) of the study, ``(sample, gene)``, TFs and targets together.
        series: Series of each sample of the study.
        external: log10(CPM+1) of each external cohort; a gene may be missing there.
        prior: The network handed to the models.
        truth: The network that made the data.
        regulation: True kinetics of each edge of the truth.
        abundance: log10 CPM of each gene in the reference state.
        conditions: What acted on the samples of each cohort, the study included ("study").
        tfs: All TFs, sorted.
        targets: Genes that are not TFs, sorted.
        decoys: TFs of the prior that regulate nothing in truth.
        settings: The settings it was made with.
    """

    expression: pd.DataFrame
    series: pd.Series
    external: dict[str, pd.DataFrame]
    prior: Network
    truth: Network
    regulation: Regulation
    abundance: pd.Series
    conditions: dict[str, DrawnConditions]
    tfs: pd.Index
    targets: pd.Index
    decoys: pd.Index
    settings: SimulationSettings

    @property
    def orphans(self) -> pd.Index:
        """Targets without a regulator in the prior."""
        return self.targets.difference(self.prior.genes)

    @property
    def library_size(self) -> pd.Series:
        """Reads of each sample of the study.

        Those of genes that are not simulated are included: the simulated genes are a part of a
        transcriptome.
        """
        return self.conditions[STUDY].library_size

    @cached_property
    def counts(self) -> pd.DataFrame:
        """Reads of the study ``(sample, gene)``, counted again when they are first asked for.

        Expectations when reads are not sampled.
        """
        blocks = _count(self.settings, STUDY, self.regulation, self.conditions, self.abundance)
        return pd.concat(blocks)

    def expected_expression(
        self, *, clamp: Mapping[str, float] | None = None, cohort: str = STUDY
    ) -> pd.DataFrame:
        """Compute log10(CPM+1) without the chance of counting, as it is or after a perturbation.

        Args:
            clamp: log2 level, relative to the reference, at which a TF's mRNA is held whatever
                regulates it; ``{"HNF4A": float("-inf")}`` knocks it out.
            cohort: ``"study"`` or the name of an external cohort.

        Returns:
            Table ``(sample, gene)`` of all simulated genes.

        Raises:
            KeyError: If the cohort or a clamped TF is unknown.
        """
        if cohort not in self.conditions:
            raise KeyError(f"no cohort {cohort!r}; expected one of {', '.join(self.conditions)}")
        blocks = expected_cpm(self.regulation, self.conditions[cohort], self.abundance, clamp=clamp)
        return pd.concat([np.log10(cpm + 1) for cpm in blocks])


def simulate(
    *,
    n_samples: int = 1200,
    n_series: int = 24,
    n_tfs: int = 150,
    n_targets: int = 1000,
    n_external: tuple[int, ...] = (150, 150),
    external_shift: tuple[float, ...] = (0.25, 1.0),
    external_missing: tuple[float, ...] = (0.0, 0.03),
    n_decoys: int = 5,
    mean_regulators: float = 6.0,
    prior_recall: float = 0.6,
    prior_false_share: float = 0.3,
    prior_sign_errors: float = 0.04,
    n_prior_edges: int | None = None,
    n_prior_tf_edges: int | None = None,
    noise: Noise | None = None,
    dtype: str = "float64",
    seed: int = 888,
) -> Simulation:
    """Simulate a study with a known truth.

    The same settings give the same tables, bit by bit.

    Args:
        n_samples: Samples of the study.
        n_series: Series (batches) they come from, of unequal size.
        n_tfs: TFs, >= 20; all are measured.
        n_targets: Further genes, >= 20.
        n_external: Samples of each external cohort.
        external_shift: How far each lies from the study, 0 (same population) to 5.
        external_missing: Share of the synthetic genes that each cohort did not measure, [0, .9].
        n_decoys: TFs that regulate nothing but are in the prior, at most a quarter of the TFs.
        mean_regulators: Mean number of true regulators of a target, 1 to half the TFs.
        prior_recall: Share of the true edges in the prior, [.01, 1].
        prior_false_share: Share of the prior's edges that are false, [0, .9].
        prior_sign_errors: Share of the prior's true edges with the wrong sign, [0, 1].
        n_prior_edges: Edges of the prior, exactly; those that ``prior_recall`` does not fill are
            false, and ``prior_false_share`` has no say. None: as many as the shares give.
        n_prior_tf_edges: How many of these lead from TF to TF; None: left to chance.
        noise: Sizes of everything but regulation; ``Noise.none()`` switches all of it off.
        dtype: Number type of the expression tables, "float64" or "float32": half the memory.
        seed: Seed of all randomness, >= 0.

    Returns:
        The study, its external cohorts and the truth.

    Raises:
        ValueError: If a setting is out of range.
        TypeError: If a setting is of another kind than described.

    Example:
        >>> small = simulate(n_samples=40, n_series=4, n_tfs=20, n_targets=30, seed=1)
        >>> small.expression.shape
        (40, 50)
    """
    given = {**locals(), "noise": noise or Noise()}
    return _run(SimulationSettings(**given))


def _run(settings: SimulationSettings) -> Simulation:
    """Draw everything, each part from a stream of its own.

    Own streams mean that, say, another number of external cohorts leaves the study as it was.
    """
    tfs, targets = tf_names(settings.n_tfs), target_names(settings.n_targets)
    regulation, truth, prior, decoys = _draw_networks(settings, tfs, targets)
    abundance = _draw_abundance(_stream(settings, "abundance"), tfs, targets)
    conditions, series = _draw_all_conditions(settings, truth, tfs, targets, decoys)
    measured = {
        name: log10_cpm(
            _count(settings, name, regulation, conditions, abundance),
            cohort.library_size,
            genes=cohort.gene_sd.index,
            dtype=settings.dtype,
        )
        for name, cohort in conditions.items()
    }
    return Simulation(
        expression=measured.pop(STUDY),
        series=series,
        external=_drop_genes(settings, measured),
        prior=prior,
        truth=truth,
        regulation=regulation,
        abundance=abundance,
        conditions=conditions,
        tfs=tfs.sort_values(),
        targets=targets.sort_values(),
        decoys=decoys.sort_values(),
        settings=settings,
    )


def _stream(settings: SimulationSettings, part: str, place: int = 0) -> np.random.Generator:
    """Open the stream of random numbers of one part of the simulation."""
    return np.random.default_rng([settings.seed, STREAMS.index(part), place])


def _draw_networks(
    settings: SimulationSettings, tfs: pd.Index, targets: pd.Index
) -> tuple[Regulation, Network, Network, pd.Index]:
    """Draw the true kinetics, truth, prior and decoys; the decoys carry synthetic names."""
    rng = _stream(settings, "networks")
    synthetic = tfs[tfs.str.startswith("TFX")]
    decoys = pd.Index(rng.choice(synthetic, settings.n_decoys, replace=False), name="tf")
    truth = draw_truth(rng, tfs, targets, decoys, mean_regulators=settings.mean_regulators)
    regulation = draw_regulation(_stream(settings, "regulation"), truth)
    prior = draw_prior(
        _stream(settings, "prior"),
        truth,
        tfs,
        strength=regulation.edges["strength"],
        recall=settings.prior_recall,
        false_share=settings.prior_false_share,
        sign_errors=settings.prior_sign_errors,
        n_edges=settings.n_prior_edges,
        n_tf_edges=settings.n_prior_tf_edges,
    )
    return regulation, truth, prior, decoys


def _draw_abundance(rng: np.random.Generator, tfs: pd.Index, targets: pd.Index) -> pd.Series:
    """Draw each gene's log10 CPM in the reference state; TFs are expressed less.

    Many genes are expressed less each, so that together they stay a part of the library.
    """
    levels = np.concatenate([rng.normal(1.1, 0.5, len(tfs)), rng.normal(1.5, 0.9, len(targets))])
    abundance = pd.Series(np.clip(levels, -0.5, 3.5), index=tfs.append(targets))
    familiar = pd.Series(ABUNDANCE)
    abundance.update(familiar[familiar.index.isin(abundance.index)])
    abundance -= max(0.0, np.log10((10**abundance).sum() / MOST_CPM_IN_ALL))
    return abundance.sort_index().rename_axis("gene").rename("abundance_log10_cpm")


def _draw_all_conditions(
    settings: SimulationSettings,
    truth: Network,
    tfs: pd.Index,
    targets: pd.Index,
    decoys: pd.Index,
) -> tuple[dict[str, DrawnConditions], pd.Series]:
    """Draw the conditions of the study and of each external cohort."""
    susceptibility = draw_susceptibility(
        _stream(settings, "susceptibility"),
        tfs,
        targets,
        roots=tfs.difference(truth.genes),
        decoys=decoys,
        noise=settings.noise,
    )
    series = _draw_series(_stream(settings, "series"), settings)
    conditions = {
        STUDY: draw_conditions(
            _stream(settings, "conditions"), susceptibility, series, noise=settings.noise
        )
    }
    sizes = zip(settings.external_names, settings.n_external, settings.external_shift, strict=True)
    for place, (name, n_samples, shift) in enumerate(sizes, start=1):
        rng = _stream(settings, "conditions", place)
        samples = _sample_names(name.removeprefix("external_").upper(), n_samples)
        one_series = pd.Series(name, index=samples, name="series")
        conditions[name] = draw_conditions(
            rng, susceptibility, one_series, noise=settings.noise, shift=shift
        )
    return conditions, series


def _draw_series(rng: np.random.Generator, settings: SimulationSettings) -> pd.Series:
    """Share the samples out among series of unequal size, none of them empty."""
    share = rng.dirichlet(np.full(settings.n_series, 4.0))
    sizes = 1 + rng.multinomial(settings.n_samples - settings.n_series, share)
    names = [f"SERIES{i:02d}" for i in range(1, settings.n_series + 1)]
    samples = _sample_names("SIM", settings.n_samples)
    return pd.Series(np.repeat(names, sizes), index=samples, name="series")


def _sample_names(prefix: str, count: int) -> pd.Index:
    """Number the samples of a cohort: SIM00001, SIM00002 ..."""
    return pd.Index([f"{prefix}{i:05d}" for i in range(1, count + 1)], name="sample")


def _count(
    settings: SimulationSettings,
    name: str,
    regulation: Regulation,
    conditions: Mapping[str, DrawnConditions],
    abundance: pd.Series,
) -> Iterator[pd.DataFrame]:
    """Count the reads of one cohort, one block of samples after the other."""
    rng = _stream(settings, "counts", list(conditions).index(name))
    expected = expected_cpm(regulation, conditions[name], abundance)
    return count_reads(rng, expected, conditions[name].library_size, settings.noise)


def _drop_genes(
    settings: SimulationSettings, external: dict[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Leave out the synthetic genes that a cohort did not measure."""
    dropped = {}
    for place, ((name, table), share) in enumerate(
        zip(external.items(), settings.external_missing, strict=True)
    ):
        synthetic = table.columns[table.columns.str.match("(TFX|GENE)[0-9]")]
        rng = _stream(settings, "missing", place)
        missing = rng.choice(synthetic, round(share * len(synthetic)), replace=False)
        dropped[name] = table.drop(columns=missing)
    return dropped
