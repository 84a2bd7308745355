"""The report of a run too large for its cases to stand on a page: all aggregates as tables, and where the cases are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from evalkit.pages.wording import md, percent, percent_bounds, visible, words

CASES = (
    "This run has too many cases for one page. Every finding with its evidence stands in diagnosis.json, every "
    "score in scores.csv, every answer in traces.jsonl, all beside this report."
)
SLICES = 40  # tags shown, those with most cases first
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{padding:.2rem .8rem .2rem 0;text-align:left;"
    "border-bottom:1px solid #ccc;vertical-align:top}@media(prefers-color-scheme:dark){body{background:#111;color:#eee}}"
)


@dataclass(frozen=True, slots=True)
class Table:
    """One table with its heading; a table without rows is not shown."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]


def tables(summary: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> Iterator[Table]:
    """Everything that is shown, in order."""
    systems = summary["systems"]
    counts = ("passed", "failed", "errors", "ungraded")
    yield Table(
        "Systems",
        ("system", "approach", "pass rate", "95 % interval", *counts),
        [
            (
                name,
                s["approach"],
                _rate(s["pass_rate"]),
                percent_bounds(s["pass_rate"]),
                *(f"{s['cases'][n]:,}" for n in counts),
            )
            for name, s in systems.items()
        ],
    )
    advice = diagnosis["recommendation"]
    reasons = [(reason,) for reason in (*advice["reasons"], *advice["against"])]
    yield Table(
        f"First step: {words(advice['approach'])}", ("why, and what speaks against",), reasons
    )
    for name in systems:
        yield from _of_system(name, systems[name], diagnosis["systems"][name])
    yield Table("Warnings", ("of the suite",), [(text,) for text in summary["warnings"][:SLICES]])
    yield Table("Recipe", ("part", "value"), [(k, str(v)) for k, v in summary["recipe"].items()])


def _gain(found: Mapping[str, Any] | None) -> str:
    return "n/a" if found is None else percent(found["gain"])


def _rate(found: Mapping[str, Any] | None) -> str:
    return "n/a" if found is None else percent(found["value"])


def _of_system(name: str, system: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[Table]:
    parts, gains = own["decomposition"], own["headroom"]
    yield Table(
        f"{name}: where the pass rate is lost",
        ("side", "loss", "95 % interval"),
        [(words(s), percent(part["loss"]), percent_bounds(part)) for s, part in parts.items()],
    )
    yield Table(
        f"{name}: causes",
        ("cause", "cases", "share of failures", "95 % interval", "proven", "gain if mended alone"),
        [
            (
                words(cause),
                f"{c['cases']:,}",
                percent(c["share"]),
                percent_bounds(c),
                f"{c['proven']:,}",
                _gain(gains.get(cause)),
            )
            for cause, c in own["causes"].items()
        ],
    )
    yield from _shown(name, system, own)
    yield from _figures(name, system)


def _shown(name: str, system: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[Table]:
    yield Table(
        f"{name}: symptoms",
        ("symptom", "rate", "95 % interval", "of cases"),
        [
            (
                words(s["id"]),
                s["not_measured"] or percent(s["rate"]),
                percent_bounds(s),
                f"{s['n']:,}",
            )
            for s in own["symptoms"]
        ],
    )
    yield Table(
        f"{name}: how far cases get",
        ("stage", "due", "lost here"),
        [
            (words(s["stage"]), f"{s['due']:,}", f"{s['lost'] or 0:,}")
            for s in own["funnel"]
            if s["due"]
        ],
    )
    tags = sorted(system["slices"].items(), key=lambda tag: (-tag[1]["cases"], tag[0]))
    yield Table(
        f"{name}: pass rate by tag",
        ("tag", "cases", "pass rate", "95 % interval"),
        [
            (tag, f"{s['cases']:,}", _rate(s["pass_rate"]), percent_bounds(s["pass_rate"]))
            for tag, s in tags[:SLICES]
        ],
    )


def _figures(name: str, system: Mapping[str, Any]) -> Iterator[Table]:
    shown = {metric: m for metric, m in system["metrics"].items() if m["mean"] is not None}
    yield Table(
        f"{name}: metrics",
        ("metric", "mean", "95 % interval", "scored", "due"),
        [
            (metric, f"{m['mean']:.4g}", _bounds(m), f"{m['scored']:,}", f"{m['due']:,}")
            for metric, m in shown.items()
        ],
    )
    yield Table(
        f"{name}: format errors",
        ("pointer", "kind", "answers"),
        [
            (e["pointer"] or "(whole)", e["kind"], f"{e['answers']:,}")
            for e in system["format_errors"][:SLICES]
        ],
    )
    yield Table(
        f"{name}: time, tokens and cost",
        ("what", "figure", "answers"),
        [
            *(
                (
                    f"{stage} time",
                    f"median {t['p50']:.3g} s, 95 % below {t['p95']:.3g} s",
                    f"{t['n']:,}",
                )
                for stage, t in system["latency"].items()
                if t
            ),
            *(
                (words(u), f"{t['total']:,}", f"{t['n']:,}")
                for u, t in system["usage"].items()
                if t["n"]
            ),
        ],
    )


def _bounds(found: Mapping[str, Any]) -> str:
    return "" if found["low"] is None else f"{found['low']:.4g} to {found['high']:.4g}"


def overview_html(summary: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> str:
    """The tables as one page that makes no request and runs no script."""
    name = escape(visible(summary["suite"]["name"]))
    pieces = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{name}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{name}: {summary['suite']['cases']:,} cases</h1><p>{escape(CASES)}</p>",
    ]
    for table in tables(summary, diagnosis):
        if table.rows:
            pieces.append(
                f"<h2>{escape(visible(table.title))}</h2><table><tr>{_cells('th', table.columns)}</tr>"
            )
            pieces += [f"<tr>{_cells('td', row)}</tr>" for row in table.rows]
            pieces.append("</table>")
    return "\n".join((*pieces, "</body></html>")) + "\n"


def _cells(tag: str, texts: Sequence[str]) -> str:
    return "".join(f"<{tag}>{escape(visible(text))}</{tag}>" for text in texts)


def overview_markdown(summary: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> str:
    """The tables in Markdown."""
    lines = [f"# {md(summary['suite']['name'])}: {summary['suite']['cases']:,} cases", "", CASES]
    for table in tables(summary, diagnosis):
        if table.rows:
            lines += ["", f"## {md(table.title)}", "", _row(table.columns)]
            lines += [_row(["---"] * len(table.columns), raw=True), *map(_row, table.rows)]
    return "\n".join(lines) + "\n"


def _row(texts: Sequence[str], *, raw: bool = False) -> str:
    return f"| {' | '.join(text if raw else md(text) for text in texts)} |"
