"""Every reader of the package: valid files, how they are damaged, and the call that reads them."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis.strategies import SearchStrategy

from tests.fuzz import binary_readers, record_readers, text_readers
from tests.fuzz.mutations import Change
from tests.fuzz.valid import Made


@dataclass(frozen=True)
class Reader:
    """Say how a reader is tried.

    Attributes:
        name: What it is called on the command line.
        what: What it reads, as the book's table says it.
        make: Writes valid files into a folder.
        change: Damages a file's content.
        weight: Its part of the inputs; a slow reader gets fewer.
        drawn: Contents made by hypothesis; None: only valid files are damaged.
    """

    name: str
    what: str
    make: Callable[[Path], Made]
    change: Change
    weight: float = 1.0
    drawn: SearchStrategy[bytes] | None = None

    def prepare(self, folder: Path) -> Prepared:
        """Write the valid files."""
        return Prepared(self, folder, self.make(folder))


@dataclass
class Prepared:
    """Hold a reader's valid files, one of which is damaged at a time."""

    reader: Reader
    folder: Path
    made: Made
    valid: Mapping[Path, bytes] = field(init=False)
    target: Path = field(init=False)

    def __post_init__(self) -> None:
        self.valid = {path: path.read_bytes() for path in self.made.targets}
        self.target = self.made.targets[0]

    def damage(self, rng: random.Random) -> None:
        """Damage one of the files.

        Where damage heaped on damage cannot be written (too deep, too large for the memory of a
        worker), the file stays valid.
        """
        self.target = rng.choice(self.made.targets)
        with suppress(MemoryError, RecursionError):
            self.target.write_bytes(self.reader.change(self.valid[self.target], rng))

    def write_drawn(self, content: bytes) -> None:
        """Put a drawn content in the place of the first file."""
        self.target = self.made.targets[0]
        self.target.write_bytes(content)

    def read(self) -> Any:
        """Call the reader."""
        return self.made.read(self.target)

    def restore(self) -> None:
        """Put the valid file back, and remove what the reader left."""
        self.target.write_bytes(self.valid[self.target])
        if self.made.left is not None:
            shutil.rmtree(self.made.left, ignore_errors=True)


READERS: Mapping[str, Reader] = {
    name: Reader(name, **about)
    for name, about in {
        **text_readers.READERS,
        **binary_readers.READERS,
        **record_readers.READERS,
    }.items()
}
