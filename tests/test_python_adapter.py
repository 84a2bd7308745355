"""Systems written in Python: what becomes of what they return and raise, and of time."""

import asyncio
import gc
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.adapters.python import wrap
from evalkit.records import (
    Document,
    Outcome,
    Passage,
    Question,
    System,
    Trace,
    Usage,
)

CORPUS = {"d1": Document("d1", "Hoàn tiền trong 14 ngày.", "Hoàn tiền")}


def make(target: object, approach: str = "rag", **options: object) -> System:
    return wrap(target, name="s", approach=approach, **options)


def ask(target: object, question: Question | None = None, **options: object) -> Outcome:
    async def main() -> Outcome:
        system = make(target, **options)
        outcome = await system.ask(question or Question("q"))
        await system.aclose()
        return outcome

    return asyncio.run(main())


# --- what may be returned --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "response"),
    [
        ("Ja.", "Ja."),
        ({"response": "はい"}, "はい"),
        ({"response": {"ký": ["tự", 1, None]}}, '{"ký": ["tự", 1, null]}'),
        ({"response": [1, 2]}, "[1, 2]"),
        (Outcome(response="x"), "x"),
        (Trace(response="x", case_id="c"), "x"),
        (np.str_("نعم"), "نعم"),
    ],
)
def test_an_answer_may_have_several_shapes(returned: object, response: str) -> None:
    outcome = ask(lambda query: returned)
    assert outcome.error is None
    assert outcome.response == response
    assert type(outcome.response) is str
    assert type(outcome) is Outcome


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "ask(): returned NoneType"),
        (3, "ask(): returned int"),
        (b"x", "ask(): returned bytes"),
        ((c for c in "x"), "ask(): returned generator"),
        ({"respons": "x"}, "respons: unknown field; did you mean 'response'?"),
        ({"response": 3}, "response: expected a string"),
        ({"response": "x\ud800"}, "response: holds a lone surrogate at character 1"),
        ({"response": {"a": float("nan")}}, "response.a: nan is not a finite number"),
        ({"response": "x", "retrieved": "d1"}, "retrieved: expected a list, got str"),
        ({"response": "x", "retrieved": [{"doc_id": 3}]}, "retrieved[0].doc_id: expected a string"),
        ({"response": "x", "retrieved": [{"text": "x"}]}, "retrieved[0].doc_id: is missing"),
        (
            {"response": "x", "context": [{"doc_id": "d", "txt": ""}]},
            "context[0].txt: unknown field",
        ),
        ({"response": "x", "context": [Passage("d", score=float("inf"))]}, "context[0].score: inf"),
        ({"response": "x", "citations": "d1"}, "citations: expected a list"),
        ({"response": "x", "seconds": {"total": "1"}}, "seconds.total: expected a number"),
        (
            {"error": {"kind": "timeut", "message": ""}},
            "error.kind: unknown kind 'timeut'; did you mean",
        ),
        ({"response": "x", "meta": {"a": object()}}, "meta.a: expected something JSON can hold"),
        ({3: "x"}, "3: unknown field"),
    ],
)
def test_a_wrong_shape_is_malformed_and_names_the_field(returned: object, said: str) -> None:
    error = ask(lambda query: returned).error
    assert error.kind == "malformed"
    assert said in error.message


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        ({"cost": -1}, "usage.cost: -1 is negative"),
        ({"cost": 10**400}, "usage.cost: it is not a finite number"),
        ({"cost": float("inf")}, "usage.cost: inf is not a finite number"),
        ({"cost": 2e9}, "usage.cost: 2e+09 cannot be right"),
        ({"prompt_tokens": True}, "usage.prompt_tokens: expected an integer"),
        ({"prompt_token": 3}, "usage.prompt_token: unknown field; did you mean 'prompt_tokens'?"),
        ("a lot", "usage: expected an object, got str"),
    ],
)
def test_odd_usage_is_unknown_and_the_answer_kept(usage: object, said: str) -> None:
    outcome = ask(lambda query: {"response": "x", "usage": usage})
    assert (outcome.response, outcome.error, outcome.usage) == ("x", None, Usage())
    assert outcome.meta["odd_usage"].startswith(said)


@pytest.mark.parametrize("returned", ["", " \n\t", "　", {"response": ""}, {"response": None}])
def test_an_empty_answer_is_kept_and_is_an_error(returned: object) -> None:
    outcome = ask(lambda query: returned)
    assert outcome.error.kind == "empty"
    assert outcome.response == (returned if isinstance(returned, str) else returned["response"])


def test_an_action_or_a_retriever_needs_no_response() -> None:
    assert ask(lambda query: {"action": "retrieve"}).error is None
    assert ask(lambda query: {"retrieved": []}, approach="retriever").error is None
    assert ask(lambda query: {"retrieved": []}).error.kind == "empty"


def test_an_error_that_the_system_reports_is_its_own() -> None:
    outcome = ask(
        lambda query: {"response": "half", "error": {"kind": "truncated", "message": "cut"}}
    )
    assert (outcome.error.kind, outcome.response) == ("truncated", "half")


