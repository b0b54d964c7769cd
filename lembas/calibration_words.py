"""Say by rule what the simulated coverage of the intervals means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from lembas.calibration import AIM, QUANTITIES
from lembas.intervals import FEWEST_UNITS

_NO_INTERVAL = "no interval: too few units"
# By where the coverage lies, and whether its own interval lies there too.
_WORDS = {
    "within": "as often as they should",
    "too narrow": "too seldom: they are too narrow",
    "perhaps too narrow": "less than the aim, though so many studies do not decide that",
    "too wide": "too often: they are wider than need be, and small differences are overlooked",
    "perhaps too wide": "more than the aim, though so many studies do not decide that",
}


def judged(coverage: float, low: float, high: float) -> str:
    """Place a coverage beside the aim.

    Args:
        coverage: Share of the intervals that hold the truth.
        low: Lower limit of the interval of that share.
        high: Its upper limit.

    Returns:
        "within" the aim, "too narrow" below it, "too wide" above it; with "perhaps" before where
        the interval reaches into the aim.
    """
    if AIM[0] <= coverage <= AIM[1]:
        return "within"
    verdict, is_sure = (
        ("too narrow", high < AIM[0]) if coverage < AIM[0] else ("too wide", low > AIM[1])
    )
    return verdict if is_sure else f"perhaps {verdict}"


def coverage_sentences(table: pd.DataFrame) -> str:
    """Say for every size of a cohort whether its intervals can be believed.

    Args:
        table: Result of :func:`lembas.calibration.coverage`.

    Returns:
        Sentences by the rule of :func:`judged`; equal models are to "differ" in at most 5 %.
    """
    sentences = []
    for regime, own in table.groupby("regime", sort=False):
        rows = {row.quantity: row for row in own.itertuples()}
        where = f"In cohorts like {regime} ({_size(rows['skill'])})"
        if pd.isna(rows["skill"].coverage):
            sentences.append(f"{where} no interval is given: fewer than {FEWEST_UNITS} units.")
            continue
        sentences.append(f"{where} {_held(rows)}. {_alarms(rows['aa'])}")
    return " ".join(sentences)


def _size(row: Any) -> str:
    each = "sample" if row.samples_per_unit == 1 else "samples"
    return f"{row.n_units} units of {row.samples_per_unit} {each}"


def _held(rows: dict[str, Any]) -> str:
    """Say how often the intervals of a skill and of a difference hold."""
    parts = [
        f"those of {name} in {_share(row)}, {_WORDS[judged(row.coverage, row.low, row.high)]}"
        for name, row in (("a skill", rows["skill"]), ("a difference", rows["difference"]))
    ]
    return f"intervals hold what other such cohorts show on average: {'; '.join(parts)}"


def _alarms(row: Any) -> str:
    """Say how often two equally good models seem to differ."""
    rate, least = 1 - row.coverage, 1 - row.high
    if rate <= 0.05 + 1e-9:
        judgement = "no more than the 5 % that are allowed"
    elif least > 0.05:
        judgement = "more than the 5 % that are allowed: a difference there proves little"
    else:
        judgement = "more than 5 %, though so many studies do not decide that"
    return f'Equal models "differ" in {100 * rate:.1f} %, {judgement}.'


def limit_sentence(table: pd.DataFrame) -> str:
    """Say how far the scores of infinitely many samples lie from what the intervals speak of.

    Args:
        table: Result of :func:`lembas.calibration.coverage`.
    """
    rows = table[table["limit_coverage"].notna() & (table["quantity"] != "aa")]
    if rows.empty:
        return "No interval was given, so none was asked to hold the score of all samples."
    parts = [
        f"{QUANTITIES[quantity]}, by up to {own['shift'].max():.3f}, so that "
        f"{_range(own['limit_coverage'])} of the intervals hold it"
        for quantity, own in rows.groupby("quantity", sort=False)
    ]
    return (
        "Infinitely many samples would show a somewhat other score than cohorts of these sizes do "
        f"on average: {'; '.join(parts)}."
    )


def rule() -> str:
    """State the rule of the sentences."""
    low, high = (f"{100 * share:.0f}" for share in AIM)
    return (
        f"the aim is {low} to {high} %; a share outside it counts as too small or too large where "
        "its own 95 % interval lies outside too; equal models may differ in at most 5 %."
    )


def _range(shares: Iterable[float]) -> str:
    low, high = (f"{100 * value:.1f}" for value in (min(shares), max(shares)))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _share(row: Any) -> str:
    return f"{100 * row.coverage:.1f} % ({100 * row.low:.1f} to {100 * row.high:.1f})"


def coverage_table(table: pd.DataFrame) -> pd.DataFrame:
    """Lay the result of :func:`lembas.calibration.coverage` out for a reader, as text."""
    known = table["coverage"].notna()
    held = [
        _share(row) if is_known else _NO_INTERVAL
        for row, is_known in zip(table.itertuples(), known, strict=True)
    ]
    limit = table["limit_coverage"].map(
        lambda share: _NO_INTERVAL if pd.isna(share) else f"{100 * share:.1f} %"
    )
    shown = table.assign(
        what=table["quantity"].map(dict(QUANTITIES)),
        held=held,
        limit_held=limit,
        width=table["width"].map(lambda width: "" if pd.isna(width) else f"{width:.3f}"),
        shift=table["shift"].map("{:.3f}".format),
    )
    names = {
        "held": "hold the mean of other such cohorts",
        "width": "mean width",
        "shift": "all samples would show another score by",
        "limit_held": "hold that score",
    }
    shown = shown.set_index(["regime", "n_units", "n_samples", "what"])[list(names)]
    return shown.rename(columns=names).rename_axis(["cohort's size", "units", "samples", "of"])
