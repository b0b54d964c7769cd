"""Read a profile: the data source and the parameters of every chapter, in one YAML file."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from lembas.plain_text import quoted, short
from lembas.plain_yaml import read_yaml
from lembas.resources import (
    DEFAULT,
    check_chapter_key,
    checked_resources,
    resources_of,
)
from lembas.told import Told, told_of

PROFILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
# Slashes part folders; backslashes, colons and control characters mean other things elsewhere.
FILE_NAME = re.compile(r"[^\\:*?\"<>|\x00-\x1f\x7f]+")
SHA256 = re.compile(r"[0-9a-f]{64}")
SIMULATION = "simulation"


@dataclass(frozen=True)
class Download:
    """A file of the data folder that the network has.

    Attributes:
        url: Where it lies, with http or https.
        sha256: The sum of its bytes, 64 hexadecimal digits; None while nobody has checked it.
    """

    url: str
    sha256: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.url, str) or not _is_web_address(self.url):
            raise ValueError(
                f"`url` is {quoted(self.url)}; expected an address such as "
                "https://example.org/a.tsv.gz"
            )
        if "@" in urlsplit(self.url).netloc:
            raise ValueError("`url` holds a user's name; keep names and passwords in ~/.netrc")
        if self.sha256 is not None:
            digits = str(self.sha256).lower()
            if not SHA256.fullmatch(digits):
                raise ValueError(
                    f"`sha256` is {quoted(self.sha256)}; expected 64 hexadecimal digits, or no "
                    "such line while the sum is unknown"
                )
            object.__setattr__(self, "sha256", digits)


@dataclass(frozen=True)
class DataSource:
    """Where a profile's measured data lie.

    Attributes:
        folder: Default data folder, relative to the project root; None when the chapters make
            their own data or the caller must name the folder.
        files: Files that must lie in the folder, relative to it; a change in one re-runs the
            chapters that read the folder.
        downloads: Files that ``lembas fetch`` can put into the folder, by their name in it.
    """

    folder: str | None = None
    files: tuple[str, ...] = ()
    downloads: Mapping[str, Download] = field(default_factory=dict)


@dataclass(frozen=True)
class Profile:
    """One run of the book: which data, which parameters.

    Attributes:
        name: File name without suffix; also the folder under ``results/``.
        title: One line shown in the report.
        description: A sentence or two on the data.
        simulated: Whether the data are simulated.
        banner: Text shown at the top of every page; empty for none.
        address: Where the pages will be published; empty for nowhere.
        data: Data folder and the files in it.
        threads: Threads of each chapter's kernel; ``default`` holds for all others.
        time_out_s: Seconds a chapter may run; ``default`` holds for all others.
        scatter: Into how many jobs the pieces of a chapter are shared; the others run whole.
        resources: What a chapter's job, and those of its pieces, ask a cluster for.
        cards: Cohort, or "network", to what its files do not say: for the data cards.
        chapters: Parameters of each chapter that differ from the notebook's defaults.
    """

    name: str
    title: str
    description: str = ""
    simulated: bool = False
    banner: str = ""
    address: str = ""
    data: DataSource = field(default_factory=DataSource)
    threads: Mapping[str, int] = field(default_factory=dict)
    time_out_s: Mapping[str, int] = field(default_factory=dict)
    scatter: Mapping[str, int] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=dict)
    cards: Mapping[str, Told] = field(default_factory=dict)
    chapters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.simulated and not self.banner:
            raise ValueError(
                f"profile {quoted(self.name)} is simulated but has no banner; every page must say "
                "so: add `banner: ...`"
            )
        checked_address(self.address, f"profiles/{self.name}.yml: `address`")
        for key, default in (("threads", 1), ("time_out_s", 1800)):
            checked = _checked_counts(self.name, key, getattr(self, key))
            object.__setattr__(self, key, {DEFAULT: default, **checked})
        scatter = _checked_counts(self.name, "scatter", self.scatter, but={DEFAULT})
        object.__setattr__(self, "scatter", scatter)
        origin = f"profiles/{self.name}.yml"
        object.__setattr__(self, "resources", checked_resources(self.resources, origin))

    @property
    def is_measured(self) -> bool:
        """Whether a chapter reads files of measured data."""
        sources = [own.get("source", SIMULATION) for own in self.chapters.values()]
        return bool(self.data.files) or any(source != SIMULATION for source in sources)

    def threads_of(self, chapter: str) -> int:
        """Return the number of threads a chapter's kernel gets."""
        return self.threads.get(chapter, self.threads[DEFAULT])

    def time_out_of(self, chapter: str) -> int:
        """Return the seconds a chapter may run before it is stopped."""
        return self.time_out_s.get(chapter, self.time_out_s[DEFAULT])

    def resources_of(self, chapter: str, *, piece: bool = False) -> dict[str, int]:
        """Return what a chapter's job, or one of its pieces', asks a cluster for.

        Without a ``runtime`` of its own, a job may run as long as the chapter may.
        """
        return resources_of(self.resources, chapter, self.time_out_of(chapter), piece=piece)


