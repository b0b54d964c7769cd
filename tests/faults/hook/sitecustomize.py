"""Loaded by every Python of a disturbed run: notes what is done to files, stops where told to.

Python imports a module of this name at its start, from whatever folder PYTHONPATH names: so the
product needs no hook of its own, and its child processes have it, too.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

FOLDER = os.environ.get("LEMBAS_FAULTS", "")
UNSEEN = ("__pycache__", ".snakemake/log", ".snakemake/locks", "snakemake.log")
WRITING = os.O_WRONLY | os.O_RDWR


def role() -> str:
    """Say which of a run's processes this is."""
    words = " ".join(sys.orig_argv)
    known = {"ipykernel": "kernel", "lembas.pieces": "share", "execute-piece": "share's job"}
    known |= {"lembas execute": "job", "-m snakemake": "snakemake", "-m lembas": "command"}
    known |= {"from lembas import tiny": "code"}
    return next((name for sign, name in known.items() if sign in words), "other")


class Hook:
    """Follow the files below the project's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = f"{Path.cwd()}/"
        self.role = role()
        target = folder / "target.json"
        self.target = json.loads(target.read_text()) if target.is_file() else {}
        self.seen = 0
        self.busy = False

    def __call__(self, event: str, arguments: tuple) -> None:
        if self.busy or event not in ("open", "os.rename", "os.remove", "shutil.rmtree"):
            return
        self.busy = True
        try:
            self.note(event, arguments)
        finally:
            self.busy = False

    def note(self, event: str, arguments: tuple) -> None:
        """Write down one thing done to a file, just before it is done."""
        if event == "open" and not is_writing(*arguments[1:3]):
            return
        if event == "os.remove" and arguments[1] not in (None, -1):
            return  # relative to an open folder, such as one that rmtree is in
        path = arguments[1 if event == "os.rename" else 0]
        name = self.plain(path)
        if name is None:
            return
        moment = f"{self.role}|{event.removeprefix('os.').removeprefix('shutil.')}|{name}"
        with (self.folder / "moments.txt").open("a") as stream:
            stream.write(f"{moment}\n")
        if self.target.get("moment") == moment:
            self.seen += 1
            if self.seen == self.target.get("nth", 1):
                self.stop(Path(os.fsdecode(arguments[0])))

    def plain(self, path: object) -> str | None:
        """Name a file of the project without what differs from run to run; None: not of it."""
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 (a link stays one)
        if not name.startswith(self.root) or any(part in name for part in UNSEEN):
            return None
        # A fit's folder is named by the code of the package.
        name = re.sub(r"fit-[0-9a-f]{32}", "fit-#", name.removeprefix(self.root))
        return name.replace(f"{os.uname().nodename}-{os.getpid()}", "#").replace(
            f".{os.getpid()}.", ".#."
        )

    def stop(self, source: Path) -> None:
        """Say that the moment has come, and wait; a file may be cut in half before."""
        if self.target.get("half"):
            os.truncate(source, source.stat().st_size // 2)
        (self.folder / "reached.part").write_text(str(os.getpid()))
        (self.folder / "reached.part").rename(self.folder / "reached")
        while not (self.folder / "go").exists():
            time.sleep(0.01)


def is_writing(mode: object, flags: object) -> bool:
    """Say whether a file is opened to be written."""
    if isinstance(mode, str):
        return not {"w", "a", "x", "+"}.isdisjoint(mode)
    return isinstance(flags, int) and bool(flags & WRITING)


if FOLDER:
    sys.addaudithook(Hook(Path(FOLDER)))
