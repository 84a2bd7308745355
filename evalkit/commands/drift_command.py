"""``evalkit drift``: whether production has moved away from a baseline, told without any label."""

from __future__ import annotations

import re
from pathlib import Path

import click

from evalkit.commands.numbers import FiniteRange


class Look(click.ParamType[tuple[int, int]]):
    """``I/N``: look number I of N planned ones."""

    name = "I/N"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Both numbers; refuses a look that was not planned."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", str(value))
        if found is None:
            self.fail(f"{value!r} is not I/N, such as 3/20", param, ctx)
        look, looks = int(found[1]), int(found[2])
        if not 1 <= look <= looks:
            self.fail(f"look {look} of {looks} was not planned", param, ctx)
        return look, looks


@click.command("drift")
@click.argument("baseline", type=click.Path(path_type=Path))
@click.argument("traces", type=click.Path(path_type=Path))
@click.option(
    "--suite",
    "folder",
    type=click.Path(path_type=Path),
    help="The suite of the baseline: gives queries, schemas and the texts of passages.",
)
@click.option("--system", "name", help="The system, where a file holds the traces of several.")
@click.option(
    "--alpha",
    type=FiniteRange(0, 0.5, min_open=True),
    default=0.05,
    show_default=True,
    help="False alarms of all signals, and all looks, together.",
)
@click.option(
    "--look", type=Look(), default="1/1", help="Which of how many planned looks, such as 3/20."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Where drift.json goes; the page in Markdown beside it. [reports/NAME-drift-TIME/drift.json]",
)
def command(
    baseline: Path,
    traces: Path,
    folder: Path | None,
    name: str | None,
    alpha: float,
    look: tuple[int, int],
    out: Path | None,
) -> int:
    """Compare unlabelled production TRACES (traces.jsonl) with a BASELINE: a run folder, or traces of a good time.

    Exit code 0: no drift. 10: drift. 11: too few traces to tell; the number needed is printed.
    12: a run whose traces these are was interrupted, and lacks some.
    """
    from evalkit.commands.options import new_folder
    from evalkit.drift.check import EXITS, Plan, drift
    from evalkit.drift.report import show_drift, write_drift
    from evalkit.drift.traces import baseline_file, check_run, of_one_system, read_sample
    from evalkit.suite import load_suite

    suite = load_suite(folder) if folder else None
    corpus = suite.corpus if suite else {}
    file = baseline_file(baseline)
    for sample in (file, traces):
        check_run(sample, suite)
    before = of_one_system(read_sample(file, corpus), name, file)
    now = of_one_system(read_sample(traces, corpus), name, traces)
    found = drift(before, now, suite=suite, plan=Plan(alpha, *look))
    names = (baseline.name or str(baseline), traces.name)
    path = out or new_folder(f"{baseline.stem or 'baseline'}-drift") / "drift.json"
    show_drift(found, names, write_drift(found, names, path))
    return EXITS[found.said][0]
