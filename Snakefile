# What runs, in which order, and what is out of date. `lembas run` writes the plan
# (results/<profile>/plan/plan.json) from the notebooks, the profile and the package, then calls
# this file; by hand: snakemake --cores 2 --rerun-triggers mtime --config plan=<that file>
import json
import sys
from pathlib import Path

PLAN = json.loads(Path(config["plan"]).read_text(encoding="utf-8"))
CHAPTERS = PLAN["chapters"]
WANTED = config["chapters"].split(",") if config.get("chapters") else list(CHAPTERS)


rule all:
    input:
        [CHAPTERS[name][kind] for name in WANTED for kind in ("executed", "files", "folders")],


for chapter_name, chapter in CHAPTERS.items():

    rule:
        name:
            f"chapter_{chapter_name}"
        input:
            chapter["inputs"],
        output:
            chapter["executed"],
            chapter["files"],
            [directory(folder) for folder in chapter["folders"]],
        threads: chapter["threads"]
        params:
            python=sys.executable,
            plan=config["plan"],
            chapter=chapter_name,
        shell:
            "{params.python:q} -P -m lembas execute {params.plan:q} {params.chapter:q}"
