"""Start munge, slurmctld and slurmd on this machine as one node, and stop them again."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
# The plugin that starts a job's step forgets SLURM_CONF: the file must lie where Slurm looks.
CONF = Path("/etc/slurm/slurm.conf")
OWNER = "# Written by lembas' tests/cluster; removed when they are over."
SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

CONFIGURATION = """{owner}
ClusterName=lembas
SlurmctldHost={host}(127.0.0.1)
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
KillWait=2
SchedulerParameters=bf_interval=2,sched_min_interval=1000000
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Say why no Slurm can be started here; empty: it can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=SEARCHED) is None]
    if absent:
        return (
            f"{', '.join(absent)} not installed; on Debian: "
            "apt-get install slurmctld slurmd slurm-client munge"
        )
    if os.geteuid() != 0:
        return "slurmd runs jobs as root here; start the test as root, in a container"
    if CONF.exists() and OWNER not in CONF.read_text():
        return f"{CONF} belongs to another Slurm"
    return ""


@contextmanager
def node(folder: Path, *, cpus: int = 2) -> Iterator[None]:
    """Run a single-node Slurm while the block lasts.

    Args:
        folder: For state, logs and the key; made when it is not there.
        cpus: Processors that the node offers.
    """
    for name in ("state", "spool", "munge"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    host = re.sub(r"\..*", "", socket.gethostname())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 - 512
    CONF.parent.mkdir(parents=True, exist_ok=True)
    CONF.write_text(
        CONFIGURATION.format(owner=OWNER, host=host, folder=folder, cpus=cpus, memory=memory)
    )
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(_munge(folder / "munge"))
        for name in ("slurmctld", "slurmd"):
            program = shutil.which(name, path=SEARCHED)
            with (folder / f"{name}.out").open("wb") as out:
                started.append(subprocess.Popen([program, "-D"], stdout=out, stderr=out))
        _wait_until_idle(folder)
        yield
    finally:
        subprocess.run(["scancel", "--user=root"], check=False, capture_output=True)
        for process in reversed(started):
            process.terminate()
            process.wait(30)
        CONF.unlink()


def _munge(folder: Path) -> subprocess.Popen[bytes]:
    """Start munged with a key of its own, at the socket where Slurm looks."""
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    folder.chmod(0o700)
    socket_folder = Path("/run/munge")
    socket_folder.mkdir(exist_ok=True)
    shutil.chown(socket_folder, "root", "root")
    socket_folder.chmod(0o755)
    files = {"key-file": key, "pid-file": folder / "pid", "log-file": folder / "log"}
    files["seed-file"] = folder / "seed"
    options = [f"--{name}={path}" for name, path in files.items()]
    program = shutil.which("munged", path=SEARCHED)
    return subprocess.Popen([program, "--foreground", "--force", *options])


def _wait_until_idle(folder: Path, *, limit_s: float = 60) -> None:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        state = subprocess.run(
            ["sinfo", "-h", "-o", "%t"], check=False, capture_output=True, text=True
        )
        if state.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    logs = "\n".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.log")))
    raise RuntimeError(f"Slurm is not idle after {limit_s:.0f} s: {state.stdout}\n{logs}")
