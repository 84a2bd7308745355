"""``evalkit gate``: whether a run may be released."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.commands.options import run_argument, run_suite_option, suite_of
from evalkit.commands.places import make_room

if TYPE_CHECKING:
    from evalkit.gating.claims import Wishes
    from evalkit.gating.release import Gated


@click.command("gate")
@run_argument
@run_suite_option
@click.option("--system", help="The system of the run to judge, if it has several.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    help="A run folder, or a file of `evalkit baseline update`: has anything dropped since?",
)
@click.option("--baseline-system", help="Its system, if it has another name there.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME[TAG]",
    help="Compare this metric or cause too, on the cases with the tag if one is given; repeatable.",
)
@click.option(
    "--margin",
    "margins",
    multiple=True,
    metavar="[NAME=]X",
    help="A drop that is tolerated, in the metric's unit (of `passed` without a name); repeatable.",
)
@click.option(
    "--detect",
    type=float,
    default=0.1,
    show_default=True,
    help="A pass needs evidence that would have shown a drop of this size.",
)
@click.option(
    "--alpha",
    type=float,
    default=0.05,
    show_default=True,
    help="How often, at most, an unchanged system may be called worse.",
)
@click.option(
    "--power",
    type=float,
    default=0.8,
    show_default=True,
    help="How often a drop of the size that is named must be seen.",
)
@click.option(
    "--inconclusive",
    type=click.Choice(["fail", "pass"]),
    default="fail",
    show_default=True,
    help="What too little evidence does to the exit code.",
)
@click.option("--allow", metavar="NOTE", help="Compare what does not match; the note says why.")
@click.option(
    "--aa",
    type=click.IntRange(2, 1000),
    metavar="N",
    help="Measure the system's own noise from N repeats or equal runs beside this one.",
)
@click.option(
    "--verdict",
    type=click.Path(path_type=Path),
    help="Another place for verdict.json, for a run that cannot be written; RUN stays as it is. [RUN/verdict.json]",
)
@click.option(
    "--junit",
    type=click.Path(path_type=Path),
    help="Another place for junit.xml. [beside verdict.json]",
)
def command(run: Path, suite: Path | None, **options: Any) -> int:
    """Judge RUN by its suite's limits and against a baseline: pass 0, regression 10, inconclusive 11, incomplete 12."""
    from evalkit.gating.verdict import never_stale

    verdict = options["verdict"] or run / "verdict.json"
    junit = options["junit"] or verdict.with_name("junit.xml")
    make_room(options["verdict"])
    if run.is_dir() and not os.access(verdict.parent, os.W_OK):
        return _only_show(_judged(run, suite, options), verdict)
    with never_stale(run, verdict):
        make_room(options["junit"])
        junit.unlink(missing_ok=True)
        return _deliver(_judged(run, suite, options), verdict, junit)


def _judged(run: Path, suite: Path | None, options: Mapping[str, Any]) -> Gated:
    from evalkit.gating.policy import read_policy
    from evalkit.gating.release import gate
    from evalkit.suite import load_suite

    place = suite or suite_of(run)
    return gate(load_suite(place), run, _request(options), read_policy(place))


def _request(options: Mapping[str, Any]) -> Any:
    from evalkit.gating.release import Request
    from evalkit.gating.trials import Level

    _check_rates(options)
    return Request(
        system=options["system"],
        baseline=options["baseline"],
        baseline_system=options["baseline_system"],
        wishes=_wishes(options["metrics"], options["margins"], options["detect"]),
        allow=options["allow"],
        aa=options["aa"],
        accept_inconclusive=options["inconclusive"] == "pass",
        level=Level(options["alpha"], options["power"]),
    )


def _check_rates(options: Mapping[str, Any]) -> None:
    """The share that must be visible, and the two error rates; NaN lies in no range."""
    from evalkit.errors import UsageError

    if not 0 < options["detect"] <= 1:
        raise UsageError(f"--detect is above 0 and at most 1, not {options['detect']:g}")
    if not 0 < options["alpha"] < 0.5:
        raise UsageError(f"--alpha is between 0 and 0.5, not {options['alpha']:g}")
    if not 0.5 <= options["power"] < 1:
        raise UsageError(f"--power is at least 0.5 and below 1, not {options['power']:g}")


def _wishes(metrics: tuple[str, ...], margins: Sequence[str], detect: float) -> Wishes:
    from evalkit.gating.claims import Wishes

    return Wishes(metrics, dict(map(_margin, margins)), detect)


def _margin(text: str) -> tuple[str, float]:
    from evalkit.errors import UsageError

    name, _, number = text.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageError(f"--margin is X or NAME=X with X of 0 or more, not {text!r}")
    return name or "passed", value


def _only_show(found: Gated, file: Path) -> int:
    """Show a verdict that cannot be written: a pass that stands nowhere is no success, and nor is anything else."""
    from evalkit.errors import StorageError

    _show(found, found.verdict)
    raise StorageError(
        f"{file}: cannot be written (a read-only folder or file system), so that the verdict above stands nowhere; "
        "--verdict FILE writes it elsewhere, and the gate then ends with its exit code"
    )


def _deliver(found: Gated, file: Path, junit: Path) -> int:
    """Write and show everything, the verdict last; its exit code as read back."""
    from evalkit.artefacts import write_text
    from evalkit.gating.attempts import read_verdict
    from evalkit.gating.junit import junit_xml
    from evalkit.gating.verdict import write_verdict

    kept = read_verdict(file).get("earlier")  # of a place elsewhere too
    verdict = {**found.verdict, "earlier": kept or found.verdict["earlier"]}
    write_text(junit, junit_xml(verdict, found.candidate))
    written = write_verdict(file, verdict)
    _show(found, written)
    return int(written["exit_code"])


def _show(found: Gated, verdict: Mapping[str, Any]) -> None:
    from evalkit.gating.ci_summary import append_summary, log_lines, workflow_commands

    append_summary(verdict)
    for line in (*workflow_commands(verdict), _head(found), *log_lines(verdict)):
        click.echo(line)


def _head(found: Gated) -> str:
    from evalkit.gating.shown import short, visible

    one, other = found.candidate, found.baseline
    words = f"{short(one.suite['name'])}: {short(one.system)}, {len(one.cases)} cases"
    if other is not None:
        words += f", against {short(Path(other.source).name)} ({short(other.system)}, {len(other.cases)} cases)"
        if other.fingerprint and other.fingerprint == one.fingerprint:
            words += ", with the same fingerprint"
    return visible(words)
