"""A judge held against people: labels read strictly, figures that mean what they say, and who may gate."""

import json
import re
from dataclasses import dataclass, replace

import pytest
from click.testing import CliRunner
from support import make_case, make_corpus, make_suite

from evalkit.commands.judge_check_command import command
from evalkit.errors import EndpointUnusable, InvalidInput, NothingToDo
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.judges.ragas.grades import Grade, evidence_of
from evalkit.judging.check import Settings, check, compare
from evalkit.judging.gate_notes import judge_notes, may_gate, quantities_behind, read_check
from evalkit.judging.labels import digest_of, read_labels
from evalkit.judging.perturb import PADDING, POSITION
from evalkit.judging.rating import Rating
from evalkit.judging.report import check_compared, check_markdown
from evalkit.records import Approach, Case, Evidence, Expected, KeyPoint

RIGHT = {
    "question": "Wann öffnet das Archiv?",
    "answer": "Das Archiv öffnet um 9 Uhr.",
    "reference": "Um 9 Uhr.",
}


@pytest.fixture
def labels(tmp_path):
    def write(*rows, suite=None):
        path = tmp_path / "labels.jsonl"
        path.write_text(
            "\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8"
        )
        return read_labels(path, suite)

    return write


@dataclass
class Scripted:
    """A judge that says what the function says of (case, trace)."""

    say: object
    name: str = "scripted"
    fingerprint: str = "scripted/1"

    def judge(self, case, trace):
        found = self.say(case, trace)
        return found if isinstance(found, Evidence) else Evidence(self.name, correct=found)


def many(labels, n=60, **more):
    """Answers of which two thirds are right, by people."""
    return labels(
        *(
            {**RIGHT, "id": f"r{i}", "answer": f"answer {i}", "correct": i % 3 > 0, **more}
            for i in range(n)
        )
    )


def knows(case, trace):
    return float(int(trace.response.split()[1]) % 3 > 0)


# --- labels ----------------------------------------------------------------------------------


def test_a_row_becomes_a_case_a_trace_and_ratings(labels):
    row = {
        **RIGHT,
        "passages": ["Öffnung um 9 Uhr.", {"doc_id": "d2", "text": "Anfahrt", "title": "Weg"}],
        "key_points": ["ab 9 Uhr", "kostenlos"],
        "correct": {"ana": True, "bo": None, "chi": 0.5},
        "grounded": False,
        "covered": {"ana": [True, False], "bo": [True, None]},
    }
    (found,) = labels(row)
    assert found.case.reference == ("Um 9 Uhr.",)
    assert [p.text for p in found.trace.context] == ["Öffnung um 9 Uhr.", "Anfahrt"]
    assert found.human["correct"] == {"ana": (1.0,), "bo": (None,), "chi": (0.5,)}
    assert found.human["grounded"] == {"human": (0.0,)}
    assert found.human["covered"]["bo"] == (1.0, None)


def test_a_suite_gives_what_a_row_leaves_out(labels):
    corpus = make_corpus(d1="開館は九時です。")
    suite = make_suite(
        [make_case("c1", "いつ開きますか", reference="九時", key_points=["九時"])], corpus
    )
    row = {"case_id": "c1", "answer": "九時です", "passages": [{"doc_id": "d1"}], "covered": [True]}
    (found,) = labels(row, suite=suite)
    assert found.case.query == "いつ開きますか"
    assert found.case.reference == ("九時",)
    assert found.trace.context[0].text == "開館は九時です。"


