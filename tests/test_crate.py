"""The manifest: an RO-Crate that says all, and is read back as it was."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from lembas.crate import FILE, as_crate, from_crate, read_manifest, write_manifest
from lembas.manifest import Made, Manifest, collect
from lembas.plan import make_plan
from lembas.provenance import digest
from tests.glued_project import glued_run  # noqa: F401 (a fixture)

# What RO-Crate 1.1 asks of every crate, and flattened JSON-LD of every entity.
REFERENCE = {
    "type": "object",
    "properties": {"@id": {"type": "string"}},
    "required": ["@id"],
    "additionalProperties": False,
}
PLAIN = {"type": ["string", "number", "boolean", "null"]}
SCHEMA = {
    "type": "object",
    "required": ["@context", "@graph"],
    "properties": {
        "@context": {"contains": {"const": "https://w3id.org/ro/crate/1.1/context"}},
        "@graph": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["@id", "@type"],
                "additionalProperties": {
                    "anyOf": [
                        PLAIN,
                        REFERENCE,
                        {"type": "array", "items": {"anyOf": [PLAIN, REFERENCE]}},
                    ]
                },
            },
            "allOf": [
                {
                    "contains": {
                        "properties": {
                            "@id": {"const": FILE},
                            "@type": {"const": "CreativeWork"},
                            "about": {"const": {"@id": "./"}},
                            "conformsTo": {"const": {"@id": "https://w3id.org/ro/crate/1.1"}},
                        },
                        "required": ["about", "conformsTo"],
                    }
                },
                {
                    "contains": {
                        "properties": {"@id": {"const": "./"}, "@type": {"const": "Dataset"}},
                        "required": ["name", "description", "datePublished", "license"],
                    }
                },
            ],
        },
    },
}


def manifest() -> Manifest:
    made = Made(
        started="2026-01-02T03:04:05+00:00",
        duration_s=61.5,
        peak_memory_mib=200.5,
        threads=2,
        machine={"python": "3.11.1", "processors": 2, "processor": "Some CPU @ 2 GHz"},
        versions={"torch": "2.13.0"},
        parameters={"seed": 1, "options": {"rate": 0.5, "names": ["a", None]}},
        code={"notebooks/01_data.ipynb": "a" * 64, "lembas/toy.py": "b" * 64},
        sources={"counts.tsv": "c" * 64},
        reads={},
        writes={"tables/a.parquet": "d" * 64, "models/x/": "e" * 64},
        numbers={"mean": "0.5", "said": "It's 5: \u2212 <b>"},
    )
    second = replace(
        made,
        reads={"tables/a.parquet": "d" * 64},
        writes={"tables/b.csv": "f" * 64},
        code={"notebooks/02_fit.ipynb": "a" * 64, "lembas/toy.py": "0" * 64},
        versions={"torch": "2.14.0"},
    )
    files = {"tables/a.parquet": "d" * 64, "models/x/w": "1" * 64, "tables/b.csv": "f" * 64}
    return Manifest(
        "demo-trial",
        "demo",
        "Toy: a title",
        "Simulated",
        {"01_data": made, "02_fit": second},
        files,
        {"models/x/w": 7},
    )


def test_a_manifest_is_read_back_as_it_was() -> None:
    crate = json.loads(json.dumps(as_crate(manifest())))
    assert from_crate(crate) == manifest()
    # A module or package of another version is another entity: both chapters keep their own.
    assert from_crate(crate).chapters["02_fit"].code["lembas/toy.py"] == "0" * 64


def test_the_crate_is_one_flat_graph_whose_references_resolve() -> None:
    crate = as_crate(manifest())
    jsonschema.validate(crate, SCHEMA)
    names = [entity["@id"] for entity in crate["@graph"]]
    assert len(names) == len(set(names))
    properties = [value for entity in crate["@graph"] for value in entity.values()]
    parts = [
        part for value in properties for part in (value if isinstance(value, list) else [value])
    ]
    used = {part["@id"] for part in parts if isinstance(part, dict)}
    records = {
        f"{kind}/{name}" for name in ("01_data", "02_fit") for kind in ("chapters", "provenance")
    }
    left = {name.removesuffix(".ipynb").removesuffix(".json") for name in used - set(names)}
    assert left <= {"https://w3id.org/ro/crate/1.1", *records}
    seeds = [e["name"] for e in crate["@graph"] if e.get("description") == "seed"]
    assert seeds == ["seed", "seed"]
    actions = [entity for entity in crate["@graph"] if entity["@type"] == "CreateAction"]
    assert [(each["startTime"], each["endTime"]) for each in actions] == [
        ("2026-01-02T03:04:05+00:00", "2026-01-02T03:05:06+00:00")
    ] * 2


@pytest.mark.usefixtures("glued_run")
def test_the_manifest_of_a_run_lists_what_is_there(
    glued_run: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(glued_run)
    plan, folder = make_plan(glued_run, "demo"), glued_run / "results/demo"
    found = collect(plan)
    assert read_manifest(folder) == replace(found, description="Toy")
    jsonschema.validate(json.loads((folder / FILE).read_text()), SCHEMA)
    assert found.files == {path: digest(folder / path) for path in found.files}
    assert {"tables/counts.parquet", "models/x/w", "chapters/02_fit.ipynb"} < set(found.files)
    assert found.chapters["01_data"].parameters == {"seed": 1, "size": 5}
    assert found.chapters["01_data"].numbers == {"n": "5"}
    assert set(found.chapters["02_fit"].numbers) == {"mean", "said", "fit_s"}
    assert found.chapters["02_fit"].machine["processor"]
    assert str(glued_run) not in (folder / FILE).read_text()
    before = (folder / FILE).read_bytes()
    write_manifest(plan)
    assert (folder / FILE).read_bytes() == before, "the same records, the same bytes"


def test_a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match=r"results/demo has no ro-crate-metadata.json"):
        read_manifest(folder)
    for text in ("{", "[]", '{"@graph": []}', '{"@graph": [{"@id": "./"}]}'):
        (folder / FILE).write_text(text)
        with pytest.raises(ValueError, match=r"ro-crate-metadata.json is damaged"):
            read_manifest(folder)