def test_a_passage_by_id_alone_takes_its_text_from_the_corpus() -> None:
    given = [
        {"doc_id": "d1"},
        {"doc_id": "d1", "text": ""},
        {"doc_id": "d1", "chunk_id": "c"},
        {"doc_id": "x"},
    ]
    outcome = ask(lambda query: {"response": "x", "retrieved": given}, corpus=CORPUS)
    assert [p.text for p in outcome.retrieved] == [CORPUS["d1"].text, "", "", ""]


def test_numbers_of_numpy_are_numbers() -> None:
    passage = {"doc_id": "d", "score": np.float32(0.5)}
    outcome = ask(
        lambda query: {
            "response": "x",
            "retrieved": [passage],
            "usage": {"prompt_tokens": np.int64(3)},
        }
    )
    assert type(outcome.retrieved[0].score) is float
    assert outcome.usage.prompt_tokens == 3


json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.binary(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(list(Outcome.__dataclass_fields__)), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(max_examples=50, deadline=None)
@given(json_like)
def test_whatever_is_returned_becomes_an_outcome(returned: object) -> None:
    async def system(query: str) -> object:
        return returned

    outcome = ask(system)
    assert (
        outcome.error is not None or (outcome.response or "").strip() or outcome.action is not None
    )


# --- what may be raised ----------------------------------------------------------------------


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (ValueError("schlecht"), "exception", "ValueError: schlecht"),
        (StopIteration(1), "exception", "StopIteration"),
        (KeyError(), "exception", "KeyError"),
        (TimeoutError("slow"), "timeout", "slow"),
        (SystemExit(0), "crashed", "sys.exit(0)"),
        (asyncio.CancelledError(), "exception", "CancelledError"),
        (UnprintableError(), "exception", "cannot be read"),
        (ValueError("\ud800"), "exception", "ValueError: ?"),
        (ValueError("x" * 100_000), "exception", "xxx"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
@pytest.mark.parametrize("is_async", [False, True])
def test_an_exception_is_a_failure(
    raised: BaseException, kind: str, said: str, is_async: bool
) -> None:
    def blocking(query: str) -> str:
        raise raised

    async def awaited(query: str) -> str:
        if isinstance(raised, StopIteration):  # cannot leave a coroutine
            raise KeyError("StopIteration")
        raise raised

    error = ask(awaited if is_async else blocking).error
    assert error.kind == kind
    assert said in error.message
    assert len(error.message) < 3000


@pytest.mark.parametrize("is_async", [False, True])
def test_an_interrupt_is_not_swallowed(is_async: bool) -> None:
    def blocking(query: str) -> str:
        raise KeyboardInterrupt

    async def awaited(query: str) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(awaited if is_async else blocking)


# --- time and threads ------------------------------------------------------------------------


def test_hung_calls_time_out_and_do_not_starve_the_rest() -> None:
    release = threading.Event()

    def system(query: str) -> str:
        if query == "hang":
            release.wait(20)
        return "done"

    async def main() -> list[Outcome]:
        wrapped = make(system, threads=2, timeout=0.2)
        hung = await asyncio.gather(*(wrapped.ask(Question("hang")) for _ in range(2)))
        outcomes = [*hung, await wrapped.ask(Question("q"))]
        release.set()
        await wrapped.aclose()
        return outcomes

    *hung, last = asyncio.run(main())
    assert {outcome.error.kind for outcome in hung} == {"timeout"}
    assert "0.2" in hung[0].error.message
    assert last.response == "done"


def test_an_async_system_times_out() -> None:
    async def system(query: str) -> str:
        await asyncio.sleep(5)
        return "late"

    assert ask(system, timeout=0.05).error.kind == "timeout"


def test_a_time_out_swallowed_by_the_system_is_one_all_the_same() -> None:
    async def system(query: str) -> str:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            return "never mind"
        return "late"

    assert ask(system, timeout=0.05).error.kind == "timeout"


def test_blocking_calls_run_side_by_side() -> None:
    async def main() -> float:
        system = make(lambda query: time.sleep(0.1) or "x", threads=32)
        started = time.perf_counter()
        await asyncio.gather(*(system.ask(Question("q")) for _ in range(32)))
        await system.aclose()
        return time.perf_counter() - started

    assert asyncio.run(main()) < 1.0


def test_seconds_are_measured_by_stage_unless_the_system_says_them() -> None:
    class Slow:
        def retrieve(self, query: str, k: int) -> list:
            time.sleep(0.05)
            return []

        def generate(self, query: str, passages: list) -> str:
            time.sleep(0.02)
            return "x"

    seconds = ask(Slow()).seconds
    assert seconds.retrieval >= 0.05
    assert seconds.generation >= 0.02
    assert seconds.total >= seconds.retrieval + seconds.generation
    assert ask(lambda query: {"response": "x", "seconds": {"total": 7}}).seconds.total == 7.0


@pytest.mark.parametrize("closed", [True, False])
def test_a_system_that_is_closed_or_dropped_leaves_no_idle_thread(closed: bool) -> None:
    async def main() -> None:
        system = make(lambda query: "x")
        await asyncio.gather(*(system.ask(Question("q")) for _ in range(3)))
        if closed:
            await system.aclose()

    before = set(threading.enumerate())
    asyncio.run(main())
    gc.collect()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()