def read_profile(name: str, root: Path) -> Profile:
    """Read and check ``profiles/<name>.yml``.

    Args:
        name: Name of the profile, lower case.
        root: Project root.

    Returns:
        The checked profile.

    Raises:
        FileNotFoundError: If there is no such profile.
        ValueError: If the file is not valid YAML, or a key is unknown, missing or of a wrong type.
    """
    path = root / "profiles" / f"{name}.yml"
    if not PROFILE_NAME.fullmatch(name) or not path.is_file():
        known = ", ".join(sorted(file.stem for file in (root / "profiles").glob("*.yml"))) or "none"
        raise FileNotFoundError(
            f"there is no profile {quoted(name)} (profiles/{name}.yml); profiles here: {known}"
        )
    origin = f"profiles/{name}.yml"
    content = _read_mapping(path, origin)
    _refuse_unknown(content, Profile, origin, but={"name"})
    if "title" not in content:
        raise ValueError(f"{origin} has no `title`; add `title: ...`")
    _check_types(content, origin)
    content["data"] = _data_source(content.get("data", {}), origin)
    content["cards"] = told_of(content.get("cards", {}), f"{origin}: `cards`")
    return Profile(name=name, **content)


def _read_mapping(path: Path, origin: str) -> dict[str, Any]:
    try:
        content = read_yaml(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{origin} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{origin} must hold `key: value` lines; expected at least `title: ...`")
    return content


def _refuse_unknown(
    content: Mapping[str, Any], target: type, origin: str, *, but: Set[str] = frozenset()
) -> None:
    known = {item.name for item in fields(target)} - but
    unknown = [str(key) for key in content if key not in known]
    if unknown:
        raise ValueError(
            f"{origin} has unknown key(s): {', '.join(map(short, unknown[:5]))}; "
            f"known keys: {', '.join(sorted(known))}"
        )


def _check_types(content: Mapping[str, Any], origin: str) -> None:
    expected: dict[str, type] = {
        "title": str,
        "description": str,
        "simulated": bool,
        "banner": str,
        "address": str,
        "data": dict,
        "threads": dict,
        "time_out_s": dict,
        "scatter": dict,
        "resources": dict,
        "cards": dict,
        "chapters": dict,
    }
    for key, value in content.items():
        if not isinstance(value, expected[key]):
            raise ValueError(
                f"{origin}: `{key}` must be {_plain(expected[key])}, not {_plain(type(value))}"
            )
    for chapter, parameters in content.get("chapters", {}).items():
        if not isinstance(parameters, dict):
            raise ValueError(f"{origin}: `chapters.{chapter}` must hold `parameter: value` lines")


def _data_source(content: Mapping[str, Any], origin: str) -> DataSource:
    _refuse_unknown(content, DataSource, f"{origin}, section data,")
    folder, files = content.get("folder"), content.get("files", [])
    if folder is not None and not isinstance(folder, str):
        raise ValueError(f"{origin}: `data.folder` must be text, not {_plain(type(folder))}")
    if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
        raise ValueError(f"{origin}: `data.files` must be a list of file names")
    downloads = _downloads(content.get("downloads", {}), f"{origin}: `data.downloads")
    return DataSource(folder=folder, files=tuple(files), downloads=downloads)


def _downloads(content: Any, origin: str) -> dict[str, Download]:
    if not isinstance(content, dict):
        raise ValueError(f"{origin}` must hold file names with `url` and `sha256`")
    found = {}
    for name, entry in content.items():
        _check_file_name(name, content, origin)
        if not isinstance(entry, dict) or "url" not in entry:
            raise ValueError(f"{origin}.{name}` must hold `url: ...` and `sha256: ...` lines")
        _refuse_unknown(entry, Download, f"{origin}.{name}`")
        try:
            found[name] = Download(**entry)
        except ValueError as error:
            raise ValueError(f"{origin}.{name}`: {error}") from error
    return found


def _check_file_name(name: Any, others: Mapping[Any, Any], origin: str) -> None:
    """Refuse a name that would lead out of the data folder, or that only some systems allow."""
    path = PurePosixPath(str(name))
    if (
        not isinstance(name, str)
        or FILE_NAME.fullmatch(name) is None
        or path.as_posix() != name
        or path.is_absolute()
        or any(part.startswith((".", "-", "~")) or part.endswith(".") for part in path.parts)
    ):
        raise ValueError(
            f"{origin}` has the file name {quoted(name)}; expected a path inside the data folder, "
            "such as raw/counts.tsv.gz, without `..`, a leading `/`, or names that begin with a dot"
        )
    if folders := [parent.as_posix() for parent in path.parents if parent.as_posix() in others]:
        raise ValueError(
            f"{origin}` names {quoted(folders[0])} as a file and as the folder of {quoted(name)}"
        )


def checked_address(address: str, origin: str) -> str:
    """Return where the pages will be published, or say what is wrong with it.

    Args:
        address: An address with http or https; empty for none.
        origin: Where it comes from; begins the message.

    Raises:
        ValueError: If it is no such address.
    """
    if address and not _is_web_address(address):
        raise ValueError(
            f"{origin} is {quoted(address)}; expected the folder on the web where the pages will "
            "lie, such as https://example.org/report/"
        )
    return address


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_plain = url.isprintable() and " " not in url
    return parts.scheme in ("http", "https") and bool(parts.hostname) and is_plain and port_is_sound


def _checked_counts(
    profile: str, key: str, counts: Mapping[str, Any], *, but: Set[str] = frozenset()
) -> dict[str, int]:
    for chapter, count in counts.items():
        check_chapter_key(chapter, f"profiles/{profile}.yml", key, but=but)
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(
                f"profiles/{profile}.yml: `{key}.{chapter}` must be a whole number of at least 1, "
                f"not {quoted(count)}"
            )
    return dict(counts)


def _plain(kind: type) -> str:
    names = {str: "text", bool: "true or false", dict: "a mapping (`key: value` lines)"}
    names |= {list: "a list", int: "a whole number", float: "a number", type(None): "empty"}
    return names.get(kind, kind.__name__)
