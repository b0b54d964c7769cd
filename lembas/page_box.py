"""Write the box that ends a chapter's page: how the page was made, from the run's own record."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from lembas.formats import counted

SHORT = 12


def provenance_box(
    record: Mapping[str, Any], *, run_name: str, simulated: bool, notebook_digest: str
) -> str:
    """Write a folded box in MyST Markdown.

    Args:
        record: The chapter's record, as ``provenance/<chapter>.json`` holds it.
        run_name: The run's folder under ``results/``.
        simulated: Whether the profile's data are simulated.
        notebook_digest: The sha256 of the notebook that the page is made from.

    Returns:
        An admonition with a list of definitions. Digests are cut to their first digits; the page
        Reproducibility has longer ones, the record whole ones.
    """
    lines = [":::{admonition} How this page was made", ":class: dropdown provenance-box", ""]
    for term, text in _entries(record, run_name, simulated, notebook_digest):
        lines += [term, f": {text}", ""]
    return "\n".join([*lines, ":::"])


def _entries(
    record: Mapping[str, Any], run_name: str, simulated: bool, notebook_digest: str
) -> Iterator[tuple[str, str]]:
    chapter, recipe = record["chapter"], record["recipe"]
    data = "simulated" if simulated else "measured"
    yield "Run", f"`{run_name}`, profile `{record['profile']}`; {data} data"
    maker = record["versions"].get("lembas", "of unknown version")
    yield "When", f"{started(record)} UTC, by lembas {maker}"
    memory = f"{record['peak_memory_mib']:,.0f} MiB of memory at most"
    threads = counted(record["threads"], "thread")
    yield "Cost", f"{record['duration_s']:,.1f} s, {memory}, {threads}"
    if (seed := _seed(recipe["parameters"])) is not None:
        yield "Seed", f"{seed}"
    name = f"notebooks/{chapter}.ipynb"
    yield "Notebook", f"{{download}}`{name} </{name}>` (sha256 `{notebook_digest[:SHORT]}`)"
    yield "Reads", _digests({**record["sources"], **record["reads"]}) or "nothing"
    yield "Writes", _digests(record["writes"]) or "nothing"
    yield "More", "{doc}`/book/reproducibility` has all parameters, versions and digests."


def started(record: Mapping[str, Any]) -> str:
    """Say when a chapter's run began, in UTC."""
    return record["started"].removesuffix("+00:00").replace("T", " ")


def _seed(parameters: Mapping[str, Any]) -> Any:
    """Find the seed among a chapter's parameters, or among the options of its source."""
    options = parameters.get("options")
    inner = options.get("seed") if isinstance(options, Mapping) else None
    return parameters.get("seed", inner)


def _digests(digests: Mapping[str, str]) -> str:
    # A source's own path is the user's business; its name is enough to know it by.
    shown = {_name(path): digest[:SHORT] or "missing" for path, digest in digests.items()}
    return ", ".join(f"`{name}` `{digest}`" for name, digest in shown.items())


def _name(path: str) -> str:
    pure = PurePosixPath(path)
    shown = pure.name if pure.is_absolute() or ".." in pure.parts else path
    return shown.replace("`", "'")
