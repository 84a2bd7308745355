"""Deadlines: a late call is given up in its time, and nobody else's cancellation is swallowed."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from evalkit.adapters.deadlines import Deadline


async def sleep(seconds: float, limit: float | None) -> bool:
    """Whether a sleep was given up."""
    with (deadline := Deadline(limit)):
        await asyncio.sleep(seconds)
    return deadline.expired


def test_late_calls_are_given_up_and_others_are_not():
    async def main():
        limits = [(9, 0.05), (0.001, 0.02), (0.001, None), (9, 0.01), (0.03, 9), (9, 0.02)]
        began = asyncio.get_running_loop().time()
        late = await asyncio.gather(*(sleep(*one) for one in limits))
        assert late == [True, False, False, True, False, True]
        assert asyncio.get_running_loop().time() - began < 5

    asyncio.run(main())


def test_a_shorter_deadline_that_comes_later_is_met_first():
    async def main():
        slow = asyncio.create_task(sleep(9, 60))
        await asyncio.sleep(0)
        assert await asyncio.wait_for(sleep(9, 0.01), 5)
        assert not slow.done()
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow

    asyncio.run(main())


def test_no_time_at_all_is_over_at_once():
    assert asyncio.run(sleep(9, 0.0))


@pytest.mark.parametrize("limit", [None, 60.0])
def test_a_cancellation_from_elsewhere_comes_out(limit):
    async def main():
        task = asyncio.create_task(sleep(9, limit))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_both_at_once_end_as_a_cancellation():
    async def main():
        task = asyncio.create_task(sleep(9, 0.0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_other_exceptions_come_out_and_a_swallowed_cancellation_is_still_late():
    async def fails():
        with Deadline(9):
            raise KeyError("own")

    async def stubborn():
        with (deadline := Deadline(0.01)):
            try:
                await asyncio.sleep(9)
            except asyncio.CancelledError:
                await asyncio.sleep(0.01)
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling()
        return deadline.expired

    with pytest.raises(KeyError):
        asyncio.run(fails())
    assert asyncio.run(stubborn())


def test_loops_follow_each_other_and_are_let_go():
    async def main():
        await asyncio.gather(sleep(0.001, 60), sleep(0.002, 60))
        return weakref.ref(asyncio.get_running_loop())

    gone = [asyncio.run(main()) for _ in range(3)]
    assert asyncio.run(sleep(9, 0.01))
    gc.collect()
    assert [one() for one in gone] == [None] * 3
