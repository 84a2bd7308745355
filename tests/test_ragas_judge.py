"""ragas's metrics through our calls: the same scores, every failure named, and no connection but ours.

What needs the library is skipped where the extra ``judge`` is not installed.
"""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from support import make_case

from evalkit.adapters.retry import RetryPolicy
from evalkit.errors import EndpointUnusable, InvalidInput, StorageError
from evalkit.judge import judge_traces
from evalkit.judges.ragas import build, from_environment
from evalkit.judges.ragas.calls import AnswerSchema, CallFailedError, JudgeCalls
from evalkit.judges.ragas.critics import Critic, critics_of, read_critics
from evalkit.judges.ragas.grades import Grade, GradeFailedError, evidence_of, grade_in
from evalkit.judges.ragas.judge import RagasJudge
from evalkit.judges.ragas.library import load
from evalkit.judges.ragas.measures import MEASURES, calls_for, chosen, samples_of
from evalkit.judges.ragas.metrics import CARDS, metrics_of
from evalkit.judges.ragas.model import _filled
from evalkit.judges.ragas.record import Call, CallRecord
from evalkit.judges.ragas.replies import UnusableReplyError
from evalkit.judges.ragas.settings import Settings, settings_from, settings_from_environment
from evalkit.needs import needs_of
from evalkit.records import Approach, Evidence, Failure, Passage, Status, Suite, Trace
from evalkit.score import STATUSES, Scoring

needs_ragas = pytest.mark.skipif(
    find_spec("ragas") is None, reason="ragas is not installed: pip install 'evalkit[judge]'"
)
QUICK = RetryPolicy(attempts=3, timeout=5.0, first_wait=0.01, longest_wait=0.02)


