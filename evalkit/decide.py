"""Stage 8, diagnosis + comparison + profile -> recommended approach: ranked, with gain, cost, reasons and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from evalkit.decision.costs import PRICES, cost_table
from evalkit.decision.measured import base_of, by_approach, facts_of_run
from evalkit.decision.mending import Gain, corrected, gains
from evalkit.decision.ranking import Option, rank
from evalkit.decision.rulebook import Rulebook, check_facts, load_rulebook, unknown_facts
from evalkit.diagnosis import UNDETERMINED, SystemDiagnosis
from evalkit.outcome import CaseOutcome
from evalkit.records import Interval, Side, Suite
from evalkit.stats.paired import difference

LEADING = 3  # causes, and rules, named in the reasons
POINTS_AWAY = " points"
ALTERNATIVES = 3  # approaches whose case against is told


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact that nobody knows and rules ask for: what it would decide, and the cheapest way to learn it."""

    fact: str
    rules: tuple[str, ...]
    settle: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, ranked. ``options[0]`` is recommended; ``base`` is the system that gains are measured against."""

    suite: Suite
    base: str
    systems: Mapping[str, SystemDiagnosis]
    best: Mapping[str, str]
    options: tuple[Option, ...]
    facts: Mapping[str, Any]
    missing: tuple[Missing, ...]
    costs: Mapping[str, Mapping[str, float | None]]

    def _repr_html_(self) -> str:
        from evalkit.pages.notebook import decision_card

        return decision_card(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 (IPython's)
        printer.text(f"<evalkit decision: {self.approach} first>")  # repr() holds every trace

    @property
    def approach(self) -> str:
        """The approach recommended."""
        return self.options[0].approach

    @property
    def headroom(self) -> Mapping[str, Interval]:
        """What mending each cause of the base alone would bring."""
        return self.systems[self.base].headroom

    @property
    def stays(self) -> bool:
        """Whether the advice is the approach that the base follows already: to go on with it, mending what it loses."""
        own = self.systems[self.base].graded.approach
        return self.approach == own.value and not self.options[0].gain.measured

    @property
    def worth(self) -> str:
        """What the advice brings to the base, in words; empty where that is nothing, or not known."""
        return _worth(self)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, the weightiest first: what was measured, the leading causes, then the rules."""
        return tuple(_reasons(self))

    @property
    def against(self) -> tuple[str, ...]:
        """What speaks against it, and against the next ones."""
        return tuple(_against(self))


def decide(
    suite: Suite,
    systems: Mapping[str, SystemDiagnosis],
    sides: Mapping[str, Side],
    *,
    profile: Mapping[str, Any] | None = None,
    book: Rulebook | None = None,
    base: str | None = None,
    examples_ready: bool | None = None,
) -> Decision:
    """Rank the approaches for a suite: head-to-head results first, then the headroom of the diagnosis, then the profile.

    ``sides`` gives the side of every cause; ``profile`` is the suite's if None; ``base`` the system to improve,
    the simplest one measured if None; ``examples_ready`` the verdict of the audit of the training file, if made.
    """
    known = suite.profile if profile is None else profile
    start = base_of(systems, base)
    own, best = systems[start], by_approach(systems)
    facts = facts_of_run(systems, start, known, examples_ready=examples_ready)
    rules = load_rulebook() if book is None else book
    check_facts(rules, facts.keys())
    tuning = all(rule.fires(facts) is True for rule in rules.requirements.get("finetuned", ()))
    promised = gains(own.findings, own.due, own.graded.approach, sides, tuning=tuning)
    failing = own.counts["failed"] + own.counts["errors"]
    labels = own.corrected_sides.get(Side.SUITE.value)
    promised["mend_suite"] = corrected(promised["mend_suite"], labels, failing, own.due)
    measured = {
        a: found
        for a, name in best.items()
        if name != start and (found := head_to_head(suite, own, systems[name])) is not None
    }
    options = rank({**promised, **measured}, facts, rules, _beaten(suite, systems, best))
    lacking = (*_missing(rules, facts, options), *_unused_prices(known))
    costs = cost_table(systems, best, known)
    return Decision(suite, start, systems, best, options, facts, lacking, costs)


def _beaten(
    suite: Suite, systems: Mapping[str, SystemDiagnosis], best: Mapping[str, str]
) -> frozenset[tuple[str, str]]:
    """(worse, better) of all approaches whose best systems differ by more than chance."""
    return frozenset(
        (worse, better)
        for worse, better in permutations(best, 2)
        if (found := head_to_head(suite, systems[best[worse]], systems[best[better]])) is not None
        and found.interval.low > 0
    )


