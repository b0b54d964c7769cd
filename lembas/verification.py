"""Check a run against its manifest: files, records, glued numbers and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lembas.aged import read_record
from lembas.crate import FILE, read_manifest
from lembas.glued import code_cells, glued_numbers
from lembas.manifest import Made, Manifest, files_in
from lembas.number_code import number_code
from lembas.plan import Plan
from lembas.provenance import digest, machine
from lembas.recompute import Recomputed, Task, recompute
from lembas.tolerances import same_text
from lembas.versions import package_versions


@dataclass(frozen=True)
class Finding:
    """Something that does not hold.

    Attributes:
        check: "manifest", "artefact", "record", "number", "page" or "rerun".
        chapter: The chapter concerned; empty: none alone.
        name: What it is about: a path, or the key of a number.
        words: What is wrong.
    """

    check: str
    chapter: str
    name: str
    words: str


@dataclass
class Report:
    """What was looked at, and what does not hold.

    Attributes:
        run: Name of the run.
        counts: Check to how many things were looked at, and how many of them agree only within
            the tolerance between machines.
        findings: What does not hold.
    """

    run: str
    counts: dict[str, list[int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def looked(self, check: str, *, near: bool = False) -> None:
        """Count one thing that was looked at."""
        count = self.counts.setdefault(check, [0, 0])
        count[0] += 1
        count[1] += near

    def wrong(self, check: str, chapter: str, name: str, words: str) -> None:
        """Add what does not hold."""
        self.findings.append(Finding(check, chapter, name, words))

    def as_document(self) -> dict[str, Any]:
        """Lay the report out for programs."""
        checks = {
            name: {
                "checked": total,
                "within_tolerance": near,
                "wrong": sum(finding.check == name for finding in self.findings),
            }
            for name, (total, near) in self.counts.items()
        }
        return {
            "version": 1,
            "run": self.run,
            "holds": not self.findings,
            "checks": checks,
            "findings": [vars(finding) for finding in self.findings],
        }


def verify(plan: Plan) -> Report:
    """Check a run's folder against its manifest, and its numbers against its artefacts.

    Nothing is written, and no code runs but that of the project: a notebook of the run that holds
    other code is named, and its numbers are not computed.

    Raises:
        FileNotFoundError: If the run has no manifest.
        ValueError: If the manifest or a record is damaged.
    """
    folder = plan.root / plan.run_dir
    manifest = read_manifest(folder)
    report = Report(plan.run_name)
    report.looked("manifest")
    if manifest.run != plan.run_name:
        report.wrong("manifest", "", FILE, f"is the manifest of the run {manifest.run!r}")
    _check_files(report, folder, manifest)
    _check_records(report, plan, manifest)
    _check_numbers(report, plan, manifest)
    return report


def _check_files(report: Report, folder: Path, manifest: Manifest) -> None:
    owners = {path: name for name, made in manifest.chapters.items() for path in made.writes}

    def owner(path: str) -> str:
        stem = Path(path).stem
        own = (name for item, name in owners.items() if path == item or path.startswith(item))
        return stem if stem in manifest.chapters else next(own, "")

    for path, written in manifest.files.items():
        report.looked("artefact")
        now = digest(folder / path)
        if not now:
            report.wrong("artefact", owner(path), path, "is missing")
        elif now != written:
            report.wrong("artefact", owner(path), path, _changed(folder, path, now, written))
    for path, name in owners.items():
        if not path.endswith("/"):
            continue
        listed = [file for file in manifest.files if file.startswith(path)]
        for extra in sorted(set(files_in(folder, path)) - set(listed)):
            report.wrong("artefact", name, extra, "is in no manifest: no chapter wrote it")
        whole = digest(folder / path)
        if whole != manifest.chapters[name].writes[path] and set(listed) == set(
            files_in(folder, path)
        ):
            report.wrong("artefact", name, path, "is not the folder that the chapter wrote")


def _changed(folder: Path, path: str, now: str, written: str) -> str:
    """Say what a file is now: another run's, or changed by one or more bytes."""
    for other in sorted(folder.parent.glob(f"*/{FILE}")):
        if other.parent == folder:
            continue
        try:
            theirs = read_manifest(other.parent).files
        except ValueError:
            continue
        if now in theirs.values():
            return f"is that of another run, results/{other.parent.name}"
    return f"was changed: its sha256 is {now[:12]}..., and the manifest has {written[:12]}..."


