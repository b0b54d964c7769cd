"""Write the plan Snakemake follows: each chapter's inputs, outputs and resolved parameters."""

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lembas.chapters import Chapter, check_parameters, discover, writers_of
from lembas.dependencies import modules_used
from lembas.profiles import Profile, read_profile
from lembas.provenance import digest, read_json, write_json, write_text
from lembas.resources import DEFAULT
from lembas.shares import Share


@dataclass(frozen=True)
class Plan:
    """A run of one profile.

    Attributes:
        root: Project root.
        run_name: Folder under ``results/``: the profile's name, or that of a trial.
        profile: The profile.
        chapters: All chapters, in order.
        data_dir: Data folder, relative to the root where it can be; None without measured data.
        overrides: Checked ``-p`` values by chapter.
    """

    root: Path
    run_name: str
    profile: Profile
    chapters: Mapping[str, Chapter]
    data_dir: str | None = None
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def run_dir(self) -> str:
        """Folder of the run's artefacts, relative to the root."""
        return f"results/{self.run_name}"

    @property
    def file(self) -> str:
        """The plan's file, relative to the root."""
        return f"{self.run_dir}/plan/plan.json"

    def executed(self, chapter: str) -> str:
        """Executed copy of a chapter, relative to the root."""
        return f"{self.run_dir}/chapters/{chapter}.ipynb"

    def parameters(self, chapter: str) -> dict[str, Any]:
        """Resolve a chapter's parameters: notebook, then profile, then ``-p``.

        ``run_dir`` is left out: where a run lies must not make it out of date.
        """
        declared = self.chapters[chapter].parameters
        values = {name: item.default for name, item in declared.items() if name != "run_dir"}
        if "data_dir" in declared and self.data_dir is not None:
            values["data_dir"] = self.data_dir
        origin = f"profiles/{self.profile.name}.yml"
        own = self.profile.chapters.get(chapter, {})
        values |= check_parameters(self.chapters[chapter], own, origin)
        return {**values, **self.overrides.get(chapter, {})}

    def pieces(self, chapter: str) -> dict[str, str]:
        """List a chapter's shares of pieces, and the mark that each leaves when it is made.

        Marks lie beside the pieces: the chapter removes both together.
        """
        pieces, number = self.chapters[chapter].pieces, self.profile.scatter.get(chapter, 0)
        if pieces is None:
            return {}
        folder = f"{self.run_dir}/{pieces.kept_in}.pieces"
        return {share.name: f"{folder}/{share.name}.json" for share in Share.all(number)}

    def sources(self, chapter: str) -> tuple[str, ...]:
        """Source files a chapter reads: the profile's, if the chapter has a data folder."""
        if self.data_dir is None or "data_dir" not in self.chapters[chapter].parameters:
            return ()
        return tuple(f"{self.data_dir}/{name}" for name in self.profile.data.files)


def make_plan(
    root: Path,
    profile_name: str,
    *,
    data: str | None = None,
    data_root: str | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    run_name: str | None = None,
    elsewhere: bool = False,
) -> Plan:
    """Read profile and chapters, check everything that can be checked before a kernel starts.

    Args:
        root: Project root.
        profile_name: Name of the profile.
        data: Data folder as typed, relative to the working folder; None for the profile's own.
        data_root: Folder for measured profiles that name none and were given none in ``data``.
        overrides: ``-p`` values by chapter, already checked.
        run_name: Folder under ``results/``; the profile's name unless this is a trial.
        elsewhere: Whether chapters run on other machines, whose processors are not known.

    Returns:
        The plan; nothing is written.

    Raises:
        FileNotFoundError: If the profile, the chapters or the data are missing.
        ValueError: If a parameter is unknown or of a wrong type, a chapter that has no pieces is
            to be scattered, or one is given more threads than this machine has processors.
    """
    profile = read_profile(profile_name, root)
    chapters = discover(root)
    _check_chapter_names(profile, chapters)
    _check_scatter(profile, chapters)
    if not elsewhere:
        _check_threads(profile, chapters)
    plan = Plan(
        root=root,
        run_name=run_name or profile_name,
        profile=profile,
        chapters=chapters,
        data_dir=_data_dir(
            root, profile, data or _default(profile, data_root), run_name or profile_name
        ),
        overrides=overrides or {},
    )
    for name in chapters:
        plan.parameters(name)
    return plan


