"""``evalkit baseline``: keep a run as the small file that later runs are compared with."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.commands.options import run_argument, run_suite_option, suite_of
from evalkit.commands.places import make_room


@click.group("baseline")
def command() -> None:
    """Write or show a baseline: one line a case, no text, fit to be committed and read as a diff."""


@command.command("update")
@run_argument
@run_suite_option
@click.option("--system", help="The system of the run, if it has several.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write. [SUITE/baseline.json]"
)
@click.option(
    "--metric", "metrics", multiple=True, help="Keep this metric's values too; repeatable."
)
@click.option(
    "--allow", metavar="NOTE", help="Keep a run with too many errors or gaps; the note says why."
)
def update(
    run: Path,
    suite: Path | None,
    system: str | None,
    out: Path | None,
    metrics: tuple[str, ...],
    allow: str | None,
) -> int:
    """Write RUN's outcomes, causes and the values of its suite's limits to a file."""
    from evalkit.gate import Answer
    from evalkit.gating.baseline import write_baseline
    from evalkit.gating.claims import Wishes, wanted_metrics
    from evalkit.gating.policy import read_policy
    from evalkit.gating.release import check_note, what_lacks
    from evalkit.gating.shown import short
    from evalkit.gating.snapshot import snapshot_of
    from evalkit.gating.unfinished import what_is_missing
    from evalkit.gating.verdict import CODES
    from evalkit.judging.brought import tools_of_run
    from evalkit.suite import load_suite

    check_note(allow)
    place = suite or suite_of(run)
    loaded = load_suite(place)
    wanted = wanted_metrics(loaded, tools_of_run(loaded, run), Wishes(metrics), read_policy(place))
    found = snapshot_of(run, system, metrics=wanted)
    lacks = what_is_missing(run, loaded) or what_lacks(loaded, found)
    if lacks and allow is None:
        hint = 'finish it with the same --out, or keep it with --allow "why it is fine"'
        click.echo(f"evalkit: {run}: is no baseline: {lacks}; {hint}", err=True)
        return CODES[Answer.INCOMPLETE]
    file = out or loaded.folder / "baseline.json"
    make_room(file)
    write_baseline(found, file)
    counts = found.counts
    click.echo(
        f"{file}: {short(found.system)}, {len(found.cases)} cases, {counts['passed']} passed"
    )
    if allow is not None:
        click.echo(
            f"allowed ({short(allow)}): {counts['errors']} errors, {counts['ungraded']} ungraded"
        )
    return 0


@command.command("show")
@click.argument("file", type=click.Path(path_type=Path))
def show(file: Path) -> None:
    """Say what FILE holds."""
    from collections import Counter

    from evalkit.gating.baseline import read_baseline
    from evalkit.gating.shown import visible

    found = read_baseline(file)
    counts = found.counts
    rows = {
        "suite": f"{found.suite['name']} ({found.suite['digest']})",
        "system": f"{found.system} ({found.approach} {found.fingerprint})",
        "graded by": f"{found.judge}, evalkit {found.evalkit}",
        "cases": f"{len(found.cases)}, asked {found.repeats} times each",
        "outcomes": ", ".join(
            f"{counts[n]} {n}" for n in ("passed", "failed", "errors", "ungraded")
        ),
        "metrics": ", ".join(sorted(found.cells)),
    }
    for name, text in rows.items():
        click.echo(f"{name:<10} {visible(text)}")
    for cause, n in Counter(found.causes.values()).most_common():
        click.echo(f"  {n:>5}  {visible(cause or 'no cause named')}")
