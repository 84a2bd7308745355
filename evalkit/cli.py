"""The command line: names and one-line helps; each command is loaded when it is called."""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys

import click

COMMANDS = {
    "init": "Start a suite, or make one from a spreadsheet of questions and answers.",
    "check": "Check a suite and its systems without asking anything.",
    "run": "Ask, score and diagnose: the whole way from suite to report.",
    "merge": "Put the runs of all shares of a suite together.",
    "score": "Score the recorded answers of a run again, without a call.",
    "diagnose": "Diagnose the recorded answers of a run again, without a call.",
    "compare": "Compare systems on the same cases: quality, causes, cost.",
    "decide": "Rank prompt, RAG, fine-tuning and the rest: what was measured, what could be gained, what it costs.",
    "gate": "Pass, regression or inconclusive: hold a run against limits and a baseline.",
    "baseline": "Write or show the file that a gate compares with.",
    "drift": "Compare unlabelled production traces with a baseline.",
    "report": "Write the report of a run again.",
    "view": "Show all runs in a browser: list, trends, comparisons, progress.",
    "faults": "Inject known faults, to learn what a suite can and cannot tell.",
    "finetune": "Audit training data, see whether more would help, run a job, check what tuning broke.",
    "export": "Write what a run found out for other tools: training rows.",
    "judge-check": "Hold a judge against people's verdicts.",
    "review": "Hand doubtful grades to people, and take their verdicts back.",
    "import": "Turn a public data set into a suite.",
    "plugins": "List adapters, judges, metrics and causes, ours and installed ones.",
}
EPILOG = (
    "Exit codes: 0 pass, 1 internal error, 2 usage, 3 invalid input, 4 nothing to do, 5 busy, 6 storage, "
    "7 endpoint unusable, 8 budget, 10 regression, 11 inconclusive, 12 incomplete, 129/130/143 interrupted."
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
        module = importlib.import_module(f"evalkit.commands.{cmd_name.replace('-', '_')}_command")
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
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a letter is no error
    terminated: list[int] = []
    shown = [number for number in (1, 2) if os.isatty(number)]

    def terminate(number: int, _frame: object) -> None:
        terminated.append(number)
        signal.raise_signal(signal.SIGINT)

    def hang_up(number: int, frame: object) -> None:
        for stream in shown:  # the terminal is gone: to write to it would be an error
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        if not stays:
            terminate(number, frame)

    # A script's background jobs ignore SIGINT. An interrupt of the script is meant for us too, and without a handler
    # before the event loop starts neither it nor SIGTERM would end a run in order.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, terminate)
    if hasattr(signal, "SIGHUP"):
        stays = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # under nohup
        signal.signal(signal.SIGHUP, hang_up)
    code = _run(sys.argv[1:])
    sys.exit(128 + terminated[0] if terminated and code == 130 else code)


def _run(arguments: list[str]) -> int:
    # Not group.main(): it turns a closed pipe into exit code 1, which means a fault of ours.
    try:
        with group.make_context("evalkit", arguments) as context:
            code = group.invoke(context)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        return _misused(error)
    except (KeyboardInterrupt, click.Abort) as stop:
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # an impatient second one must not cut this short
        _complain(str(stop) or "interrupted")
        return 130
    except SystemExit as stop:  # rich ends the program when its pipe is closed
        return _told(stop.__context__ or stop)
    except Exception as error:  # noqa: BLE001 (the outermost place: nothing may leave as a traceback)
        return _told(error)


def _misused(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return 2
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "evalkit"
    _complain(f"{error.format_message()} See `{path} --help`.")
    return 2


def _told(error: BaseException) -> int:
    """Say in one line what went wrong; the exit code that stands for it."""
    from evalkit.errors import EvalkitError, StorageError

    if isinstance(
        error, BrokenPipeError
    ):  # whoever read our output has left: as if SIGPIPE had ended us
        _drop_output()
        return 141
    if isinstance(error, EvalkitError):
        _complain(str(error))
        return error.exit_code
    if isinstance(error, OSError) and not isinstance(error, (ConnectionError, TimeoutError)):
        if error.filename is None:
            _drop_output()
        _complain(f"{error.filename or 'output'}: {error.strerror or error}")
        return StorageError.exit_code
    message = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    _complain(f"internal error ({message}); details in {_log(error)}")
    return 1


def _complain(text: str) -> None:
    """One line on stderr; what files and replies put into it does nothing to the terminal."""
    from evalkit.gating.shown import visible

    click.echo(f"evalkit: {visible(' '.join(text.split()))}", err=True)


def _drop_output() -> None:
    """Let what is still buffered for stdout go nowhere, so that the interpreter does not fail on it at exit."""
    if sys.stdout is not None:  # None: it was closed from the start
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _log(error: BaseException) -> str:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="evalkit-", suffix=".log", delete=False, encoding="utf-8", errors="replace"
    ) as log:
        traceback.print_exception(error, file=log)
    return log.name
