"""Turns a case and a trace into the calls that judge it: what each is shown, and what each is asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from evalkit.fields import prose
from evalkit.judges.cited import names_of
from evalkit.judges.claims import claims
from evalkit.judges.llm.fence import clean
from evalkit.judges.llm.limits import Limits, cut, shares
from evalkit.judges.llm.schema import Asked
from evalkit.records import Case, Claim, StyleRules, Trace
from evalkit.text.citation_marks import Names, without_marks

Block = tuple[str, str]
CLAIMS_LIMIT = "limits.claims"  # the bound that a reason names
EXAMPLES = 3  # approved answers that are shown
NAMED = 500  # passages whose names are looked for in marks of citations: hostile answers are full of brackets


@dataclass(frozen=True, slots=True)
class Request:
    """One call: named blocks of clean text, what is asked of them, and the places of its claims in the plan."""

    blocks: tuple[Block, ...]
    asked: Asked
    claims: range = range(0)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that judging one trace takes.

    ``claims`` are those of the answer, undecided, ``None`` where it is a record without prose; the first
    ``judged`` of them are asked about, by what ``plain`` has: their texts without marks of citations. ``whole`` says that the passages are shown complete. ``criteria`` and
    ``style`` name what is asked by their numbers; ``notes`` say what was left out.
    """

    requests: tuple[Request, ...]
    claims: tuple[Claim, ...] | None
    judged: int
    whole: bool
    criteria: tuple[str, ...] = ()
    style: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()


@dataclass(slots=True)
class _Cleaner:
    """Makes texts fit for blocks and counts what that took."""

    limits: Limits
    invisible: int = 0
    marks: int = 0
    notes: list[str] = field(default_factory=list)

    def text(self, text: str, most: int, what: str) -> str:
        """``text``, clean and at most ``most`` characters; a note when it was longer."""
        return self.shortened(self.clean(text), most, what)

    def clean(self, text: str) -> str:
        """``text`` fit for a block."""
        done = clean(text)
        self.invisible += done.invisible
        self.marks += done.marks
        return done.text

    def shortened(self, text: str, most: int, what: str) -> str:
        """A clean text of at most ``most`` characters; a note when it was longer."""
        if len(text) > most:
            self.notes.append(f"{what} is shown to the judge shortened to {most} characters")
        return cut(text, most)

    def numbered(self, texts: Iterable[str], most: int, what: str) -> str:
        """Numbered lines of clean text: no text can add a line of its own."""
        lines = []
        for number, text in enumerate(texts, start=1):
            line = " ".join(text.split())
            if len(line) > most:
                line = self.shortened(line, most, what).replace("\n", " ")
            lines.append(f"{number}. {line}")
        return self.clean("\n".join(lines))

    def told(self) -> tuple[str, ...]:
        """What was changed and left out, each said once."""
        counts = (
            (self.invisible, "invisible characters were left out of what the judge was shown"),
            (self.marks, "tokens of chat templates were taken apart in what the judge was shown"),
        )
        return (*dict.fromkeys(self.notes), *(f"{n} {what}" for n, what in counts if n))


def plan(case: Case, trace: Trace, limits: Limits) -> Plan:
    """The calls for one trace with an answer: one for each ``claims_per_call`` claims, at least one."""
    answer = trace.response or ""
    cleaner = _Cleaner(limits)
    cutting = _claims(answer, names_of(case, _first(trace)), cleaner)
    found = None if cutting is None else tuple(claim for claim, _ in cutting)
    plain = tuple(shown for _, shown in cutting or ())
    passages, whole = _passages(trace, cleaner)
    references = _references(case, cleaner)
    judged = min(len(found or ()), limits.claims) if passages or references else 0
    if found and judged and len(found) > judged:
        left_out = f"{len(found) - judged} of {len(found)} claims were not judged"
        cleaner.notes.append(f"{left_out}: {CLAIMS_LIMIT}")
    shown = cleaner.text(answer, limits.answer, "the answer")
    common = (*_question(case, cleaner), *passages, *references, ("answer", shown))
    labels = _labels(case, cleaner)
    asked = Asked(
        passages=len(passages),
        references=len(references),
        key_points=labels.points,
        criteria=len(labels.criteria),
        style=len(labels.style),
    )
    requests = tuple(_requests(common, labels.blocks, asked, plain[:judged], cleaner))
    notes = cleaner.told()
    return Plan(requests, found, judged, whole, labels.criteria, labels.style, notes, plain)


@dataclass(frozen=True, slots=True)
class _Labels:
    """What a case asks of an answer beside its references, as blocks, and how many or which of each are asked."""

    blocks: tuple[Block, ...]
    points: int
    criteria: tuple[str, ...]
    style: tuple[str, ...]


