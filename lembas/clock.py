"""Times of change that lie ahead of the clock, as after it was set back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

# Between two times that are brought back: far more than a file system rounds by.
STEP_NS = 1_000


def bring_back(paths: Iterable[Path]) -> None:
    """Set times of change that lie ahead of the clock to just before now, in their order.

    Snakemake throws away what a chapter wrote when the chapter's inputs are newer than that.

    Args:
        paths: Files and folders; those that are not newer than the clock stay as they are.

    Raises:
        OSError: If the times of a file may not be set.
    """
    now = time.time_ns()
    times = {path: path.lstat() for path in paths}
    ahead = {path: it for path, it in times.items() if it.st_mtime_ns > now}
    order = sorted({it.st_mtime_ns for it in ahead.values()}, reverse=True)
    new = {before: now - n * STEP_NS for n, before in enumerate(order, start=1)}
    for path, it in ahead.items():
        os.utime(path, ns=(it.st_atime_ns, new[it.st_mtime_ns]), follow_symlinks=False)
