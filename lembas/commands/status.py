"""Look at a profile: which chapters are out of date, which parameters a chapter has."""

import click

from lembas.commands.shared import (
    chapter_names,
    completing,
    data_option,
    examples,
    json_option,
    planned,
    profile_option,
    project_root,
    verbosity,
    write_document,
)


@click.command(
    epilog=examples(
        "lembas status",
        "lembas status --profile liver --data ../data/liver",
        "lembas status --json",
    )
)
@profile_option
@data_option
@json_option
@verbosity
def status(profile: str, data: str | None, as_json: bool) -> None:
    """Say which chapters are out of date, and why."""
    from lembas import workflow

    plan = planned(profile, data)
    stale = workflow.stale(plan)
    if as_json:
        chapters = [
            {"name": name, "up_to_date": name not in stale, "reasons": stale.get(name, [])}
            for name in plan.chapters
        ]
        write_document({"profile": profile, "run_dir": plan.run_dir, "chapters": chapters})
        return
    for name in plan.chapters:
        click.echo(f"{name:<20} {'; '.join(stale[name]) if name in stale else 'up to date'}")


@click.command(
    short_help="List the parameters of a chapter.",
    epilog=examples("lembas params 05_test", "lembas params 01 --profile liver --json"),
)
@click.argument("chapter", shell_complete=completing(chapter_names))
@profile_option
@json_option
@verbosity
def params(chapter: str, profile: str, as_json: bool) -> None:
    """List a chapter's parameters: type, value in the profile, meaning."""
    from lembas import chapters as chapters_of
    from lembas.profiles import read_profile

    root = project_root()
    known = chapters_of.discover(root)
    (name,) = chapters_of.select(known, [chapter])
    own = read_profile(profile, root).chapters.get(name, {})
    own = chapters_of.check_parameters(known[name], own, f"profiles/{profile}.yml")
    rows = [
        {
            "name": item.name,
            "type": item.type_name,
            "value": own.get(item.name, item.default),
            "origin": "profile" if item.name in own else "default",
            "meaning": item.help,
        }
        for item in known[name].parameters.values()
    ]
    if as_json:
        write_document({"chapter": name, "profile": profile, "parameters": rows})
        return
    for row in rows:
        head = f"{row['name']}: {row['type']} = {row['value']!r}"
        click.echo(f"{head:<48} ({row['origin']})  {row['meaning']}".rstrip())
