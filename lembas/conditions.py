"""Draw what acts on simulated samples from outside the network: biology, series and reads."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from lembas.drawn import DrawnConditions, DrawnRows, standard_normal

PLATFORM_SD = 1.3
TF_LOADING = 1.4
ROOT_SD = 1.1
REGULATED_SD = 0.7
MEDIAN_READS = 12e6
READS_LOG_SD = 0.35
FACTORS = ("composition", "stage", "inflammation", "zonation", "rna_quality")
TECHNICAL_FACTORS = ("rna_quality",)


@dataclass(frozen=True)
class Noise:
    """Set the sizes of everything that is not regulation; all are SDs in log2 units, >= 0.

    Attributes:
        factors: Shared latent factors (tissue composition, disease stage, RNA quality ...).
        gene: Variation of a gene's own, which nothing measured explains; differs between genes.
        activity: TF activity that does not show in the TF's mRNA; differs between TFs.
        series: Technical offset of one gene in one series.
        series_share: Share of the variance of factors and TF drivers that lies between series,
            in [0, 1].
        counts: Whether reads are sampled; without, expression is its own expectation.
        dispersion: Extra-Poisson variance of the counts, relative to the squared mean.
    """

    factors: float = 0.65
    gene: float = 0.25
    activity: float = 0.2
    series: float = 0.15
    series_share: float = 0.25
    counts: bool = True
    dispersion: float = 0.02

    def __post_init__(self) -> None:
        """Check the ranges."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "counts" and not (np.isfinite(value) and value >= 0):
                raise ValueError(f"noise: {field.name} must be a finite number >= 0, got {value}")
        if self.series_share > 1:
            raise ValueError(f"noise: series_share must be within [0, 1], got {self.series_share}")

    @classmethod
    def none(cls) -> Noise:
        """Leave nothing but regulation and the TFs' own drivers."""
        return cls(
            factors=0, gene=0, activity=0, series=0, series_share=0, counts=False, dispersion=0
        )


@dataclass(frozen=True, eq=False)
class Susceptibility:
    """Hold how strongly each gene answers to what acts from outside; shared by all cohorts.

    Attributes:
        loadings: log2 change per SD of a factor, ``(gene, factor)``.
        gene_sd: SD of each gene's own variation, log2; for a TF that of its driver.
        activity_sd: SD of each TF's hidden activity, log2.
    """

    loadings: pd.DataFrame
    gene_sd: pd.Series
    activity_sd: pd.Series


def draw_susceptibility(
    rng: np.random.Generator,
    tfs: pd.Index,
    targets: pd.Index,
    *,
    roots: pd.Index,
    decoys: pd.Index,
    noise: Noise,
) -> Susceptibility:
    """Draw how each gene answers to factors and how much it varies on its own.

    Args:
        rng: Source of randomness.
        tfs: All TFs.
        targets: All other genes.
        roots: TFs without regulators; their drivers vary most.
        decoys: TFs that follow no factor, so that nothing true points to them.
        noise: Sizes.
    """
    genes = tfs.union(targets).rename("gene")
    sparse = rng.random((len(genes), len(FACTORS))) < 0.5
    raw = rng.normal(size=sparse.shape) * sparse * rng.lognormal(-0.2, 0.5, (len(genes), 1))
    raw = np.clip(raw, -2.5, 2.5)
    loadings = pd.DataFrame(raw, index=genes, columns=pd.Index(FACTORS, name="factor"))
    loadings *= noise.factors / np.sqrt(len(FACTORS) * 0.5)
    loadings.loc[tfs] *= TF_LOADING
    loadings.loc[decoys] = 0.0
    own = pd.Series(noise.gene * rng.lognormal(-0.15, 0.55, len(genes)).clip(max=3), index=genes)
    own[tfs] = np.where(tfs.isin(roots.union(decoys)), ROOT_SD, REGULATED_SD)
    activity_sd = pd.Series(noise.activity * rng.lognormal(-0.1, 0.5, len(tfs)), index=tfs)
    return Susceptibility(loadings, own, activity_sd)


