"""A live toy system with one fault at a time: what is asked about it, and what the answers are read as."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from evalkit import api, systems
from evalkit.ask import Calls, ask_all, plan
from evalkit.budget import Budget
from evalkit.condition import Reading
from evalkit.estimate import estimate
from evalkit.grade import Graded, grade
from evalkit.inquiry import shown_in
from evalkit.judge import judge_traces
from evalkit.probe import ProbeRun, interleaved, probe
from evalkit.reask import asker, grader
from evalkit.records import Case, Document, Passage, Suite, System, Trace
from evalkit.store import Store
from evalkit.text.tokens import stem_set

FACTS = {
    "lighthouse": "The lighthouse of Skarvik was built in 1871.",
    "bakery": "The bakery of Skarvik sells rye bread for 38 crowns.",
    "library": "The library of Skarvik lends books for 21 days.",
    "swimming": "The swimming hall of Skarvik has a pool of 25 metres.",
    "cinema": "The cinema of Skarvik shows films in 2 halls.",
    "school": "The school of Skarvik has 340 pupils.",
    "museum": "The museum of Skarvik keeps 57 boats.",
    "market": "The market of Skarvik has 16 stalls.",
}
QUERY = "When was the lighthouse of Skarvik built?"
CASE = Case("c1", QUERY, reference=(FACTS["lighthouse"],), relevant={"lighthouse": 1})
FINE = Case(
    "c2",
    "For how many days does the library of Skarvik lend books?",
    reference=(FACTS["library"],),
    relevant={"library": 1},
)
REFUSAL = "I am sorry, I do not have that information."
MEMORY = "The lighthouse of Skarvik was built in 1640."


def suite(*cases: Case, **more: Any) -> Suite:
    corpus = {name: Document(name, text) for name, text in FACTS.items()}
    return Suite("toy", Path(), cases or (CASE,), corpus, "d", **{"k": 3, "pool": 6, **more})


def likest(query: str, texts: Mapping[str, str]) -> list[str]:
    wanted = stem_set(query)
    return sorted(texts, key=lambda name: -len(wanted & stem_set(texts[name])))


@dataclass
class Toy:
    """Retrieves by common words and answers with the likest passage; ``fault`` names what is broken."""

    fault: str = ""

    def lookup(self, doc_id: str) -> bool:
        return doc_id in self.index()

    def index(self) -> dict[str, str]:
        texts = dict(FACTS)
        if self.fault == "gap":
            del texts["lighthouse"]
        if self.fault == "split":
            texts["lighthouse"] = "The lighthouse of Skarvik."
        return texts

    def retrieve(self, query: str, k: int) -> list[Passage]:
        order = likest(query, self.index())
        if self.fault == "miss":
            order.remove("lighthouse")
        if self.fault == "low":
            order.remove("lighthouse")
            order.insert(4, "lighthouse")
        if self.fault in ("position", "truncated") and "lighthouse" in query:
            order = [order[1], order[0], *order[2:]]
        return [Passage(name, f"{name}#0", self.index()[name]) for name in order[:k]]

    def generate(
        self, query: str, passages: list[Passage], *, repeat: int = 0, budget: int | None = None
    ) -> dict[str, Any]:
        fault = self.fault if "lighthouse" in query else ""
        read = passages[:1] if fault == "truncated" and budget is None else passages
        used = read[:1] if fault == "position" else read
        return {"response": self.answer(query, used, repeat), "context": read}

    def answer(self, query: str, passages: list[Passage], repeat: int) -> str:
        if "lighthouse" in query and (special := self.broken(passages, repeat)):
            return special
        texts = {p.doc_id: p.text for p in passages}
        best = likest(query, texts)[:1]
        common = len(stem_set(query) & stem_set(texts[best[0]])) if best else 0
        return texts[best[0]] if common > 4 else REFUSAL

    def broken(self, passages: list[Passage], repeat: int) -> str:
        if self.fault == "memory":
            return MEMORY
        if self.fault == "refuses":
            return REFUSAL
        if self.fault == "noise" and len(passages) > 1:
            return FACTS["bakery"]
        if self.fault == "flaky" and repeat % 2 == 0:
            return MEMORY
        if self.fault == "wordy" or (self.fault == "coin" and (len(passages) > 1 or repeat % 2)):
            return f"{MEMORY} I am {90 + repeat} % sure."
        return ""


async def asked(
    folder: Path, data: Suite, target: Any, repeats: int = 1, approach: str = "rag"
) -> Graded:
    system = systems.system("toy", target, approach=approach)
    with Store(folder) as store:
        jobs = plan([system], data.cases, repeats, store.done())
        await ask_all(data, jobs, Calls(store))
        return await graded_from(data, system, store)


async def graded_from(data: Suite, system: System, store: Store) -> Graded:
    tools, traces = api.tools_for(data), list(store.traces(system.name))
    evidence = await judge_traces({c.id: c for c in data.cases}, traces, tools.judge)
    return grade(data, system.name, system.approach, traces, evidence, tools.metrics)


def probed(
    folder: Path,
    data: Suite,
    target: Any,
    repeats: int = 1,
    approach: str = "rag",
    **options: Any,
) -> tuple[ProbeRun, list[Trace]]:
    """The whole way; the traces are those that the store holds under conditions afterwards."""

    async def work() -> tuple[ProbeRun, list[Trace]]:
        graded = await asked(folder, data, target, repeats, approach)
        system, tools = systems.system("toy", target, approach=approach), api.tools_for(data)
        with Store(folder) as store:
            found = await probe(
                data,
                system,
                graded,
                causes=tools.causes,
                ask_one=asker(system, store),
                grade_one=grader(data, system, tools.judge, tools.metrics),
                **options,
            )
            return found, [t for t in store.traces("toy") if t.condition != "as_is"]

    return asyncio.run(work())


def readings(found: ProbeRun, case: str = "c1") -> dict[str, str]:
    return {name: shown.reading.value for name, shown in found.readings.get(case, {}).items()}


# Repeats of the first answer say whether a system varies: two suffice, and a run has them here.
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("gap", {"index_lookup": "not_found", "oracle_context": "pass"}),
        (
            "miss",
            {"index_lookup": "found", "deep_retrieval": "not_found", "oracle_context": "pass"},
        ),
        ("low", {"deep_retrieval": "found", "oracle_context": "pass"}),
        ("split", {"merged_chunks": "pass"}),
        ("truncated", {"more_room": "pass"}),
        ("position", {"oracle_context": "pass", "gold_first": "pass"}),
        ("noise", {"oracle_context": "pass", "oracle_plus_noise": "fail"}),
        ("memory", {"oracle_context": "fail", "closed_book": "fail"}),
        ("refuses", {"oracle_context": "fail"}),
    ],
)
def test_each_fault_is_asked_what_proves_it(tmp_path: Path, fault: str, expected: dict[str, str]):
    found, stored = probed(tmp_path, suite(CASE, FINE), Toy(fault), repeats=2)
    assert expected.items() <= readings(found).items()
    assert all(shown.established for shown in found.readings["c1"].values())
    assert "c2" not in found.readings
    assert len(stored) == len(found.traces)
    assert found.stopped is None


def test_a_healthy_system_is_asked_nothing(tmp_path: Path):
    found, stored = probed(tmp_path, suite(CASE, FINE), Toy())
    assert (found.calls, stored, found.missing) == (0, [], {})


def test_the_answer_from_memory_is_known_for_the_one_given_as_is(tmp_path: Path):
    found, _ = probed(tmp_path, suite(), Toy("memory"))
    assert found.readings["c1"]["closed_book"].detail["same_as_as_is"] is True


def test_without_repeats_the_first_probe_is_repeated_once_to_see_whether_the_system_varies(
    tmp_path: Path,
):
    found, stored = probed(tmp_path, suite(), Toy("position"))
    repeats = [t.condition for t in stored if t.repeat > 0]
    assert found.varies is False
    assert repeats == ["oracle_context"]


def test_a_system_that_varies_is_asked_until_a_reading_is_established(tmp_path: Path):
    found, _ = probed(tmp_path, suite(), Toy("wordy"), repeats=2)
    assert found.varies is True
    shown = found.readings["c1"]["oracle_context"]
    assert (shown.reading, shown.repeats, shown.established) == (Reading.FAIL, 3, True)


def test_a_reading_that_does_not_settle_is_given_up_after_five_repeats(tmp_path: Path):
    found, _ = probed(tmp_path, suite(), Toy("coin"), repeats=2)
    shown = found.readings["c1"]["oracle_context"]
    assert (shown.repeats, shown.positive, shown.established) == (5, 3, False)


def test_an_answer_that_wavers_is_asked_again_with_a_frozen_prompt(tmp_path: Path):
    found, stored = probed(tmp_path, suite(), Toy("flaky"), repeats=2)
    assert {t.condition for t in stored} == {"frozen_context"}
    assert found.readings["c1"]["frozen_context"].detail == {
        "right": 1,
        "wrong": 2,
        "varies": True,
    }


def test_the_readings_follow_from_the_stored_traces_alone(tmp_path: Path):
    data = suite(CASE, FINE)
    found, _ = probed(tmp_path, data, Toy("miss"))
    graded = asyncio.run(asked(tmp_path, data, Toy("miss")))
    assert shown_in(data, graded) == dict(found.readings)


def test_nothing_is_asked_twice_that_was_answered_before(tmp_path: Path):
    data = suite(CASE, FINE)
    first, stored = probed(tmp_path, data, Toy("miss"))
    again, after = probed(tmp_path, data, Toy("miss"))
    assert first.calls > 0
    assert again.calls == 0
    assert again.readings == first.readings
    assert stored == after


def test_a_budget_ends_exactly_and_what_it_cut_off_is_missing(tmp_path: Path):
    whole, _ = probed(tmp_path / "whole", suite(), Toy("miss"), repeats=2)
    for limit in range(whole.calls):
        folder = tmp_path / str(limit)
        found, stored = probed(folder, suite(), Toy("miss"), repeats=2, budget=Budget(limit))
        assert found.calls == limit == len(stored)
        assert found.stopped == "calls"
        assert found.missing["c1"]
        rest, _ = probed(folder, suite(), Toy("miss"), repeats=2)
        assert found.calls + rest.calls == whole.calls
    assert whole.missing == {}


def test_passing_cases_are_a_control_sample_drawn_by_the_seed(tmp_path: Path):
    found, stored = probed(tmp_path, suite(CASE, FINE), Toy("memory"), control=1)
    assert found.controls == ("c2",)
    assert readings(found, "c2") == {
        "oracle_context": "pass",
        "closed_book": "fail",
        "distractors_only": "pass",
    }
    assert {t.case_id for t in stored} == {"c1", "c2"}


def test_a_plain_function_has_no_conditions_and_the_finding_can_say_what_is_missing(tmp_path: Path):
    found, stored = probed(tmp_path, suite(), lambda query: {"response": MEMORY, "context": []})
    assert stored == []
    assert {"oracle_context", "index_lookup"} <= set(found.missing["c1"])


def test_a_retriever_alone_is_asked_where_the_gold_is_and_nothing_of_an_answer(tmp_path: Path):
    class Retriever:
        def retrieve(self, query: str, k: int) -> list[Passage]:
            return Toy("miss").retrieve(query, k)

    found, _ = probed(tmp_path, suite(), Retriever(), approach="retriever")
    assert readings(found) == {"index_lookup": "not_found"}
    assert "c1" not in found.missing


def test_without_lookup_the_gold_text_is_searched_for(tmp_path: Path):
    class Searched(Toy):
        lookup = None  # type: ignore[assignment]

    found, _ = probed(tmp_path / "miss", suite(), Searched("gap"))
    assert readings(found)["index_lookup"] == "not_found"
    low, _ = probed(tmp_path / "low", suite(pool=20), Searched("low"))
    assert low.readings["c1"]["deep_retrieval"].detail["rank"] == 5


def test_what_a_system_raises_is_an_error_and_proves_nothing(tmp_path: Path):
    class Broken(Toy):
        def generate(self, query: str, passages: list[Passage], **more: Any) -> dict[str, Any]:
            if all(p.doc_id == "lighthouse" for p in passages):
                raise ValueError("no")
            return super().generate(query, passages)

    found, _ = probed(tmp_path, suite(), Broken("position"))
    shown = found.readings["c1"]["oracle_context"]
    assert (shown.reading, shown.established) == (Reading.ERROR, False)


def test_an_estimate_is_told_before_the_first_call(tmp_path: Path):
    data = suite(CASE, FINE)
    graded = asyncio.run(asked(tmp_path, data, Toy("miss"), 2))
    system, tools = systems.system("toy", Toy("miss")), api.tools_for(data)
    told = estimate(data, system, graded, causes=tools.causes, control=1)
    assert (told.cases, told.controls, told.cost) == (1, 1, None)
    assert 3 <= told.calls <= told.most
    found, _ = probed(tmp_path, data, Toy("miss"), repeats=2, control=1)
    assert found.calls <= told.most


def test_recorded_traces_under_conditions_are_read_as_they_are(tmp_path: Path):
    data = suite(CASE, FINE)
    probed(tmp_path, data, Toy("miss"), repeats=2)
    graded = asyncio.run(asked(tmp_path, data, Toy("miss"), 2))
    once = [t for t in graded.traces if t.condition == "as_is" or t.repeat == 0]
    tools = api.tools_for(data)
    evidence = asyncio.run(judge_traces({c.id: c for c in data.cases}, once, tools.judge))
    recorded = grade(data, "toy", graded.approach, once, evidence, tools.metrics)
    shown = shown_in(data, recorded)["c1"]
    assert shown["oracle_context"].reading is Reading.PASS
    assert shown["oracle_context"].established


def test_repeats_that_disagree_make_one_recorded_flip_no_evidence(tmp_path: Path):
    data = suite()
    graded = asyncio.run(asked(tmp_path, data, Toy("flaky"), 2))
    flip = replace(
        graded.traces[1], condition="oracle_context", repeat=0, response=FACTS["lighthouse"]
    )
    traces, tools = [*graded.traces, flip], api.tools_for(data)
    evidence = asyncio.run(judge_traces({"c1": CASE}, traces, tools.judge))
    recorded = grade(data, "toy", graded.approach, traces, evidence, tools.metrics)
    shown = shown_in(data, recorded)["c1"]["oracle_context"]
    assert (shown.reading, shown.established) == (Reading.PASS, False)


def test_few_are_spread_among_many():
    assert interleaved(["a", "b", "c", "d"], ["x", "y"]) == ["a", "b", "x", "c", "d", "y"]
    assert interleaved([], ["x", "y"]) == ["x", "y"]
    assert interleaved(["a"], []) == ["a"]
    assert interleaved(["a"], ["x", "y", "z"]) == ["a", "x", "y", "z"]
