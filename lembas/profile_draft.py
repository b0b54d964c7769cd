"""Write a proposal as a profile: YAML with a comment for every choice."""

from __future__ import annotations

import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lembas.atomic import write_atomically
from lembas.draft import Draft
from lembas.formats import counted, listed
from lembas.profiles import PROFILE_NAME, read_profile

# Trees take half a second a gene: from here on a drawn panel of genes stands for all.
MOST_TREE_GENES = 1000
PANELS = {"xgbrf": 300, "boosted": 150}
FAST_MODELS = ("train_mean", "mlr", "ridge", "masked_ridge", "signed_ridge", "pls", "knn")
WIDTH = 100


def profile_text(draft: Draft, name: str) -> str:
    """Write a profile.

    Args:
        draft: A draft without open questions.
        name: Name of the profile.

    Returns:
        YAML for :func:`lembas.profiles.read_profile`.

    Raises:
        ValueError: If a question is open, or nothing is chosen.
    """
    if draft.questions or not draft.source or draft.study is None:
        raise ValueError(
            f"the profile {name!r} is not settled: {len(draft.questions)} open question(s); "
            "answer them first"
        )
    lines = [
        "# Drafted by `lembas init`; every line may be changed.",
        f"# make book PROFILE={name} DATA=folder",
        *_item("title", f"Study {draft.options['study']}"),
        *_item("description", _description(draft)),
        "simulated: false",
        "data:",
        "  # A change in one of these files runs again what has read it.",
        "  files:",
        *(f"    - {_scalar(file)}" for file in _all_files(draft)),
        "threads:",
        "  default: 1",
        "time_out_s:",
        "  default: 3600",
        "chapters:",
        "  01_data:",
        *_data_chapter(draft),
        *_models(draft),
    ]
    return "\n".join(lines) + "\n"


def _data_chapter(draft: Draft) -> list[str]:
    """Write source, files and options, each below its reason."""
    lines = _commented("source", draft.source, draft.reasons.get("source", ""), indent=4)
    lines.append("    files:")
    for role in draft.files:
        lines += _file(role, draft)
    lines.append("    options:")
    for option, value in draft.options.items():
        lines += _commented(option, value, draft.reasons.get(option, ""), indent=6)
    return lines


def write_profile(draft: Draft, name: str, root: Path) -> Path:
    """Write a profile that does not exist yet, and read it again to check it.

    Args:
        draft: A draft without open questions.
        name: Name of the profile.
        root: Project root.

    Returns:
        The file.

    Raises:
        FileExistsError: If there is a profile of this name.
        ValueError: If the name is none of a profile, or as :func:`profile_text` says.
    """
    path = free_path(name, root)
    text = profile_text(draft, name)
    write_atomically(path, lambda part: _write_checked(part, text))
    return path


def free_path(name: str, root: Path) -> Path:
    """Return where a new profile goes.

    Raises:
        FileExistsError: If there is a profile of this name.
        ValueError: If the name is none of a profile.
    """
    if not PROFILE_NAME.fullmatch(name):
        raise ValueError(f"--name {name}: use lower-case letters, digits, - and _")
    path = root / "profiles" / f"{name}.yml"
    if path.exists():
        raise FileExistsError(
            f"profiles/{name}.yml is there already and is left as it is; choose another --name, or "
            "remove it first"
        )
    return path


def _write_checked(part: Path, text: str) -> None:
    """Write a profile, unless it would be refused when it is read."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / "profiles" / "draft.yml"
        trial.parent.mkdir()
        trial.write_text(text, encoding="utf-8")
        read_profile("draft", Path(folder))
    part.write_text(text, encoding="utf-8")


def _item(key: str, value: Any, *, indent: int = 0) -> list[str]:
    """Write a key and its value; a long text is folded."""
    head = f"{' ' * indent}{key}: "
    scalar = _scalar(value)
    if len(head) + len(scalar) <= WIDTH:
        return [head + scalar]
    inner = " " * (indent + 2)
    folded = textwrap.wrap(str(value), WIDTH, initial_indent=inner, subsequent_indent=inner)
    return [head + ">-", *folded]


def _commented(key: str, value: Any, reason: str, *, indent: int) -> list[str]:
    """Write a key below the reason for its value."""
    mark = " " * indent + "# "
    # A reason may name what stood in a file: no line break of it may end the comment.
    plain = " ".join("".join(c if c.isprintable() else " " for c in reason).split())
    comment = textwrap.wrap(plain, WIDTH, initial_indent=mark, subsequent_indent=mark)
    return [*comment, *_plain(key, value, indent=indent)]


def _plain(key: str, value: Any, *, indent: int) -> list[str]:
    """Write a key and its value on one line, however long."""
    return [f"{' ' * indent}{key}: {_scalar(value)}"]


def _scalar(value: Any) -> str:
    """Write a value as YAML on one line, quoted where that is needed."""
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")


def _file(role: str, draft: Draft) -> list[str]:
    """Write a file's role; external cohorts one a line."""
    value, reason = draft.files[role], draft.reasons.get(role, "")
    if not isinstance(value, Mapping):
        return _commented(role, value, reason, indent=6)
    head = _commented(role, "", reason, indent=6)
    head[-1] = head[-1].removesuffix(" ''")
    return [*head, *(f"        {_scalar(name)}: {_scalar(file)}" for name, file in value.items())]


def _all_files(draft: Draft) -> list[str]:
    """List the files that a profile reads, each once."""
    files: list[str] = []
    for value in draft.files.values():
        files += value.values() if isinstance(value, Mapping) else [value]
    return list(dict.fromkeys(files))


def _description(draft: Draft) -> str:
    """Say in a sentence what the data are."""
    assert draft.study is not None
    size = f"{counted(draft.study.n_samples, 'sample')} of {draft.study.file}"
    external = draft.files.get("external", {})
    beside = f"; external: {listed(external)}" if external else ""
    return f"{size}, network {draft.files['network']}{beside}."


def _models(draft: Draft) -> list[str]:
    """Write the models, trees on drawn panels, where genes are many."""
    assert draft.study is not None
    # The study comes first among the tables that met the network.
    n_targets = draft.overlaps[0].n_targets_measured if draft.overlaps else 0
    if n_targets <= MOST_TREE_GENES:
        return []
    return [
        "  03_fit_baselines:",
        "    # Trees take half a second a gene: drawn panels keep the book short. A larger n_panel",
        "    # takes longer; without it, all genes are fitted.",
        "    models:",
        *(f"      {model}: {{}}" for model in FAST_MODELS),
        *(f"      {model}: {{parameters: {{n_panel: {n}}}}}" for model, n in PANELS.items()),
        "      mlp: {}",
    ]
