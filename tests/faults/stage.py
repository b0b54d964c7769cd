"""What all faults start from: a project nobody has run, one half run, one undisturbed run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.faults.scene import CHAPTERS, Scene, make_project, removed_after


@dataclass(frozen=True)
class Row:
    """One line of the table: what was done and what became of it, in a reader's words.

    Attributes:
        when: The moment, or how many of them.
        sees: What the user sees.
        left: What lies in the run's folder afterwards.
        next_run: What the next run does.
        faults: What was not as it should be; none: the same bytes.
    """

    when: str
    sees: str
    left: str
    next_run: str
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """One fault: its name, what it is, and the function that injects it.

    Attributes:
        name: For the command line.
        what: For a reader.
        inject: Does it, for real, and says what became of it.
    """

    name: str
    what: str
    inject: Callable[[Stage], Row]


@dataclass
class Stage:
    """Hold a folder with the projects that faults start from; each is made when it is asked for.

    Attributes:
        folder: New, on a disk with some hundred MB.
        n_moments: Most moments at which a run is killed; 0: all there are.
        n_times: Kills at a random time, besides.
        seed: Of those times, and of the choice of moments.
        say: Takes each line of the log.
    """

    folder: Path
    n_moments: int = 0
    n_times: int = 8
    seed: int = 888
    say: Callable[[str], None] = print
    seconds: float = 0.0
    moments: list[str] = field(default_factory=list)

    @cached_property
    def template(self) -> Path:
        """A project that nobody has run."""
        return make_project(self.folder / "template")

    @cached_property
    def reference(self) -> Path:
        """A project whose run nobody has disturbed; its moments and seconds are noted."""
        scene = Scene.copied(self.template, self.folder / "reference")
        start = time.monotonic()
        said = scene.run()
        self.seconds = time.monotonic() - start
        if said.code:
            raise AssertionError(f"the undisturbed run failed: {said.err}")
        self.moments = scene.moments()
        self.say(f"undisturbed: {self.seconds:.0f} s, {len(set(self.moments))} moments")
        return scene.root

    @cached_property
    def half(self) -> Path:
        """A project of which the first chapter has been run."""
        scene = Scene.copied(self.template, self.folder / "half")
        if said := scene.run(CHAPTERS[0]).err:
            raise AssertionError(f"the first chapter failed: {said}")
        return scene.root

    @contextmanager
    def scene(self, source: Path, name: str) -> Iterator[Scene]:
        """Copy a project for one disturbance; it is removed afterwards."""
        root = self.folder / name
        with removed_after(root):
            yield Scene.copied(source, root)

    def first(self, *words: str) -> str:
        """Find the first moment of the undisturbed run that holds all the words."""
        _ = self.reference
        found = [moment for moment in self.moments if all(word in moment for word in words)]
        if not found:
            raise AssertionError(f"no moment of the run holds {words}")
        return found[0]
