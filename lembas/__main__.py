"""Command line: gathers the commands; what goes wrong becomes a sentence and an exit code."""

import sys
import traceback
from collections.abc import Sequence

import click

from lembas.commands.archs4 import archs4
from lembas.commands.book import book, build
from lembas.commands.check import check
from lembas.commands.compare import compare
from lembas.commands.completion import completion
from lembas.commands.convert import convert
from lembas.commands.execute import execute
from lembas.commands.execute_piece import execute_piece
from lembas.commands.fetch import fetch
from lembas.commands.init import init
from lembas.commands.recompute import recompute
from lembas.commands.run import run
from lembas.commands.shared import examples, verbosity
from lembas.commands.status import params, status
from lembas.commands.verify import verify
from lembas.errors import ChapterError
from lembas.os_errors import plain_os_error
from lembas.plain_text import harmless

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
EXIT_CODES = """\b
Exit codes:
  0    done
  1    failed: a sentence on standard error says why and what to do
  2    wrong usage: an unknown command, option or value
  3    lembas check --strict: the audit has warnings
  4    lembas init: a question is open, and no profile was written
  5    lembas verify: something does not hold
  130  interrupted; the next call goes on from there"""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "lembas status",
        "lembas run 05_test",
        "lembas book --profile liver --data ../data/liver",
        "lembas run --help",
    )
    + "\n\n"
    + EXIT_CODES,
)
@verbosity
def cli() -> None:
    """Benchmark models of gene regulation; every chapter is a notebook, the report is a book."""


# What a command needs beyond click it imports when it is called: help and completion are asked for
# more often than runs.
cli.add_command(run)
cli.add_command(status)
cli.add_command(params)
cli.add_command(build)
cli.add_command(book)
cli.add_command(init)
cli.add_command(check)
cli.add_command(compare)
cli.add_command(convert)
cli.add_command(completion)
cli.add_command(archs4)
cli.add_command(execute)
cli.add_command(execute_piece)
cli.add_command(fetch)
cli.add_command(verify)
cli.add_command(recompute)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a user's error is one sentence and an exit code, never a traceback."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = cli.main(args=given, prog_name="lembas", standalone_mode=False)
    except click.UsageError as error:
        _fail(_usage(error, given), WRONG_USAGE)
    except click.Abort:
        _fail("stopped; the next call goes on from here", INTERRUPTED)
    except click.ClickException as error:
        _fail(error.format_message(), FAILED)
    except (ValueError, ChapterError) as error:
        _fail(str(error), FAILED, trace=_is_verbose(given))
    except OSError as error:
        _fail(str(plain_os_error(error)), FAILED, trace=_is_verbose(given))
    else:
        if isinstance(code, int) and code:
            sys.exit(code)


def _is_verbose(arguments: Sequence[str]) -> bool:
    return not {"-v", "--verbose"}.isdisjoint(arguments)


def _usage(error: click.UsageError, arguments: Sequence[str]) -> str:
    """Name the help to read; click's parser does not always say which command it was at."""
    message = " ".join(error.format_message().split()).rstrip(".")
    named = next((name for name in arguments if name in cli.commands), "")
    return f"{message}; see: {' '.join(filter(None, ['lembas', named, '--help']))}"


def _fail(message: str, code: int, *, trace: bool = False) -> None:
    if trace:
        traceback.print_exc()
    # A message may name what stood in a file: no control code of it may reach the terminal.
    click.echo(harmless(f"lembas: {message}"), err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
