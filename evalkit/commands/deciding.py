"""What ``evalkit decide`` reads, prints and writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from evalkit.decide import POINTS_AWAY, Decision, decision_json, points
from evalkit.errors import InvalidInput, did_you_mean
from evalkit.terminal import plain, wide_console

if TYPE_CHECKING:
    from evalkit.api import Run

SHOWN = 6  # reasons printed


def decided(
    run: Run, profile: Path | None, rules: Path | None, base: str | None, readiness: Path | None
) -> Decision:
    """The decision for a run, with the files of the command line read."""
    from evalkit.decision.rulebook import load_rulebook

    if base is not None and base not in run.systems:
        hint = did_you_mean(base, run.systems)
        raise InvalidInput(f"the run has no system {base!r}", field="--base", hint=hint)
    return run.decision(
        profile=None if profile is None else read_profile(profile),
        book=None if rules is None else load_rulebook(rules),
        base=base,
        examples_ready=None if readiness is None else _verdict(readiness),
    )


def read_profile(path: Path) -> Mapping[str, Any]:
    """A profile file, checked like the profile of a suite."""
    from evalkit.files import ProfileRow
    from evalkit.strict import read_yaml
    from evalkit.validation import validate

    found = read_yaml(path)
    row = validate(ProfileRow, found.value, file=path, lines=found.lines)
    return row.model_dump(exclude_none=True)


def _verdict(path: Path) -> bool | None:
    from evalkit.strict import read_json

    found = read_json(path)
    verdict = found.get("verdict") if isinstance(found, dict) else None
    known = {"ready": True, "not_ready": False, "unclear": None}
    if verdict not in known:
        hint = "`evalkit finetune audit SUITE` writes one"
        raise InvalidInput("is not the audit of training data", file=path, hint=hint)
    return known[verdict]


def write(found: Decision, folder: Path) -> Path:
    """decision.json, decision.md and decision.html in a folder; the path of the page."""
    from evalkit.artefacts import write_json, write_text
    from evalkit.pages.decision import decision_html, decision_markdown

    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "decision.json", decision_json(found))
    write_text(folder / "decision.md", decision_markdown(found))
    page = folder / "decision.html"
    write_text(page, decision_html(found))
    return page


def _told(text: str) -> str:
    """Text of files and models, without markup or hidden characters."""
    return escape(plain(text))


def show(found: Decision) -> None:
    """The ranking as a table, then why, what speaks against it, and what would settle more."""
    console = wide_console()
    console.print(_ranking(found))
    console.print(f"\nRecommended: [bold]{_told(found.approach)}[/bold]")
    for reason in found.reasons[:SHOWN]:
        console.print(f"  + {_told(reason)}")
    for reason in found.against[:SHOWN]:
        console.print(f"  - {_told(reason)}")
    if found.missing:
        console.print("\nNot known, and would weigh in (cheapest first):")
        for one in found.missing[:SHOWN]:
            console.print(f"  ? {_told(one.fact)}: {_told(one.settle)}")


def _ranking(found: Decision) -> Table:
    title = f"{found.suite.name}: what to do, starting from {found.base}"
    table = Table(title=_told(title), title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name in ("approach", "gain (points)", "how", "cases", "rules", "score", "may come first"):
        table.add_column(name, no_wrap=True)
    for option in found.options:
        rules = sum(a.points for a in option.arguments)
        how = "measured" if option.gain.measured else "headroom"
        lacking = [r.id for r in option.requirements if r.met is not True]
        table.add_row(
            option.approach,
            points(option.gain.interval).removesuffix(POINTS_AWAY),
            how,
            str(len(option.gain.cases)),
            f"{rules:+.0f}",
            f"{option.score:.0f}",
            "yes" if not lacking else "no: " + ", ".join(lacking),
        )
    return table


def show_facts(found: Decision) -> None:
    """Every fact the rules may ask for."""
    console = wide_console()
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("fact", no_wrap=True)
    table.add_column("value")
    for name, value in found.facts.items():
        shown = (
            "unknown" if value is None else f"{value:.3g}" if isinstance(value, float) else value
        )
        table.add_row(_told(name), _told(str(shown)))
    console.print(table)
