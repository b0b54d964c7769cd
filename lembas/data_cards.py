"""Data cards: where cohorts and network come from, what was done to them, what is wrong with them.

Origin and licence of measured data are what the profile says of them; everything else is read from
the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import pandas as pd

from lembas.card_markup import bullets, facts, page, shown, table
from lembas.cohorts import Cohort, Dataset
from lembas.conditions import Noise
from lembas.formats import counted, listed
from lembas.network import Network
from lembas.plain_text import as_markdown
from lembas.simulation_settings import SimulationSettings
from lembas.told import Told

SIMULATION = "simulation"
NETWORK = "network"
_UNTOLD = "not told; add it under `cards` in the profile"
_MADE_HERE = "made by this program (lembas.simulate) from the settings below"
_FREE = "none needed: no measurement of anyone is in it"


@dataclass(frozen=True)
class Origin:
    """How a run came by its data.

    Attributes:
        source: The source of the data chapter, such as "counts".
        options: Settings of the source.
        digests: File name to sha256.
        told: Cohort, or "network", to what the profile tells of it.
    """

    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, Told] = field(default_factory=dict)

    @property
    def is_simulated(self) -> bool:
        """Whether the data were simulated by the run itself."""
        return self.source == SIMULATION

    def of(self, name: str) -> dict[str, str]:
        """Say where a cohort or network comes from, and under which terms."""
        told = self.told.get(name, Told())
        fallback = (_MADE_HERE, _FREE) if self.is_simulated else (_UNTOLD, _UNTOLD)
        return {
            "Origin": told.origin or fallback[0],
            "Licence": told.licence or fallback[1],
        }

    def problems_of(self, name: str) -> tuple[str, ...]:
        """Return what the profile says is wrong with a cohort or network."""
        return self.told.get(name, Told()).problems


def data_page(
    dataset: Dataset, network: Network, audits: Sequence[pd.DataFrame], origin: Origin
) -> str:
    """Write the data cards as a page of the book, in MyST Markdown.

    Args:
        dataset: Study and external cohorts.
        network: The prior.
        audits: Tables of the audits: check, finding, count, examples, verdict.
        origin: How the run came by these.

    Raises:
        ValueError: If the profile tells of a cohort that is not there.
    """
    _check_told([dataset.study, *dataset.external], origin.told)
    return page(
        "# Data cards",
        "What the data of this run are, where they come from, what was done to them and what is "
        "known to be wrong with them. The build makes these cards from the run; origin and licence "
        "are what the profile says. {doc}`01_data` shows the data, {doc}`02_network` the network.",
        _study(dataset, audits, origin),
        *(_external(name, cohort, origin) for name, cohort in dataset.external.items()),
        _network(dataset, network, origin),
        _simulation(origin.options) if origin.is_simulated else "",
    )


def _check_told(names: Sequence[str], told: Mapping[str, Told]) -> None:
    unknown = [name for name in told if name not in (*names, NETWORK)]
    if unknown:
        raise ValueError(
            f"the profile's `cards` tell of {listed(unknown)}; this run has {listed(names)} and "
            f"{NETWORK}"
        )


def _study(dataset: Dataset, audits: Sequence[pd.DataFrame], origin: Origin) -> str:
    found = pd.concat(audits, ignore_index=True)
    found = found[(found["verdict"] != "ok") & (found["count"] > 0)]
    rows = found[["check", "finding", "count", "verdict"]].to_numpy().tolist()
    left_out = dataset.excluded.groupby("reason", sort=False).size()
    train, test = dataset.train, dataset.test
    known = {
        **origin.of(dataset.study),
        "Read as": _read_as(origin),
        "Files": _files(origin),
        "Training samples": _samples(train),
        "Test samples": _samples(test),
        "Split": _split(train),
        "Unit": dataset.unit,
        "Inputs": counted(len(dataset.inputs), "TF"),
        "Targets": counted(len(dataset.targets), "gene"),
        "Left out": "; ".join(f"{reason}: {number:,}" for reason, number in left_out.items()),
        "Library sizes": _library_sizes(dataset.samples, dataset.study),
    }
    return page(
        f"## {as_markdown(dataset.study)}: training and test",
        facts(known),
        _known_problems(origin.problems_of(dataset.study)),
        "What the audits of leakage and quality found, in all cohorts:" if rows else "",
        table(["Check", "Finding", "Count", "Verdict"], rows) if rows else "",
    )


def _external(name: str, cohort: Cohort, origin: Origin) -> str:
    known = {
        **origin.of(name),
        "Samples": _samples(cohort),
        "Inputs that were not measured": _names(cohort.imputed),
        "Targets that were not measured": _names(cohort.missing),
        "Use": "scored only: no model sees it before",
    }
    return page(
        f"## {as_markdown(name)}: external cohort",
        facts(known),
        _known_problems(origin.problems_of(name)),
    )


def _network(dataset: Dataset, network: Network, origin: Origin) -> str:
    used = network.restrict(dataset.inputs, dataset.targets)
    signs = network.edges["Interaction"]
    known = {
        **origin.of(NETWORK),
        "Edges": f"{counted(len(network), 'edge')}, {len(used):,} of them between measured TFs "
        "and targets",
        "TFs and genes": f"{counted(len(network.tfs), 'TF')}, "
        f"{counted(len(network.genes), 'regulated gene')}",
        "Signs": f"{int((signs > 0).sum()):,} activate, {int((signs < 0).sum()):,} inhibit, "
        f"{int((signs == 0).sum()):,} not known",
        "Digest of what is used": used.digest[:16],
    }
    always = (
        "An edge that is not there may be a regulation that nobody has found.",
        "An edge that was inferred from expression would make the comparison circular.",
    )
    return page(
        "## The prior network",
        facts(known),
        _known_problems((*origin.problems_of(NETWORK), *always)),
    )


def _simulation(options: Mapping[str, Any]) -> str:
    """List all settings, those that the profile leaves as they are included."""
    given = dict(options)
    noise = given.pop("noise", None) or {}
    names = {item.name for item in fields(SimulationSettings)}
    others = {key: value for key, value in given.items() if key not in names}
    settings = {
        key: given.get(key, default)
        for key, default in asdict(SimulationSettings()).items()
        if key != "noise"
    }
    noises = {f"noise: {key}": noise.get(key, value) for key, value in asdict(Noise()).items()}
    rows = [(key, shown(value)) for key, value in {**settings, **noises, **others}.items()]
    return page(
        "## Settings of the simulation",
        "{doc}`/book/api/simulation` says what each means. Gene symbols make the figures easy to "
        "read: nothing simulated under a symbol says anything about the gene.",
        table(["Setting", "Value"], rows),
    )


def _known_problems(problems: Sequence[str]) -> str:
    return f"Known problems:\n\n{bullets(problems)}" if problems else ""


def _read_as(origin: Origin) -> str:
    if origin.is_simulated:
        return "simulated; counted reads, normalised"
    options = "; ".join(f"{key}: {shown(value)}" for key, value in origin.options.items())
    return f"source {origin.source}{f' ({options})' if options else ''}"


def _files(origin: Origin) -> str:
    return "; ".join(
        f"{name} (sha256 {digest[:16]})" for name, digest in sorted(origin.digests.items())
    )


def _samples(cohort: Cohort) -> str:
    if cohort.series is None:
        return f"{len(cohort.x):,}, series not known"
    return f"{len(cohort.x):,} in {cohort.series.nunique():,} series"


def _split(train: Cohort) -> str:
    how = "single samples, drawn" if train.series is None else "whole series"
    return f"held out for the test: {how}"


def _library_sizes(samples: pd.DataFrame, study: str) -> str:
    size = samples.loc[samples["cohort"] == study, "library_size"].dropna()
    if size.empty:
        return ""
    return f"median {size.median():,.0f} reads, {size.min():,.0f} to {size.max():,.0f}"


def _names(genes: pd.Index) -> str:
    return "none" if genes.empty else f"{len(genes):,}: {listed(genes)}"
