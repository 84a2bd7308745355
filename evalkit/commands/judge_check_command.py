"""``evalkit judge-check``: how far a judge agrees with people, and whether a gate may rest on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.commands.numbers import FiniteRange
from evalkit.commands.options import say
from evalkit.commands.places import make_room

if TYPE_CHECKING:
    from evalkit.judging.check import CheckResult, Settings
    from evalkit.records import Judge


@click.command("judge-check")
@click.argument("labels", type=click.Path(path_type=Path))
@click.option(
    "--judge",
    "name",
    default="embedded",
    show_default=True,
    help="The judge to check: embedded, ragas, llm:FILE.yaml, panel:FILE.yaml, ragas:FILE.yaml, or module:attribute.",
)
@click.option(
    "--suite",
    type=click.Path(path_type=Path),
    help="Gives questions, references and texts to rows that name a case_id; of a run, its suite.",
)
@click.option(
    "--reviewed",
    "--review",
    "review",
    type=click.Path(path_type=Path),
    help="For a run folder: people's verdicts. [LABELS/review.jsonl]",
)
@click.option(
    "--repeats",
    type=click.IntRange(1, 100),
    default=2,
    show_default=True,
    help="How often 200 of the answers are judged, to see whether verdicts stay.",
)
@click.option(
    "--probes/--no-probes",
    default=True,
    show_default=True,
    help="Judge 200 of the answers with order and length changed, too.",
)
@click.option(
    "--grounded-at",
    type=FiniteRange(0, 1, min_open=True),
    default=0.5,
    show_default=True,
    help="The share of supported claims from which an answer counts as grounded.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("judge-check.json"),
    show_default=True,
    help="The figures as JSON, which a gate can read.",
)
def command(labels: Path, name: str, out: Path, **options: Any) -> int:
    """Hold a judge against people's verdicts in LABELS: a JSONL file, or a run folder with imported reviews."""
    from evalkit.artefacts import write_json
    from evalkit.errors import UsageError
    from evalkit.judging.check import Settings, check
    from evalkit.judging.judges import judge_called
    from evalkit.judging.labels import read_labels
    from evalkit.judging.report import check_compared, check_markdown
    from evalkit.suite import load_suite

    if options["review"] is not None and not labels.is_dir():
        raise UsageError(
            f"--reviewed goes with a run folder; {labels} is none, and holds its own labels"
        )
    judge, suite = judge_called(name), options["suite"]
    make_room(out)
    cuts = {"grounded": options["grounded_at"]}
    how = Settings(options["repeats"], options["probes"], cuts)
    if labels.is_dir():
        found = _check_run(labels, judge, suite, options["review"], how)
    else:
        found = check(read_labels(labels, load_suite(suite) if suite else None), judge, how)
    check_compared(found)
    say(check_markdown(found))
    write_json(out, found.to_json())
    say(f"Written: {out}")
    return 0


def _check_run(
    folder: Path, judge: Judge, suite: Path | None, review: Path | None, how: Settings
) -> CheckResult:
    from evalkit.commands.options import opened
    from evalkit.judging.check import check
    from evalkit.judging.human import FILE, labelled, latest, read_verdicts
    from evalkit.judging.reviewed import graded_reader
    from evalkit.tools import tools_for

    run = opened(folder, suite)
    reviewed = latest(read_verdicts(review or folder / FILE))
    cases = {case.id: case for case in run.suite.cases}
    rows = [
        row
        for system in run.systems.values()
        for row in labelled(reviewed, cases, system.graded.traces)
    ]
    approaches = {name: system.graded.approach for name, system in run.systems.items()}
    read = graded_reader(run.suite, approaches, tools_for(run.suite).metrics)
    return replace(check(rows, judge, how, read=read), source="run")
