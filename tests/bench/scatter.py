"""Time XGBRF in one share on one core against shares on several: `python -m tests.bench.scatter`.

A share is what a job of the runner does: a process of its own, which starts, opens the data, sorts
the TFs into bins and fits its batches of genes. Each is bound to a core of its own.

Cores share memory, caches and power, so two jobs that know nothing of each other slow each other
down too. What the machine allows at best is measured: whole jobs, as many at once as there are
cores. All three take turns, and the quickest turn of each counts: a machine's speed may change from
minute to minute.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pandas as pd

from lembas.artifacts import Run
from lembas.cohorts import Dataset
from lembas.fitting import fit_models
from lembas.scattered import baselines
from lembas.shares import Share
from tests.bench.problem import Problem

MODELS = {"xgbrf": {"parameters": {"n_jobs": 1}}}
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1")


@click.command()
@click.option("--genes", default=128, show_default=True, help="Genes to fit.")
@click.option("--samples", default=12_748, show_default=True, help="Training samples.")
@click.option("--tfs", default=1_197, show_default=True, help="TFs.")
@click.option("--cores", default=2, show_default=True, help="Cores of the scattered run.")
@click.option("--shares", type=click.IntRange(1), help="Shares; as many as cores.")
@click.option("--rounds", default=1, show_default=True, help="Turns of each.")
@click.option("--share", hidden=True, help="Make this share in the folder, and end.")
@click.option("--folder", type=click.Path(path_type=Path), hidden=True)
def main(
    genes: int,
    samples: int,
    tfs: int,
    cores: int,
    shares: int | None,
    rounds: int,
    share: str | None,
    folder: Path | None,
) -> None:
    """Measure the speed-up of a scattered run beside the best the machine allows."""
    if share is not None and folder is not None:
        baselines(Run.open(folder), {"models": MODELS}, Share.read(share))
        return
    available = sorted(os.sched_getaffinity(0))
    if cores > len(available):
        raise click.ClickException(f"{cores} cores asked for, {len(available)} are here")
    problem = Problem(samples, tfs, genes, 4 * tfs, tfs)
    with tempfile.TemporaryDirectory(prefix="lembas-") as place:
        turns = [
            _turn(problem, Path(place, f"round_{i}"), available[:cores], shares or cores)
            for i in range(rounds)
        ]
    one_s, several_s, copies_s = (min(turn.seconds[i] for turn in turns) for i in range(3))
    most = cores * one_s / copies_s
    found = {
        "genes": genes,
        "samples": samples,
        "tfs": tfs,
        "cores": cores,
        "shares": shares or cores,
        "rounds": rounds,
        "one_core_s": round(one_s, 1),
        "several_cores_s": round(several_s, 1),
        "gathering_s": round(min(turn.gathering_s for turn in turns), 1),
        "speed_up": round(one_s / several_s, 3),
        "speed_up_of_unrelated_jobs": round(most, 3),
        "share_of_that": round(one_s / several_s / most, 3),
        "share_of_cores": round(one_s / several_s / cores, 3),
        "turns_s": [[round(seconds, 1) for seconds in turn.seconds] for turn in turns],
        "same_predictions": all(turn.same for turn in turns),
        "load_before": round(os.getloadavg()[1], 1),
    }
    click.echo(json.dumps(found, indent=1))
    sys.exit(not found["same_predictions"])


@dataclass(frozen=True)
class _Turn:
    """Seconds of one share on one core, of shares on several, of whole jobs on several."""

    seconds: tuple[float, float, float]
    gathering_s: float
    same: bool


def _turn(problem: Problem, place: Path, cores: list[int], n_shares: int) -> _Turn:
    """Time all three once, and compare what one share and several have made."""
    one, several = (_data(problem, place / name) for name in ("one", "several"))
    copies = [_data(problem, place / f"copy_{core}") for core in cores]
    whole = Share(1, 1)
    seconds = (
        _made([(one, whole)], cores[:1]),
        _made([(several, part) for part in Share.all(n_shares)], cores),
        _made([(copy, whole) for copy in copies], cores),
    )
    (_, by_one), (gathering_s, by_several) = (_gathered(run, problem) for run in (one, several))
    shutil.rmtree(place)
    return _Turn(seconds, gathering_s, by_one == by_several)


def _data(problem: Problem, folder: Path) -> Run:
    """Write the problem as a run's data; its last sample is the test sample."""
    expression = pd.concat([problem.x, problem.y], axis=1).rename_axis(columns="gene")
    about = {"cohort": "study", "split": "train", "series": "", "library_size": 1e6}
    samples = pd.DataFrame(about, index=expression.index)
    samples.loc[samples.index[-1], "split"] = "test"
    dataset = Dataset(
        expression,
        samples,
        problem.tfs,
        problem.targets,
        unit="log10",
        fill="train_mean",
        simulated=True,
        study="study",
    )
    run = Run.open(folder)
    run.write_dataset(dataset)
    run.write_network(problem.network)
    return run


def _made(shares: list[tuple[Run, Share]], cores: list[int]) -> float:
    """Make the shares of runs, as many at once as there are cores.

    Returns:
        The seconds it took.
    """
    start, waiting, free = time.perf_counter(), list(shares), list(cores)
    running: dict[int, subprocess.Popen[bytes]] = {}
    while waiting or running:
        while waiting and free:
            core = free.pop()
            running[core] = _started(*waiting.pop(0), core)
        for core, process in list(running.items()):
            if process.poll() is not None:
                if process.returncode:
                    raise click.ClickException(f"a share ended with {process.returncode}")
                free.append(core)
                del running[core]
        time.sleep(0.05)
    return time.perf_counter() - start


def _started(run: Run, share: Share, core: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "tests.bench.scatter", "--folder", str(run.folder)]
    process = subprocess.Popen([*command, "--share", share.name], env={**os.environ, **ONE_CORE})
    os.sched_setaffinity(process.pid, {core})
    return process


def _gathered(run: Run, problem: Problem) -> tuple[float, bytes]:
    """Gather as the chapter does; return the seconds it took, and the bytes of a prediction."""
    start = time.perf_counter()
    fit_models(run, run.read_dataset(), problem.network, MODELS, group="baselines")
    seconds = time.perf_counter() - start
    return seconds, np.ascontiguousarray(run.read_prediction("xgbrf", "test")).tobytes()


if __name__ == "__main__":
    main()