def head_to_head(suite: Suite, base: SystemDiagnosis, other: SystemDiagnosis) -> Gain | None:
    """What another system passes more than the base on the cases both were graded on; errors are failures."""
    pairs = [
        (case, a, b)
        for case in suite.cases
        if (a := _passes(base, case.id)) is not None and (b := _passes(other, case.id)) is not None
    ]
    if not pairs:
        return None
    clusters = [case.group or case.id for case, _, _ in pairs]
    grouped = clusters if len(set(clusters)) < len(clusters) else None
    found = difference([a for _, a, _ in pairs], [b for _, _, b in pairs], grouped)
    if found is None:
        return None
    won = tuple(case.id for case, a, b in pairs if b > a)
    lost = tuple(case.id for case, a, b in pairs if b < a)
    return Gain(found, won, measured=True, losses=lost)


def _passes(found: SystemDiagnosis, case_id: str) -> float | None:
    outcome = found.graded.cases.get(case_id)
    if outcome is None or outcome is CaseOutcome.UNGRADED:
        return None
    return float(outcome is CaseOutcome.PASSED)


def _missing(
    rules: Rulebook, facts: Mapping[str, Any], options: tuple[Option, ...]
) -> tuple[Missing, ...]:
    """What would have to be known: requirements of what could come first, then facts of the profile."""
    needs = [
        Missing(r.id, (o.approach,), r.settle)
        for o in options
        if o.score > options[0].score
        for r in o.requirements
        if r.met is not True
    ]
    asked = unknown_facts(rules.rules, facts)
    return (*needs, *(Missing(name, ids, _settle(name)) for name, ids in asked.items()))


def _unused_prices(profile: Mapping[str, Any]) -> Iterator[Missing]:
    """Prices under names that nobody asks for."""
    for name in profile.get("unit_costs") or {}:
        if name not in PRICES:
            yield Missing(f"unit_costs.{name}", (), f"no such price; known: {', '.join(PRICES)}")


_SETTLE = {
    "break_even_days": "give `unit_costs` and `queries_per_day` in the profile, and run systems that report tokens",
    "budget_left_after_training": "give `upfront_budget` and `unit_costs.training` in the profile",
    "examples_ready": "`evalkit finetune audit SUITE`",
    "closed_book_rate": "run with probes: `closed_book` asks without any passage",
    "prompt_pass_rate": "add a system with `approach: prompt` to systems.yaml and run again",
    "retrieval_expertise": "say in the profile what the team knows (`expertise`)",
    "training_expertise": "say in the profile what the team knows (`expertise`)",
}


def _settle(fact: str) -> str:
    if fact.startswith("latency_left_"):
        approach = fact.removeprefix("latency_left_")
        return f"give `latency_ms` in the profile and measure a system with `approach: {approach}`"
    return _SETTLE.get(fact, f"say in the profile: `{fact}`")


def recommendation_json(found: Decision) -> dict[str, Any]:
    """The shape of ``recommendation`` in diagnosis.json."""
    gains_of = {
        n: {"gain": i.value, "low": i.low, "high": i.high} for n, i in found.headroom.items()
    }
    return {
        "approach": found.approach,
        "reasons": list(found.reasons),
        "against": list(found.against),
        "headroom": gains_of,
    }


def decision_json(found: Decision) -> dict[str, Any]:
    """The content of decision.json: every approach with its gain, arguments, requirements, costs and cases."""
    return {
        "format": 1,
        "suite": {"name": found.suite.name, "digest": found.suite.digest},
        "base": found.base,
        "approach": found.approach,
        "reasons": list(found.reasons),
        "against": list(found.against),
        "ranking": [_option_json(option, found) for option in found.options],
        "missing": [
            {"fact": m.fact, "rules": list(m.rules), "settle": m.settle} for m in found.missing
        ],
        "facts": {name: _fact(value) for name, value in found.facts.items()},
    }


def _option_json(option: Option, found: Decision) -> dict[str, Any]:
    interval = option.gain.interval
    return {
        "approach": option.approach,
        "system": found.best.get(option.approach),
        "score": option.score,
        "may_come_first": option.eligible,
        "gain": {
            "value": interval.value,
            "low": interval.low,
            "high": interval.high,
            "n": interval.n,
            "measured": option.gain.measured,
            "case_ids": option.gain.case_ids(),
            "lost_case_ids": list(option.gain.losses),
        },
        "arguments": [
            {"rule": a.rule, "points": a.points, "text": a.text} for a in option.arguments
        ],
        "requirements": [
            {"id": r.id, "met": r.met, "text": r.text, "settle": r.settle}
            for r in option.requirements
        ],
        "cost": dict(found.costs.get(option.approach, {})),
    }


