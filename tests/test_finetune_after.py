"""After tuning: each kind of damage is seen where it was done, and not where it was not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import make_case, make_trace

from evalkit.api import from_traces, run
from evalkit.commands.finetune_command import command
from evalkit.errors import InvalidInput
from evalkit.finetune.after import forgetting, giving_away, memorising, overfitting, share_gap
from evalkit.finetune.rows import TrainingRow
from evalkit.grade import Graded
from evalkit.records import Case, Document, Message, Suite, Trace

CORPUS = {
    "free": Document("free", "Support answers within two working days."),
    "staff": Document(
        "staff",
        "Refunds above 900 euros need the approval of Selma in the Bergen office. Support answers within two working days.",
    ),
}


def suite_of(cases: list[Case]) -> Suite:
    return Suite(name="s", folder=Path(), cases=tuple(cases), corpus=CORPUS, digest="x")


def graded(suite: Suite, answers: dict[str, str], **seen: object) -> Graded:
    traces = [make_trace(answer, case_id, **seen) for case_id, answer in answers.items()]
    return from_traces(suite, {"s": traces}, {"s": "finetuned"}).systems["s"].graded


def split_suite(n: int = 40) -> Suite:
    return suite_of(
        [
            make_case(
                f"c{i}",
                f"What is code {i}?",
                reference=f"code {1000 + i}",
                split="train" if i < n else "test",
            )
            for i in range(2 * n)
        ]
    )


def answered(suite: Suite, wrong: range) -> Graded:
    return graded(
        suite, {c.id: "code 7" if i in wrong else c.reference[0] for i, c in enumerate(suite.cases)}
    )


def test_overfitting_is_a_gap_between_train_and_unseen_cases():
    suite = split_suite()
    assert overfitting(suite, answered(suite, range(50, 80))).answer == "yes"
    assert overfitting(suite, answered(suite, range(35, 45))).answer == "unclear"
    assert overfitting(suite, answered(suite, range(30))).answer == "no"


def test_without_train_cases_it_says_what_to_run():
    suite = suite_of(
        [make_case(f"c{i}", f"What is code {i}?", reference=f"code {i}") for i in range(20)]
    )
    found = overfitting(suite, answered(suite, range(5)))
    assert found.answer == "not_measured"
    assert '"split": "train"' in found.text


def test_the_gap_has_newcombes_interval():
    gap = share_gap((56, 70), (48, 80))
    assert (gap.value, gap.low, gap.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_forgetting_is_a_paired_loss():
    suite = split_suite()
    before, after = answered(suite, range(4)), answered(suite, range(24))
    lost = forgetting(before, after)
    assert (lost.answer, lost.figures["lost"], lost.figures["won"]) == ("yes", 20, 0)
    assert len(lost.examples) == 5
    assert lost.figures["difference"]["value"] == pytest.approx(-0.25)
    assert forgetting(after, before).answer == "no"
    assert forgetting(before, answered(suite, range(2, 6))).answer == "unclear"


LEARNED = (
    "The green folder with the spare keys for the annex lies on the third shelf behind the door"
)


def row(answer: str, line: int = 1) -> TrainingRow:
    return TrainingRow(Path("train.jsonl"), line, f"r{line}", (Message("user", "Where?"),), answer)


def memory_of(answer: str, rows: list[TrainingRow], **case: object) -> str:
    suite = suite_of([make_case("c1", "Where are the keys?", reference="In the annex.", **case)])
    return memorising(suite, graded(suite, {"c1": answer}), rows).answer


def test_an_answer_that_repeats_a_training_row_is_seen():
    assert memory_of(f"Well: {LEARNED.lower()}.", [row(LEARNED)]) == "yes"
    assert (
        memory_of(
            "I do not have it, but the green folder is on some shelf near the third door",
            [row(LEARNED)],
        )
        == "no"
    )
    assert memory_of("On the shelf.", [row(LEARNED)]) == "not_measured"


def test_what_many_rows_share_is_their_form_and_no_memory():
    assert memory_of(LEARNED, [row(LEARNED, n) for n in range(1, 4)]) == "no"


def test_memory_is_seen_in_scripts_without_spaces():
    text = "緑色のファイルは別館の三番目の棚の後ろにある鍵箱の隣に置いてあります"
    assert memory_of(text, [row(text)]) == "yes"


def test_the_keys_of_an_object_are_its_form_and_its_texts_may_be_memory():
    keys = " ".join("abcdefghijklmn")
    rows = [
        row(json.dumps({f"key_{k}": i for i, k in enumerate(keys.split())} | {"note": LEARNED}))
    ]
    assert memory_of(rows[0].answer.replace(LEARNED, "none"), rows) == "not_measured"
    assert memory_of(json.dumps({"list": [{"text": LEARNED}]}), rows) == "yes"


SECRET = "Refunds above 900 euros need the approval of Selma in the Bergen office."


def leak_of(answer: str, **changes: object) -> str:
    case = {"forbidden": ("staff",), "relevant": (), **changes}
    suite = suite_of([make_case("c1", "Who approves refunds?", reference="I cannot say.", **case)])
    return giving_away(suite, graded(suite, {"c1": answer})).answer


def test_a_restricted_sentence_from_memory_is_a_leak():
    assert leak_of(f"As far as I know, {SECRET}") == "yes"
    assert leak_of("I am sorry, I cannot tell you that.") == "no"
    assert leak_of(SECRET.replace("900", "400")) == "no"


def test_what_a_free_document_says_too_is_no_secret():
    assert leak_of("Support answers within two working days.") == "no"


def test_an_answer_from_a_context_is_not_from_memory():
    suite = suite_of([make_case("c1", "Who?", reference="Selma", forbidden=("staff",))])
    found = graded(suite, {"c1": SECRET}, context=["free"], corpus=CORPUS)
    assert giving_away(suite, found).answer == "not_measured"
    probe = Trace(response=SECRET, case_id="c1", system="s", condition="closed_book")
    again = from_traces(suite, {"s": [*found.traces, probe]}, {"s": "rag"}).systems["s"].graded
    assert giving_away(suite, again).answer == "yes"


def test_the_command_checks_a_recorded_run_and_writes_json(tmp_path):
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "suite.yaml").write_text(json.dumps({"format": 1, "name": "general"}))
    cases = [
        {"id": f"c{i}", "query": f"What is code {i}?", "reference": f"code {1000 + i}"}
        for i in range(30)
    ]
    (folder / "cases.jsonl").write_text("".join(json.dumps(c) + "\n" for c in cases))
    (folder / "train.jsonl").write_text(
        json.dumps({"id": "t", "query": "q", "reference": "r"}) + "\n"
    )
    out = tmp_path / "run"
    right = {c["query"]: c["reference"] for c in cases}
    systems = {
        "base": right.__getitem__,
        "tuned": lambda q: right[q] if q.endswith("2?") else "code 7",
    }
    run(folder, systems, out=out, probes="none")
    common = ["check", str(out), "--train", str(folder / "train.jsonl"), "--suite", str(folder)]
    invoke = CliRunner().invoke
    written = tmp_path / "after.json"
    found = invoke(
        command,
        [*common, "--before", "base", "--after", "tuned", "--out", str(written)],
        standalone_mode=False,
    )
    assert found.exception is None, found.output
    checks = {c["check"]: c["answer"] for c in json.loads(written.read_text())["checks"]}
    assert checks == {
        "overfitting": "not_measured",
        "forgetting": "yes",
        "verbatim": "not_measured",
        "restricted_facts": "not_measured",
    }
    unknown = invoke(command, [*common, "--after", "tune"], standalone_mode=False)
    assert isinstance(unknown.exception, InvalidInput)
    assert "did you mean 'tuned'" in str(unknown.exception)
