"""The command line: names and one-line helps; each command is loaded when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import click

COMMANDS = {
    "init": "Start a suite, or make one from a spreadsheet of questions and answers.",
    "check": "Check a suite and its systems without asking anything.",
    "run": "Ask, score and diagnose: the whole way from suite to report.",
    "score": "Score the recorded answers of a run again, without a call.",
    "diagnose": "Diagnose the recorded answers of a run again, without a call.",
    "report": "Write the report of a run again.",
    "import": "Turn a public data set into a suite.",
    "plugins": "List adapters, judges, metrics and causes, ours and installed ones.",
}
EPILOG = (
    "Exit codes: 0 pass, 1 internal error, 2 usage, 3 invalid input, 4 nothing to do, 5 busy, 6 storage, "
    "7 endpoint unusable, 8 budget, 10 regression, 11 inconclusive, 12 incomplete, 130/143 interrupted."
)


class LazyGroup(click.Group):
    """A group that knows its commands' helps without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"evalkit.commands.{cmd_name}_command")
        found: click.Command = module.command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in --help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command called; a typo names the nearest one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            import difflib

            close = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"there is no command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.command(
    cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="evalkit", prog_name="evalkit")
def group() -> None:
    """Find out which component of an LLM feature fails, prove it, and learn what to do about it."""


def main() -> None:
    """Run the command line; every known error ends with one sentence and its own exit code."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    try:
        code = group.main(arguments, prog_name="evalkit", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; the same command with the same --out goes on from here", err=True)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 (the outermost place: nothing may leave as a traceback)
        return _told(error)


def _told(error: Exception) -> int:
    from evalkit.errors import EvalkitError

    if isinstance(error, EvalkitError):
        click.echo(f"evalkit: {error}", err=True)
        return error.exit_code
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="evalkit-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        traceback.print_exception(error, file=log)
    name = type(error).__name__
    click.echo(f"evalkit: internal error ({name}: {error}); details in {Path(log.name)}", err=True)
    return 1
