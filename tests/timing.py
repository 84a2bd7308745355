"""Bounds on the time of work that must not grow with the square of what it is given."""

from __future__ import annotations

import time
from collections.abc import Callable

TRIES = 3


def least(work: Callable[[], object], within: float) -> float:
    """Processor seconds of this thread for ``work``: the least of up to three tries, the first where that is within the bound.

    A busy machine, or garbage of other tests collected meanwhile, makes a try longer and never shorter: work
    that keeps its bound does so in one of three, and work that grows with the square in none.
    """
    taken = float("inf")
    for _ in range(TRIES):
        began = time.thread_time()
        work()
        taken = min(taken, time.thread_time() - began)
        if taken < within:
            break
    return taken