def _fact(value: Any) -> Any:
    return "never" if value == float("inf") else value


# --- in words --------------------------------------------------------------------------------


def _reasons(found: Decision) -> Iterator[str]:
    first, own = found.options[0], found.systems[found.base]
    if own.pass_rate is None:
        yield "no case could be graded, so nothing speaks for a change"
        return
    if found.approach == "no_change":
        yield from (a.text for a in first.speaks_for)
    if (asked := len(own.graded.cases)) < len(found.suite.cases):
        yield f"only {asked} of the suite's {len(found.suite.cases)} cases were asked"
    yield from _side_by_side(found)
    yield _lost(found, own)
    if found.worth:
        yield found.worth
    yield from (a.text for a in first.speaks_for[:LEADING])
    failing = own.counts["failed"] + own.counts["errors"]
    for cause, (n, share) in list(own.causes.items())[:LEADING]:
        if share is not None:
            yield f"{cause}: {n} of {failing} failing cases of {found.base} ({percent(share)})"


def _worth(found: Decision) -> str:
    """The gain of the approach, or, where the base follows it already, of the one action that surely brings most."""
    first, gain = found.options[0], found.options[0].gain
    if first.approach == "no_change":
        return ""
    if found.stays:
        if not (gains := [(c, i) for c, i in found.headroom.items() if i.value > 0]):
            return ""
        cause, alone = max(gains, key=lambda g: (g[1].low, g[1].value))
        bound = f"{points(alone)} to {found.base} (the headroom of the diagnosis)"
        return f"mending {cause.replace('_', ' ')} alone is worth {bound}"
    how = "measured side by side" if gain.measured else "the headroom of the diagnosis"
    cases = gain.interval.n if gain.measured else len(gain.cases)
    same = first.approach == found.systems[found.base].graded.approach.value
    named = found.best[first.approach] if same else f"the approach {first.approach}"
    return f"{named} is worth {points(gain.interval)} to {found.base} ({how}, {cases} cases)"


def _lost(found: Decision, own: SystemDiagnosis) -> str:
    if not any(part.value for part in own.decomposition.values()):
        return f"{found.base} passes {percent(own.pass_rate)} of the cases"
    side, part = next(iter(own.decomposition.items()))
    told = "a side that cannot be told" if side == UNDETERMINED else side
    return f"{found.base} passes {percent(own.pass_rate)}; most is lost to {told}: {percent(part)}"


def _side_by_side(found: Decision) -> Iterator[str]:
    """The systems side by side; whether a difference is more than chance stands in its interval."""
    rated = {n: r for n, s in found.systems.items() if (r := s.pass_rate) is not None}
    if len(rated) < 2:
        return
    best = max(rated, key=lambda name: rated[name].value)
    equal = [n for n in rated if n != best and rated[n].value == rated[best].value]
    others = sorted((n for n in rated if n not in (best, *equal)), key=lambda n: -rated[n].value)
    verb = "pass equally many cases" if equal else "passes most"
    listed = ", ".join(f"{n} {rated[n].value:.0%}" for n in others)
    rest = f" against {listed}" if listed else ""
    names = " and ".join([best, *equal])
    approach = found.systems[best].graded.approach.value
    if approach in {o.approach for o in found.options if not o.eligible}:
        rest += f" (but {approach} may not come first yet)"
    yield f"measured side by side, {names} {verb}: {percent(rated[best])}{rest}"


def _against(found: Decision) -> Iterator[str]:
    yield from (a.text for a in found.options[0].speaks_against)
    for option in found.options[1 : 1 + ALTERNATIVES]:
        lacking = [r for r in option.requirements if r.met is not True]
        if lacking:
            told = "; ".join(
                f"{'it is not so' if r.met is False else 'nobody knows'} that {r.text}"
                for r in lacking
            )
            yield f"{option.approach} is not recommended yet: {told}"


def percent(found: Interval | None) -> str:
    """A share with its interval."""
    return "n/a" if found is None else f"{found.value:.0%} [{found.low:.0%}, {found.high:.0%}]"


def points(found: Interval) -> str:
    """A difference of pass rates in points, with its interval."""
    value, low, high = (100 * v for v in (found.value, found.low, found.high))
    return f"{value:+.0f} points [{low:+.0f}, {high:+.0f}]"
