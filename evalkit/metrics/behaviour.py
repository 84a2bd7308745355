"""Metrics of what the system did: refuse, ask back, correct a premise, route, address the criteria."""

from __future__ import annotations

import re

from evalkit.errors import UndecidedError
from evalkit.records import Criterion, Evidence, Expected, Metric, Stage
from evalkit.text.longest import readable
from evalkit.text.refusal import asks_clarification, corrects_premise, mentions_gap
from evalkit.text.sentences import spans
from evalkit.text.similarity import containment
from evalkit.text.tokens import normalise, stem_set

REFUSED = 0.5  # probability from which on a response counts as a refusal
PURE_REFUSAL = 0.9  # and from which on it says nothing else
MOST_WORDS = 0.6  # share of a criterion's content words in one sentence that addresses it


def refused(response: str, evidence: Evidence) -> float | None:  # noqa: ARG001 - a need
    """1 if the response declines to answer, else 0."""
    return None if evidence.refused is None else float(evidence.refused >= REFUSED)


@readable
def behaviour(
    expected: Expected, response: str, evidence: Evidence, query: str = ""
) -> float | None:
    """1 if the response shows the behaviour the case asks for, else 0."""
    if evidence.refused is None:
        return None
    declined = evidence.refused >= REFUSED
    if expected is Expected.REFUSE:
        return float(declined)
    if expected is Expected.CLARIFY:
        return float(asks_clarification(response))
    if expected is Expected.PARTIAL:
        return float(_answers_something(evidence) and mentions_gap(response))
    if expected is Expected.CORRECT_PREMISE:
        return float(not declined and corrects_premise(response, query))
    return float(not declined and not (evidence.claims == () and asks_clarification(response)))


def due_behaviour(
    expected: Expected, response: str, evidence: Evidence, query: str = ""
) -> float | None:
    """``behaviour``; raises ``UndecidedError`` where the case is graded by it and the judge cannot tell a refusal."""
    if evidence.refused is None and expected in (Expected.REFUSE, Expected.CLARIFY):
        raise UndecidedError
    return behaviour(expected, response, evidence, query)


def _answers_something(evidence: Evidence) -> bool:
    if evidence.claims:
        return True
    return evidence.refused is not None and evidence.refused < PURE_REFUSAL


def action(expected_action: str, action: str) -> float:
    """1 if the system decided for the expected action, else 0."""
    return float(normalise(expected_action.strip()) == normalise(action.strip()))


# What a review writes for each verdict; the order matters: "not applicable" and "not met" hold "met" words.
_VERDICTS = (
    (
        "n/a",
        (
            r"\bn\s?/\s?a\b|not applicable|inapplicable|does not apply|doesn't apply|irrelevant|nicht anwendbar|entfällt|"
            r"sans objet|non applicable|no aplica\w*|không áp dụng|該当なし|対象外|不适用|不適用|غير قابل للتطبيق|لا ينطبق"
        ),
    ),
    (
        "unmet",
        (
            r"\bunmet\b|\bnot (?:\w+ )?(?:met|satisfied|fulfilled|compliant|complied|addressed|provided|present|achieved|adequate|ok)\b|"
            r"\b(?:non-?compliant|non-?compliance|fail(?:s|ed|ure|ing)?|violat\w+|missing|absent|lack\w*|insufficient|inadequate|breach\w*|deficien\w+|unsatisfactory)\b|"
            r"\b(?:no|false)\b|\b(?:does not|doesn't|do not|is not|isn't|are not|was not|has not|cannot)\b|[✗✘❌☒]|nicht erfüllt|fehlt|verletzt|\bnein\b|"
            r"non (?:respecté|conforme|rempli|satisfait)|no (?:se )?(?:cumple|cumplido|satisface)|incumpl\w+|không đạt|chưa đạt|không đáp ứng|未達|不適合|満たしていない|満たしていません|不符合|未满足|未滿足|不合格|غير مستوف|لم يتحقق|لا يستوفي"
        ),
    ),
    (
        "met",
        (
            r"\b(?:met|meets|satisf\w+|fulfil\w*|compl(?:y|ies|iant|ied)|compliance|pass(?:es|ed)?|adequate|present|addressed|achieved|conform\w*|ok|yes|true|sufficient|in place)\b|[✓✔✅☑]|"
            r"erfüllt|eingehalten|\bja\b|respecté|conforme|rempli|satisfait|\boui\b|cumple|cumplido|\bsí\b|đạt|đáp ứng|満たし|適合|達成|符合|满足|滿足|合格|مستوف|يستوفي|تحقق"
        ),
    ),
)
_VERDICT = re.compile("|".join(f"(?P<v{i}>{pattern})" for i, (_, pattern) in enumerate(_VERDICTS)))
_REACH = 280  # characters after a mention in which its verdict must stand
_ITEM = re.compile(
    r"""^[\s*_#>•–(\["'“„-]*(?:(\d{1,3})\s*[.):\]]+)?[\s*_("'“„\[-]*""", re.MULTILINE
)
_STOP = re.compile(r"""[\s*_"'”“)\]]*(?:[:,.;–—-]|$)|(?<=[✗✘❌☒✓✔✅☑])""", re.MULTILINE)


