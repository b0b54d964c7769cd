"""Run the benchmarks: `make bench`, or `python -m tests.bench --only rnn`."""

from __future__ import annotations

from pathlib import Path

import click
import torch

from tests.bench import report
from tests.bench.explaining import explaining
from tests.bench.groups import SMALLER, TASKS
from tests.bench.memory import rnn_memory
from tests.bench.problem import SMALL, Problem
from tests.bench.tasks import FAST, SLOW
from tests.bench.timing import in_turns

MEMORY = ("memory", "explaining")


@click.command()
@click.option("--only", type=click.Choice([*TASKS, *MEMORY]), multiple=True, help="Some of them.")
@click.option("--small", is_flag=True, help="A small problem, to try the benchmark itself.")
@click.option("--threads", type=click.IntRange(1), help="Threads; as many as there are.")
@click.option("--to", type=click.Path(path_type=Path), help="Folder; book/performance.")
def main(only: tuple[str, ...], small: bool, threads: int | None, to: Path | None) -> None:
    """Time each fast path beside the slow one it replaces."""
    if threads:
        torch.set_num_threads(threads)
    problem = SMALL if small else Problem()
    wanted = only or (*TASKS, *MEMORY)
    tasks = []
    for name in [name for name in TASKS if name in wanted]:
        for task in TASKS[name](problem, **(SMALLER[name] if small else {})):
            entry = report.row(task, in_turns(task.ways))
            tasks.append(entry)
            ours, slow = entry[f"{FAST}_s"]["median"], entry[f"{SLOW}_s"]["median"]
            click.echo(f"{entry['ratio']:8.1f} x  {ours:.4g} s against {slow:.4g} s  {task.name}")
    memory = rnn_memory(problem) if "memory" in wanted else {}
    for name, peak in memory.items():
        click.echo(f"{peak:8.0f} MB  {name}")
    explained = explaining(problem) if "explaining" in wanted else []
    for entry in explained:
        click.echo(f"{entry['peak_mb']:8.0f} MB  one gene explained, {entry['allowed_mb']:g} MB")
    result = {"conditions": report.conditions(problem), "tasks": tasks, "memory_mb": memory}
    result["explaining"] = explained
    # A part of the benchmark does not replace the book's tables.
    if to or not (only or small):
        report.write(result, to or report.FOLDER)


if __name__ == "__main__":
    main()
