"""What the fine-tuning commands print: findings, a learning curve, the checks after tuning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from evalkit.terminal import plain, wide_console

if TYPE_CHECKING:
    from evalkit.finetune.after import Check
    from evalkit.finetune.finding import Audit, AuditFinding
    from evalkit.finetune.learning_curve import Curve

_COLOURS = {"blocker": "red", "warning": "yellow", "note": "dim"}
_SAID = {"ready": "READY", "not_ready": "NOT READY", "unclear": "UNCLEAR"}
BAR = 30  # characters of a full bar


def show_audit(audit: Audit) -> None:
    """The findings as a table, then places and remedies, then the verdict with its reasons."""
    console = wide_console()
    tokens = audit.figures["tokens"]
    console.print(
        f"{audit.file}: {audit.rows} rows, about {tokens['total']} tokens "
        f"(median {tokens['median']}, largest {tokens['largest']}; estimated)",
        markup=False,
    )
    if audit.findings:
        console.print(_findings_table(audit.findings))
    for finding in audit.findings:
        if finding.severity != "note":
            console.print(f"\n{finding.check}: {plain(finding.todo)}", markup=False)
            for example in finding.examples:
                console.print(
                    f"  {plain(example.where)}: {plain(example.text)}",
                    markup=False,
                    highlight=False,
                )
    console.print(f"\nPersonal data: {audit.figures['personal_data']}.", markup=False)
    console.print(f"Verdict: [bold]{_SAID[audit.verdict.value]}[/bold]")
    for reason in audit.reasons:
        console.print(f"  - {plain(reason)}", markup=False)


def _findings_table(findings: Sequence[AuditFinding]) -> Table:
    table = _table("severity", "check", "count", "what")
    for finding in findings:
        colour = _COLOURS[finding.severity.value]
        table.add_row(
            f"[{colour}]{finding.severity.value}[/{colour}]",
            finding.check,
            f"{finding.count}/{finding.total}",
            escape(plain(finding.text)),
        )
    return table


def show_curve(curve: Curve) -> None:
    """One line a size with its bar, the fit, and the statement."""
    console = wide_console()
    console.print(
        f"{plain(curve.suite)}: {curve.rows} training rows, {curve.cases} test cases", markup=False
    )
    table = _table("rows", "trainings", "pass rate", "95 % interval", "correct", "")
    for point in curve.points:
        passed = point.passed
        table.add_row(
            str(point.size),
            str(point.trainings),
            f"{100 * passed.value:.1f} %",
            f"{100 * passed.low:.1f} .. {100 * passed.high:.1f}",
            "-" if point.correct is None else f"{point.correct:.3f}",
            "█" * round(BAR * passed.value),
        )
    console.print(table)
    fit = curve.fitted
    console.print(f"Fit: 1 - pass rate = {fit.floor:.3f} + {fit.scale:.3f} x n^-{fit.rate:.2f}")
    console.print(curve.statement, markup=False)
    console.print(
        "The curve is the embedded stand-in's: it shows what the data holds, not how your model learns."
    )
    if curve.left_out:
        console.print(f"{curve.left_out} trainings were left out: time was up (--max-seconds)")


def show_checks(checks: Sequence[Check], system: str) -> None:
    """One line a check, with its examples."""
    console = wide_console()
    console.print(f"After tuning: {plain(system)}", markup=False)
    table = _table("check", "found", "what")
    for check in checks:
        table.add_row(check.name, check.answer.replace("_", " "), escape(plain(check.text)))
    console.print(table)
    for check in checks:
        for example in check.examples:
            console.print(f"  {check.name}: {plain(example)}", markup=False, highlight=False)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=column not in ("what", ""), overflow="fold")
    return table