def load_benchmark() -> ModuleType:
    file = Path(__file__).parents[1] / "benchmarks" / "ragas_judge.py"
    spec = spec_from_file_location("ragas_judge_benchmark", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["ragas_judge_benchmark"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


bench = load_benchmark()
Server = bench.Server


def trace(response: str | None = "It costs 5 euros. It is red.", *texts: str, **more: Any) -> Trace:
    """An answer of system s to case c1, from passages with these texts."""
    shown = tuple(
        Passage(f"d{i}", text=text) for i, text in enumerate(texts or ("It costs 5 euros.",))
    )
    given = {"context": shown, "system": "s", "case_id": "c1", **more}
    return Trace(response=response, **given)


CASE = make_case("c1", "What does it cost?", reference="It costs 5 euros.")


def options(url: str, *names: str, **more: Any) -> Settings:
    given = {"metrics": names, "policy": QUICK, "embedding_model": "e", **more}
    return Settings(url, "m", **given)


def judged(
    do: Callable[[RagasJudge, Any], Awaitable[Any]],
    *names: str,
    faults: tuple[str, ...] = (),
    slow: float = 5.0,
    where: dict[str, Any] | None = None,
    **more: Any,
) -> Any:
    """What ``do(judge, server)`` returns, with a server that suffers from ``faults``."""

    async def main() -> Any:
        async with Server(faults=list(faults), slow=slow) as server:
            judge = RagasJudge(options(server.url, *names, **more), **(where or {}))
            try:
                return await do(judge, server)
            finally:
                await judge.aclose()
                await judge.aclose()

    return asyncio.run(main())


def grades(*names: str, case: Any = CASE, answer: Trace | None = None, **how: Any) -> Any:
    """The grades of one answer, by metric; alone where there is one."""

    async def do(judge: RagasJudge, _: Any) -> Any:
        found = (await judge.judge(case, answer or trace())).grades  # type: ignore[attr-defined]
        return found[0] if len(found) == 1 else {grade.metric: grade for grade in found}

    return judged(do, *names, **how)


# --- settings, critics, and what is known before a call ------------------------------------------


def test_the_environment_says_where_and_what_to_ask():
    given = {
        "EVALKIT_JUDGE_URL": "http://127.0.0.1:9/v1/",
        "EVALKIT_JUDGE_MODEL": "m",
        "EVALKIT_JUDGE_METRICS": "ragas_faithfulness, context_recall",
        "EVALKIT_JUDGE_TEMPERATURE": "default",
        "EVALKIT_JUDGE_CONCURRENCY": "4",
    }
    found = settings_from_environment(given)
    assert (found.base_url, found.concurrency) == ("http://127.0.0.1:9/v1", 4)
    assert found.metrics == ("ragas_faithfulness", "context_recall")
    assert found.sampling == {"max_tokens": 4096}
    assert [m.name for m in chosen(found.metrics)] == ["faithfulness", "context_recall"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"model": "m"}, "base_url"),
        ({"base_url": "ftp://h", "model": "m"}, "base_url"),
        ({"base_url": "http://u:p@h/v1", "model": "m"}, "credentials"),
        ({"base_url": "http://h/v1"}, "model"),
        ({"base_url": "http://h/v1", "model": "m", "metrcs": []}, "metrics"),
        ({"base_url": "http://h/v1", "model": "m", "metrics": "faithfulness"}, "list of names"),
        ({"base_url": "http://h/v1", "model": "m", "extra_body": {"n": 2}}, "extra_body.n"),
        ({"base_url": "http://h/v1", "model": "m", "critics": [{"name": "x"}]}, "prompt"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(values, told):
    with pytest.raises(InvalidInput, match=told):
        settings_from(values)


def test_without_an_endpoint_the_variable_is_named():
    with pytest.raises(InvalidInput, match="EVALKIT_JUDGE_URL"):
        settings_from_environment({})


def test_a_misspelt_metric_and_one_without_its_embeddings_are_refused():
    with pytest.raises(InvalidInput, match="faithfulness"):
        chosen(["faithfullness"])
    with pytest.raises(InvalidInput, match="embedding_model"):
        chosen(["answer_relevancy"])


@pytest.mark.parametrize(
    "prompt",
    [
        "Is it polite?",
        "{response.__class__}",
        "{response} {0}",
        "{response} {answer}",
        "{response} {",
        "{response[0]}",
    ],
)
def test_a_critic_may_ask_for_the_known_fields_alone(prompt):
    with pytest.raises(InvalidInput):
        Critic("polite", prompt)


def test_critics_are_read_from_a_file(tmp_path):
    file = tmp_path / "critics.yaml"
    file.write_text(
        "critics:\n"
        "  - {name: höflich, prompt: 'x {response}'}\n"
        "  - {name: tone, prompt: 'Ton? {response}', labels: {gut: 1, schlecht: 0}}\n"
    )
    with pytest.raises(InvalidInput, match="höflich"):
        critics_of(read_critics(file), "judge.critics")
    with pytest.raises(InvalidInput, match="höflich"):
        critics_of(str(file), "judge.critics")
    (critic,) = critics_of(read_critics(file)[1:], "judge.critics")
    assert critic.labels == {"gut": 1.0, "schlecht": 0.0}
    with pytest.raises(InvalidInput, match="number"):
        critics_of([{"name": "x", "prompt": "{response}", "labels": {"a": "b"}}], "c")


@pytest.mark.parametrize(
    ("name", "least", "most", "embeddings"),
    [
        ("faithfulness", 1, 2, 0),
        ("context_recall", 1, 1, 0),
        ("context_precision", 5, 5, 0),
        ("ragas_context_utilization", 5, 5, 0),
        ("factual_correctness", 2, 4, 0),
        ("answer_correctness", 2, 3, 2),
        ("answer_relevancy", 3, 3, 2),
        ("noise_sensitivity", 13, 13, 0),
        ("rubrics", 1, 1, 0),
    ],
)
def test_the_calls_of_a_grade_are_known_before_the_run(name, least, most, embeddings):
    for known in (None, trace("An answer.", *"abcde")):
        count = calls_for(name, CASE, known)
        assert (count.least, count.most, count.embeddings) == (least, most, embeddings)


def test_no_call_is_counted_where_a_metric_does_not_apply():
    unlabelled = make_case("c1")
    assert calls_for("faithfulness", CASE, trace(context=())).most == 0
    assert calls_for("factual_correctness", unlabelled).most == 0
    assert calls_for("case_rubrics", CASE).most == 0
    assert calls_for("context_recall", make_case("c1", reference=("a", "b"))).most == 2


@pytest.mark.parametrize(
    ("name", "case", "answer", "told"),
    [
        ("faithfulness", CASE, trace(context=()), "context is empty"),
        ("faithfulness", CASE, trace("x", " \n"), "context is empty"),
        ("faithfulness", CASE, trace("　"), "answer is empty"),
        ("context_recall", make_case("c1", reference=(" ",)), trace(), "no reference"),
        ("case_rubrics", CASE, trace(), "no rubrics"),
    ],
)
def test_what_is_missing_is_said_and_not_asked(name, case, answer, told):
    found = samples_of(MEASURES[name], case, answer)
    assert isinstance(found, str)
    assert told in found


def test_the_fields_hold_titles_and_texts_of_any_script():
    answer = trace("五ユーロです。", context=(Passage("d", text="Giá là 5 euro.", title="السعر"),))
    (fields,) = samples_of(MEASURES["faithfulness"], CASE, answer)
    assert fields["retrieved_contexts"] == ["السعر\n\nGiá là 5 euro."]
    assert fields["response"] == "五ユーロです。"


def test_every_metric_has_a_card_and_its_needs():
    metrics = metrics_of(MEASURES.values())
    assert set(CARDS) == set(MEASURES)
    for metric, measure in zip(metrics, MEASURES.values(), strict=True):
        needs = set(needs_of(metric))
        assert {"response", "evidence"} <= needs
        assert ("context" in needs) == ("retrieved_contexts" in measure.fields)
        assert ("reference" in needs) == ("reference" in measure.fields)
        assert metric.name.startswith("ragas_")


def test_grades_travel_in_the_evidence():
    found = evidence_of(
        Evidence("j", correct=0.5), [Grade("a", 1.0), Grade("b"), Grade("c", error="x")]
    )
    assert (found.correct, grade_in(found, "a"), grade_in(found, "b")) == (0.5, 1.0, None)
    assert grade_in(Evidence("j"), "a") is None
    with pytest.raises(GradeFailedError, match="x"):
        grade_in(found, "c")
    assert hash(found) == hash(evidence_of(found, found.grades))
    assert replace(found, judge="k").grades == found.grades


# --- the record ----------------------------------------------------------------------------------


def test_a_record_answers_what_it_has_and_survives_its_process(tmp_path):
    file = tmp_path / "deep" / "calls.sqlite"
    record = CallRecord(file)
    record.add(Call("k", "s", {"p": "ü\ud800"}, None, error="timeout"))
    record.add(Call("k", "s", {}, "第一"))
    record.add(Call("k", "s", {}, "second"))
    assert (record.find("k"), record.find("other")) == ("第一", None)
    record.flush()
    again = CallRecord(file)
    assert again.find("k") == "第一"
    assert file.stat().st_mode & 0o077 == 0
    again.close()
    record.close()


def test_a_file_that_is_no_record_is_left_alone(tmp_path):
    file = tmp_path / "calls.sqlite"
    file.write_text("notes of somebody\n" * 100)
    with pytest.raises(StorageError, match="cannot be opened"):
        CallRecord(file)
    assert file.read_text().startswith("notes")
    newer = sqlite3.connect(tmp_path / "newer")
    newer.execute("PRAGMA user_version=9")
    newer.close()
    with pytest.raises(StorageError, match="version 9"):
        CallRecord(tmp_path / "newer")


# --- calls ---------------------------------------------------------------------------------------


class Verdict(BaseModel):
    reason: str
    value: float


SCHEMA = AnswerSchema("Verdict", Verdict.model_json_schema())


def called(
    *faults: str, times: int = 1, slow: float = 5.0, draws: bool = False, **more: Any
) -> Any:
    """What the same question came to, put ``times`` times at once, and the server."""

    async def main() -> Any:
        async with Server(faults=list(faults), slow=slow) as server:
            calls = JudgeCalls(options(server.url, **more), [CallRecord()])
            read = partial(_filled, response_model=Verdict)
            ask = (
                calls.chat("Wie gut ist 五?", SCHEMA, read, draw=i if draws else 0)
                for i in range(times)
            )
            found = await asyncio.gather(*ask, return_exceptions=True)
            await calls.aclose()
            return (found[0] if times == 1 else found), server, calls.spent

    return asyncio.run(main())


@pytest.mark.parametrize(
    "faults",
    [
        (),
        ("429",),
        ("500",),
        ("not json",),
        ("nan", "wrong shape"),
        ("cut off unsaid",),
        ("prose",),
    ],
)
def test_a_call_gets_over_what_passes(faults):
    found, server, spent = called(*faults)
    assert isinstance(found, Verdict), found
    assert found == called()[0]
    assert spent.asked == 1
    assert (spent.kept, spent.failed) == (0, 0)
    assert len(server.heard) == len(faults) + (faults != ("prose",))


@pytest.mark.parametrize(
    ("faults", "kind", "calls"),
    [
        (("not json",) * 3, "malformed", 3),
        (("nan",) * 3, "malformed", 3),
        (("wrong shape",) * 3, "malformed", 3),
        (("cut off unsaid",) * 3, "malformed", 3),
        (("cut off",), "truncated", 1),
        (("empty",), "empty", 1),
        (("500",) * 30, "connection", None),
        (("429",) * 30, "rate_limit", None),
        (("slow",), "timeout", 1),
    ],
)
def test_a_call_that_fails_says_why_and_is_not_kept(faults, kind, calls):
    policy = replace(QUICK, timeout=0.3) if "slow" in faults else QUICK
    found, server, spent = called(*faults, policy=policy, slow=1.0)
    assert isinstance(found, CallFailedError)
    assert found.failure.kind == kind
    assert spent.failed == 1
    assert calls is None or len(server.heard) == calls


def test_a_reply_that_is_asked_for_again_is_told_what_was_wrong():
    _, server, _ = called("wrong shape")
    first, second = (request["messages"] for request in server.heard)
    assert second[: len(first)] == first
    assert second[1]["role"] == "assistant"
    assert "Field required" in second[2]["content"]


def test_equal_questions_are_put_once_and_further_draws_anew():
    found, server, spent = called(times=4)
    assert (len(server.heard), spent.asked, spent.kept) == (1, 4, 3)
    assert len({str(one) for one in found}) == 1
    assert len(called(times=3, draws=True)[1].heard) == 3


def test_an_endpoint_without_json_schema_is_asked_otherwise():
    found, server, _ = called("400", "400")
    assert isinstance(found, Verdict)
    asked = [request.get("response_format", {}).get("type") for request in server.heard]
    assert asked == ["json_schema", "json_object", None]
    told = [SCHEMA.text in request["messages"][0]["content"] for request in server.heard]
    assert told == [False, True, True]


def test_a_refused_key_ends_everything():
    found, _, _ = called("401")
    assert isinstance(found, EndpointUnusable)


@pytest.mark.parametrize("fault", ["zero", "short", "500"])
def test_embeddings_come_in_order_or_fail(fault):
    async def main(*faults: str) -> Any:
        async with Server(faults=list(faults)) as server:
            calls = JudgeCalls(options(server.url), [CallRecord()])
            try:
                return await calls.embed(["teure Ware", "安い"])
            except CallFailedError as failed:
                return failed.failure.kind
            finally:
                await calls.aclose()

    assert asyncio.run(main()) == [bench.embedding("teure Ware"), bench.embedding("安い")]
    kinds = {"zero": "malformed", "short": "malformed", "500": "connection"}
    assert asyncio.run(main(*[fault] * 9)) == kinds[fault]


def test_neither_the_record_nor_an_error_shows_the_key(tmp_path, monkeypatch):
    monkeypatch.setenv("EVALKIT_JUDGE_KEY", "sk-geheim-1234567890")

    async def main() -> str:
        async with Server(faults=["cut off"]) as server:
            record = CallRecord(tmp_path / "calls")
            calls = JudgeCalls(options(server.url), [record])
            read = partial(_filled, response_model=Verdict)
            with pytest.raises(CallFailedError) as failed:
                await calls.chat("x", SCHEMA, read)
            await calls.aclose()
            return str(failed.value)

    told = asyncio.run(main())
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"cut off" in written
    assert b"geheim" not in written + told.encode()


# --- the judge -----------------------------------------------------------------------------------


@needs_ragas
def test_our_scores_are_those_of_ragas_own_client(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))  # ragas's own prompts write a file there
    load()
    rows = asyncio.run(bench.compared())
    assert {row[0].removeprefix("ragas_") for row in rows} >= set(MEASURES)
    assert len(rows) == len(MEASURES) + len(bench.CRITICS)
    assert {name: largest for name, _, _, largest in rows if largest > 1e-9} == {}


@needs_ragas
@pytest.mark.parametrize("name", sorted(MEASURES))
def test_as_many_calls_are_made_as_were_counted(name):
    rubric = {f"score{i}_description": str(i) for i in range(1, 6)}
    case = replace(CASE, metadata={"rubrics": rubric})
    answer = trace(
        "Red is nice. It costs 5 euros.", "It costs 5 euros.", "Prices: 7.", "Paris is far."
    )

    async def do(judge: RagasJudge, server: Any) -> Any:
        await judge.judge(case, answer)
        return judge.calls_for(case, answer), server.heard

    count, heard = judged(do, name)
    chat = sum("messages" in request for request in heard)
    assert count.least <= chat <= count.most
    assert len(heard) - chat <= count.embeddings


@needs_ragas
def test_prompts_are_those_of_ragas_to_the_letter():
    from ragas.metrics.collections.faithfulness.util import NLIStatementInput, NLIStatementPrompt

    from evalkit.judges.ragas.prompts import KeptPrompt

    theirs, ours = NLIStatementPrompt(), KeptPrompt(NLIStatementPrompt())

    @given(st.text(), st.lists(st.text(), max_size=3))
    @settings(max_examples=50, deadline=None)
    def same(context: str, statements: list[str]) -> None:
        data = NLIStatementInput(context=context, statements=statements)
        assert ours.to_string(data) == theirs.to_string(data)

    same()


FAILS = [
    ("faithfulness", ("not json",) * 3, "malformed"),
    ("faithfulness", ("", "cut off"), "truncated"),
    ("faithfulness", ("500",) * 30, "connection"),
    ("faithfulness", ("429",) * 30, "rate_limit"),
    ("faithfulness", ("slow",), "timeout"),
    ("context_precision", ("nan",) * 3, "malformed"),
    ("noise_sensitivity", ("",) * 3 + ("nothing found",), "ragas: "),
    ("answer_accuracy", ("cut off",), "truncated"),  # ragas swallows these and asks on
    ("answer_accuracy", ("",) + ("wrong shape",) * 3, "malformed"),
    ("answer_accuracy", ("odd rating",) * 10, "outside"),
    ("context_relevance", ("empty",), "empty"),
    ("rubrics", ("beyond",), "outside"),
    ("answer_relevancy", ("",) * 3 + ("zero",), "malformed"),
    ("answer_relevancy", ("",) * 4 + ("500",) * 9, "connection"),
    ("semantic_similarity", ("short",), "malformed"),
]


@needs_ragas
@pytest.mark.parametrize(("name", "faults", "told"), FAILS)
def test_a_grade_that_fails_says_why_and_is_no_number(name, faults, told):
    policy = replace(QUICK, timeout=0.5) if "slow" in faults else QUICK
    answer = trace("It costs 5 euros. It is red.", "It costs 5 euros.", "Red.")
    grade = grades(name, answer=answer, faults=faults, policy=policy, slow=1.0)
    assert grade.value is None
    assert grade.error is not None
    assert told in grade.error


@needs_ragas
@pytest.mark.parametrize("faults", [("429",), ("500",), ("not json",), ("", "nan"), ("prose",) * 2])
def test_a_fault_that_passes_leaves_the_score(faults):
    assert grades("faithfulness", faults=faults) == grades("faithfulness")
    assert grades("faithfulness").value == 0.5


@needs_ragas
@pytest.mark.parametrize("name", ["faithfulness", "noise_sensitivity"])
def test_an_answer_without_a_statement_has_no_score_and_no_warning(name):
    at = {"faithfulness": 0, "noise_sensitivity": 1}[name]
    filters = list(warnings.filters)
    grade = grades(name, faults=("",) * at + ("nothing found",))
    assert (grade.value, grade.error) == (None, None)
    assert "no statement" in grade.reason
    assert warnings.filters == filters


@needs_ragas
def test_of_several_references_the_best_counts():
    case = make_case("c1", reference=("Nothing like that.", "It costs 5 euros. It is red."))
    assert grades("factual_correctness", case=case).value == 1.0
    assert (
        grades("factual_correctness", case=replace(case, reference=case.reference[:1])).value == 0.0
    )


@needs_ragas
def test_critics_give_numbers_and_the_judges_words():
    critics = (
        Critic("tone", "Ist {response} höflich?", {"ja": 1.0, "nein": 0.25}),
        Critic("depth", "{retrieved_contexts} {response} from 1 to 9", low=1.0, high=9.0),
    )
    found = grades("rubrics", critics=critics)
    assert found["ragas_tone"].value in (1.0, 0.25)
    assert found["ragas_tone"].reason in ("ja: drawn", "nein: drawn")
    assert "outside 1 to 9" in found["ragas_depth"].error
    assert found["ragas_rubrics"].reason == "drawn"


@needs_ragas
def test_every_status_reaches_the_table_of_scores():
    cases = [replace(CASE, id=f"c{i}") for i in range(5)] + [make_case("c5")]
    answers = [
        trace(case_id="c0"),
        trace(case_id="c1", context=()),
        trace(case_id="c2", context=None),
        trace(None, case_id="c3", error=Failure("timeout", "late")),
        trace("Broken grade here.", case_id="c4"),
        trace(case_id="c5"),
    ]

    async def do(judge: RagasJudge, server: Any) -> Any:
        by_id = {case.id: case for case in cases}
        evidence = await judge_traces(by_id, answers[:4], judge)
        server.faults = ["cut off"] * 9
        evidence += await judge_traces(by_id, answers[4:5], judge)
        server.faults = []
        evidence += await judge_traces(by_id, answers[5:], judge)
        suite = Suite("s", Path(), tuple(cases), {}, "x")
        return Scoring(suite, Approach.RAG, judge.metrics).columns(answers, evidence, judge.metrics)

    columns = judged(do, "faithfulness", "context_recall", "factual_correctness")
    told = {name: [STATUSES[code].value for code in c.status] for name, c in columns.items()}
    assert told["ragas_faithfulness"] == [
        *("scored", "not_applicable", "unobserved", "system_error", "grader_error", "scored"),
    ]
    assert (
        told["ragas_context_recall"][-1]
        == told["ragas_factual_correctness"][-1]
        == "not_applicable"
    )
    assert "truncated" in columns["ragas_faithfulness"].notes[4]
    assert columns["ragas_factual_correctness"].values[3] == 0.0  # an outcome: the worst value
    assert set(told) == {"ragas_faithfulness", "ragas_context_recall", "ragas_factual_correctness"}
    assert Status.SCORED.value == told["ragas_factual_correctness"][0]


@needs_ragas
def test_nothing_is_asked_where_nothing_can_be_graded():
    async def do(judge: RagasJudge, server: Any) -> Any:
        await judge.judge(make_case("c1"), trace(context=()))
        probe = await judge.judge(CASE, trace(condition="gold_only"))
        return len(server.heard), getattr(probe, "grades", None)

    assert judged(do) == (0, None)


@needs_ragas
def test_what_was_recorded_is_graded_again_without_a_call(tmp_path):
    async def do(judge: RagasJudge, server: Any) -> Any:
        return await judge.judge(CASE, trace()), len(server.heard), judge.spent

    async def main() -> None:
        async with Server() as server:
            url = server.url
            names = ("faithfulness", "answer_relevancy", "answer_accuracy")
            rows = []
            for folder, offline in ((tmp_path, False), (tmp_path, True), (tmp_path / "new", True)):
                judge = RagasJudge(options(url, *names), cache=folder, offline=offline)
                rows.append(await do(judge, server))
                await judge.aclose()
            first, second, third = rows
            assert first[0] == second[0]
            assert first[1] == second[1] == third[1] > 5
            assert second[2].kept == second[2].asked == first[2].asked
            assert all("not recorded" in grade.error for grade in third[0].grades)

    asyncio.run(main())


@needs_ragas
def test_an_unusable_endpoint_ends_the_run_though_ragas_swallows_errors():
    for name in ("faithfulness", "answer_accuracy", "semantic_similarity"):
        with pytest.raises(EndpointUnusable):
            grades(name, faults=("401",))


@needs_ragas
def test_the_fingerprint_names_what_could_change_a_grade(monkeypatch):
    def made(**more: Any) -> str:
        judge = build({"base_url": "http://127.0.0.1:9/v1", "model": "m", **more})
        asyncio.run(judge.aclose())
        return judge.fingerprint

    prints = [
        *(made(), made(model="n"), made(seed=3), made(metrics=["faithfulness"])),
        made(critics=[{"name": "x", "prompt": "{response}?"}]),
    ]
    assert len(set(prints)) == len(prints)
    assert (
        made(timeout=7, concurrency=3, price={"prompt_per_million": 1, "completion_per_million": 2})
        == made()
    )
    monkeypatch.setenv("EVALKIT_JUDGE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("EVALKIT_JUDGE_MODEL", "m")
    judge = from_environment()
    asyncio.run(judge.aclose())
    assert (judge.fingerprint, judge.name) == (made(), "ragas")


def test_a_library_that_does_not_import_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "ragas", None)
    monkeypatch.setitem(sys.modules, "ragas.metrics", None)
    with pytest.raises(InvalidInput, match=r"evalkit\[judge\]"):
        load.__wrapped__()


GUARDED = """
import asyncio, json, sys
seen = []
def guard(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        seen.append([event, str(args[1] if event == "socket.connect" else args[0])])
sys.addaudithook(guard)
sys.path[:0] = [TESTS, BENCHMARKS]
import ragas_judge as bench
from evalkit.judges.ragas.judge import RagasJudge
from evalkit.judges.ragas.measures import MEASURES
from evalkit.judges.ragas.settings import Settings
async def main():
    async with bench.Server() as server:
        given = Settings(server.url, "m", embedding_model="e", metrics=tuple(MEASURES), critics=bench.CRITICS)
        judge = RagasJudge(given)
        for case, trace in list(bench.ragas_samples())[:2]:
            found = await judge.judge(case, trace)
        await judge.aclose()
        port = server.url.split(":")[2].split("/")[0]
        print(json.dumps([port, seen, [[g.metric, g.value, g.error] for g in found.grades]]))
asyncio.run(main())
"""


@needs_ragas
def test_no_connection_is_opened_but_to_the_endpoint_and_nothing_is_written(tmp_path):
    root = Path(__file__).parents[1]
    code = GUARDED.replace("TESTS", repr(str(root))).replace(
        "BENCHMARKS", repr(str(root / "benchmarks"))
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAGAS", "XDG", "EVALKIT"))}
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**kept, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
    port, seen, found = json.loads(done.stdout.splitlines()[-1])
    assert seen
    assert {str(address) for _, address in seen} == {f"('127.0.0.1', {port})"}
    assert all(value is not None and error is None for _, value, error in found), found
    written = [file for file in home.rglob("*") if file.is_file()]
    assert [file for file in written if "ragas" in str(file)] == []


@pytest.mark.parametrize(
    "text", ['{"reason": "a", "value": 1', '{"reason": "a", "value": NaN}', "{}", ""]
)
def test_a_reply_is_not_mended(text):
    with pytest.raises(UnusableReplyError):
        _filled(text, Verdict)


@needs_ragas
def test_a_failed_grade_asks_no_further():
    async def do(judge: RagasJudge, server: Any) -> int:
        await judge.judge(CASE, trace())
        return len(server.heard)

    assert judged(do, "answer_accuracy", faults=("cut off",)) == 1


@needs_ragas
def test_a_full_score_is_one():
    assert grades("context_precision").value == 1.0


@needs_ragas
def test_a_check_of_steadiness_is_not_answered_from_memory():
    async def do(judge: RagasJudge, server: Any) -> list[int]:
        made = []
        for number in (0, 0, 1, 1, 0):
            judge.ask_anew(number)
            await judge.judge(CASE, trace())
            made.append(len(server.heard))
        return made

    assert judged(do, "faithfulness") == [2, 2, 4, 4, 4]
