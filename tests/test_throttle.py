"""A throttle against worlds with limits: it finds them, uses them, and lets nobody starve. Time is virtual."""

import asyncio
import math
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import run_virtually

from evalkit.adapters.throttle import Sign, Throttle

ATTEMPTS = 5


@dataclass
class World:
    """An endpoint; ``told`` is the wait in its refusals: exact, whole (seconds) or none."""

    latency: float = 0.05
    rate: float = math.inf
    burst: float = 0.0
    places: float = math.inf
    told: str = "exact"
    by_chance: float = 0.0
    inside: int = 0
    peak: int = 0
    tokens: float = field(init=False, default=0.0)
    filled: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def __post_init__(self) -> None:
        self.tokens = self.burst

    async def call(self) -> tuple[Sign, float | None]:
        wait = self._refusal()
        if wait is not None:
            await asyncio.sleep(0.001)
            told = {"exact": wait, "whole": float(max(1, math.ceil(wait))), "none": None}
            return Sign.BUSY, told[self.told]
        self.inside += 1
        self.peak = max(self.peak, self.inside)
        await asyncio.sleep(self.latency)
        self.inside -= 1
        return Sign.GOOD, None

    def _refusal(self) -> float | None:
        if self.chance.random() < self.by_chance or self.inside >= self.places:
            return 0.0
        if self.rate == math.inf:
            return None
        now = asyncio.get_running_loop().time()
        self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        if self.tokens < 1 - 1e-9:
            return (1 - self.tokens) / self.rate
        self.tokens -= 1
        return None


@dataclass
class Told:
    """What came of a run: when it ended, calls beyond the first, calls without an answer, the longest wait."""

    seconds: float = 0.0
    extra: int = 0
    failed: int = 0
    longest: float = 0.0


async def use(throttle: Throttle, world: World, calls: int, workers: int, seed: int = 1) -> Told:
    """Make the calls as an endpoint does: a refused one waits as asked, with a little jitter, and goes again."""
    loop, told, left = asyncio.get_running_loop(), Told(), iter(range(calls))
    chance = random.Random(seed)

    async def one() -> None:
        for attempt in range(1, ATTEMPTS + 1):
            await throttle.enter(again=attempt > 1)
            sent = loop.time()
            sign, asked = await world.call()
            throttle.leave(sent, sign, asked)
            if sign is Sign.GOOD:
                return
            jitter = chance.uniform(0, 0.25 * 2**attempt)
            await asyncio.sleep(jitter if asked is None else asked + 0.1 * jitter)
            told.extra += attempt < ATTEMPTS
        told.failed += 1

    async def work() -> None:
        for _ in left:
            began = loop.time()
            await one()
            told.longest = max(told.longest, loop.time() - began)

    began = loop.time()
    await asyncio.gather(*(work() for _ in range(workers)))
    told.seconds = loop.time() - began
    return told


@pytest.mark.parametrize("told", ["exact", "none", "whole"])
@pytest.mark.parametrize(
    ("rate", "burst", "latency", "calls", "workers"),
    [
        (100, 20, 0.05, 1000, 32),
        (100, 100, 0.05, 1000, 100),
        (5, 5, 1.0, 200, 32),
        (1, 10, 1.0, 100, 8),
    ],
)
def test_a_burst_against_a_token_bucket_ends_within_a_third_of_the_least_time(
    rate: float, burst: float, latency: float, calls: int, workers: int, told: str
) -> None:
    world = World(latency, rate, burst, told=told)
    found = run_virtually(use(Throttle(), world, calls, workers))
    least = (calls - burst) / rate
    assert found.seconds <= 1.3 * (least + latency)
    assert found.failed == 0
    assert found.extra <= 0.4 * calls


@pytest.mark.parametrize("told", ["exact", "none", "whole"])
@pytest.mark.parametrize("workers", [24, 32, 40])
def test_a_short_burst_does_so_too_however_its_waits_fall(workers: int, told: str) -> None:
    worlds = [World(0.05, 40, 20, told=told) for _ in range(8)]
    found = [run_virtually(use(Throttle(), w, 200, workers, s)) for s, w in enumerate(worlds)]
    assert max(one.seconds for one in found) <= 1.25 * ((200 - 20) / 40 + 0.05)
    assert sum(one.failed for one in found) <= 2  # refused five times
    assert max(one.extra for one in found) <= 0.4 * 200


