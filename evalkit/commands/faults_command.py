"""``evalkit faults``: what a suite can and cannot tell, measured with injected faults."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.commands.numbers import FiniteRange
from evalkit.commands.options import (
    chosen_systems,
    new_folder,
    resumable,
    say,
    suite_argument,
    systems_option,
)

if TYPE_CHECKING:
    from evalkit.faults.bench import BenchScore
    from evalkit.faults.power import Power
    from evalkit.records import Suite, System

MISSING = 6  # faults named in the terminal that could not be injected
MEMORY = 0.3  # share of the cases that the known-good system can answer without a passage


@click.command("faults")
@suite_argument
@systems_option
@click.option("--system", "name", help="The system of the file to inject faults into.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Where to write; the same folder again goes on where it stopped. [reports/SUITE-faults-TIME]",
)
@click.option(
    "--rate",
    type=FiniteRange(0, 1, min_open=True),
    default=0.8,
    show_default=True,
    help="Share of the usable cases that get a fault.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Which case gets which fault.",
)
@click.option("--limit", type=click.IntRange(1), help="Only the first N cases.")
def command(
    suite: Path,
    systems_file: Path | None,
    name: str | None,
    out: Path | None,
    rate: float,
    seed: int,
    limit: int | None,
) -> int:
    """Inject known faults into a system, diagnose them blind, and say what SUITE can and cannot tell.

    Without --systems and --system the faults go into a known-good system that knows the labels; with one
    of them into that system, in the cases that it passes.
    """
    from evalkit import plugins
    from evalkit.faults.power import measure
    from evalkit.faults.power_report import write_power
    from evalkit.suite import load_suite
    from evalkit.terminal import Progress

    whole = load_suite(suite)
    loaded = replace(whole, cases=whole.cases[:limit])
    system = _system(loaded, systems_file, name, seed)
    folder = out or new_folder(f"{loaded.name}-faults")
    with Progress() as progress, resumable(folder):
        power = asyncio.run(measure(loaded, system, folder, rate=rate, seed=seed, watch=progress))
    sides = {cause.id: cause.side.value for cause in plugins.members("causes")}
    settings = {"rate": rate, "seed": seed, "limit": limit, "digest": whole.digest}
    found, page = write_power(power, sides, settings, folder)
    for line in _summary(power, found):
        say(line)
    say(f"Report: {page.resolve()}")
    return 0


def _system(suite: Suite, systems_file: Path | None, name: str | None, seed: int) -> System:
    """The one system that was asked for; the known-good one when none was."""
    from evalkit.errors import InvalidInput
    from evalkit.faults import OracleSystem
    from evalkit.systems import build

    if systems_file is None and name is None:
        click.echo(
            "no --systems and no --system: faults go into a known-good system that knows the labels",
            err=True,
        )
        return OracleSystem(suite, seed=seed, memory=MEMORY)
    specs = chosen_systems(suite, systems_file, [name] if name else [])
    if len(specs) > 1:
        known = ", ".join(spec.name for spec in specs)
        raise InvalidInput(
            f"faults go into one system, and {len(specs)} are there",
            file=systems_file,
            hint=f"give --system with one of {known}",
        )
    return build(specs[0], suite, isolate=True)


def _summary(power: Power, found: BenchScore) -> list[str]:
    """What the command prints: the figures, then a row for every fault."""
    from evalkit.faults.bench_report import percent
    from evalkit.faults.power_report import rows

    usable = power.cases - len(power.failing)
    lines = [
        f"{power.suite}, faults in {power.system}: {usable} of {power.cases} cases pass without a fault",
        f"  the true cause is named   {percent(found.exact)}",
        f"  the right side is named   {percent(found.side)}",
        f"  false alarms              {percent(found.false_alarms)}",
        "",
        f"{'fault':20} {'cases':>5} {'noticed':>8} {'named':>6}  else taken for",
    ]
    for fault, _, noticed, named, taken in rows(power):
        n = noticed.n if noticed else 0
        shares = [f"{share.value:.0%}" if share else "-" for share in (noticed, named)]
        lines.append(f"{fault:20} {n:>5} {shares[0]:>8} {shares[1]:>6}  {taken}".rstrip())
    if power.missing:
        names = [*list(power.missing)[:MISSING], *(["..."] if len(power.missing) > MISSING else [])]
        listed = ", ".join(names)
        lines += ["", f"not injected: {len(power.missing)} faults, why see the report ({listed})"]
    return lines