def _check_records(report: Report, plan: Plan, manifest: Manifest) -> None:
    for name, made in manifest.chapters.items():
        report.looked("record")
        try:
            record = read_record(plan, name)
        except ValueError:
            report.wrong("record", name, f"provenance/{name}.json", "is damaged")
            continue
        for key, words in _unlike(record, made):
            report.wrong("record", name, key, words)
        if record and record.get("profile") != manifest.profile:
            words = f"is of profile {record.get('profile')!r}, and the run of {manifest.profile!r}"
            report.wrong("record", name, f"provenance/{name}.json", words)
        for path, read in made.reads.items():
            for writer, by in manifest.chapters.items():
                if by.writes.get(path, read) != read:
                    words = f"was read with other content than {writer} wrote; run {name} again"
                    report.wrong("record", name, path, words)


def _unlike(record: Mapping[str, Any], made: Made) -> Iterator[tuple[str, str]]:
    """Compare a chapter's record with the manifest."""
    if not record:
        yield "provenance", "its record is missing"
        return
    sides = {key: (record[key], getattr(made, key)) for key in ("reads", "writes", "versions")}
    sides["parameters"] = record["recipe"]["parameters"], made.parameters
    for key, (recorded, listed) in sides.items():
        for name in dict.fromkeys([*recorded, *listed]):
            if recorded.get(name) != listed.get(name):
                yield name, f"differs between the record and the manifest ({key})"


def _check_numbers(report: Report, plan: Plan, manifest: Manifest) -> None:
    glued: dict[str, dict[str, str]] = {}
    tasks = []
    for name, made in manifest.chapters.items():
        executed = plan.root / plan.executed(name)
        try:
            glued[name] = glued_numbers(executed)
        except ValueError as error:
            report.wrong("number", name, f"chapters/{name}.ipynb", str(error))
            continue
        _compare(report, name, made.numbers, glued[name])
        if not glued[name]:
            continue
        if code_of(plan, name) != code_cells(executed):
            words = f"cannot be computed again: notebooks/{name}.ipynb holds other code now"
            report.wrong("number", name, f"{len(glued[name])} numbers", words)
            continue
        code = number_code(plan.chapters[name])
        tasks.append(Task(name, code.code, made.parameters, made.threads))
    for name, again in recompute(tasks, plan.root / plan.run_dir, plan.root).items():
        made = manifest.chapters[name]
        _judge(report, name, glued[name], again, exact=is_here(made))


def code_of(plan: Plan, chapter: str) -> list[str]:
    """Give the code cells of a chapter as the project holds it; none if it has no such chapter."""
    return code_cells(plan.root / "notebooks" / f"{chapter}.ipynb")


def is_here(made: Made) -> bool:
    """Say whether a chapter ran on this machine, with the versions that are installed now."""
    return dict(made.machine) == machine() and dict(made.versions) == package_versions()


def _compare(
    report: Report, chapter: str, listed: Mapping[str, str], glued: Mapping[str, str]
) -> None:
    """Compare the numbers of an executed chapter with those of the manifest."""
    for key in dict.fromkeys([*listed, *glued]):
        if key not in glued:
            report.wrong("number", chapter, key, "is in the manifest, but no longer glued")
        elif key not in listed:
            report.wrong("number", chapter, key, "is glued, but not in the manifest")
        elif listed[key] != glued[key]:
            words = f"is glued as {glued[key]!r}, and the manifest has {listed[key]!r}"
            report.wrong("number", chapter, key, words)


def _judge(
    report: Report, chapter: str, glued: Mapping[str, str], again: Recomputed, *, exact: bool
) -> None:
    """Compare glued numbers with those that the artefacts give."""
    agrees: Callable[[str, str], bool] = str.__eq__ if exact else same_text
    if again.trouble:
        words = f"cannot be computed again: {again.trouble}"
        report.wrong("number", chapter, f"{len(glued)} numbers", words)
        return
    for key, text in glued.items():
        found = again.numbers.get(key)
        if found is None:
            words = "cannot be computed again: no statement `glue(...)` of the chapter gives it"
            report.wrong("number", chapter, key, words)
            continue
        report.looked("number", near=found != text and agrees(found, text))
        if not agrees(found, text):
            words = f"is glued as {text!r}, and the artefacts give {found!r}"
            report.wrong("number", chapter, key, words)
    if again.wrote:
        words = "is needed by a glued number, and is computed anew instead of read"
        for path in again.wrote[:5]:
            report.wrong("number", chapter, path, words)
