"""Time XGBRF in one share on one core against shares on several: `python -m tests.bench.scatter`.

A share is what a job of the runner does: a process of its own, which starts, opens the data, sorts
the TFs into bins and fits its batches of genes. Each is bound to a core of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
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
@click.option("--share", hidden=True, help="Make this share in the folder, and end.")
@click.option("--folder", type=click.Path(path_type=Path), hidden=True)
def main(
    genes: int,
    samples: int,
    tfs: int,
    cores: int,
    shares: int | None,
    share: str | None,
    folder: Path | None,
) -> None:
    """Measure the speed-up of a scattered run beside the ideal one."""
    if share is not None and folder is not None:
        baselines(Run.open(folder), {"models": MODELS}, Share.read(share))
        return
    available = sorted(os.sched_getaffinity(0))
    if cores > len(available):
        raise click.ClickException(f"{cores} cores asked for, {len(available)} are here")
    problem = Problem(samples, tfs, genes, 4 * tfs, tfs)
    with tempfile.TemporaryDirectory(prefix="lembas-") as place:
        runs = [_data(problem, Path(place, name)) for name in ("one", "several")]
        one_s, (whole_cpu_s,) = _made(runs[0], [Share(1, 1)], available[:1])
        several_s, cpu_s = _made(runs[1], Share.all(shares or cores), available[:cores])
        gathered = [_gathered(run, problem) for run in runs]
    same = gathered[0][1] == gathered[1][1]
    found = {
        "genes": genes,
        "samples": samples,
        "tfs": tfs,
        "cores": cores,
        "shares": shares or cores,
        "one_core_s": round(one_s, 1),
        "several_cores_s": round(several_s, 1),
        "gathering_s": round(gathered[1][0], 1),
        "speed_up": round(one_s / several_s, 3),
        "share_of_ideal": round(one_s / several_s / cores, 3),
        "cpu_s": {"one": round(whole_cpu_s, 1), "shares": [round(seconds, 1) for seconds in cpu_s]},
        "share_of_ideal_by_cpu": round(whole_cpu_s / sum(cpu_s), 3),
        "same_predictions": same,
        "load_before": round(os.getloadavg()[1], 1),
    }
    click.echo(json.dumps(found, indent=1))
    sys.exit(not same)


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


def _made(run: Run, shares: list[Share], cores: list[int]) -> tuple[float, list[float]]:
    """Make the shares, as many at once as there are cores.

    Returns:
        The seconds it took, and the processor's seconds of each share: on a machine that has other
        work to do, only these tell what a share costs.
    """
    start, waiting, free = time.perf_counter(), list(shares), list(cores)
    running: dict[int, subprocess.Popen[bytes]] = {}
    cpu_s: list[float] = []
    while waiting or running:
        while waiting and free:
            core, share = free.pop(), waiting.pop(0)
            running[core] = _started(run, share, core)
        for core, process in list(running.items()):
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                if process.returncode:
                    raise click.ClickException(f"a share ended with {process.returncode}")
                cpu_s.append(used.ru_utime + used.ru_stime)
                free.append(core)
                del running[core]
        time.sleep(0.05)
    return time.perf_counter() - start, cpu_s


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
