"""The readiness audit: every defect put into a training file is found, at its line, and a sound file is ready."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import InvalidInput, NothingToDo
from evalkit.finetune.audit import audit
from evalkit.finetune.finding import Audit, Severity
from evalkit.finetune.near_copies import near_copies
from evalkit.finetune.rows import read_rows
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.records import Suite
from evalkit.suite import load_suite

ROOT = Path(__file__).parents[1]
WORDS = [
    "amber",
    "basil",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "indigo",
    "jasper",
    "kelp",
    "lotus",
    "maple",
    "nectar",
    "onyx",
]


def sentence(i: int) -> str:
    """Different words for every i, without a digit."""
    picked = [WORDS[(i // 15**k + k * 4) % 15] for k in range(3)]
    return f"What does the {picked[0]} {picked[1]} option of the {picked[2]} plan change for {WORDS[i % 13]} teams"


def sound_rows(n: int = 520) -> list[dict[str, Any]]:
    rows = [
        {
            "id": f"r{i}",
            "query": f"{sentence(i)} in case {i}?",
            "reference": f"It sets level {i} for the {WORDS[i % 15]} team.",
        }
        for i in range(n)
    ]
    for row in rows[:40]:
        row |= {
            "expected": "refuse",
            "reference": "I am sorry, I cannot answer that from what I know.",
        }
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    return path


def suite_in(folder: Path, cases: list[dict[str, Any]], **settings: Any) -> Suite:
    write(folder / "cases.jsonl", cases)
    (folder / "suite.yaml").write_text(
        json.dumps({"format": 1, "name": "s", **settings}), encoding="utf-8"
    )
    return load_suite(folder)


CASES = [
    {
        "id": f"t{i}",
        "query": f"How far is station {i} from the sea by the northern road?",
        "reference": f"{i} km",
        "split": "test",
    }
    for i in range(12)
]


def audited(tmp_path: Path, rows: list[dict[str, Any]], **settings: Any) -> Audit:
    suite = suite_in(tmp_path, settings.pop("cases", CASES), **settings)
    return audit(write(tmp_path / "train.jsonl", rows), suite, EmbeddedJudge())


def finding(found: Audit, check: str):
    return next((f for f in found.findings if f.check == check), None)


def test_a_sound_file_is_ready(tmp_path):
    found = audited(tmp_path, sound_rows())
    assert found.verdict == "ready", found.reasons
    assert found.to_json()["figures"]["behaviours"] == {"answer": 480, "refuse": 40}


def test_without_a_suite_leakage_is_not_checked_and_that_is_said(tmp_path):
    found = audit(write(tmp_path / "t.jsonl", sound_rows()), None, EmbeddedJudge())
    assert found.verdict == "unclear"
    assert any("leakage: not checked" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    ("n", "severity"), [(499, Severity.WARNING), (199, Severity.BLOCKER), (500, None)]
)
def test_the_number_of_distinct_examples_counts(tmp_path, n, severity):
    rows = sound_rows(n) + [{**sound_rows(n)[-1], "id": f"again{i}"} for i in range(20)]
    found = finding(audited(tmp_path, rows), "size")
    assert (found and found.severity) == severity
    assert found is None or found.count == n


def at(row: int, **changes: Any) -> Callable[[list[dict[str, Any]]], None]:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[row] |= changes

    return change


SECRET = "Please write to mara.lindqvist@corp-mail.com for that."
CARD = "The card is 5555 5555 5555 4444."
COPIED = CASES[3]["query"]
NEARLY = "How far is the station 3 from the sea by the northern road?"


@pytest.mark.parametrize(
    ("check", "severity", "change"),
    [
        ("leakage_exact", "blocker", at(100, query=COPIED)),
        ("leakage_near", "warning", at(100, query=NEARLY)),
        ("personal_data", "blocker", at(100, reference=SECRET)),
        ("personal_data", "blocker", at(100, query=CARD)),
        (
            "exact_duplicates",
            "note",
            at(100, query=sound_rows()[90]["query"], reference=sound_rows()[90]["reference"]),
        ),
        ("contradictions", "warning", at(100, query=sound_rows()[90]["query"])),
        ("length_answer", "note", at(100, reference="level " * 4000)),
        ("too_long", "warning", at(100, reference="level " * 40000)),
        ("no_answer", "blocker", lambda rows: rows[100].pop("reference")),
    ],
)
def test_one_bad_row_is_found_at_its_line(tmp_path, check, severity, change):
    rows = sound_rows()
    change(rows)
    found = finding(audited(tmp_path, rows), check)
    assert found is not None
    assert (found.severity, found.count) == (severity, 2 if check == "contradictions" else 1)
    assert found.examples[0].where.endswith("train.jsonl:101")
    assert found.todo


def test_personal_data_is_never_shown_in_the_clear(tmp_path):
    rows = sound_rows()
    rows[100]["reference"] = SECRET
    text = json.dumps(finding(audited(tmp_path, rows), "personal_data").examples[0].text)
    assert "lindqvist" not in text


def test_many_contradictions_forbid_training(tmp_path):
    rows = sound_rows()
    for i in range(100, 110):
        rows[i]["query"] = rows[i - 50]["query"]
    found = audited(tmp_path, rows)
    assert found.verdict == "not_ready"
    assert finding(found, "contradictions").count == 20


@pytest.mark.parametrize(
    ("first", "second", "contradict"),
    [
        ("The link works for 45 minutes.", "It stays valid for 45 minutes.", False),
        ("The link works for 45 minutes.", "The link works for 2 hours.", True),
        ("リンクは45分間有効です。", "リンクは2時間有効です。", True),
        ("Der Link gilt 45 Minuten.", "Ich kann diese Frage leider nicht beantworten.", True),
    ],
)
def test_answers_contradict_when_they_cannot_both_be_right(tmp_path, first, second, contradict):
    rows = sound_rows()
    for i, answer in ((50, first), (60, second)):
        rows[i] |= {"query": "How long does the reset link work?", "reference": answer}
    assert (finding(audited(tmp_path, rows), "contradictions") is not None) == contradict


def test_a_shared_group_warns_unless_enough_groups_are_unseen(tmp_path):
    rows = sound_rows()
    rows[7]["group"] = "g1"
    few = [{**case, "group": "g1" if i == 0 else f"u{i}"} for i, case in enumerate(CASES)]
    more = [
        {**CASES[0], "id": f"m{i}", "query": f"How far is harbour {i} by sea?", "group": f"h{i}"}
        for i in range(40)
    ]
    assert finding(audited(tmp_path, rows, cases=few), "leakage_group").severity == "warning"
    assert finding(audited(tmp_path, rows, cases=few + more), "leakage_group").severity == "note"


def test_answers_that_break_the_schema_are_found(tmp_path):
    schema = {"type": "object", "properties": {"level": {"type": "integer"}}, "required": ["level"]}
    rows = sound_rows()
    for i, row in enumerate(rows):
        if row.get("expected") != "refuse":
            row["reference"] = {"level": i}
    rows[100]["reference"] = {"level": "high"}
    rows[101]["reference"] = "level 101"
    cases = [{**case, "reference": {"level": 1}} for case in CASES]
    found = finding(audited(tmp_path, rows, cases=cases, schema=schema), "schema")
    assert (found.count, found.total, found.severity) == (2, 480, "warning")
    assert "level" in found.examples[0].text


def test_answers_that_break_the_house_style_are_found(tmp_path):
    rows = sound_rows()
    for row in rows[100:130]:
        row["reference"] += " Great!"
    found = finding(
        audited(tmp_path, rows, style={"forbid_exclamation": True}), "style_forbid_exclamation"
    )
    assert (found.count, found.severity) == (30, "warning")


def test_refusals_that_the_test_wants_and_training_lacks_are_missed(tmp_path):
    rows = sound_rows()[40:] + [
        {**row, "id": f"x{row['id']}", "query": f"And {row['query']}"}
        for row in sound_rows()[40:90]
    ]
    cases = [{**case, "expected": "refuse"} if i < 3 else case for i, case in enumerate(CASES)]
    assert finding(audited(tmp_path, rows, cases=cases), "coverage_refuse").severity == "warning"


def test_classes_with_few_or_no_examples_are_named(tmp_path):
    rows = sound_rows()
    for i, row in enumerate(rows):
        row.pop("expected", None)
        row["reference"] = "billing" if i % 100 else "delivery"
    shape = {"kind": "label", "labels": ["billing", "delivery", "technical"]}
    cases = [{**case, "reference": "billing"} for case in CASES]
    found = finding(audited(tmp_path, rows, cases=cases, format=shape), "class_balance")
    assert found.severity == "blocker"
    assert "technical 0" in found.text
    assert "delivery 6" in found.text


def chat(*turns: tuple[str, str]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def test_a_chat_file_is_read_as_one(tmp_path):
    rows = [
        chat(("system", "Be kind."), ("user", r["query"]), ("assistant", r["reference"]))
        for r in sound_rows()
    ]
    rows[100] = chat(("user", "Who are you?"), ("assistant", SECRET))
    found = audited(tmp_path, rows)
    assert finding(found, "personal_data").examples[0].where.endswith(":101")
    assert found.figures["behaviours"]["refuse"] == 40


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (chat(("user", "a"), ("user", "b")), "last turn must be the assistant's"),
        (chat(("assistant", "b")), "no user turn"),
        (chat(("user", "a"), ("system", "s"), ("assistant", "b")), "system turn stands first"),
        (chat(("user", "a"), ("robot", "b")), "unknown role 'robot'"),
        (chat(("user", " "), ("assistant", "b")), "not empty"),
        ({"messages": "hello"}, "expected a list of turns"),
        ({"messages": [], "extra": 1}, "unknown field"),
    ],
)
def test_a_broken_chat_row_is_named_by_file_line_and_field(tmp_path, row, said):
    good = chat(("user", "a"), ("assistant", "b"))
    file = write(tmp_path / "chat.jsonl", [good, row])
    with pytest.raises(InvalidInput, match=said) as caught:
        read_rows(file)
    assert caught.value.line == 2


def test_an_empty_file_is_nothing_to_do(tmp_path):
    with pytest.raises(NothingToDo, match="no training example"):
        read_rows(write(tmp_path / "none.jsonl", []))


@pytest.mark.parametrize(("name", "verdict"), [("invoices", "ready"), ("helpdesk", "unclear")])
def test_the_shipped_suites_have_the_verdict_the_documentation_names(name, verdict):
    suite = load_suite(ROOT / "datasets" / name)
    found = audit(suite.train, suite, EmbeddedJudge())
    assert found.verdict == verdict, found.reasons
    assert not any(f.check.startswith("leakage_exact") for f in found.findings)


# --- near copies -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "copies"),
    [
        (
            "Can I use the same reset link twice, please, today?",
            "can I use the same reset link twice please today",
            True,
        ),
        (
            "Wie lange gilt der Link zum Zurücksetzen in der App noch?",
            "Wie lange gilt der Link zum Zurücksetzen in der App?",
            True,
        ),
        (
            "パスワードの再設定リンクはいつまで使えますか",
            "パスワードの再設定リンクはいつまで使えますか？",
            True,
        ),
        (
            "How long is the trial of 14 days for new teams here?",
            "How long is the trial of 30 days for new teams here?",
            False,
        ),
        ("How do I cancel?", "How do I pay?", False),
        (
            "متى ينتهي الرابط الذي وصلني بالبريد اليوم",
            "متى ينتهي الرابط الذي وصلني بالبريد اليوم؟",
            True,
        ),
    ],
)
def test_copies_are_what_asks_the_same_in_nearly_the_same_words(a, b, copies):
    assert bool(near_copies([a, b])) == copies
    assert bool(near_copies([a], [b])) == copies


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(WORDS[:6]), min_size=1, max_size=12).map(" ".join), max_size=14
    )
)
def test_no_pair_is_missed_and_none_is_invented(texts):
    from evalkit.finetune.near_copies import NEAR, _numbers, _similarity
    from evalkit.text.tokens import tokens

    words = [tokens(text) for text in texts]
    wanted = {
        (i, j)
        for j in range(len(texts))
        for i in range(j)
        if (_similarity(words[i], words[j]) or 0) >= NEAR
        and _numbers(words[i]) == _numbers(words[j])
    }
    assert {(p.first, p.second) for p in near_copies(texts)} == wanted
