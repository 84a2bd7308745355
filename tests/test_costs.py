"""A limit of cost where nobody says what calls cost: refused before the first one, or said why it stops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.budget import Budget, check_costs, told_limit
from evalkit.errors import BudgetExceeded, InvalidInput
from evalkit.records import Failure, Trace, Usage

NOBODY = "http://127.0.0.1:9/v1"  # nothing listens there
OPENAI = {"adapter": "openai", "model": "m", "base_url": NOBODY, "attempts": 1}
HTTP = {"adapter": "http", "url": NOBODY, "attempts": 1}
PRICE = {"prompt_per_million": 1, "completion_per_million": 2}
COST = {"response": "$.answer", "usage": {"cost": "$.price"}}


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    cases = [{"id": f"c{i}", "query": f"Frage {i}?", "reference": "Montags."} for i in range(4)]
    (folder / "suite.yaml").write_text("format: 1\nname: tiny\n")
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    return folder


def specs(folder: Path, **entry: Any) -> Any:
    file = folder / "systems.yaml"
    file.write_text(json.dumps({"systems": [{"name": "bot", "approach": "prompt", **entry}]}))
    return evalkit.load_systems(file)


@pytest.mark.parametrize(
    ("entry", "way"),
    [
        (OPENAI, r"price: \{prompt_per_million"),
        ({**HTTP, "response": "$.answer"}, r"usage: \{cost: PATH\}"),
        ({**HTTP, "response": {"response": "$.answer"}}, r"usage: \{cost: PATH\}"),
    ],
)
def test_a_system_that_can_never_tell_its_cost_is_refused_before_the_first_call(
    suite, tmp_path, entry, way
):
    asking = {"out": tmp_path / "out", "max_cost": 1.0}
    with pytest.raises(InvalidInput, match=rf"bot: a limit of cost .*{way}.*--max-calls"):
        evalkit.run(suite, specs(tmp_path, **entry), **asking)
    with evalkit.store.Store(tmp_path / "out", reading=True) as store:
        assert store.counts().failed == store.counts().done == 0
    with pytest.raises(BudgetExceeded):  # without a limit of cost it is asked
        evalkit.run(suite, specs(tmp_path, **entry), out=tmp_path / "out", max_calls=1)


@pytest.mark.parametrize(
    "entry", [{**OPENAI, "price": PRICE}, {**HTTP, "response": COST}, HTTP], ids=str
)
def test_a_system_that_may_tell_its_cost_is_asked_and_a_failed_first_call_is_told_as_such(
    suite, tmp_path, entry
):
    with pytest.raises(BudgetExceeded, match=r"the first call failed \(connection\).*same --out"):
        evalkit.run(suite, specs(tmp_path, **entry), out=tmp_path / "out", max_cost=1.0)


def test_an_answer_without_its_cost_stops_the_run_and_says_how_to_go_on(suite, tmp_path):
    asked: list[str] = []

    def silent(query: str) -> str:
        asked.append(query)
        return "Montags."

    def telling(query: str) -> dict[str, Any]:
        asked.append(query)
        return {"response": "Montags.", "usage": {"cost": 0.1}}

    told = r"1 of 4 questions.*the answer of bot does not say what it cost \(usage\.cost\).*--max-calls"
    with pytest.raises(BudgetExceeded, match=told):
        evalkit.run(suite, {"bot": silent}, out=tmp_path / "out", max_cost=1.0, probes="none")
    assert len(asked) == 1
    evalkit.run(suite, {"bot": telling}, out=tmp_path / "other", max_cost=1.0, probes="none")
    assert len(asked) == 5


def test_systems_that_cost_nothing_are_asked_to_the_end(suite, tmp_path):
    run = evalkit.run(suite, specs(tmp_path, adapter="local"), out=tmp_path / "out", max_cost=0.01)
    assert run.systems["bot"].due == 4


def test_a_finished_run_is_not_refused(suite, tmp_path):
    given = {**OPENAI, "price": PRICE}
    evalkit.run(suite, specs(tmp_path, **given), out=tmp_path / "out", probes="none")
    again = {"out": tmp_path / "out", "probes": "none", "max_cost": 1.0}
    evalkit.run(suite, specs(tmp_path, **OPENAI), **again)


def test_a_limit_is_told_as_a_limit_where_costs_are_known():
    budget = Budget(max_cost=1.0)
    check_costs([], budget)
    assert budget.blind
    assert budget.take(1)
    budget.settle(1, 1.0)
    assert not budget.take(1)
    trace = Trace("x", usage=Usage(cost=1.0), system="s", case_id="c")
    assert told_limit(budget, 1, 2, trace).startswith("stopped at the limit of cost: 1 of 2")
    failed = Trace(error=Failure("timeout", "late"), system="s", case_id="c")
    assert "failed" not in told_limit(budget, 1, 2, failed)