def write_plan(plan: Plan) -> Path:
    """Write the plan, and for each chapter its code and its recipe, each only when changed.

    Returns:
        The plan's file.
    """
    entries = {name: _write_chapter(plan, name) for name in plan.chapters}
    path = plan.root / plan.file
    write_json(
        path,
        {
            "profile": plan.profile.name,
            "run_dir": plan.run_dir,
            "data_dir": plan.data_dir,
            "chapters": entries,
        },
    )
    return path


def recipe(plan: Plan, chapter: str) -> dict[str, Any]:
    """Return all that decides a chapter's result beside its code and the artefacts it reads.

    Modules are known by content; source files, which may be large, by size and time of change.
    """
    modules = _modules(plan, chapter)
    sources = {name: (plan.root / name).stat() for name in plan.sources(chapter)}
    content = {
        "parameters": plan.parameters(chapter),
        "threads": plan.profile.threads_of(chapter),
        "modules": {path.as_posix(): digest(plan.root / path) for path in modules},
        "sources": {name: [stat.st_size, stat.st_mtime_ns] for name, stat in sources.items()},
    }
    as_stored: dict[str, Any] = json.loads(json.dumps(content))
    return as_stored


def _modules(plan: Plan, chapter: str) -> tuple[Path, ...]:
    # A registry entry in a profile may name a class of the package as text.
    texts = [f"{value!r}" for value in plan.parameters(chapter).values()]
    try:
        return modules_used("\n".join([plan.chapters[chapter].code, *texts]), plan.root)
    except SyntaxError as error:
        raise ValueError(
            f"chapter {chapter}: its code is not plain Python ({error.msg}, line {error.lineno}); "
            "leave out magics and shell commands"
        ) from error


def _write_chapter(plan: Plan, name: str) -> dict[str, Any]:
    chapter = plan.chapters[name]
    stem = f"{plan.run_dir}/plan/{name}"
    write_text(plan.root / f"{stem}.py", chapter.code)
    write_json(plan.root / f"{stem}.json", recipe(plan, name))
    upstream = [
        f"{plan.run_dir}/{written.rstrip('/')}"
        for read in chapter.reads
        for writer, written in writers_of(read, plan.chapters)
        if writer != name
    ]
    outputs = [
        (f"{plan.run_dir}/{item.rstrip('/')}", item.endswith("/")) for item in chapter.writes
    ]
    entry = {
        "notebook": chapter.path.relative_to(plan.root).as_posix(),
        "recipe": f"{stem}.json",
        "executed": plan.executed(name),
        "inputs": [f"{stem}.py", f"{stem}.json", *dict.fromkeys(upstream)],
        "files": [path for path, is_folder in outputs if not is_folder],
        "folders": [path for path, is_folder in outputs if is_folder],
        "reads": list(chapter.reads),
        "writes": list(chapter.writes),
        "sources": list(plan.sources(name)),
        "threads": plan.profile.threads_of(name),
        "time_out_s": plan.profile.time_out_of(name),
    }
    return {**entry, **_of_jobs(plan, name, upstream)}


def _of_jobs(plan: Plan, name: str, upstream: list[str]) -> dict[str, Any]:
    """Say what a chapter's job asks a cluster for, and which jobs make its pieces.

    Pieces depend on the recipe, but not on the chapter's own code, which gathers them.
    """
    pieces = plan.chapters[name].pieces
    return {
        "resources": plan.profile.resources_of(name),
        "pieces": plan.pieces(name),
        "made_by": "" if pieces is None else pieces.made_by,
        "piece_inputs": [f"{plan.run_dir}/plan/{name}.json", *dict.fromkeys(upstream)],
        "piece_resources": plan.profile.resources_of(name, piece=True),
    }


