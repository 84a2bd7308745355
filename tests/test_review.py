"""The review queue, its files, what comes back from people, and the rates corrected by it."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from pages_example import hostile_run
from support import make_case, make_graded, make_suite, make_trace

from evalkit.api import from_traces, run
from evalkit.commands.judge_check_command import command as check_command
from evalkit.commands.review_command import command
from evalkit.errors import InvalidInput, NothingToDo
from evalkit.judging import human
from evalkit.judging.human import (
    Verdict,
    append_reviews,
    key_of,
    latest,
    read_reviews,
    with_verdicts,
)
from evalkit.judging.review import COLUMNS, review_rows
from evalkit.judging.review_file import read_review, write_review
from evalkit.judging.reviewed import review_of
from evalkit.records import Evidence


def prices(n=200, repeats=1, wrong=4):
    """A run in which every ``wrong``-th answer is wrong, and the judge sees it so."""
    suite = make_suite(
        [make_case(f"c{i}", f"Price of {i}?", reference=f"{i + 3} euros") for i in range(n)]
    )
    traces = [
        make_trace(f"It costs {i + 3 + 6 * (i % wrong == 0)} euros.", f"c{i}", repeat=r)
        for i in range(n)
        for r in range(repeats)
    ]
    return from_traces(suite, {"s": traces})


def verdict(row, word="yes", **more):
    names = ("key", "system", "case_id", "condition", "repeat")
    known = {name: row[name] for name in names}
    drawn = {"sampled": bool(row["sampled"]), "probability": row["probability"]}
    return Verdict(**known, reviewer=more.pop("reviewer", "ana"), correct=word, **drawn, **more)


# --- the queue -------------------------------------------------------------------------------


def test_every_row_has_every_column_and_the_random_part_its_probability():
    rows = review_rows(prices(200), sample=50)
    drawn = [row for row in rows if row["sampled"]]
    assert {tuple(row) for row in rows} == {COLUMNS}
    assert len(drawn) == 50
    assert {row["probability"] for row in drawn} == {0.25}
    assert all(row["human_correct"] == "" for row in rows)


def test_the_random_part_takes_one_repeat_of_a_case():
    rows = [row for row in review_rows(prices(20, repeats=4), sample=10) if row["sampled"]]
    assert len({row["case_id"] for row in rows}) == 10
    assert {row["probability"] for row in rows} == {10 / 20 / 4}
    assert len({row["repeat"] for row in rows}) > 1


def test_the_queue_is_the_same_for_the_same_seed():
    made = prices(40)
    assert review_rows(made, sample=9, seed=1) == review_rows(made, sample=9, seed=1)
    assert review_rows(made, sample=9, seed=1) != review_rows(made, sample=9, seed=2)


@pytest.mark.parametrize("limit", [1, 7, 10, 60])
def test_a_limit_holds_and_keeps_the_random_part_whole(limit):
    rows = review_rows(prices(40, repeats=2), limit=limit)
    assert len(rows) <= limit
    assert sum(bool(row["sampled"]) for row in rows) == min(limit // 2, 40)


def test_doubtful_grades_come_first_with_the_reason():
    suite = make_suite(
        [make_case(f"c{i}", "What does it cost?", reference="5 euros") for i in range(4)]
    )
    traces = [
        make_trace("It costs 5 euros.", "c0"),
        make_trace("It costs 9 euros.", "c1"),
        make_trace("It costs 5 euros.", "c2"),
        make_trace("It costs 9 euros.", "c2", repeat=1),
        make_trace(None, "c3", error="timeout"),
    ]
    rows = review_rows(from_traces(suite, {"s": traces}), sample=0)
    assert [(row["case_id"], row["why"]) for row in rows] == [
        ("c2", "repeats are graded differently"),
        ("c2", "repeats are graded differently"),
    ]
    assert {row["judge"] for row in rows} == {"right", "wrong"}


def test_judges_that_disagree_come_before_everything_else():
    made = prices(8)
    others = [
        Evidence("second", correct=0.0 if i == 5 else e.correct)
        for i, e in enumerate(made.systems["s"].graded.evidence)
    ]
    first, *_ = review_rows(made, sample=0, panel={"s": [others]})
    assert first["case_id"] == "c5"
    assert first["why"].startswith("judges disagree (embedded 0.9")


def test_a_panel_that_says_its_members_disagree_is_believed():
    made = prices(4)
    graded = made.systems["s"].graded
    said = [
        "dissent on correct: 0.95, 0.3, 0.9; the median counts",
        "dissent on correct: 0.9, 0.8; the",
    ]
    evidence = [
        replace(e, reasons=(r,)) for e, r in zip(graded.evidence, [*said, "", ""], strict=True)
    ]
    graded = replace(graded, evidence=tuple(evidence))
    made = replace(made, systems={"s": replace(made.systems["s"], graded=graded, findings=())})
    rows = review_rows(made, sample=0)
    assert [row["case_id"] for row in rows if "judges disagree" in row["why"]] == ["c0"]


def test_an_unsure_or_failed_judge_and_exact_metrics_that_differ_are_doubts():
    suite = make_suite([make_case(f"c{i}", reference="5 euros") for i in range(4)])
    traces = [make_trace("5 euros" if i == 3 else "Five.", f"c{i}") for i in range(4)]
    evidence = [
        Evidence("j", correct=0.55),
        Evidence("j", error="down"),
        Evidence("j"),
        Evidence("j", correct=0.1),
    ]
    made = from_traces(suite, {"s": traces})
    graded = make_graded(suite, traces, evidence=evidence)
    made = replace(made, systems={"s": replace(made.systems["s"], graded=graded, findings=())})
    why = {row["case_id"]: row["why"] for row in review_rows(made, sample=0)}
    assert "the judge is unsure (0.55)" in why["c0"]
    assert "the judge failed (down)" in why["c1"]
    assert why["c2"] == "the judge cannot tell"
    assert why["c3"].startswith("exact metrics say otherwise")


# --- files -----------------------------------------------------------------------------------


def test_a_hostile_run_makes_a_file_that_spreadsheets_and_we_can_read(tmp_path):
    path = tmp_path / "review.csv"
    made = hostile_run()
    rows = review_rows(made)
    write_review(path, rows)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        cells = list(csv.DictReader(stream))
    assert len(cells) == len(rows)
    assert not any(
        v.startswith(("=", "+", "-", "@", "\t", "\r")) for row in cells for v in row.values()
    )
    found = read_review(path, made, "ana")
    assert (found.verdicts, found.waiting) == ([], sum(bool(row["sampled"]) for row in rows))


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+49 30", "-5", "\t=1", "  =1+1"])
def test_no_cell_is_a_formula(tmp_path, text):
    suite = make_suite([make_case("=c", text, reference=text)])
    made = from_traces(suite, {"s": [make_trace(text, "=c")]})
    write_review(tmp_path / "r.csv", review_rows(made))
    with (tmp_path / "r.csv").open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["case_id"] == "'=c"
    assert row["answer"].startswith("'")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_what_people_fill_in_comes_back(tmp_path, kind):
    made = prices(12)
    rows = review_rows(made, sample=4)
    rows[0] |= {
        "human_correct": "No",
        "human_grounded": "unclear",
        "note": "=wrong sum, ünïcode 日本",
        "reviewer": "bo",
    }
    path = tmp_path / f"back.{kind}"
    write_review(path, rows, kind)
    (found,) = read_review(path, made, "ana").verdicts
    assert (found.reviewer, found.said) == ("bo", {"correct": "no", "grounded": "unclear"})
    assert found.note == "=wrong sum, ünïcode 日本"
    assert found.sampled
    assert found.probability == pytest.approx(4 / 12)


def test_a_file_saved_with_semicolons_and_decimal_commas_is_read(tmp_path):
    made = prices(12)
    rows = review_rows(made, sample=4)
    path = tmp_path / "de.csv"
    head = ("key", "human_correct", "sampled", "probability")
    lines = [";".join(head), f"{rows[0]['key']};YES;yes;0,333333"]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert read_review(path, made, "ana").verdicts[0].probability == pytest.approx(0.333333)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("WAHR", "yes"),
        ("Nein", "no"),
        ("はい", "yes"),
        ("Không", "no"),
        ("FAUX", "no"),
        ("cannot tell", "unclear"),
    ],
)
def test_a_verdict_may_be_in_the_language_of_people_or_of_their_spreadsheet(tmp_path, said, meant):
    made = prices(6)
    row = {**review_rows(made, sample=3)[0], "human_correct": said}
    path = tmp_path / "words.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    assert read_review(path, made, "ana").verdicts[0].correct == meant


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"human_correct": "perhaps"}, "human_correct", "yes, no or unclear"),
        ({"human_correct": "yes", "key": "g-0"}, "key", "no answer of this run"),
        ({"human_correct": "yes", "probability": "1.5"}, "probability", "at most 1"),
        ({"human_corect": "yes"}, "human_corect", "did you mean 'human_correct'"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_line_and_field(tmp_path, change, field, says):
    made = prices(6)
    (row, *_) = review_rows(made, sample=3)
    path = tmp_path / "bad.jsonl"
    path.write_text("\n" + json.dumps({**row, "reviewer": "ana", **change}), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"bad\.jsonl:2") as caught:
        read_review(path, made)
    assert caught.value.field == field
    assert says in str(caught.value)


def test_one_person_may_not_say_two_things_in_one_file_and_must_have_a_name(tmp_path):
    made = prices(6)
    row = {**review_rows(made, sample=3)[0], "human_correct": "yes"}
    path = tmp_path / "twice.jsonl"
    path.write_text("\n".join([json.dumps(row)] * 2), encoding="utf-8")
    with pytest.raises(InvalidInput, match="given twice"):
        read_review(path, made, "ana")
    with pytest.raises(InvalidInput, match="--reviewer"):
        read_review(path, made)


# --- review.jsonl ----------------------------------------------------------------------------


def test_verdicts_are_added_never_rewritten_and_the_last_of_a_person_counts(tmp_path):
    row = review_rows(prices(6), sample=3)[0]
    assert append_reviews(tmp_path, [verdict(row, "yes"), verdict(row, "no", reviewer="bo")]) == 2
    before = (tmp_path / human.FILE).read_bytes()
    assert append_reviews(tmp_path, [verdict(row, "yes")]) == 0
    assert append_reviews(tmp_path, [verdict(row, "unclear")]) == 1
    assert (tmp_path / human.FILE).read_bytes().startswith(before)
    found = latest(read_reviews(tmp_path))[row["key"]]
    assert found.human()["correct"] == {"bo": (0.0,), "ana": (None,)}


def test_an_opinion_outside_the_random_part_does_not_take_an_answer_out_of_it():
    row = review_rows(prices(6), sample=3)[0]
    again = verdict({**row, "sampled": "", "probability": None}, "no")
    found = latest([verdict(row), again])[row["key"]]
    assert (found.sampled, found.probability) == (True, 0.5)


def test_a_damaged_line_is_named(tmp_path):
    (tmp_path / human.FILE).write_text('{"key": "g-1"}\n')
    with pytest.raises(InvalidInput, match=r"review.jsonl:1"):
        read_reviews(tmp_path)


def test_peoples_verdicts_replace_the_judges_where_they_are_clear():
    made = prices(4)
    graded = made.systems["s"].graded
    first, second, *_ = (r for r in sorted(review_rows(made, sample=4), key=lambda r: r["case_id"]))
    said = [verdict(first, "yes"), verdict(second, "no"), verdict(second, "yes", reviewer="bo")]
    found = with_verdicts(graded.traces, graded.evidence, latest(said))
    assert (found[0].correct, found[0].judge) == (1.0, "people")
    assert found[1:] == list(graded.evidence[1:])  # a tie, and two nobody saw


def test_another_answer_has_another_key():
    a, b = make_trace("5 euros"), make_trace("6 euros")
    assert key_of(a) != key_of(b) == key_of(make_trace("6 euros"))


# --- rates -----------------------------------------------------------------------------------


def reviewed_with(made, right, sample):
    """Every drawn answer reviewed by somebody who knows."""
    rows = [row for row in review_rows(made, sample=sample) if row["sampled"]]
    return review_of(made, [verdict(row, "yes" if right(row) else "no") for row in rows])["s"]


def test_a_few_reviews_give_rogan_and_gladen_and_a_hundred_give_ppi():
    made = prices(300)

    def right(row):
        return row["judge"] == "right" and int(row["case_id"][1:]) % 10 > 0

    few, many = (reviewed_with(made, right, n).rates[0] for n in (60, 120))
    truth = np.mean([i % 4 > 0 and i % 10 > 0 for i in range(300)])
    assert few.method == "Rogan-Gladen, 60 labels"
    assert many.method == "PPI++, 120 labels"
    for rate in (few, many):
        assert rate.raw.value == pytest.approx(0.75)
        assert rate.corrected.low < truth < rate.corrected.high < rate.raw.value + 0.05
    assert many.corrected.high - many.corrected.low < many.people.high - many.people.low


def test_only_the_random_part_moves_the_rates():
    made = prices(40)
    rows = review_rows(made, sample=0) + review_rows(made, sample=40)
    said = [verdict({**row, "sampled": "", "probability": None}, "no") for row in rows]
    found = review_of(made, said)["s"]
    assert found.rates == ()
    assert found.agreement["correct"].n == 40


# --- the commands ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "suite.yaml").write_text("format: 1\nname: tiny\n")
    cases = [
        {"id": f"c{i}", "query": f"Price of {i}?", "reference": f"{i + 3} euros"} for i in range(12)
    ]
    (suite / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))

    def answer(query):
        n = int(query.split()[-1][:-1])
        return f"It costs {n + 3 + 6 * (n % 4 == 0)} euros."

    run(suite, {"mine": answer}, out=tmp_path / "run", probes="none")
    return tmp_path / "run"


def call(which, *arguments):
    return CliRunner().invoke(which, [str(a) for a in arguments], catch_exceptions=False)


def test_export_fill_in_import_and_check_the_judge(folder, tmp_path):
    done = call(command, "export", folder, "--limit", 10)
    assert "5 of them drawn at random" in done.output
    with pytest.raises(NothingToDo):
        call(command, "import", folder, folder / "review.csv")
    with (folder / "review.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["human_correct"] = {"right": "yes", "wrong": "no"}[row["judge"]]
    with (tmp_path / "filled.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    done = call(command, "import", folder, tmp_path / "filled.csv", "--reviewer", "Nguyễn Ánh")
    assert f"{len(rows)} of them new" in done.output
    assert "wait for a verdict" not in done.output
    assert "| mine | correct |" in done.output
    assert {v.reviewer for v in read_reviews(folder)} == {"Nguyễn Ánh"}
    out = tmp_path / "check.json"
    done = call(check_command, folder, "--out", out)
    found = json.loads(out.read_text())["quantities"]["correct"]
    assert found["kappa"] is None or found["kappa"]["value"] == 1
    assert found["agreement"]["value"] == 1


def test_export_can_ask_a_second_judge_and_write_jsonl(folder, tmp_path):
    out = tmp_path / "queue.jsonl"
    done = call(command, "export", folder, "--judge", "embedded", "--out", out)
    assert done.exit_code == 0
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").split("\n") if line]
    assert {tuple(row) for row in rows} == {COLUMNS}


def test_a_run_without_reviews_cannot_check_a_judge(folder):
    with pytest.raises(InvalidInput, match="does not exist"):
        call(check_command, folder)
