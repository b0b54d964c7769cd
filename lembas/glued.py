"""Read the numbers that executed chapters glued."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lembas.provenance import read_json

PREFIX = "application/papermill.record/"


def glued_numbers(executed: Path) -> dict[str, str]:
    """Read every glued value of an executed chapter, as the text that was kept.

    Args:
        executed: The executed notebook.

    Returns:
        Key to text, in order of the cells; empty without a notebook.

    Raises:
        ValueError: If the file is no notebook, or a key was glued twice with different values.
    """
    found: dict[str, str] = {}
    try:
        records = list(_records(read_json(executed)))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{executed} is not a valid notebook; run the chapter again") from error
    for key, text in records:
        if found.setdefault(key, text) != text:
            raise ValueError(
                f"{executed}: {key!r} is glued twice, as {found[key]!r} and as {text!r}; a page "
                "would show either; give one of them another name"
            )
    return found


def _records(notebook: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    cells = [cell for cell in notebook.get("cells", []) if cell["cell_type"] == "code"]
    for output in (output for cell in cells for output in cell["outputs"]):
        name = output.get("metadata", {}).get("scrapbook", {}).get("name")
        data = output.get("data", {})
        text = data.get(f"{PREFIX}text/plain", data.get("text/plain"))
        if name is not None and text is not None:
            yield name, text if isinstance(text, str) else "".join(text)


def code_cells(executed: Path) -> list[str]:
    """Give the code that was executed, without the cell that set the run's parameters."""
    return [
        "".join(cell["source"])
        for cell in read_json(executed).get("cells", [])
        if cell["cell_type"] == "code"
        and "injected-parameters" not in cell["metadata"].get("tags", [])
    ]
