"""The pages of the viewer as text, and the small answers by which they keep themselves up to date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from markupsafe import Markup

from evalkit.pages.engine import digest, environment, source
from evalkit.pages.links import system_link
from evalkit.pages.wording import count, percent, percent_bounds, words
from evalkit.viewing.account import Account
from evalkit.viewing.comparing import Outcome, hindrance
from evalkit.viewing.comparison_view import comparison_view
from evalkit.viewing.figures import SystemFigures
from evalkit.viewing.lines import share_bar
from evalkit.viewing.runs import UNDER_WAY, Entry
from evalkit.viewing.trend import trend_view
from evalkit.viewing.wording import day, duration, failing_link, iso

NEWEST = 100  # runs of a list, or of a trend, unless all are asked for
STYLES, SCRIPTS = ("tokens.css", "view.css"), ("view.js",)


@cache
def _own() -> tuple[str, str]:
    return source(STYLES), source(SCRIPTS)


def policy() -> str:
    """What a page of the viewer may do: its own style and script, and ask the viewer itself."""
    style, script = (digest(text) for text in _own())
    return (
        f"default-src 'none'; style-src '{style}'; script-src '{script}'; connect-src 'self'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _page(template: str, **shown: Any) -> str:
    style, script = _own()
    own = {"style": Markup(style), "script": Markup(script)}  # noqa: S704 (our own files)
    return environment().get_template(template).render(**own, **shown)


def message_page(said: str) -> str:
    """A page that only says something."""
    return _page("view_message.html.j2", title=said, here="", said=said)


# --- runs --------------------------------------------------------------------------------------


def runs_page(runs: Sequence[Entry], folder: str, suite: str = "", *, whole: bool = False) -> str:
    """The list of runs, all or those of one suite; only the newest ``NEWEST`` unless the ``whole`` list is wanted."""
    suites = Counter(run.suite for run in runs)
    shown = [run for run in runs if suite in ("", run.suite)]
    of = f" of {suite}" if suite else f" of {count(len(suites), 'suite')}"
    return _page(
        "view_runs.html.j2",
        title=f"Runs in {folder}",
        here="runs",
        said=f"{count(len(shown), 'run')}{of}" if runs else "No runs yet",
        folder=folder,
        suite=suite,
        suites=dict(suites),
        runs=[_run(run) for run in (shown if whole else shown[:NEWEST])],
        older=0 if whole else max(0, len(shown) - NEWEST),
    )


def run_page(run: Entry, runs: Sequence[Entry]) -> str:
    """One run: how far it is, what came out, its files, and what it can be compared with."""
    others = [other for other in runs if other.key != run.key and other.suite == run.suite]
    return _page(
        "view_run.html.j2",
        title=run.name,
        here="",
        run=_run(run),
        others=[_named(o) for o in others if hindrance(run, o) is None],
        recipe=[(words(str(name)), str(value)) for name, value in run.recipe.items()],
    )


def _named(run: Entry) -> dict[str, Any]:
    return {"key": run.key, "name": run.name, "suite": run.suite, "day": day(run.date)}


def _run(run: Entry) -> dict[str, Any]:
    verdict = run.figures.verdict if run.figures else None
    return {
        **_named(run),
        "when": iso(run.date),
        "state": run.state,
        "live": live(run),
        "going": run.state == UNDER_WAY,
        "digest": run.digest,
        "like": run.digest or run.suite,
        "commit": run.commits[-1] if run.commits else None,
        "commits": len(run.commits),
        "verdict": verdict if verdict not in (None, "none") else None,
        "exit": run.figures.exit_name if run.figures else None,
        "systems": [_system(system, f"/run/{run.key}/report.html") for system in run.systems],
        "report": "report.html" in run.files,
        "decision": "decision.html" in run.files,
        "files": run.files,
    }


def _system(system: SystemFigures, report: str) -> dict[str, Any]:
    rate = system.rate
    ends = {"low": rate.low, "high": rate.high} if rate else None
    first = system.causes[0] if system.causes else None
    return {
        "name": system.name,
        "approach": system.approach,
        "rate": percent(rate.value) if rate else "not graded",
        "bounds": percent_bounds(ends),
        "n": rate.n if rate else 0,
        "bar": share_bar(rate, f"{system.name}: {percent(rate.value)} {percent_bounds(ends)}")
        if rate
        else "",
        "where": report + system_link(system.name),
        "cause": first.id if first else None,
        "cases": report + failing_link(system.name, first.id) if first else "",
        "side": first.side if first else "",
        "share": f"{first.cases:,} of {system.failing:,}" if first else "",
        "errors": system.errors,
        "cost": "unknown" if system.cost is None else f"{system.cost:,.2f}",
        "priced": f"{system.priced:,} of {count(system.answers, 'answer')} tell it",
    }


# --- live ----------------------------------------------------------------------------------------


def live(run: Entry) -> dict[str, Any]:
    """How far a run is, in words and as a share; what the pages poll. It holds no text of a case or a model."""
    found: dict[str, Any] = {"key": run.key, "state": run.state, "share": None, "stage": run.state}
    account = run.account
    if account is None:
        return found
    going = run.state == UNDER_WAY
    open_ = account.planned - account.asked
    if going and open_ > 0:
        found["stage"] = f"asking: {account.asked:,} of {account.planned:,} first answers"
    elif going and account.waiting:
        found["stage"] = f"asking failing cases again: {account.probed:,} answers under conditions"
    elif going:
        found["stage"] = "grading and diagnosing" if account.planned else "preparing"
    if account.planned:
        found["share"] = round(min(1.0, account.asked / account.planned), 4)
    known = account.cost is not None
    spent = f"{account.cost:,.2f}" if known else "unknown"
    return found | {
        "asked": f"{account.asked:,} of {account.planned:,}" if account.planned else "none asked",
        "probed": f"{account.probed:,}",
        "rate": f"{account.rate:.1f} a second" if going else "",
        "left": (duration(account.left) if open_ > 0 else "no telling after the first answers")
        if going
        else "",
        "errors": f"{account.errors:,}",
        "spent": spent,
        "priced": f"{account.priced:,} of {count(account.attempts, 'answer')} tell it",
        "tokens": "unknown" if account.tokens is None else f"{account.tokens:,}",
        "earlier": f"{account.earlier:,}",
        "systems": [
            _tallied(name, account) for name in dict.fromkeys(t.system for t in account.tallies)
        ],
    }


def _tallied(name: str, account: Account) -> dict[str, str]:
    mine = [t for t in account.tallies if t.system == name]
    return {
        "name": name,
        "first": f"{sum(t.ended for t in mine if t.first):,}",
        "probed": f"{sum(t.ended for t in mine if not t.first):,}",
        "open": f"{sum(t.open for t in mine):,}",
        "errors": f"{sum(t.errors for t in mine):,}",
    }


# --- trends and comparisons ----------------------------------------------------------------------


def trend_page(
    runs: Sequence[Entry], suite: str, suites: Sequence[str], metric: str, *, whole: bool = False
) -> str:
    """How one suite's systems went over their runs, given the newest first."""
    told = [run for run in runs if run.systems]
    view = trend_view(told if whole else told[:NEWEST], suite, metric)
    view["older"] = 0 if whole else max(0, len(told) - NEWEST)
    return _page(
        "view_trend.html.j2", title=f"Trend of {suite}", here="trend", view=view, suites=suites
    )


def _chosen(runs: Sequence[Entry], pair: tuple[Entry, Entry] | None) -> list[str]:
    """The keys preselected as before and after: two runs of one suite, never one run twice; empty where none fits."""
    if pair and pair[0].key != pair[1].key:
        return [run.key for run in pair]
    for after in [pair[1]] if pair else runs:
        before = next((r for r in runs if r.key != after.key and hindrance(r, after) is None), None)
        if before is not None:
            return [before.key, after.key]
    return ["", pair[1].key if pair else ""]


def comparison_page(
    runs: Sequence[Entry], pair: tuple[Entry, Entry] | None, outcome: Outcome | None
) -> str:
    """Two runs side by side, or the choice of two."""
    found = outcome.found if outcome else None
    return _page(
        "view_compare.html.j2",
        title="Compare runs",
        here="compare",
        runs=[_named(run) for run in runs if run.systems],
        pair=[_named(run) for run in pair] if pair else None,
        chosen=_chosen([run for run in runs if run.systems], pair),
        outcome=outcome,
        view=comparison_view(found, pair) if found and pair else None,
    )
