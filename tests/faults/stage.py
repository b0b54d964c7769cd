"""What all faults start from: a project nobody has run, one half run, one undisturbed run."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.faults.scene import CHAPTERS, Scene, make_project, removed_after

# What a disturbance ends with that did not come about, or came to no end.
NOT_INJECTED = (AssertionError, TimeoutError, subprocess.TimeoutExpired)


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
        folder: On a disk with some hundred MB; new, or with the undisturbed runs of a call before.
        n_moments: Moments at which a whole run is killed.
        n_times: Kills at a random time, besides.
        seed: Of those times.
        say: Takes each line of the log.
        seconds: How long the undisturbed run took.
        noted: What it did to files, by chapter.
        turns: What became of the run that is disturbed in turns.
    """

    folder: Path
    n_moments: int = 12
    n_times: int = 6
    seed: int = 888
    say: Callable[[str], None] = print
    seconds: float = 0.0
    noted: dict[str, list[str]] = field(default_factory=dict)
    turns: dict[str, Row] = field(default_factory=dict)

    @cached_property
    def template(self) -> Path:
        """A project that nobody has run."""
        root = self.folder / "template"
        return root if root.is_dir() else make_project(root)

    @cached_property
    def half(self) -> Path:
        """A project of which the first chapter has been run."""
        return self._run(self.template, "half", CHAPTERS[0])

    @cached_property
    def reference(self) -> Path:
        """A project whose run nobody has disturbed; its moments and seconds are noted."""
        return self._run(self.half, "reference", CHAPTERS[1])

    def _run(self, source: Path, name: str, chapter: str) -> Path:
        """Run a chapter undisturbed, unless that was done in this folder before."""
        scene = Scene(self.folder / name)
        seconds = self.folder / f"{name}.txt"
        if not seconds.is_file():
            scene = Scene.copied(source, scene.root)
            start = time.monotonic()
            if (said := scene.run(chapter)).code:
                raise AssertionError(f"the undisturbed run failed: {said.err}")
            seconds.write_text(str(time.monotonic() - start))
        self.seconds += float(seconds.read_text())
        self.noted[chapter] = scene.moments()
        self.say(f"  undisturbed {chapter}: {len(self.noted[chapter])} moments noted")
        return scene.root

    @contextmanager
    def scene(self, source: Path, name: str) -> Iterator[Scene]:
        """Copy a project for one disturbance; it is removed afterwards."""
        root = self.folder / name
        with removed_after(root):
            yield Scene.copied(source, root)

    @property
    def moments(self) -> list[str]:
        """What the undisturbed run did to files, in order."""
        _ = self.reference
        return [moment for chapter in CHAPTERS for moment in self.noted[chapter]]

    def first(self, *words: str) -> str:
        """Find the first moment of the undisturbed run that holds all the words."""
        found = [moment for moment in self.moments if all(word in moment for word in words)]
        if not found:
            raise AssertionError(f"no moment of the run holds {words}")
        return found[0]
