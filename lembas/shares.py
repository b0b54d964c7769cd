"""Share work that falls into many equal parts among several jobs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")

_NAME = re.compile(r"(\d+)of(\d+)")


@dataclass(frozen=True)
class Share:
    """One of several shares of a work.

    Attributes:
        number: Which one, from 1.
        of: How many there are.

    Example:
        >>> Share(2, 3).take(["a", "b", "c", "d", "e"])
        ['b', 'e']
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        """Refuse a share that there is not."""
        if not 1 <= self.number <= self.of:
            raise ValueError(
                f"there is no share {self.number} of {self.of}; expected 1 to the number of shares"
            )

    @classmethod
    def read(cls, name: str) -> Share:
        """Take a share's name apart, such as ``2of3``.

        Raises:
            ValueError: If it is no share's name.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise ValueError(f"{name!r} is no share's name; expected one such as 2of3")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def all(cls, number: int) -> list[Share]:
        """List all shares of a work that is shared by so many."""
        return [cls(at + 1, number) for at in range(number)]

    @property
    def name(self) -> str:
        """Its name, such as ``2of3``."""
        return f"{self.number}of{self.of}"

    def take(self, items: Sequence[Item]) -> list[Item]:
        """Take every ``of``-th item: neighbours, which cost alike, go to different shares."""
        return list(items[self.number - 1 :: self.of])
