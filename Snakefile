# What runs, in which order, and what is out of date. `lembas run` writes the plan
# (results/<profile>/plan/plan.json) from the notebooks, the profile and the package, then calls
# this file; by hand: snakemake --cores 2 --rerun-triggers mtime --config plan=<that file>
# On a cluster: lembas run --workflow-profile profiles/slurm
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

    # A mark of pieces is temporary: without it a chapter that is up to date stays so, and one that
    # is not has its pieces made first.
    for piece, mark in chapter["pieces"].items():

        rule:
            name:
                f"piece_{chapter_name}_{piece}"
            input:
                chapter["piece_inputs"],
            output:
                temp(mark),
            threads: chapter["threads"]
            resources:
                **chapter["piece_resources"],
            params:
                python=sys.executable,
                plan=config["plan"],
                chapter=chapter_name,
                piece=piece,
            shell:
                "{params.python:q} -P -m lembas execute-piece {params.plan:q} {params.chapter:q}"
                " {params.piece:q}"

    rule:
        name:
            f"chapter_{chapter_name}"
        input:
            chapter["inputs"],
            list(chapter["pieces"].values()),
        output:
            chapter["executed"],
            chapter["files"],
            [directory(folder) for folder in chapter["folders"]],
        threads: chapter["threads"]
        resources:
            **chapter["resources"],
        params:
            python=sys.executable,
            plan=config["plan"],
            chapter=chapter_name,
        shell:
            "{params.python:q} -P -m lembas execute {params.plan:q} {params.chapter:q}"
