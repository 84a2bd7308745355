"""No more calls are under way than are allowed, though more workers wait for the disk; a call that was not made is none."""

import asyncio
import functools

import pytest

import evalkit
from evalkit.ask import Calls, ask_all, plan
from evalkit.budget import Budget
from evalkit.records import Case, Suite
from evalkit.store import Store

AT_A_TIME, CASES = 100, 600


def in_a_loop(test):
    """Run an async test to its end."""

    @functools.wraps(test)
    def run(*given, **named):
        asyncio.run(test(*given, **named))

    return run


class Counting:
    """A system that knows how many of its calls are under way."""

    def __init__(self, seconds: float = 0.01) -> None:
        self.seconds = seconds
        self.begun = self.ended = self.most = 0
        self.on_begin = lambda: None

    async def ask(self, query: str) -> str:
        self.begun += 1
        self.most = max(self.most, self.begun - self.ended)
        self.on_begin()
        await asyncio.sleep(self.seconds)
        self.ended += 1
        return f"about {query}"


@pytest.fixture
def suite(tmp_path):
    cases = tuple(Case(f"c{i:04}", f"question {i}") for i in range(CASES))
    return Suite("under way", tmp_path, cases, {}, "digest")


def asking(suite, counting, store, budget=None):
    system = evalkit.system("s", counting.ask, approach="prompt")
    jobs = plan([system], suite.cases, 1, set())
    return ask_all(suite, jobs, Calls(store, None, budget, AT_A_TIME))


@in_a_loop
async def test_as_many_calls_are_under_way_as_are_allowed_and_no_more(suite, tmp_path):
    counting = Counting()
    with Store(tmp_path / "run") as store:
        await asking(suite, counting, store)
        assert store.counts().done == CASES
    assert counting.most == AT_A_TIME


@in_a_loop
async def test_what_waited_for_its_turn_when_a_run_was_cut_off_was_never_sent(suite, tmp_path):
    counting = Counting(seconds=60.0)
    with Store(tmp_path / "run") as store:
        task = asyncio.ensure_future(asking(suite, counting, store))
        while counting.begun < AT_A_TIME:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # some more intents are on the disk by now
        assert store.counts().started > AT_A_TIME
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    with Store(tmp_path / "run", reading=True) as store:
        assert (store.counts().unknown, store.counts().started) == (AT_A_TIME, 0)


@in_a_loop
async def test_nothing_that_waits_for_its_turn_is_sent_after_a_stop(suite, tmp_path):
    counting, budget = Counting(), Budget()
    counting.on_begin = lambda: budget.stop() if counting.begun == AT_A_TIME else None
    with Store(tmp_path / "run") as store:
        system = evalkit.system("s", counting.ask, approach="prompt")
        jobs = (j for j in plan([system], suite.cases, 1, set()) if not budget.stopped)
        await ask_all(suite, jobs, Calls(store, None, budget, AT_A_TIME))
        counts = store.counts()
    assert counting.begun == AT_A_TIME
    assert (counts.done, counts.failed, counts.unknown, counts.started) == (AT_A_TIME, 0, 0, 0)


@in_a_loop
async def test_few_calls_at_a_time_need_no_further_workers(suite, tmp_path):
    counting = Counting(seconds=60.0)
    system = evalkit.system("s", counting.ask, approach="prompt")
    with Store(tmp_path / "run") as store:
        jobs = plan([system], suite.cases, 1, set())
        task = asyncio.ensure_future(ask_all(suite, jobs, Calls(store)))
        await asyncio.sleep(0.2)
        assert store.counts().started == counting.begun == 8
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