@readable
def criteria(criteria: tuple[Criterion, ...], response: str) -> float | None:
    """Share of the criteria that the response addresses, with the right verdict where one is given."""
    if not criteria:
        return None
    plain = normalise(response)
    listed = _listed_verdicts(plain, len(criteria))
    if listed:
        right = [c.verdict in (None, v) for c, v in zip(criteria, listed, strict=True)]
        return sum(right) / len(right)
    mentions = [_mention(criterion, plain) for criterion in criteria]
    done = [
        mention is not None and _verdict_right(criterion, plain, mention, mentions)
        for criterion, mention in zip(criteria, mentions, strict=True)
    ]
    return sum(done) / len(done)


def _listed_verdicts(plain: str, n: int) -> list[str] | None:
    """The verdicts of a list numbered like the checklist, 1 to n, each of whose items opens with one."""
    items = [item for item in _ITEM.finditer(plain) if item[1] is not None]
    if [int(item[1]) for item in items] != list(range(1, n + 1)):
        return None
    verdicts = [_opening_verdict(plain, item.end()) for item in items]
    known = [verdict for verdict in verdicts if verdict is not None]
    return known if len(known) == n else None


def _opening_verdict(plain: str, start: int) -> str | None:
    """The verdict that stands at ``start`` by itself: "unmet:" opens an item, "no daily limit" does not."""
    found = _VERDICT.match(plain, start)
    return _verdict(found) if found and _STOP.match(plain, found.end()) else None


def _verdict(found: re.Match[str]) -> str:
    return _VERDICTS[int((found.lastgroup or "v0")[1:])][0]


def _mention(criterion: Criterion, plain: str) -> tuple[int, int] | None:
    """Where the response takes up a criterion: its id, one of its phrases, or most of its words."""
    for phrase in (criterion.id, *criterion.any_of):
        found = re.search(rf"(?<![^\W_]){re.escape(normalise(phrase))}(?![^\W_])", plain)
        found = found or (
            re.search(re.escape(normalise(phrase)), plain) if not phrase.isascii() else None
        )
        if found and phrase.strip():
            return found.span()
    best: tuple[float, tuple[int, int]] | None = None
    for start, end in spans(plain):
        share = containment(criterion.text, stem_set(plain[start:end])) or 0.0
        if share >= MOST_WORDS and (best is None or share > best[0]):
            best = (share, (start, start))
    return None if best is None else best[1]


def _verdict_right(
    criterion: Criterion,
    plain: str,
    mention: tuple[int, int],
    mentions: list[tuple[int, int] | None],
) -> bool:
    """Whether the verdict that opens the mention's line is the right one.

    Where none does, the first verdict after the mention counts, else the last before it on its line.
    """
    if criterion.verdict is None:
        return True
    start, end = mention
    line = _ITEM.match(plain, plain.rfind("\n", 0, start) + 1)
    opening = _opening_verdict(plain, line.end()) if line else None
    if opening is not None and line is not None and line.end() < start:
        return opening == criterion.verdict
    others = [m for m in mentions if m is not None and m != mention]
    until = min([m[0] for m in others if m[0] >= end] + [end + _REACH, len(plain)])
    since = max([m[1] for m in others if m[1] <= start] + [plain.rfind("\n", 0, start) + 1])
    after = _VERDICT.search(plain, end, until)
    before = list(_VERDICT.finditer(plain, since, start))
    found = after or (before[-1] if before else None)
    return found is not None and _verdict(found) == criterion.verdict


BEHAVIOUR: tuple[Metric, ...] = (
    Metric(
        "refused",
        Stage.GENERATION,
        refused,
        (
            "1 when the response declines to answer (judge's probability >= 0.5), else 0. An observation: neither "
            "direction is better by itself, so higher_is_better means nothing here; `behaviour` says whether it was "
            "wanted. Undefined when the judge cannot tell."
        ),
    ),
    Metric(
        "behaviour",
        Stage.GENERATION,
        due_behaviour,
        (
            "1 when the response does what the case expects: answers (answer), declines (refuse), asks back (clarify), "
            "says something and names what is missing (partial), or objects to something of the question instead of "
            "refusing (correct_premise). Of 27 partial answers that people wrote for MTRAG-UN, 15 name no gap, so a 0 "
            "on partial may be an answer that is merely silent about it. "
            "Undefined when the judge cannot tell whether it is a refusal; an error of the judge where a refusal or a "
            "question back is due."
        ),
        outcome=True,
    ),
    Metric(
        "action",
        Stage.SYSTEM,
        action,
        "1 when the system's routing decision (retrieve, answer, refuse, tool:<name>) is the expected one, case ignored.",
        outcome=True,
    ),
    Metric(
        "criteria",
        Stage.GENERATION,
        criteria,
        (
            "Share of the review criteria that the response addresses, by id, by one of the listed phrases, or by most of "
            "the criterion's words in one sentence; where the case gives the verdict (met, unmet, n/a), the one written "
            "next to it must be the same. In a list numbered like the checklist whose items open with a verdict, the number "
            "says which criterion is meant. Undefined when the list is empty."
        ),
        outcome=True,
    ),
)
