"""What a profile tells of a cohort or network: origin, licence and problems, which no file says."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from lembas.plain_text import quoted


@dataclass(frozen=True)
class Told:
    """Hold what a profile tells of a cohort or network.

    Attributes:
        origin: Who measured or made it, and where it lies.
        licence: Terms of use.
        problems: What is known to be wrong with it, one sentence each.
    """

    origin: str = ""
    licence: str = ""
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse anything but texts."""
        for key in ("origin", "licence"):
            if not isinstance(getattr(self, key), str):
                raise ValueError(f"`{key}` must be text, not {getattr(self, key)!r}")
        listed = isinstance(self.problems, list | tuple)
        if not listed or not all(isinstance(text, str) for text in self.problems):
            raise ValueError(
                f"`problems` must be a list of texts, not {quoted(self.problems)}; put texts with "
                "a colon into quotation marks"
            )
        object.__setattr__(self, "problems", tuple(self.problems))


def told_of(content: Mapping[Any, Any], where: str) -> dict[str, Told]:
    """Check what a profile tells.

    Args:
        content: Cohort, or "network", to a mapping of origin, licence and problems.
        where: Where it stands, for the message.

    Raises:
        ValueError: If an entry is no mapping, or has an unknown key or something else than texts.
    """
    known = [item.name for item in fields(Told)]
    found = {}
    for name, entry in content.items():
        if not isinstance(entry, Mapping) or not set(entry) <= set(known):
            raise ValueError(
                f"{where}.{name} is {quoted(entry)}; expected `key: text` lines of "
                f"{', '.join(known)}"
            )
        try:
            found[str(name)] = Told(**entry)
        except ValueError as error:
            raise ValueError(f"{where}.{name}: {error}") from error
    return found
