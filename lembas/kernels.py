"""What a chapter's kernel is given: a folder, an environment, a way to talk; and who watches it."""

import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from lembas.provenance import write_json

if TYPE_CHECKING:
    from traitlets.config import Config

KERNEL = "lembas"
# Systems allow about 100 letters; the names of the files take some.
MOST_OF_A_SOCKETS_NAME = 80
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


@contextmanager
def environment(root: Path, threads: int) -> Iterator[Path]:
    """Set this process's folder and environment to those of a chapter's kernel.

    Args:
        root: Project root.
        threads: Threads of the kernel.

    Yields:
        A folder for files of this time.
    """
    # The kernel is this interpreter, whatever "python3" means on this machine, with a fixed number
    # of threads (sums depend on it) and without the user's IPython start-up files.
    kept = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="lembas-") as folder:
        spec = Path(folder) / "kernels" / KERNEL / "kernel.json"
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        argv += ["--ext", "lembas.escaped"]
        write_json(spec, {"argv": argv, "display_name": KERNEL, "language": "python"})
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
        # Threads that wait give their processor to those that work, ours or another chapter's.
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.update(
            JUPYTER_PATH=os.pathsep.join(filter(None, [folder, kept.get("JUPYTER_PATH")])),
            PYTHONPATH=os.pathsep.join(filter(None, [str(root), kept.get("PYTHONPATH")])),
            IPYTHONDIR=str(Path(folder) / "ipython"),
            PYTHONHASHSEED="0",
            PYDEVD_DISABLE_FILE_VALIDATION="1",
        )
        here = Path.cwd()
        try:
            os.chdir(root)
            yield Path(folder)
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(kept)


class Watch:
    """Watch the kernel from outside: its peak memory, and the chapter's time limit.

    papermill's own limit holds for one cell; a chapter's limit ends its kernel.

    Attributes:
        expired: Whether the kernel was ended because its time was over.
        peak_bytes: Most memory it took.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.expired = False
        self.peak_bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _follow(self) -> None:
        end = time.monotonic() + self.limit_s
        while not self._done.wait(0.1):
            kernel = psutil.Process().children(recursive=True)
            self.peak_bytes = max(self.peak_bytes, sum(map(_resident_bytes, kernel)))
            if time.monotonic() > end and not self.expired:
                self.expired = True
                for process in kernel:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def talk(folder: Path) -> "Config":
    """Say how a kernel is talked to: by sockets in a folder, where the system has such.

    Kernels that start at the same moment may draw the same port, and the second then ends at once;
    and any user of the machine may knock at a port.

    Args:
        folder: Folder of this kernel alone, of :func:`environment`.
    """
    from traitlets.config import Config

    config = Config()
    if hasattr(socket, "AF_UNIX") and len(str(folder)) <= MOST_OF_A_SOCKETS_NAME:
        config.KernelManager.transport = "ipc"
        config.KernelManager.connection_file = str(folder / "kernel.json")
    return config