@pytest.mark.parametrize(("places", "latency", "workers"), [(8, 0.05, 32), (20, 0.5, 100)])
def test_a_bound_of_calls_at_a_time_is_found(places: int, latency: float, workers: int) -> None:
    world = World(latency, places=places, told="none")
    found = run_virtually(use(Throttle(), world, 1000, workers))
    assert found.seconds <= 1.3 * 1000 * latency / places
    assert found.failed == 0
    assert found.extra <= 200


def test_refusals_by_chance_do_not_slow_it_down_for_good() -> None:
    world = World(latency=1.0, by_chance=0.05, told="none")
    found = run_virtually(use(Throttle(), world, 2000, 32))
    assert found.seconds <= 1.3 * 2000 / 32


def test_an_endpoint_that_recovers_is_used_in_full_again() -> None:
    async def main() -> tuple[float, float]:
        throttle, world = Throttle(), World(rate=20, burst=5, told="none")
        slow = await use(throttle, world, 200, 32)
        world.rate, world.burst = 500, 100
        await use(throttle, world, 2000, 32)
        fast = await use(throttle, world, 1000, 32)
        return 200 / slow.seconds, 1000 / fast.seconds

    slow, fast = run_virtually(main())
    assert slow == pytest.approx(20, rel=0.2)
    assert fast > 300


def test_an_endpoint_that_gets_weaker_is_followed() -> None:
    async def main() -> Told:
        throttle, world = Throttle(), World(rate=200, burst=20, told="none")
        await use(throttle, world, 1000, 32)
        world.rate, world.burst = 20, 5
        return await use(throttle, world, 400, 32)

    found = run_virtually(main())
    assert found.seconds <= 1.3 * 400 / 20
    assert found.failed <= 4


@pytest.mark.parametrize("outage", [5, 60, 600])
def test_after_an_outage_it_is_back_within_a_time_like_the_outage(outage: float) -> None:
    async def main() -> float:
        throttle, world = Throttle(), World(rate=200, burst=20, told="none")
        await use(throttle, world, 1000, 32)
        loop, ends = asyncio.get_running_loop(), asyncio.get_running_loop().time() + outage
        world.by_chance = 1.0
        while loop.time() < ends:
            await use(throttle, world, 5, 5)
        world.by_chance = 0.0
        return (await use(throttle, world, 1000, 32)).seconds

    assert run_virtually(main()) < min(30 + outage, 120)


def test_nothing_is_held_back_before_the_first_refusal() -> None:
    world = World()
    assert run_virtually(use(Throttle(), world, 500, 500)).seconds == pytest.approx(0.05)
    assert world.peak == 500


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(1, 40), st.floats(0, 0.6))
def test_the_cap_is_kept_whatever_happens(cap: int, workers: int, by_chance: float) -> None:
    world = World(by_chance=by_chance, told="none")
    throttle = Throttle(cap)
    run_virtually(use(throttle, world, 60, workers))
    assert world.peak <= cap
    assert throttle.in_flight == 0
    assert 1 <= throttle.limit <= cap


def test_places_go_to_those_who_came_first_and_to_second_attempts_before_all() -> None:
    async def main() -> list[str]:
        throttle, order = Throttle(1), []
        await throttle.enter()

        async def come(name: str, *, again: bool) -> None:
            await throttle.enter(again=again)
            order.append(name)
            throttle.leave(0.0, Sign.GOOD)

        tasks = []
        for name, again in (("a", False), ("b", False), ("c again", True), ("d", False)):
            tasks.append(asyncio.create_task(come(name, again=again)))
            await asyncio.sleep(0)
        throttle.leave(0.0, Sign.GOOD)
        await asyncio.gather(*tasks)
        return order

    assert run_virtually(main()) == ["c again", "a", "b", "d"]


def test_no_case_starves() -> None:
    found = run_virtually(use(Throttle(), World(rate=50, burst=10), 500, 100))
    assert found.longest <= 2.5 * 100 / 50 + 2  # each waits for the 100 others, and a little


def test_who_gives_up_waiting_takes_no_place() -> None:
    async def main() -> int:
        throttle = Throttle(1)
        await throttle.enter()
        waiting = [asyncio.create_task(throttle.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        throttle.leave(0.0, Sign.GOOD)  # grants the second its place
        waiting[1].cancel()  # which gives up in the same moment
        await waiting[2]
        throttle.leave(0.0, Sign.GOOD)
        return throttle.in_flight

    assert run_virtually(main()) == 0


def test_another_loop_starts_afresh() -> None:
    throttle = Throttle(4)
    run_virtually(use(throttle, World(rate=20, burst=5), 100, 16))
    assert run_virtually(use(throttle, World(), 16, 16)).seconds == pytest.approx(0.2)
