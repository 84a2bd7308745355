"""Huge answers, contexts, labels and documents: time grows with the length, not with its square, and what is not read is said."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from timing import least

from evalkit.api import from_traces
from evalkit.doctor.corpus import corpus_complaints
from evalkit.judges.claims import claims
from evalkit.judges.context import read
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.judges.portion import ANSWER, CONTEXT, LABEL, PASSAGES
from evalkit.judges.references import statements
from evalkit.judges.support import assess
from evalkit.metrics.answer import exact, token_f1
from evalkit.metrics.context import evidence_coverage, redundancy
from evalkit.needs import needs_of
from evalkit.records import Case, Document, KeyPoint, Metric, Passage, Stage, Status, Suite, Trace
from evalkit.text.longest import DOCUMENT, LONGEST, TooLong, readable
from evalkit.text.refusal import mentions_gap
from evalkit.text.sentences import sentences

FACT = "Bicycles can be returned within 30 days."
CASE = Case(id="c", query="How long?", reference=(FACT,), key_points=(KeyPoint("within 30 days"),))
SHAPES: dict[str, str] = {
    "sentences": "Bicycles come back within 30 days of purchase. ",
    "abbreviations": "e.g. some text and more of it ",
    "joints": "alpha beta gamma and delta epsilon with ",
    "one word": "x",
    "digits": "7",
    "white space": "a" + " " * 5_000,
    "markup": "<div class='x'><p>Some text.</p></div>\n",
    "table": "| a | b | c |\n",
    "broken JSON": '{"a": ["b", ',
    "Japanese": "返品は三十日以内に、店舗でお願いします。",
    "Japanese in one piece": "返品以内時間店舗電話料金無料配送確認",
    "Arabic": "يمكن إرجاع الدراجات خلال ثلاثين يوما. ",
}


def text(shape: str, length: int) -> str:
    piece = SHAPES[shape]
    return (piece * (length // len(piece) + 1))[:length]


def trace(response: str, context: tuple[Passage, ...] | None = None) -> Trace:
    return Trace(system="s", case_id="c", response=response, context=context, citations=())


# --- time ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_the_judge_takes_time_with_the_length_not_with_its_square(shape: str):
    short, long = (text(shape, n) for n in (5_000, 40_000))
    judge = EmbeddedJudge()
    judge.judge(CASE, trace("warm up"))
    first = least(lambda: judge.judge(CASE, trace(short)), within=0)
    bound = 30 * first + 0.3  # eight times the length; its square would be 64 times
    assert least(lambda: judge.judge(CASE, trace(long)), bound) < bound


def test_five_million_characters_have_sentences_at_once():
    whole = text("sentences", 5_000_000)
    code = (
        "import sys; from evalkit.text.sentences import sentences\n"
        "print(len(sentences(sys.stdin.read())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        input=whole,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert int(done.stdout) == -(-len(whole) // len(SHAPES["sentences"]))


def test_claims_and_statements_of_a_long_text_are_those_of_its_parts():
    part = text("sentences", len(SHAPES["sentences"]))
    assert len(claims(part * 2_000)) == 2_000 * len(claims(part))
    assert len(statements(part * 2_000)) == 2_000


def test_support_is_found_in_the_last_of_many_sentences():
    filler = tuple(f"Shop {n} opens at nine." for n in range(20_000))
    found = assess("Bicycles can be returned within 30 days", read((*filler, FACT)))
    assert (found.supported, found.passage) == (True, len(filler))


def test_a_gap_of_white_space_ends_a_sentence():
    whole = "word " * 200 + " " * 100 + "another word"
    assert [whole[a:b] for a, b in sentences(whole)] == ["word " * 199 + "word", "another word"]
    assert not mentions_gap(text("white space", 200_000))


# --- what is not read is said -----------------------------------------------------------------


def test_the_beginning_of_a_huge_answer_is_judged_and_that_is_said():
    found = EmbeddedJudge().judge(CASE, trace(f"{FACT} " + text("sentences", 3_000_000)))
    (told,) = found.reasons
    assert told == f"the first {ANSWER:,} of 3,000,041 characters of the answer were judged"
    assert found.covered is not None
    assert found.covered[0] is not None
    assert found.claims
    assert max(claim.end for claim in found.claims) <= ANSWER


def test_an_answer_of_ordinary_length_is_read_whole():
    assert EmbeddedJudge().judge(CASE, trace(FACT, (Passage("d", text=FACT),))).reasons == ()


def test_a_huge_record_has_no_claims():
    record = json.dumps([{"text": "Bicycles can be returned."}] * 10_000)
    assert EmbeddedJudge().judge(CASE, trace(record)).claims is None


def test_nothing_is_unsupported_because_its_passage_was_not_read():
    context = (Passage("a", text=text("sentences", CONTEXT + 1)), Passage("b", text=FACT))
    said = "Helmets are sold in green boxes by Gretel."
    whole = EmbeddedJudge().judge(CASE, trace(said, context[1:]))
    part = EmbeddedJudge().judge(CASE, trace(said, context))
    assert [c.supported for c in whole.claims or ()] == [False]
    assert [c.supported for c in part.claims or ()] == [None]
    assert part.reasons[0].startswith(f"the first {CONTEXT:,} of 2,000,0")


def test_a_hundred_thousand_passages():
    context = tuple(Passage(f"d{n}", text=f"Shop {n} opens at nine.") for n in range(100_000))
    found = EmbeddedJudge().judge(CASE, replace(trace(FACT, context), citations=("d7",)))
    assert f"({PASSAGES:,} of 100,000 passages)" in found.reasons[0]


@pytest.mark.parametrize("name", ["query", "reference", "key_points"])
def test_a_label_too_long_to_be_judged_by_is_an_error_with_field_and_limit(name: str):
    huge = "x " * LABEL
    given = {"query": huge, "reference": (huge,), "key_points": (KeyPoint(huge),)}[name]
    found = EmbeddedJudge().judge(replace(CASE, **{name: given}), trace(FACT))
    assert found.error == f"{name} has 400,000 characters; the judge reads at most 200,000"


@pytest.mark.parametrize("measure", [exact, token_f1])
def test_a_measure_by_words_gives_no_value_of_a_beginning(measure: Callable[..., float | None]):
    assert measure("a " * (LONGEST // 2), ("b",)) == 0.0
    with pytest.raises(TooLong, match=r"response has 500,001 characters; at most 500,000 are read"):
        measure("a" * (LONGEST + 1), ("b",))
    with pytest.raises(TooLong, match="reference has"):
        measure("a", ("b", "a" * (LONGEST + 1)))


def test_a_measure_that_checks_lengths_keeps_its_needs():
    def compute(response: str, reference: tuple[str, ...]) -> float:
        return float(len(response) + len(reference))

    metric = Metric("m", Stage.GENERATION, readable(compute), "card")
    assert needs_of(metric) == ("response", "reference")


def test_huge_passages_are_not_compared():
    long = Passage("a", text="word " * 200_000)
    with pytest.raises(TooLong, match="a retrieved passage has 1,000,000"):
        redundancy((long, long), k=2)
    with pytest.raises(TooLong, match="what was retrieved has 2,000,000"):
        evidence_coverage((KeyPoint("a fact"),), {}, (long, long))


# --- a whole run ------------------------------------------------------------------------------


def suite(*documents: Document, case: Case = CASE) -> Suite:
    given = replace(case, relevant={"d": 1})
    return Suite(
        "s", folder=Path(), cases=(given,), corpus={d.doc_id: d for d in documents}, digest=""
    )


def test_a_huge_answer_fails_with_a_reason_and_leaves_no_false_score():
    passages = (Passage("d", text=FACT),)
    said = replace(trace(text("sentences", 2_000_000), passages), retrieved=passages)
    run = from_traces(suite(Document("d", FACT)), {"s": [said]})
    graded = run.systems["s"].graded
    assert graded.scores.status("token_f1", 0) is Status.GRADER_ERROR
    assert "response has 2,000,000 characters" in graded.scores.columns["token_f1"].notes[0]
    assert graded.evidence[0] is not None
    assert "characters of the answer were judged" in graded.evidence[0].reasons[0]


# Its own peak: what ``getrusage`` says counts the process that forked it, too.
ALONE = """
import sys
import evalkit.cli
try:
    evalkit.cli.main()