@pytest.mark.parametrize(
    ("row", "field", "says"),
    [
        ({**RIGHT, "corect": True}, "corect", "did you mean 'correct'"),
        ({**RIGHT, "correct": 7}, "correct", "less than or equal to 1"),
        ({**RIGHT, "correct": "yes"}, "correct", "must be"),
        (RIGHT, None, "no verdict"),
        ({"answer": "a", "correct": True}, "question", "is missing"),
        ({"case_id": "c9", "answer": "a", "correct": True}, "case_id", "give --suite"),
        ({**RIGHT, "key_points": ["a", "b"], "covered": [True]}, "covered", "1 verdicts for 2"),
        ({**RIGHT, "passages": [{"doc_id": "d"}], "grounded": True}, "passages[0].text", "missing"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_field(labels, row, field, says):
    with pytest.raises(InvalidInput, match=r"labels\.jsonl:2") as caught:
        labels({**RIGHT, "correct": True}, row)
    assert caught.value.field == field
    assert says in str(caught.value)


def test_an_id_given_twice_and_an_empty_file_are_refused(labels):
    with pytest.raises(InvalidInput, match="first on line 1"):
        labels({**RIGHT, "id": "x", "correct": True}, {**RIGHT, "id": "x", "correct": True})
    with pytest.raises(NothingToDo):
        labels()


def test_the_digest_ignores_the_order_of_rows_and_sees_every_label(labels):
    rows = many(labels, 6)
    other = [replace(rows[0], human={"correct": {"human": (1.0,)}}), *rows[1:]]
    assert digest_of(rows) == digest_of(rows[::-1]) != digest_of(other)


# --- figures ---------------------------------------------------------------------------------


def test_a_judge_that_knows_agrees_fully(labels):
    found = check(many(labels), Scripted(knows)).quantities["correct"]
    assert (found.n, found.agreement.value, found.kappa.value, found.auc) == (60, 1, 1, 1)
    assert found.ece == 0
    assert set(found.alpha.values()) == {1}
    assert (found.table.true_yes, found.table.true_no) == (40, 20)
    assert found.ceiling is None


def test_the_figures_are_scikit_learns(labels):
    from sklearn.metrics import (
        balanced_accuracy_score,
        cohen_kappa_score,
        confusion_matrix,
        roc_auc_score,
    )

    rows = many(labels)
    judge = Scripted(lambda _, t: (int(t.response.split()[1]) * 37 % 60) / 60)
    found = check(rows, judge).quantities["correct"]
    human = [row.human["correct"]["human"] == (1.0,) for row in rows]
    values = [judge.judge(row.case, row.trace).correct for row in rows]
    verdicts = [value >= 0.5 for value in values]
    assert found.kappa.value == pytest.approx(cohen_kappa_score(human, verdicts))
    assert found.balanced_accuracy == pytest.approx(balanced_accuracy_score(human, verdicts))
    assert found.auc == pytest.approx(roc_auc_score(human, values))
    table = found.table
    assert confusion_matrix(human, verdicts).tolist() == [
        [table.true_no, table.false_yes],
        [table.missed, table.true_yes],
    ]


def test_what_the_judge_cannot_tell_is_counted_and_not_taken_for_a_verdict(labels):
    judge = Scripted(lambda c, t: None if t.response.endswith("0") else knows(c, t))
    found = check(many(labels), judge).quantities["correct"]
    assert (found.n, found.cannot_tell.value) == (54, 0.1)
    assert found.agreement.value == 1


def test_a_judge_that_raises_is_counted_as_an_error(labels):
    def broken(_, trace):
        if trace.response == "answer 5":
            raise RuntimeError("down")
        return 1.0

    found = check(many(labels), Scripted(broken))
    assert found.errors == 1
    assert found.quantities["correct"].cannot_tell.value == pytest.approx(1 / 60)


def test_ties_of_people_are_unclear_and_their_agreement_is_the_ceiling():
    def thing(i, *human):
        return Rating(i, 1.0, dict(zip("abc", human, strict=False)), 10)

    found = compare(
        "correct", [thing(0, 1, 1, 1), thing(1, 1, 0), thing(2, 0, 0, 1), thing(3, 1, None)]
    )
    assert (found.n, found.unclear) == (3, 1)
    assert (found.ceiling.annotators, found.ceiling.units) == (3, 3)
    assert found.ceiling.alpha["nominal"] < 1
    assert found.kappa.value == 0  # it says yes to everything


def test_key_points_are_judged_one_by_one(labels):
    def covers(_case, _trace):
        return Evidence("scripted", covered=(1.0, 0.0))

    row = {**RIGHT, "key_points": ["a", "b"], "covered": [True, True]}
    found = check(labels(row), Scripted(covers)).quantities["covered"]
    assert (found.n, found.table.true_yes, found.table.missed) == (2, 1, 1)


# --- steadiness ------------------------------------------------------------------------------


def test_the_embedded_judge_is_the_same_every_time_and_whatever_the_order(labels):
    passages = [
        "Das Archiv öffnet um 9 Uhr.",
        "Das Café schließt um 18 Uhr.",
        "Der Eintritt ist frei.",
    ]
    rows = [
        {**RIGHT, "id": "a", "passages": passages, "correct": True, "grounded": True},
        {
            **RIGHT,
            "id": "b",
            "answer": "Um 11 Uhr.",
            "passages": passages,
            "correct": False,
            "grounded": False,
        },
        {
            **RIGHT,
            "id": "c",
            "answer": "午前9時",
            "reference": ["9時", "九時"],
            "correct": True,
            "refused": False,
        },
    ]
    found = check(labels(*rows), EmbeddedJudge(), Settings(repeats=4))
    assert found.quantities["correct"].self_consistency.value == 1
    for name in ("correct", "grounded"):
        assert found.quantities[name].shifts["passages_reversed"].flipped.value == 0
    assert found.quantities["correct"].shifts["references_reversed"].n == 1
    assert "references_reversed" not in found.quantities["grounded"].shifts


def test_a_judge_that_tosses_coins_is_found_out(labels):
    found = check(many(labels), Scripted(lambda _, t: float(t.repeat % 2)), Settings(repeats=2))
    assert found.quantities["correct"].self_consistency.value == 0


def test_a_judge_that_reads_only_the_first_passage_shows_position_bias(labels):
    def first(_, trace):
        return float("9" in trace.context[0].text)

    rows = many(labels, passages=["um 9 Uhr", "um 11 Uhr"])
    moved = check(rows, Scripted(first)).quantities["correct"].shifts["passages_reversed"]
    assert moved.flipped.value == 1
    assert moved.change == -1
    assert moved.yes_to_no.value == 1


def test_a_judge_that_likes_long_answers_shows_length_bias(labels):
    rows = labels(
        *(
            {**RIGHT, "id": f"r{i}", "answer": "x" * (i + 1), "correct": i % 3 > 0}
            for i in range(60)
        )
    )
    judge = Scripted(lambda _, t: min(1.0, len(t.response) / 80))
    found = check(rows, judge).quantities["correct"]
    assert found.length["value_given_label"].value > 0.9
    assert found.shifts["said_twice"].change > 0.2
    assert found.shifts["said_twice"].no_to_yes.value > 0.2


def test_a_change_that_does_not_apply_is_left_out(labels):
    (row,) = labels({**RIGHT, "answer": " ", "correct": False})
    changes = {**POSITION, **PADDING}
    assert {name for name, change in changes.items() if change(row) is not None} == set()


def test_without_probes_nothing_is_asked_but_the_answers_themselves(labels):
    asked = []
    judge = Scripted(lambda _, t: asked.append(t.response) or 1.0)
    check(many(labels, 9), judge, Settings(repeats=1, probes=False))
    assert len(asked) == 9


# --- who may gate ----------------------------------------------------------------------------


def test_a_judge_gates_only_above_the_line_on_enough_labels(labels):
    good, bad = check(many(labels), Scripted(knows)), check(many(labels), Scripted(lambda *_: 1.0))
    assert may_gate(good).allowed
    assert may_gate(good.to_json(), 0.99).allowed
    assert not may_gate(bad).allowed
    assert "below 0.6" in may_gate(bad).reason
    assert not may_gate(check(many(labels, 9), Scripted(knows))).allowed
    assert "never checked" in may_gate(good, quantity="grounded").reason


def test_a_judge_that_mostly_cannot_tell_may_not_gate(labels):
    shy = Scripted(lambda c, t: knows(c, t) if int(t.response.split()[1]) < 40 else None)
    assert "cannot tell" in may_gate(check(many(labels), shy)).reason


def test_the_gate_is_told_which_metrics_rest_on_an_unproven_judge(labels):
    cases = [
        make_case("a", reference="5 euros"),
        Case("b", "q", key_points=(KeyPoint("5 euros"),)),
        Case("c", "q", expected=Expected.REFUSE),
    ]
    suite = make_suite(cases)
    assert quantities_behind("passed", suite, Approach.RAG) == {"correct", "covered", "refused"}
    assert quantities_behind("R@5", suite, Approach.RAG) == set()
    held = check(many(labels), Scripted(knows)).to_json()
    only = make_suite(cases[:1])
    assert judge_notes(only, ["correct", "R@5"], held, "scripted/1") == []
    assert judge_notes(suite, ["R@5"], held, "another") == []
    assert "'scripted/1'" in judge_notes(only, ["correct"], held, "another")[0]
    assert len(judge_notes(suite, ["passed"], held, "scripted/1")) == 2


# --- metrics that a judge brings ---------------------------------------------------------------


def brings(name, value):
    """A judge whose own metric has this value, and whose evidence says nothing."""
    return lambda c, t: evidence_of(Evidence("scripted"), [Grade(name, value(knows(c, t)))])


def test_a_metric_of_a_judge_is_held_against_what_people_say_of_the_same(labels):
    rows = many(labels, passages=["Um 9 Uhr."], grounded=True)
    human = [replace(r, human={**r.human, "grounded": r.human["correct"]}) for r in rows]
    found = check(human, Scripted(brings("ragas_faithfulness", lambda right: right * 0.9)))
    held = found.quantities["ragas_faithfulness"]
    assert (held.n, held.kappa.value, held.auc) == (60, 1.0, 1.0)
    assert found.quantities["grounded"].n == 0
    assert "answers_swapped" not in held.shifts
    marks = check(rows, Scripted(brings("ragas_rubrics_with_reference", lambda r: 2 + 2 * r)))
    mark = marks.quantities["ragas_rubrics_with_reference"]
    assert mark.agreement.value == 1
    assert mark.alpha["nominal"] == 1
    assert "answers_swapped" in mark.shifts
    assert may_gate(marks, quantity="ragas_rubrics_with_reference").allowed


def test_a_failed_grade_and_a_missing_one_are_no_verdict(labels):
    def say(_, t):
        number = int(t.response.split()[1])
        if number == 0:
            return Evidence("scripted", error="late")
        failed = Grade("ragas_answer_accuracy", error="late")
        grade = failed if number < 4 else Grade("ragas_answer_accuracy", 1.0)
        return evidence_of(Evidence("scripted"), [grade])

    held = check(many(labels), Scripted(say)).quantities["ragas_answer_accuracy"]
    assert (held.n, round(held.cannot_tell.value * 60)) == (56, 4)


def test_no_metric_of_a_judge_may_gate_unless_it_was_held_against_people(labels):
    suite = make_suite([make_case("a", reference="5 euros")])
    rows = many(labels)
    good = check(rows, Scripted(brings("ragas_answer_accuracy", lambda right: right))).to_json()
    coin = check(rows, Scripted(brings("ragas_answer_accuracy", lambda _: 1.0))).to_json()
    assert judge_notes(suite, ["ragas_answer_accuracy"], good, "scripted/1") == []
    assert "below 0.6" in judge_notes(suite, ["ragas_answer_accuracy"], coin, "scripted/1")[0]
    never = judge_notes(suite, ["ragas_context_recall"], good, "scripted/1")
    assert "may not gate on ragas_context_recall: it was never checked" in never[0]
    assert quantities_behind("citation_precision", suite, Approach.RAG) == {"grounded"}
    assert quantities_behind("cites", suite, Approach.RAG) == {"refused"}


def test_a_judge_that_remembers_is_told_to_ask_anew_in_every_repeat(labels):
    rounds = []

    class Remembering(Scripted):
        def ask_anew(self, number):
            rounds.append(number)

    check(many(labels, 5), Remembering(knows), Settings(repeats=3, probes=True))
    assert rounds[:3] == [0, 1, 2]
    assert set(rounds[3:]) == {0}


# --- the command -----------------------------------------------------------------------------


def test_the_command_prints_a_page_and_writes_the_same_figures_twice(labels, tmp_path):
    many(labels, 12)
    out = tmp_path / "judge-check.json"
    arguments = [str(tmp_path / "labels.jsonl"), "--out", str(out)]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "| kappa |" in done.output
    assert "may not gate on correct: 12 labels to hold it against" in done.output
    first = out.read_bytes()
    CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert out.read_bytes() == first
    assert read_check(out)["judge"]["name"] == "embedded"


def test_another_file_is_no_check(tmp_path):
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(InvalidInput, match="no file of"):
        read_check(tmp_path / "other.json")


def test_an_unknown_judge_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="embeded"):
        CliRunner().invoke(command, [str(tmp_path), "--judge", "embeded"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            {"reference": "At 9", "correct": {"ana": True, "bo": False}},
            "people are not clear about 1 answer",
        ),
        ({"correct": True}, "no verdict on 1 answer: it takes a reference"),
        ({"grounded": True}, "no verdict on 1 answer: it takes passages"),
        ({"key_points": [], "covered": []}, "hold no verdict of a person on any answer"),
    ],
)
def test_labels_that_leave_nothing_to_compare_are_nothing_to_do(tmp_path, row, says):
    file, out = tmp_path / "labels.jsonl", tmp_path / "judge-check.json"
    file.write_text(json.dumps({"question": "When?", "answer": "At 9.", **row}))
    with pytest.raises(NothingToDo, match=says) as told:
        CliRunner().invoke(
            command, [str(file), "--out", str(out)], catch_exceptions=False, standalone_mode=False
        )
    assert told.value.exit_code == 4
    assert not out.exists()


def test_a_judge_that_fails_on_every_answer_is_no_missing_label(labels):
    def broken(case, trace):
        raise RuntimeError("no reply")

    with pytest.raises(EndpointUnusable, match="failed on all 60 labelled answers"):
        check_compared(check(many(labels), Scripted(broken)))


def test_what_could_not_be_compared_is_told_beside_what_could(tmp_path):
    rows = [
        {"question": "When?", "answer": "At 9.", "reference": "At 9", "correct": True},
        {"question": "When?", "answer": "At 9.", "grounded": True},
    ]
    file = tmp_path / "labels.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    done = CliRunner().invoke(
        command, [str(file), "--out", str(tmp_path / "out.json")], catch_exceptions=False
    )
    assert "nothing to compare on grounded: the judge gives no verdict on 1 answer" in done.output
    assert "| correct |" in done.output.replace("|  | correct |", "| correct |")


def test_every_figure_of_the_page_shows_what_it_rests_on(labels):
    page = check_markdown(check(many(labels), Scripted(knows)))
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    figures = [cell for row in rows for cell in row.split("|")[2:-1] if re.search(r"\d\.\d", cell)]
    assert len(figures) > 10
    assert all("n = " in cell for cell in figures), figures
