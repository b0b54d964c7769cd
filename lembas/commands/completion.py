"""Print the script that lets a shell complete commands, options and names."""

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from lembas.commands.shared import examples

VARIABLE = "_LEMBAS_COMPLETE"
KINDS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command(
    short_help="Print a script for completion in a shell.",
    epilog=examples(
        'eval "$(lembas completion bash)"     # in ~/.bashrc',
        'eval "$(lembas completion zsh)"      # in ~/.zshrc',
        "lembas completion fish | source      # in ~/.config/fish/config.fish",
    ),
)
@click.argument("shell", type=click.Choice(list(KINDS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that completes commands, options, profiles, chapters and runs."""
    click.echo(KINDS[shell](context.find_root().command, {}, "lembas", VARIABLE).source())
