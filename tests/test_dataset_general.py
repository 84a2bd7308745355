"""The suite `general` can be graded: right answers pass, answers to other questions do not."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from evalkit.api import from_traces
from evalkit.cli import group
from evalkit.outcome import CaseOutcome
from evalkit.records import Case, Expected, Suite, Trace
from evalkit.suite import load_suite

FOLDER = Path(__file__).parents[1] / "datasets" / "general"
DONT_KNOW = "I am sorry, I cannot know that; nothing I was told says it."
ASKS_BACK = "Which one do you mean? Please tell me more."
# Answers to the cases that have criteria or key points instead of a reference.
OPEN = {
    "instructions-03": "number,colour\n1,red\n2,blue\n3,yellow",
    "instructions-04": "# Problem\nThe lift is out of order.\n\n# Way round\nThe stairs are open.",
    "politeness-01": "Thank you very much for your patience while you waited.",
    "politeness-02": "Thank you very much for the invitation to dinner on Friday. Unfortunately I have other plans that evening.",
    "politeness-03": "Please kindly note that our kitchen closes at 9 pm, thank you.",
}


@cache
def suite() -> Suite:
    return load_suite(FOLDER)


def right_answers(case: Case) -> list[str]:
    if case.id in OPEN:
        return [OPEN[case.id]]
    if case.expected is Expected.REFUSE:
        return [DONT_KNOW]
    if case.expected is Expected.CLARIFY:
        return [ASKS_BACK]
    if case.reference_object is not None:
        return [json.dumps(case.reference_object, ensure_ascii=False)]
    return list(case.reference or ())


def outcomes(answers: dict[str, str]) -> dict[str, CaseOutcome]:
    traces = [Trace(response=a, system="s", case_id=c) for c, a in answers.items()]
    return from_traces(suite(), {"s": traces}, {"s": "finetuned"}).systems["s"].graded.cases


@pytest.mark.parametrize("nth", range(4))
def test_every_reference_passes(nth):
    answers = {c.id: (found := right_answers(c))[min(nth, len(found) - 1)] for c in suite().cases}
    wrong = {c: answers[c] for c, o in outcomes(answers).items() if o is not CaseOutcome.PASSED}
    assert wrong == {}


@pytest.mark.parametrize("shift", [11, 29, 53])
def test_the_answer_to_another_question_does_not(shift):
    cases = suite().cases
    answers = {
        case.id: right_answers(cases[(i + shift) % len(cases)])[0] for i, case in enumerate(cases)
    }
    passed = {c for c, o in outcomes(answers).items() if o is CaseOutcome.PASSED}
    declined = {c.id for c in cases if c.expected is not Expected.ANSWER}
    assert passed <= declined | {c.id for c in cases if c.format and c.format.kind == "label"}


def test_refusing_everything_passes_only_where_a_refusal_is_wanted():
    found = outcomes({c.id: DONT_KNOW for c in suite().cases})
    passed = {case_id for case_id, outcome in found.items() if outcome is CaseOutcome.PASSED}
    assert passed == {c.id for c in suite().cases if c.expected is Expected.REFUSE}


def test_check_has_nothing_to_complain_about():
    result = CliRunner().invoke(group, ["check", str(FOLDER)])
    assert result.exit_code == 0
    assert "warning" not in result.output
    assert len(result.output.splitlines()) == 3, result.output


def test_the_readme_counts_what_is_there():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    tags = Counter(case.tags[0] for case in suite().cases)
    assert text.splitlines()[2].startswith(f"{len(suite().cases)} small tasks")
    rows = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| `")]
    listed = {name: int(count) for name, count in ((r[0].strip(), r[1]) for r in rows)}
    assert sum(listed.values()) == len(suite().cases)
    for names, count in listed.items():
        assert sum(tags[n] for n in tags if f"`{n}`" in names) == count, names


def test_no_query_stands_twice():
    assert max(Counter(case.query for case in suite().cases).values()) == 1
