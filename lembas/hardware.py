"""Name the machine that something was measured on."""

import platform
from pathlib import Path


def processor_name() -> str:
    """Name the processor as the system does; its architecture where it has no name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), platform.processor() or platform.machine())