finally:
    print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks are told by Linux")
def test_a_recorded_answer_of_fifty_megabytes_takes_at_most_ten_times_as_much(tmp_path: Path):
    (tmp_path / "suite.yaml").write_text("format: 1\nname: s\n")
    (tmp_path / "cases.jsonl").write_text(json.dumps({"id": "c", "query": "q", "reference": FACT}))
    system = {"name": "s", "approach": "prompt", "adapter": "recorded", "path": "t.jsonl"}
    (tmp_path / "systems.yaml").write_text(json.dumps({"systems": [system]}))
    said = {"case_id": "c", "response": text("sentences", 50 << 20)}
    (tmp_path / "t.jsonl").write_text(json.dumps(said))
    command = (sys.executable, "-c", ALONE, "run", str(tmp_path), "--out", str(tmp_path / "run"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 12, done.stderr  # nothing is scored of it, and that is told
    assert "response has 52,428,800 characters" in done.stdout + done.stderr
    assert int(done.stderr.split()[-1]) <= 10 * 50 * 1024  # kilobytes


def test_a_huge_document_is_named_and_speaks_against_no_label():
    found = corpus_complaints(suite(Document("d", text("sentences", 2_000_000))), {})
    assert [(c.kind, c.subject) for c in found] == [("too_long", "d")]
    assert f"2,000,000 characters; the first {DOCUMENT:,}" in found[0].text