def _labels(case: Case, cleaner: _Cleaner) -> _Labels:
    most = cleaner.limits.items
    points, criteria = case.key_points or (), case.criteria or ()
    left_out = max(0, len(points) - most) + max(0, len(criteria) - most)
    if left_out:
        cleaner.notes.append(f"{left_out} key points or criteria were not judged")
    rules, examples = _style(case.style, cleaner)
    lists = {
        "key points": tuple(point.text for point in points[:most]),
        "criteria": tuple(criterion.text for criterion in criteria[:most]),
        "style": rules,
    }
    listed = (
        (name, cleaner.numbered(texts, cleaner.limits.item, f"one of the {name}"))
        for name, texts in lists.items()
        if texts
    )
    ids = tuple(criterion.id for criterion in criteria[:most])
    return _Labels((*examples, *listed), len(lists["key points"]), ids, rules)


def _requests(
    common: tuple[Block, ...],
    extra: tuple[Block, ...],
    asked: Asked,
    texts: Sequence[str],
    cleaner: _Cleaner,
) -> Iterator[Request]:
    """The first call asks for everything about the answer as a whole; further ones only for more claims."""
    size = cleaner.limits.claims_per_call
    for start in range(0, max(1, len(texts)), size):
        here = texts[start : start + size]
        first = start == 0
        blocks = common + extra * first
        if here:
            listed = cleaner.numbered(here, cleaner.limits.claim, "a claim")
            blocks = (*blocks, ("claims", listed))
        wanted = replace(asked, claims=len(here), answer=first)
        yield Request(blocks, wanted, range(start, start + len(here)))


def _claims(answer: str, names: Names, cleaner: _Cleaner) -> tuple[tuple[Claim, str], ...] | None:
    """The claims of an answer with their places in it, each with what is asked about: its text without marks of citations.

    ``None`` for a record that holds no sentence.
    """
    places: Sequence[int] = range(len(answer) + 1)
    text, in_prose = answer, True
    if "{" in answer or "[" in answer:  # it may be a record
        places, text, in_prose = prose(answer)
    if not in_prose:
        return None
    most = cleaner.limits.answer
    if len(text) > most:
        cleaner.notes.append(f"claims after the first {most} characters were not judged")
    plain = without_marks(text[:most], names)
    return tuple(
        (Claim(text[start:end], places[start], places[end], supported=None), plain[start:end])
        for start, end in claims(plain)
    )


def _first(trace: Trace) -> Trace:
    """The trace with no more passages than names are looked for."""
    context, retrieved = trace.context, trace.retrieved
    if max(len(context or ()), len(retrieved or ())) <= NAMED:
        return trace
    return replace(
        trace, context=context and context[:NAMED], retrieved=retrieved and retrieved[:NAMED]
    )


def _question(case: Case, cleaner: _Cleaner) -> Iterator[Block]:
    most = cleaner.limits.question
    if case.messages:
        turns = "\n".join(f"({turn.role}) {turn.content}" for turn in case.messages)
        yield "conversation before the question", cleaner.text(turns, most, "the conversation")
    if case.inputs:
        told = json.dumps(dict(case.inputs), ensure_ascii=False, default=str)
        yield "inputs", cleaner.text(told, most, "the input")
    yield "question", cleaner.text(case.query, most, "the question")


def _references(case: Case, cleaner: _Cleaner) -> tuple[Block, ...]:
    given = tuple(cleaner.clean(text) for text in case.reference or () if text.strip())
    allowed = shares(
        [len(text) for text in given], cleaner.limits.reference, cleaner.limits.reference
    )
    return tuple(
        (f"reference answer {number}", cleaner.shortened(text, most, f"reference answer {number}"))
        for number, (text, most) in enumerate(zip(given, allowed, strict=True), start=1)
        if most
    )


def _passages(trace: Trace, cleaner: _Cleaner) -> tuple[tuple[Block, ...], bool]:
    """The passages as blocks, and whether nothing of them was left out."""
    limits = cleaner.limits
    context = trace.context or ()
    first = context[: limits.passages]
    shown = [cleaner.clean(f"{p.title}\n\n{p.text}" if p.title else p.text) for p in first]
    if len(context) > len(shown):
        cleaner.notes.append(f"{len(context) - len(shown)} passages were not shown to the judge")
    allowed = shares([len(text) for text in shown], limits.passage, limits.context)
    blocks = tuple(
        (f"passage {number}", cleaner.shortened(text, most, f"passage {number}"))
        for number, (text, most) in enumerate(zip(shown, allowed, strict=True), start=1)
    )
    whole = len(context) == len(shown) and all(
        most >= len(text) for text, most in zip(shown, allowed, strict=True)
    )
    return blocks, whole


def _style(
    rules: StyleRules | None, cleaner: _Cleaner
) -> tuple[tuple[str, ...], tuple[Block, ...]]:
    """The rules of style that take an opinion (the others are measured), and the approved examples."""
    if rules is None:
        return (), ()
    examples = rules.exemplars[:EXAMPLES]
    asked = (
        rules.register and f"the register is {rules.register} throughout",
        rules.forbid_first_person and "the writer never speaks as “I” or “we”",
        examples and "the voice is that of the approved examples",
    )
    blocks = tuple(
        (
            f"approved example {n}",
            cleaner.text(text, cleaner.limits.item * 2, f"approved example {n}"),
        )
        for n, text in enumerate(examples, start=1)
    )
    return tuple(str(rule) for rule in asked if rule), blocks
