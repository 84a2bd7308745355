"""Strategies for everything that metrics are given: labels, traces, evidence, in many scripts and in none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from support import make_suite

from evalkit.needs import ROW_NEEDS
from evalkit.records import (
    Case,
    Claim,
    Criterion,
    Document,
    Evidence,
    Expected,
    Failure,
    Format,
    KeyPoint,
    Passage,
    Seconds,
    StyleRules,
    Suite,
    Trace,
    Usage,
)
from evalkit.text.extract import parse_json

# --- strategies ------------------------------------------------------------------------------------

SAYINGS = (
    "",
    " ",
    "The fee is 84 euros.",
    "the FEE is   84 Euros",
    "I am sorry, the documents do not say.",
    "Die Mitgliedschaft kostet 84 Euro; Straßenmusik ist nicht erlaubt!",
    "年会費は84ユーロです。練習は火曜日です。",
    "申し訳ありませんが、お答えできません。",
    "Phí thành viên là 84 euro mỗi năm.",
    "رسوم العضوية 84 يورو في السنة.",
    "No 🎶 pay €1,234.50 by 5 March 2026 👍🏽",
    '{"fee": 84, "paid": true}',
    '```json\n{"fee": 84}\n```',
    'Here: {"fee": 84',
    "[1, 2, NaN]",
    "name,fee\nAnna,84\nBo,30",
    "# Fees\n- A1: met\n- B2: not met\n",
    "refund",
    "Which choir do you mean?",
    "\x00\x07\u200b\u2028\ufeff e\u0301 ﬁn",
    "a" * 300,
)
texts = st.one_of(
    st.sampled_from(SAYINGS),
    st.text(max_size=30),
    st.lists(st.sampled_from(SAYINGS), max_size=3).map(" ".join),
)
ids = st.sampled_from(["d1", "d2", "d3", "d4", "語", "d1#0", "gone"])
passages = st.lists(
    st.builds(
        Passage, ids, st.none() | st.sampled_from(["0", "1", "d1#0"]), texts, st.none() | texts,
        st.none() | st.floats(-1, 1),
    ),
    max_size=6,
).map(tuple)  # fmt: skip
shares = st.none() | st.floats(0, 1)
claims = st.builds(
    Claim,
    texts,
    st.just(0),
    st.just(1),
    st.none() | st.booleans(),
    st.booleans(),
    st.none() | st.integers(0, 3),
)
points = st.lists(st.builds(KeyPoint, texts, st.lists(ids, max_size=2).map(tuple)), max_size=3).map(
    tuple
)
evidences = st.builds(
    Evidence,
    judge=st.just("made"),
    claims=st.none() | st.lists(claims, max_size=3).map(tuple),
    covered=st.none() | st.lists(shares, max_size=3).map(tuple),
    correct=shares,
    refused=shares,
)
SCHEMAS: tuple[Any, ...] = (
    {},
    {"type": "object", "required": ["fee"], "properties": {"fee": {"type": "number"}}, "additionalProperties": False},
    {"type": "array", "items": {"type": "integer", "minimum": 0}},
    {"enum": ["年会費", 84, None]},
)  # fmt: skip
styles = st.builds(
    StyleRules,
    max_sentences=st.none() | st.integers(1, 3),
    reading_grade=st.none() | st.just((0.0, 12.0)),
    register=st.none() | st.sampled_from(["formal", "neutral", "informal"]),
    forbid_exclamation=st.booleans(),
    banned_phrases=st.sampled_from([(), ("fee",), ("ユーロ",)]),
    opening=st.none() | texts,
    politeness=st.none() | st.just((0.0, 1.0)),
    language=st.none() | st.sampled_from(["en", "ja", "pt-BR"]),
    sentence_words=st.none() | st.just((1.0, 20.0)),
    exemplars=st.sampled_from([(), SAYINGS[2:6], SAYINGS[2:12]]),
)
formats = st.builds(
    Format,
    st.sampled_from(["json", "csv", "sections", "label", "poem"]),
    columns=st.sampled_from([(), ("name", "fee")]),
    headings=st.sampled_from([(), ("Fees",)]),
    labels=st.just(("refund", "invoice", "返金")),
)
criteria = st.lists(
    st.builds(
        Criterion,
        st.sampled_from(["A1", "B2", "費"]),
        texts,
        st.sampled_from([(), ("fee",)]),
        st.none() | st.sampled_from(["met", "unmet", "n/a"]),
    ),
    max_size=3,
).map(tuple)
objects = st.sampled_from([{}, {"fee": 84}, {"fee": {"adult": 84, "names": ["Anna", "陽子"]}}])
labels = st.none() | st.dictionaries(ids, st.integers(-1, 3), max_size=4)
cases = st.builds(
    Case,
    id=st.just("c1"),
    query=texts,
    reference=st.none() | st.lists(texts, max_size=2).map(tuple),
    reference_object=st.none() | objects,
    relevant=labels,
    key_points=st.none() | points,
    expected=st.sampled_from(Expected),
    expected_action=st.none() | texts,
    schema=st.none() | st.sampled_from(SCHEMAS),
    format=st.none() | formats,
    style=st.none() | styles,
    criteria=st.none() | criteria,
    forbidden=st.none() | st.lists(ids, max_size=2).map(tuple),
)
amounts = st.none() | st.floats(0, 1e6)
counts = st.none() | st.integers(0, 10**9)
traces = st.builds(
    Trace,
    response=st.none() | texts,
    retrieved=st.none() | passages,
    context=st.none() | passages,
    citations=st.none() | st.lists(ids, max_size=3).map(tuple),
    action=st.none() | texts,
    seconds=st.builds(Seconds, amounts, amounts, amounts),
    usage=st.builds(Usage, counts, counts, amounts),
    case_id=st.just("c1"),
)
CORPUS = {
    "d1": Document("d1", "The fee is 84 euros."),
    "d2": Document("d2", "年会費は60ユーロです。", superseded_by="d1"),
    "d3": Document("d3", ""),
}
few = settings(max_examples=50, deadline=None)


@dataclass(frozen=True)
class Given:
    """Everything that row metrics may ask for, all of it there."""

    values: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.values[name]


@st.composite
def everything(draw: Callable[..., Any]) -> Given:
    """A case with every label, a trace that shows everything, and a judge's evidence."""
    case, trace = draw(cases), draw(traces)
    found = {name: getattr(case, name, None) for name in ROW_NEEDS if hasattr(case, name)}
    found |= {name: getattr(trace, name) for name in ROW_NEEDS if hasattr(trace, name)}
    missing = {
        "response": texts, "retrieved": passages, "context": passages, "citations": st.just(()), "action": texts,
        "reference": st.just(("84 euros",)), "reference_object": objects, "relevant": st.just({"d1": 1}),
        "key_points": points, "expected_action": texts, "schema": st.sampled_from(SCHEMAS), "format": formats,
        "style": styles, "criteria": criteria, "forbidden": st.just(("d2",)),
    }  # fmt: skip
    for name, strategy in missing.items():
        if found[name] is None:
            found[name] = draw(strategy)
    found["evidence"] = draw(evidences)
    found["parsed"] = parse_json(found["response"])
    found["corpus"] = CORPUS
    assert found.keys() == ROW_NEEDS.keys()
    return Given(found)


failures = st.none() | st.builds(Failure, st.sampled_from(["timeout", "truncated"]), texts)


@st.composite
def suites(draw: Callable[..., Any]) -> tuple[Suite, list[Trace], list[Evidence | None]]:
    made = [replace(draw(cases), id=f"c{i}") for i in range(draw(st.integers(1, 3)))]
    shown_traces = [
        replace(draw(traces), case_id=case.id, repeat=r, system="s", error=draw(failures))
        for case in made
        for r in range(draw(st.integers(1, 2)))
    ]
    evidence = [draw(evidences) if t.response is not None else None for t in shown_traces]
    return make_suite(made, CORPUS, k=3, pool=12), shown_traces, evidence


approaches = st.sampled_from(["prompt", "rag", "finetuned", "hybrid", "retriever"])
