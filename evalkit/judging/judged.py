"""How a run was judged: by whom, what that took, what people said of it, and rates freed from the judge's errors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.budget import money
from evalkit.errors import StorageError
from evalkit.grade import Graded
from evalkit.judges.spending import Spending
from evalkit.judging.account import spending_json
from evalkit.judging.books import Book
from evalkit.judging.correction import TwoWay, corrected_rate
from evalkit.judging.gate_notes import FILE, read_check
from evalkit.judging.human import Reviewed, Verdict, latest, read_verdicts
from evalkit.judging.rating import CUT
from evalkit.judging.reviewed import Rate, graded_values, rates_of
from evalkit.judging.uncounted import Unanswered
from evalkit.records import Interval, Judge, Suite
from evalkit.stats.intervals import mean_interval

BEHIND = {"correct": "equivalence", "grounded": "groundedness", "refused": "refused"}  # metrics


@dataclass(frozen=True, slots=True)
class Reviews:
    """People's verdicts that take the place of a judge's grades; ``digest`` names the file's content."""

    file: str
    digest: str
    verdicts: tuple[Verdict, ...]
    by_key: Mapping[str, Reviewed]


@dataclass(frozen=True, slots=True)
class Replaced:
    """What people's verdicts did to one system: ``answers`` they graded, and how many are right or wrong now otherwise."""

    answers: int
    changed: int


@dataclass(frozen=True, slots=True)
class Judged:
    """How a run was judged; ``spending`` is None for a judge that keeps no account, ``reviews`` without any.

    ``earlier`` is what judges have spent that graded the run before this one, ``unanswered`` calls of which nobody saw
    the end (None without any), ``troubles`` a sentence for each judge that failed.
    """

    name: str
    fingerprint: str
    parts: Mapping[str, str] = field(default_factory=dict)
    spending: Spending | None = None
    reviews: Reviews | None = None
    replaced: Mapping[str, Replaced] = field(default_factory=dict)
    rates: Mapping[str, tuple[Rate, ...]] = field(default_factory=dict)
    earlier: tuple[Book, ...] = ()
    unanswered: Unanswered | None = None
    troubles: tuple[str, ...] = ()

    @property
    def worth_telling(self) -> bool:
        """Whether there is more to say than that evalkit's own judge graded everything."""
        told = self.spending or self.parts or self.reviews or self.rates
        return bool(told or self.earlier or self.unanswered or self.troubles)

    def block(self) -> dict[str, Any]:
        """What summary.json says of judging; nothing where evalkit's own judge graded everything."""
        return {"judge": self.to_json()} if self.worth_telling else {}

    def to_json(self) -> dict[str, Any]:
        """The content of ``judge`` in summary.json."""
        reviews = self.reviews
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "parts": dict(self.parts),
            "spending": None if self.spending is None else spending_json(self.spending),
            "reviewed": reviews
            and {
                "file": reviews.file,
                "digest": reviews.digest,
                "verdicts": len(reviews.verdicts),
                "systems": {
                    name: {"answers": one.answers, "changed": one.changed}
                    for name, one in self.replaced.items()
                },
            },
            "rates": {
                name: [_rate_json(rate) for rate in found] for name, found in self.rates.items()
            },
            **self._further(),
        }

    def _further(self) -> dict[str, Any]:
        """What is seldom there, and left out where it is not."""
        earlier = [
            {
                "name": one.name,
                "fingerprint": one.fingerprint,
                "spending": spending_json(one.spent),
            }
            for one in self.earlier
        ]
        lost = self.unanswered
        found = {
            "earlier": earlier,
            "unanswered": lost and {"calls": lost.calls, "possible_cost": lost.possible_cost},
            "troubles": list(self.troubles),
        }
        return {name: value for name, value in found.items() if value}


def read_reviews_of(path: Path) -> Reviews:
    """The verdicts of a review file (`review.jsonl`); ``InvalidInput`` names file, line and field."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror or error}") from error
    verdicts = tuple(read_verdicts(path))
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Reviews(path.name, digest, verdicts, latest(verdicts))


def replaced_in(before: Graded, after: Graded) -> Replaced:
    """How many of a system's answers people graded, and how many are now right or wrong otherwise."""
    pairs = zip(before.evidence, after.evidence, strict=True)
    graded = sum(one is not other for one, other in pairs)
    rights = zip(before.outcomes.right, after.outcomes.right, strict=True)
    return Replaced(graded, sum(was is not now for was, now in rights))


def all_rates(
    suite: Suite,
    graded: Mapping[str, Graded],
    judge: Judge,
    reviews: Reviews | None,
    folder: Path | None,
) -> dict[str, tuple[Rate, ...]]:
    """By system: rates by the judge alone beside those corrected by people's labels, of this run or of a judge-check.

    ``graded`` are grades of the judge's own, before any of people's took their place.
    """
    found = {}
    checked = _check_beside(suite, judge, folder)
    for name, one in graded.items():
        rates = [*rates_of(one, reviews.by_key)] if reviews is not None else []
        rates += checked_rates(one, checked) if checked is not None else []
        if rates:
            found[name] = tuple(rates)
    return found


def _check_beside(suite: Suite, judge: Judge, folder: Path | None) -> Mapping[str, Any] | None:
    """judge-check.json of the run, else of the suite, if it is about this judge."""
    places = [place / FILE for place in (folder, suite.folder) if place is not None]
    path = next((p for p in places if p.is_file()), None)
    checked = None if path is None else read_check(path)
    same = checked is not None and checked["judge"].get("fingerprint") == judge.fingerprint
    return checked if same else None


