"""Labels that look wrong: without gold, unsupported, contradictory, or refuted by how systems answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from evalkit.doctor.complaint import (
    CLOSED_BOOK,
    CONTRADICTORY,
    GOLD_ABSENT,
    INSUFFICIENT,
    SYSTEMS_AGREE,
    Complaint,
    listed,
)
from evalkit.doctor.promises import unanswerable_complaints, uncovered_complaints
from evalkit.doctor.support import (
    SHOWN,
    Shelf,
    Text,
    answerable,
    gold_of,
    lacking,
    statements,
    wants_documents,
)
from evalkit.fields import SHORT, plainly_other, wrong_fields
from evalkit.grade import Graded
from evalkit.judges.portion import LABEL
from evalkit.records import Case, Evidence, Suite, Trace
from evalkit.text.quantities import found_in, quantities
from evalkit.text.similarity import same_text, token_f1
from evalkit.text.tokens import tokens

SAME_REFERENCE = 0.6  # token F1 from which on two references with the same numbers mean the same
SAME_ANSWER = 0.6  # the same for the answers of two systems


def label_complaints(
    suite: Suite,
    graded: Mapping[str, Graded],
    shelf: Shelf | None = None,
    only: Collection[str] | None = None,
) -> list[Complaint]:
    """Every label that looks wrong, by kind; ``graded`` may be empty before any run.

    ``shelf`` may be one that has been read already; ``only`` are the ids of the cases looked at, None is all.
    """
    shelf = shelf or Shelf(suite)
    cases = suite.cases if only is None else [c for c in suite.cases if c.id in only]
    found = [c for case in cases for c in _absent(suite, shelf, case)]
    found += [c for case in cases for c in _unsupported(shelf, case)]
    found += unanswerable_complaints(suite, shelf, cases)
    found += [c for case in cases for c in uncovered_complaints(case)]
    found += _contradictory(suite.cases)
    if graded:
        answers = _answers(graded)
        found += [c for case in cases for c in _agreed(shelf, case, answers)]
        found += _closed_book(suite, graded)
    return found


# --- what the files alone show ---------------------------------------------------------------


def _absent(suite: Suite, shelf: Shelf, case: Case) -> Iterator[Complaint]:
    named = {*(case.relevant or ()), *(d for p in case.key_points or () for d in p.evidence)}
    gone = sorted(d for d in named if shelf.names(d) is None)
    if suite.corpus and gone:
        yield Complaint(GOLD_ABSENT, case.id, f"the corpus lacks {listed(gone)}", tuple(gone))


def _unsupported(shelf: Shelf, case: Case) -> Iterator[Complaint]:
    """The first statement of a case that its gold documents plainly do not say."""
    if not answerable(case):
        return
    for statement, gold in statements(case):
        present = [shelf.names(d) for d in gold]
        ids = tuple(dict.fromkeys(d for d in present if d is not None))
        if not ids or None in present:
            continue
        gap = lacking(statement, shelf.joined(ids), _asked(case))
        if gap is not None:
            text = f"the gold documents ({listed(ids)}) do not say “{statement[:SHOWN]}”: they lack {gap}"
            yield Complaint(INSUFFICIENT, case.id, text, ids)
            return


def _asked(case: Case) -> str:
    """All that the system is told by the case itself."""
    said = (m.content for m in case.messages or ())
    return "\n".join((case.query, case.clarified or "", *said, *map(str, case.inputs.values())))


def _contradictory(cases: Sequence[Case]) -> Iterator[Complaint]:
    """Cases with the same question and labels that cannot both hold, each told once, at the later case."""
    groups: dict[Any, list[Case]] = {}
    for case in cases:
        groups.setdefault(_question(case), []).append(case)
    for group in groups.values():
        for place, case in enumerate(group):
            against = [(o, why) for o in group[:place] if (why := _conflict(o, case)) is not None]
            if against:
                other, why = against[0]
                ids = tuple(o.id for o, _ in against)
                text = f"asks the same as case {other.id}, with {why}"
                yield Complaint(CONTRADICTORY, case.id, text, ids)


def _question(case: Case) -> tuple[Any, ...]:
    """What a system is asked, in normal form; who asks and in which format are part of it."""
    said = tuple((m.role, tokens(m.content)) for m in case.messages or ())
    shape = (case.reference_object is not None, case.format, repr(case.schema))
    inputs = repr(sorted(case.inputs.items(), key=lambda item: item[0]))
    return tokens(case.query) or case.query, said, inputs, case.principal, shape


def _conflict(a: Case, b: Case) -> str | None:
    if a.expected is not b.expected:
        return f"other behaviour wanted ({b.expected.value}, not {a.expected.value})"
    if a.reference_object != b.reference_object:
        return "another ideal object"
    if a.reference and b.reference and not _any_same(a.reference, b.reference):
        return "another reference"
    if a.relevant is None or b.relevant is None:
        return None
    left, right = set(gold_of(a)), set(gold_of(b))
    return "other gold documents" if left != right and not left & right else None


def _any_same(a: Sequence[str], b: Sequence[str]) -> bool:
    return any(x == y or _long(x, y) or _alike(x, y, SAME_REFERENCE) for x in a for y in b)


def _long(a: str, b: str) -> bool:
    """Whether one of two texts is too long to be compared; the judge says so."""
    return max(len(a), len(b)) > LABEL


def _alike(a: str, b: str, enough: float) -> bool:
    """Whether two texts say the same in similar words: every number of each is in the other."""
    if same_text(a, b):
        return True
    left, right = quantities(a), quantities(b)
    numbers = len(found_in(left, right)) == len(left) and len(found_in(right, left)) == len(right)
    return numbers and token_f1(a, b) >= enough


# --- what the systems' answers show ----------------------------------------------------------

Answer = tuple[Trace, Evidence | None, bool | None, bool]  # with "is it right?" and "a refusal?"


def _answers(graded: Mapping[str, Graded]) -> dict[str, dict[str, Answer]]:
    """The first answer of every system to every case."""
    found: dict[str, dict[str, Answer]] = {}
    for name, one in graded.items():
        for case_id, numbers in one.repeats().items():
            i = numbers[0]
            refused = one.scores.value("refused", i) == 1.0
            answer = (one.traces[i], one.evidence[i], one.outcomes.right[i], refused)
            found.setdefault(case_id, {})[name] = answer
    return found


def _agreed(
    shelf: Shelf, case: Case, answers: Mapping[str, Mapping[str, Answer]]
) -> Iterator[Complaint]:
    """Two systems or more give the same wrong answer, which their passages say; no system is right.

    A label that the gold documents plainly say is not in doubt, however many systems miss it.
    """
    mine = answers.get(case.id, {})
    if not wants_documents(case) or len(mine) < 2 or any(right for _, _, right, _ in mine.values()):
        return
    wrong = {
        name: trace
        for name, (trace, evidence, right, refused) in mine.items()
        if right is False and not refused and trace.response and trace.context
        if case.reference_object is not None or _grounded(evidence)
    }
    if len(wrong) < 2:
        return
    agree = _same_fields if case.reference_object is not None else _same_answers
    found = agree(shelf, case, wrong)
    if found is not None:
        names, what = found
        text = f"{listed(names)} agree on {what}, which their passages support and the label denies"
        yield Complaint(SYSTEMS_AGREE, case.id, text, names)


def _grounded(evidence: Evidence | None) -> bool:
    claims = evidence.claims if evidence is not None else None
    return bool(claims) and all(c.supported is True and not c.contradicted for c in claims or ())


_Agreed = tuple[tuple[str, ...], str] | None


def _same_answers(shelf: Shelf, case: Case, wrong: Mapping[str, Trace]) -> _Agreed:
    needed = list(statements(case))
    ids = [d for _, gold in needed for name in gold if (d := shelf.names(name)) is not None]
    if needed and ids and all(shelf.joined(ids).says(text) for text, _ in needed):
        return None
    responses = {name: trace.response or "" for name, trace in wrong.items()}
    return _largest(responses, lambda a, b: not _long(a, b) and _alike(a, b, SAME_ANSWER))


def _same_fields(shelf: Shelf, case: Case, wrong: Mapping[str, Trace]) -> _Agreed:
    """A value that several systems give, their sources hold, and the label replaces by one they do not hold."""
    passages = [p.text for t in wrong.values() for p in t.context or ()]
    gold = [shelf[d].plain for name in gold_of(case) if (d := shelf.names(name)) is not None]
    sources = Text("\n".join((_asked(case), *passages, *gold)))
    given: dict[tuple[str, str], list[str]] = {}
    for name, trace in wrong.items():
        for path, wanted, value in wrong_fields(
            case.reference_object or {}, trace.response, case.schema
        ):
            if value and _only_given(sources, value, wanted, case.reference_object or {}):
                given.setdefault((path, value), []).append(name)
    agreed = [(pair, names) for pair, names in given.items() if len(names) > 1]
    if not agreed:
        return None
    (path, value), names = agreed[0]
    return tuple(names), f"{path} = {value[:SHOWN]}"


def _only_given(sources: Text, given: str, wanted: str, reference: Mapping[str, object]) -> bool:
    """Whether the sources hold the given value and not the wanted one, nor a misread form of it."""
    told = len(given) > SHORT and sources.holds(given)
    if not told or sources.holds(wanted) or sources.says(wanted):
        return False
    return plainly_other(wanted, given, reference)


def _largest(responses: Mapping[str, str], alike: Callable[[str, str], bool]) -> _Agreed:
    """The systems of the first pair that agrees, with all others that agree with its first."""
    for first, second in combinations(responses, 2):
        if alike(responses[first], responses[second]):
            names = tuple(
                n for n in responses if n == first or alike(responses[first], responses[n])
            )
            return names, f"“{responses[first][:SHOWN]}”"
    return None


def _closed_book(suite: Suite, graded: Mapping[str, Graded]) -> Iterator[Complaint]:
    """Cases that name gold documents and are answered rightly without any."""
    needs = {case.id for case in suite.cases if answerable(case) and gold_of(case)}
    right: dict[str, list[str]] = {}
    for name, one in graded.items():
        for trace, correct in zip(one.traces, one.outcomes.right, strict=True):
            if trace.condition == "closed_book" and correct and trace.case_id in needs:
                right.setdefault(trace.case_id, []).append(name)
    for case in suite.cases:
        names = tuple(dict.fromkeys(right.get(case.id, ())))
        if names:
            text = f"{listed(names)} answers it rightly without any passage: there it does not test retrieval"
            yield Complaint(CLOSED_BOOK, case.id, text, names)
