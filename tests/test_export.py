"""Training rows from a run: only what passes, is grounded and may be used; each with its provenance."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import make_case, make_trace

from evalkit.api import Run, from_traces, run
from evalkit.commands.export_command import command
from evalkit.errors import InvalidInput, NothingToDo, UsageError
from evalkit.exporters.finetune import Choice, Exported, export_rows
from evalkit.finetune.chat_file import chat_turns, read_chat_file
from evalkit.records import Case, Document, Suite, Trace

TEXTS = {
    "d1": "A parcel to Norway costs 12 euros.",
    "d2": "Returns are free within 30 days.",
    "d3": "The shop in Ulm opens at nine.",
}
CORPUS = {doc_id: Document(doc_id, text) for doc_id, text in TEXTS.items()}
QUERIES = {
    "c1": "What does a parcel to Norway cost?",
    "c2": "How long are returns free?",
    "c3": "When does the shop in Ulm open?",
}


def case(case_id: str, **changes: object) -> Case:
    doc = f"d{case_id[1]}"
    labels = {"reference": TEXTS[doc], "relevant": [doc], "split": "train", **changes}
    return make_case(case_id, labels.pop("query", QUERIES[f"c{case_id[1]}"]), **labels)


def suite_of(*cases: Case) -> Suite:
    return Suite(
        name="shop", folder=Path(), cases=cases, corpus=CORPUS, digest="x", description="A shop."
    )


def asked(suite: Suite, *traces: Trace, approach: str = "rag") -> Run:
    return from_traces(suite, {"s": list(traces)}, {"s": approach})


def told(case_id: str, answer: str, doc: str | None = None, **changes: object) -> Trace:
    context = [doc or f"d{case_id[1]}"]
    return make_trace(answer, case_id, corpus=CORPUS, retrieved=context, context=context, **changes)


def exported(suite: Suite, *traces: Trace, approach: str = "rag", **choice: object) -> Exported:
    return export_rows(asked(suite, *traces, approach=approach), "s", Choice(**choice))


def test_a_passing_grounded_answer_is_approved_with_its_provenance():
    found = exported(suite_of(case("c1")), told("c1", TEXTS["d1"]), system_prompt="Be brief.")
    (row,), (origin,) = found.rows, found.provenance
    assert [turn["role"] for turn in row["messages"]] == ["system", "user", "assistant"]
    assert row["messages"][0]["content"] == "Be brief."
    assert TEXTS["d1"] in row["messages"][1]["content"]
    assert row["messages"][1]["content"].endswith(QUERIES["c1"])
    assert row["messages"][2]["content"] == TEXTS["d1"]
    assert (origin["case_id"], origin["source"], origin["answer_from"], origin["system"]) == (
        "c1",
        "approved",
        "response",
        "s",
    )
    assert len(origin["digest"]) == 16


def test_without_context_the_user_says_only_the_question():
    found = exported(suite_of(case("c1")), told("c1", TEXTS["d1"]), context=False)
    assert found.rows[0]["messages"] == [
        {"role": "user", "content": QUERIES["c1"]},
        {"role": "assistant", "content": TEXTS["d1"]},
    ]


def test_a_failure_is_repaired_with_its_label_over_its_gold_passages():
    found = exported(suite_of(case("c1")), told("c1", "It costs 99 euros.", "d2"))
    assert found.provenance[0]["source"] == "repaired"
    assert found.provenance[0]["answer_from"] == "label"
    assert TEXTS["d1"] in found.rows[0]["messages"][0]["content"]
    assert TEXTS["d2"] not in found.rows[0]["messages"][0]["content"]
    assert found.rows[0]["messages"][-1]["content"] == TEXTS["d1"]


def test_without_a_label_the_passing_answer_from_gold_context_is_taken():
    points = {"reference": None, "key_points": [("A parcel to Norway costs 12 euros.", ["d1"])]}
    suite = suite_of(case("c1", **points))
    oracle = told("c1", "That parcel costs 12 euros to Norway.", condition="oracle_context")
    found = exported(suite, told("c1", "It costs 99 euros.", "d2"), oracle)
    assert found.provenance[0]["answer_from"] == "oracle_context"
    assert found.rows[0]["messages"][-1]["content"] == oracle.response
    failing = replace(oracle, response="It costs 99 euros.")
    assert exported(suite, told("c1", "It costs 98 euros.", "d2"), failing).rows == ()


def test_what_was_not_asked_for_stays_out():
    suite = suite_of(case("c1"), case("c2"))
    traces = told("c1", TEXTS["d1"]), told("c2", "Returns cost 5 euros.")
    for name in ("approved", "repaired"):
        found = exported(suite, *traces, include=frozenset({name}))
        assert [row["source"] for row in found.provenance] == [name]


@pytest.mark.parametrize(
    ("changes", "answer", "why"),
    [
        ({"split": "test"}, TEXTS["d1"], "test split"),
        (
            {},
            f"{TEXTS['d1']} The driver is called Ingeborg Solheim and wears a hat.",
            "does not rest on its evidence",
        ),
        ({"query": "What does it cost? I am jo@firma-nord.de"}, TEXTS["d1"], "personal data"),
    ],
)
def test_what_may_not_be_taught_is_left_out_and_counted(changes, answer, why):
    found = exported(
        suite_of(case("c1", **changes)), told("c1", answer), include=frozenset({"approved"})
    )
    assert found.rows == ()
    assert [reason for reason in found.left_out if why in reason], found.left_out


def test_a_right_answer_without_its_evidence_is_not_approved():
    found = exported(
        suite_of(case("c1")), told("c1", TEXTS["d1"], "d2"), include=frozenset({"approved"})
    )
    assert found.rows == ()
    assert found.left_out.total() == 1


def test_a_label_that_breaks_the_contract_is_not_taught():
    schema = {"type": "object", "required": ["price"], "properties": {"price": {"type": "number"}}}
    bad = case("c1", reference=None, reference_object={"price": "twelve"}, schema=schema)
    good = case("c1", reference=None, reference_object={"price": 12}, schema=schema)
    assert exported(suite_of(bad), told("c1", '{"price": 99}')).rows == ()
    assert json.loads(
        exported(suite_of(good), told("c1", '{"price": 99}')).rows[0]["messages"][-1]["content"]
    ) == {"price": 12}


def test_a_row_that_copies_a_test_case_or_another_row_is_left_out():
    twin = case("c1b", query=QUERIES["c1"], split="test")
    copied = exported(suite_of(case("c1"), twin), told("c1", TEXTS["d1"]))
    assert copied.rows == ()
    assert copied.left_out["nearly repeats a case of the test split"] == 1
    twice = suite_of(case("c1"), case("c1b", query=QUERIES["c1"]))
    found = exported(twice, told("c1", TEXTS["d1"]), told("c1b", TEXTS["d1"]))
    assert len(found.rows) == 1
    assert found.left_out["repeats an earlier row"] == 1


def test_a_refusal_that_was_wanted_is_taught_as_well():
    refusing = case(
        "c3", expected="refuse", reference=None, relevant=(), query="Who owns the shop in Ulm?"
    )
    from evalkit.records import Expected

    refusing = replace(refusing, expected=Expected.REFUSE)
    found = exported(
        suite_of(refusing), told("c3", "I am sorry, I cannot answer that from the passages.")
    )
    assert found.rows[0]["messages"][-1]["content"].startswith("I am sorry")


def test_an_error_is_no_failure_that_a_row_could_repair():
    suite = suite_of(case("c1"), case("c2"))
    found = exported(suite, told("c1", TEXTS["d1"]), make_trace(None, "c2", error="timeout"))
    assert [row["case_id"] for row in found.provenance] == ["c1"]
    assert found.left_out["ended in an error, which no training row repairs"] == 1


def test_without_a_test_split_what_is_not_marked_for_training_stays_for_testing():
    whole = suite_of(case("c1", split=None), case("c2", split=None))
    traces = told("c1", TEXTS["d1"]), told("c2", TEXTS["d2"])
    found = exported(whole, *traces)
    assert found.rows == ()
    assert [why for why in found.left_out if "nothing would be left to test with" in why]
    assert len(exported(whole, *traces, allow_test=True).rows) == 2
    partly = exported(suite_of(case("c1"), case("c2", split=None)), *traces)
    assert [row["case_id"] for row in partly.provenance] == ["c1"]
    held = suite_of(case("c1", split=None), case("c2", split=None), case("c3", split="test"))
    assert len(exported(held, *traces).rows) == 2


def test_a_label_that_may_be_wrong_is_taught_only_where_a_probe_passed():
    suite = suite_of(case("c1"))
    wrong = told("c1", "It costs 99 euros.", "d2")
    right = told("c1", TEXTS["d1"], condition="oracle_context")
    for traces, rows in (((wrong,), 0), ((wrong, right), 1)):
        run = asked(suite, *traces)
        found = run.systems["s"]
        doubted = tuple(replace(f, also=("label_issue",)) for f in found.findings)
        run = replace(run, systems={"s": replace(found, findings=doubted)})
        assert len(export_rows(run, "s", Choice()).rows) == rows


# --- the command -------------------------------------------------------------------------------


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "suite.yaml").write_text(
        json.dumps({"format": 1, "name": "shop", "description": "A shop."})
    )
    rows = [
        {"id": f"c{i}", "query": QUERIES[f"c{i}"], "reference": TEXTS[f"d{i}"], "split": split}
        for i, split in ((1, "train"), (2, "train"), (3, "test"))
    ]
    (folder / "cases.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    right = {r["query"]: r["reference"] for r in rows}
    systems = {
        "good": right.__getitem__,
        "poor": lambda q: "It is 77 metres." if "Norway" in q else right[q],
    }
    run(folder, systems, out=tmp_path / "run", probes="none")
    return tmp_path / "run"


def call(*arguments: object) -> object:
    return CliRunner().invoke(command, [str(a) for a in arguments], standalone_mode=False)


def test_the_command_writes_rows_and_provenance_line_by_line(recorded, tmp_path):
    out = tmp_path / "rows.jsonl"
    result = call("finetune", recorded, "--system", "poor", "--out", out)
    assert result.exception is None, result.output
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    origins = [
        json.loads(line) for line in (tmp_path / "rows.provenance.jsonl").read_text().splitlines()
    ]
    assert [(o["line"], o["case_id"], o["source"]) for o in origins] == [
        (1, "c1", "repaired"),
        (2, "c2", "approved"),
    ]
    assert all(
        chat_turns(row, None, None)[0].content == "You answer for shop. A shop." for row in rows
    )
    assert len(read_chat_file(out)) == 2
    assert "1 approved, 1 repaired" in result.output
    assert "TEST" not in result.output


def test_test_cases_go_in_only_when_allowed_and_loudly(recorded):
    result = call("finetune", recorded, "--system", "good", "--allow-test")
    assert "WARNING: 1 rows are cases of the TEST split" in result.output
    assert (recorded / "finetune-good.jsonl").exists()


def test_an_interrupted_run_says_how_many_cases_were_asked(recorded, tmp_path):
    suite = tmp_path / "shop"
    run(suite, {"good": lambda q: "It is free."}, out=tmp_path / "part", limit=2, probes="none")
    result = call("finetune", tmp_path / "part")
    assert "good: 2 of 3 cases asked" in result.output
    assert "asked" not in call("finetune", recorded, "--system", "good").output


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((), InvalidInput, "which system's answers are exported? give --system NAME (good, poor)"),
        (("--system", "goood"), InvalidInput, "did you mean 'good'"),
        (("--system", "good", "--include", "all"), UsageError, "approved and repaired"),
        (
            ("--system", "good", "--include", "repaired"),
            NothingToDo,
            "no answer of good can be exported",
        ),
    ],
)
def test_what_is_wrong_is_said_with_the_remedy(recorded, arguments, error, said):
    result = call("finetune", recorded, *arguments)
    assert isinstance(result.exception, error)
    assert said in str(result.exception)