def checked_rates(graded: Graded, checked: Mapping[str, Any]) -> Iterator[Rate]:
    """The judge's yes to equivalence, groundedness and refusal, corrected by its error rates in a judge-check.

    Over cases, repeats averaged first. Rogan and Gladen's estimator: the labels are of other answers. A check of a
    run's reviews is about ``correct`` by the suite's rules instead of equivalence.
    """
    behind = dict(BEHIND)
    if checked["labels"].get("source") == "run":
        behind["correct"] = "correct"
    for quantity, metric in behind.items():
        table = _table(checked["quantities"].get(quantity))
        values = _judged(graded, metric)
        if table is None or not values:
            continue
        labels = table.true_yes + table.missed + table.false_yes + table.true_no
        corrected = corrected_rate(round(sum(values)), len(values), table)
        told = f"Rogan-Gladen, {labels} labels of {FILE}"
        if corrected is None:
            told = f"{labels} labels of {FILE} cannot tell how often the judge errs either way"
        yield Rate(metric, mean_interval(values), None, corrected, told, labels)


def _table(found: Mapping[str, Any] | None) -> TwoWay | None:
    if found is None:
        return None
    names = ("true_yes", "missed", "false_yes", "true_no")
    return TwoWay(*(int(found["confusion"][name]) for name in names))


def _judged(graded: Graded, metric: str) -> list[float]:
    """By case: the share of its answers to which the judge says yes."""
    found = []
    for indices in graded.repeats().values():
        given = (_value(graded, metric, i) for i in indices)
        known = [value >= CUT for value in given if value is not None]
        if known:
            found.append(sum(known) / len(known))
    return found


def _value(graded: Graded, metric: str, index: int) -> float | None:
    if metric == "correct":  # by the suite's own line
        return graded_values(graded, index)[metric][0]
    return graded.scores.value(metric, index)


def _rate_json(rate: Rate) -> dict[str, Any]:
    return {
        "quantity": rate.quantity,
        "raw": _interval(rate.raw),
        "people": _interval(rate.people),
        "corrected": _interval(rate.corrected),
        "method": rate.method,
        "labels": rate.labels,
    }


def _interval(found: Interval | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


# --- in words --------------------------------------------------------------------------------


def judge_lines(block: Mapping[str, Any] | None) -> list[str]:
    """The ``judge`` block of summary.json as sentences for terminal and report: spending, people's part, rates."""
    if block is None:
        return []
    lines = []
    if block["spending"] is not None and (
        block["spending"]["calls"] or block["spending"]["from_cache"]
    ):
        lines.append(f"judging took {_spent(block['spending'])} (judge {block['name']})")
    for one in block.get("earlier", ()):
        who = f"judge {one['name']}, {one['fingerprint']}"
        lines.append(f"before that, judging took {_spent(one['spending'])} ({who})")
    lines += trouble_lines(block)
    lines += _reviewed_lines(block["reviewed"])
    for system, rates in block["rates"].items():
        lines += [f"{system}: {_rate_line(rate)}" for rate in rates]
    return lines


def trouble_lines(block: Mapping[str, Any] | None) -> list[str]:
    """What of the ``judge`` block a reader of the report must know: who failed, and calls that nobody saw end."""
    if block is None:
        return []
    lines = list(block.get("troubles", ()))
    if (lost := block.get("unanswered")) is not None:
        calls, cost = lost["calls"], lost["possible_cost"]
        were = "1 call of the judge was" if calls == 1 else f"{calls:,} calls of the judge were"
        most = "unknown" if cost is None else f"up to {money(cost)}"
        lines.append(
            f"{were} sent without a reply coming back, perhaps carried out and charged (possible cost {most})"
        )
    return lines


def _spent(spending: Mapping[str, Any]) -> str:
    calls, kept = spending["calls"], spending["from_cache"]
    parts = [
        f"{calls:,} call{'s' * (calls != 1)}"
        + (f", {kept:,} more answered from the cache" if kept else "")
    ]
    tokens = [spending[name]["total"] for name in ("prompt_tokens", "completion_tokens")]
    known = [n for n in tokens if n is not None]
    parts.append(f"{sum(known):,} tokens" if known else "tokens unknown")
    cost = spending["cost"]
    parts.append("cost unknown" if cost["total"] is None else f"cost {cost['total']:.4f}")
    if cost["total"] is not None and cost["n"] < cost["of"]:
        parts[-1] += f" for {cost['n']:,} of them"
    return ", ".join(parts)


def _reviewed_lines(reviewed: Mapping[str, Any] | None) -> Iterator[str]:
    if reviewed is None:
        return
    place = f"{reviewed['file']} ({reviewed['digest']})"
    for name, one in reviewed["systems"].items():
        yield f"{name}: people graded {one['answers']} answers, {one['changed']} otherwise than the judge; {place}"


def _rate_line(rate: Mapping[str, Any]) -> str:
    parts = [f"{rate['quantity']} {_share(rate['raw'])} by the judge"]
    if rate["people"] is not None:
        parts.append(f"{_share(rate['people'])} by people on the random part")
    parts.append(
        f"{_share(rate['corrected'])} corrected for the judge's errors"
        if rate["corrected"] is not None
        else "not corrected"
    )
    return f"{', '.join(parts)} ({rate['method']})"


def _share(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "unknown"
    return f"{100 * found['value']:.1f} % [{100 * found['low']:.1f}, {100 * found['high']:.1f}]"