def _check_chapter_names(profile: Profile, chapters: Mapping[str, Chapter]) -> None:
    named = [*profile.chapters, *profile.threads, *profile.time_out_s]
    named += [*profile.scatter, *profile.resources]
    unknown = sorted({str(name) for name in named if name not in chapters} - {DEFAULT})
    if unknown:
        raise ValueError(
            f"profiles/{profile.name}.yml names chapter(s) that are not there: "
            f"{', '.join(unknown[:5])}; chapters: {', '.join(chapters)}"
        )


def _check_scatter(profile: Profile, chapters: Mapping[str, Chapter]) -> None:
    whole = [name for name in profile.scatter if chapters[name].pieces is None]
    if whole:
        able = [name for name, chapter in chapters.items() if chapter.pieces is not None]
        raise ValueError(
            f"profiles/{profile.name}.yml: `scatter` names {', '.join(whole[:5])}, which has no "
            f"pieces to make in advance; chapters that have: {', '.join(able) or 'none'}"
        )


def _check_threads(profile: Profile, chapters: Mapping[str, Chapter]) -> None:
    # Threads that wait for each other's processor make a chapter many times slower.
    n_processors = processors()
    greedy = [name for name in chapters if profile.threads_of(name) > n_processors]
    if greedy:
        raise ValueError(
            f"profiles/{profile.name}.yml gives {', '.join(greedy[:5])} more threads "
            f"({profile.threads_of(greedy[0])}) than this machine has processors "
            f"({n_processors}); lower threads"
        )


def processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _default(profile: Profile, data_root: str | None) -> str | None:
    """Give the folder meant for all profiles to one that reads files and names no folder."""
    return data_root or None if profile.is_measured and profile.data.folder is None else None


def _data_dir(root: Path, profile: Profile, data: str | None, run_name: str) -> str | None:
    if data is not None:
        folder = Path.cwd() / data
    elif profile.data.folder is not None:
        folder = root / profile.data.folder
    elif not profile.is_measured:
        return None
    else:
        # `lembas status` and `lembas build` follow the folder of the last run, a trial that of
        # the profile's.
        plans = (root / f"results/{name}/plan/plan.json" for name in (run_name, profile.name))
        last = next(filter(None, (read_json(plan).get("data_dir") for plan in plans)), None)
        if last is None:
            raise FileNotFoundError(
                f"profile {profile.name!r} needs a data folder: "
                f"make book PROFILE={profile.name} DATA=folder (or --data folder, or the "
                f"environment variable DATA_ROOT){_fetch_hint(profile, profile.data.files)}"
            )
        folder = root / last
    _require_files(folder, profile)
    return Path(os.path.relpath(folder.resolve(), root.resolve())).as_posix()


def _require_files(folder: Path, profile: Profile) -> None:
    expected = ", ".join(profile.data.files) or "none by name"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"there is no data folder {folder.name!r}; profile {profile.name!r} needs one with the "
            f"files: {expected}{_fetch_hint(profile, profile.data.files, folder)}"
        )
    missing = [name for name in profile.data.files if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"the data folder {folder.name!r} lacks {', '.join(missing[:5])}; "
            f"profile {profile.name!r} expects: {expected}{_fetch_hint(profile, missing, folder)}"
        )


def _fetch_hint(profile: Profile, missing: Sequence[str], folder: Path | None = None) -> str:
    """Say how to download missing files, those that the profile declares as downloads."""
    declared = [name for name in missing if name in profile.data.downloads]
    if not declared:
        return ""
    target = "FOLDER" if folder is None else shlex.quote(os.path.relpath(folder))
    which = "download them" if len(declared) == len(missing) else f"for {', '.join(declared[:5])}"
    return f"; {which}: lembas fetch --profile {profile.name} --to {target}"