def draw_conditions(
    rng: np.random.Generator,
    susceptibility: Susceptibility,
    series: pd.Series,
    *,
    noise: Noise,
    shift: float = 0.0,
) -> DrawnConditions:
    """Draw the samples of one cohort.

    Args:
        rng: Source of randomness.
        susceptibility: How genes answer.
        series: Series of each sample; index = samples.
        noise: Sizes.
        shift: How far the cohort lies from the study, 0 for the study itself: another mix of the
            factors, other TF drivers, an offset for each gene (platform), fewer reads.
    """
    shape = (len(series), len(susceptibility.gene_sd))
    n_series, n_genes = series.nunique(), shape[1]
    # What a seed means depends on the order of the draws.
    factors = _draw_factors(rng, series, noise.series_share, shift)
    offset = rng.normal(0, noise.series, (n_series, n_genes))
    offset += rng.normal(0, PLATFORM_SD * shift, n_genes)
    within = DrawnRows.of(rng, shape, standard_normal)
    between_series = rng.normal(size=(n_series, n_genes))
    between = DrawnRows.of(rng, shape, standard_normal)
    tf_shift = rng.normal(0, 0.6 * shift, n_genes)
    activity = DrawnRows.of(rng, (shape[0], len(susceptibility.activity_sd)), standard_normal)
    reads = np.exp(rng.normal(np.log(MEDIAN_READS) - shift, READS_LOG_SD, len(series)))
    technical = pd.Index(FACTORS).isin(TECHNICAL_FACTORS)
    loadings = susceptibility.loadings.to_numpy()
    return DrawnConditions(
        series=series,
        library_size=pd.Series(np.rint(reads), index=series.index, name="library_size"),
        gene_sd=susceptibility.gene_sd,
        activity_sd=susceptibility.activity_sd,
        series_share=noise.series_share,
        biology=(factors[:, ~technical], loadings[:, ~technical]),
        handling=(factors[:, technical], loadings[:, technical]),
        offset=offset,
        tf_shift=tf_shift,
        between_series=between_series,
        between=between,
        within=within,
        activity=activity,
    )


def _draw_factors(
    rng: np.random.Generator, series: pd.Series, series_share: float, shift: float
) -> np.ndarray:
    """Draw the latent factors ``(sample, factor)``, about unit SD in the study.

    Stage comes in five steps; inflammation and RNA quality are skewed, as they are in patients.
    """
    z = _between_and_within(rng, series, len(FACTORS), series_share)
    spread = np.exp(rng.normal(0, 0.3 * shift, len(FACTORS)))
    # Within 3.5 SDs, or a skewed factor in a shifted cohort would make absurd fold changes.
    z = np.clip(z * spread + shift * rng.choice([-1.0, 1.0], len(FACTORS)), -3.5, 3.5)
    values = dict(zip(FACTORS, z.T, strict=True))
    values["stage"] = np.clip(np.floor(1.2 * values["stage"] + 2.5), 0, 4) - 2
    values["inflammation"] = (np.exp(0.3 * values["inflammation"]) - np.exp(0.045)) / 0.32
    values["rna_quality"] = (np.exp(0.045) - np.exp(-0.3 * values["rna_quality"])) / 0.32
    return np.column_stack([values[name] for name in FACTORS])


def _between_and_within(
    rng: np.random.Generator, series: pd.Series, n_columns: int, share: float
) -> np.ndarray:
    """Draw unit-variance normals, of which ``share`` of the variance is common to a series."""
    code, names = pd.factorize(series)
    between = rng.normal(size=(len(names), n_columns))[code]
    within = rng.normal(size=(len(series), n_columns))
    unit: np.ndarray = np.sqrt(share) * between + np.sqrt(1 - share) * within
    return unit
