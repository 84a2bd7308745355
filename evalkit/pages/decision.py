"""The decision as a page and as Markdown: ranked approaches, why, what speaks against, and what would settle more."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from evalkit.decide import Decision, points
from evalkit.decision.ranking import Argument, Option
from evalkit.pages.charts import gain_bar
from evalkit.pages.engine import digest, environment, source
from evalkit.pages.links import case_link
from evalkit.pages.wording import count, sentence, words

STYLES = ("tokens.css", "page.css", "charts.css", "small.css", "decision.css")
CASES = 60  # case ids listed by name; the rest is counted
NAMES = {
    "no_change": "No change",
    "mend_suite": "Mend the suite",
    "prompt": "Prompt",
    "rag": "RAG",
    "finetuned": "Fine-tuning",
    "hybrid": "Hybrid",
    "stronger_model": "Stronger model",
}
WHAT = {
    "no_change": "leave the system as it is; mend failing calls, label more, measure again",
    "mend_suite": "correct labels and questions before anything is judged by them",
    "prompt": "better instructions, examples, structured output",
    "rag": "retrieval, or better retrieval: index, chunks, search, ranking, permissions",
    "finetuned": "tune a model on labelled examples",
    "hybrid": "retrieval together with a better prompt or a tuned model",
    "stronger_model": "the same system around a stronger reader",
}


def decision_html(found: Decision) -> str:
    """One page that makes no request; it links to the cases of report.html beside it."""
    style = source(STYLES)
    page = environment().get_template("decision.html.j2")
    return page.render(
        view=decision_view(found),
        style=Markup(style),  # noqa: S704 (our own file)
        style_digest=digest(style),
    )


def decision_markdown(found: Decision) -> str:
    """The same in Markdown."""
    text = environment().get_template("decision.md.j2").render(view=decision_view(found))
    return text.strip() + "\n"


def decision_view(found: Decision) -> dict[str, Any]:
    """What both templates show, as plain values."""
    reach = max((abs(v) for o in found.options for v in _bounds(o)), default=0.0) or 0.1
    own = found.systems[found.base]
    return {
        "suite": found.suite.name,
        "base": found.base,
        "due": own.due,
        "title": _title(found),
        "what": f"keep the approach of {found.base}: {found.worth}"
        if found.stays and found.worth
        else WHAT[found.approach],
        "options": [_option(o, found, reach, i) for i, o in enumerate(found.options, 1)],
        "reasons": [sentence(r) for r in found.reasons],
        "against": [sentence(r) for r in found.against],
        "missing": [
            {"fact": words(m.fact), "rules": [words(r) for r in m.rules], "settle": m.settle}
            for m in found.missing
        ],
        "facts": [(words(n), _shown(v)) for n, v in found.facts.items()],
    }


def _title(found: Decision) -> str:
    if found.approach == "no_change":
        return "No change"
    return f"Keep {found.base}" if found.stays else f"{NAMES[found.approach]} first"


def _bounds(option: Option) -> tuple[float, float]:
    return option.gain.interval.low, option.gain.interval.high


def _option(option: Option, found: Decision, reach: float, place: int) -> dict[str, Any]:
    gain = option.gain
    system = found.best.get(option.approach) if gain.measured else found.base
    return {
        "place": place,
        "id": option.approach,
        "name": NAMES[option.approach],
        "what": WHAT[option.approach],
        "gain": points(gain.interval),
        "bar": gain_bar(gain.interval, reach, f"{NAMES[option.approach]}: {points(gain.interval)}"),
        "how": _how(option, found),
        "score": f"{option.score:.0f}",
        "rules": f"{sum(a.points for a in option.arguments):+.0f}",
        "eligible": option.eligible,
        "requirements": [
            {"met": r.met, "text": sentence(r.text), "settle": r.settle}
            for r in option.requirements
        ],
        "for": [_argument(a) for a in option.speaks_for],
        "against": [_argument(a) for a in option.speaks_against],
        "cost": _cost(found, option.approach),
        "cases": [_case(case_id, system) for case_id in gain.cases[:CASES]],
        "more": max(0, len(gain.cases) - CASES),
        "losses": [_case(case_id, system) for case_id in gain.losses[:CASES]],
        "more_losses": max(0, len(gain.losses) - CASES),
        "n": len(gain.cases),
        "n_losses": len(gain.losses),
    }


def _how(option: Option, found: Decision) -> str:
    n = option.gain.interval.n
    if option.gain.measured:
        other = found.best[option.approach]
        return f"measured: {other} against {found.base} on {count(n, 'case')}"
    if option.approach == "no_change":
        return f"{found.base} stays as it is"
    return f"headroom: what the diagnosis of {found.base} says it could mend of {count(n, 'case')}"


def _argument(argument: Argument) -> dict[str, str]:
    return {
        "rule": words(argument.rule),
        "points": f"{argument.points:+.0f}",
        "text": sentence(argument.text),
    }


def _cost(found: Decision, approach: str) -> list[tuple[str, str]]:
    named = {"per_question": "a question", "per_day": "a day", "upfront": "once"}
    cost = found.costs.get(approach, {})
    return [(text, f"{cost[k]:,.4g}") for k, text in named.items() if cost.get(k) is not None]


def _case(case_id: str, system: str | None) -> dict[str, str]:
    """A case, and where the report beside the page shows it."""
    return {"id": case_id, "href": f"report.html{case_link(case_id, system)}"}


def _shown(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:,.0f}"
    return str(value)
