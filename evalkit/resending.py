"""Lets whoever must make a call a second time, or wait before one, ask first: what was made is booked, and a limit may say no."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import ClassVar

from evalkit.errors import EvalkitError

# Awaited with the kind of failure that the call before ended in, and whether it may have been carried out.
Resend = Callable[[str, bool], Awaitable[None]]
RESEND: ContextVar[Resend | None] = ContextVar("RESEND", default=None)


@dataclass(slots=True)
class Way:
    """How far a question to an endpoint has come: whether a request was ``made`` for it, and whether it ``rests`` before the next."""

    made: bool = False
    rests: bool = False


WAY: ContextVar[Way | None] = ContextVar("WAY", default=None)


@dataclass(frozen=True, slots=True)
class Limit:
    """The ``moment`` of the running loop from which no call is begun, and who is told that it kept one from being."""

    moment: float
    reached: Callable[[], None]


LIMIT: ContextVar[Limit | None] = ContextVar("LIMIT", default=None)


class NotAgain(EvalkitError):  # noqa: N818 - reads better where it is raised
    """A limit keeps a question from being sent again, so that it stays open; ends no command.

    ``lost``: the call before may have been carried out.
    """

    exit_code: ClassVar[int] = 8
    exit_name = "budget"

    def __init__(self, *, lost: bool) -> None:
        super().__init__("a limit keeps a question from being sent again")
        self.lost = lost


async def resend(kind: str, *, lost: bool) -> None:
    """Return once the call may be made again, and the one before is booked; raises ``NotAgain``.

    ``kind`` is the failure that the call before ended in; ``lost``: it was sent and never answered, so it may have
    been carried out, and may cost. Where nobody keeps books, every call may be made again.
    """
    book = RESEND.get()
    if book is not None:
        await book(kind, lost)


def limit_of(seconds: float | None, reached: Callable[[], None]) -> Limit | None:
    """The limit that is reached so many seconds from now; None where there is none."""
    return None if seconds is None else Limit(asyncio.get_running_loop().time() + seconds, reached)


async def in_time(waiting: Awaitable[object], *, lost: bool = False) -> None:
    """Await what a question must wait for before it is sent; raises ``NotAgain`` at the limit of time.

    ``lost`` as in ``resend``. Where nobody keeps books of the question, a judge's for one, it waits as long as it takes.
    """
    limit, way = LIMIT.get(), WAY.get()
    if way is None or RESEND.get() is None:
        await waiting
        return
    way.rests = True
    try:
        if limit is None:
            await waiting
        else:
            async with asyncio.timeout_at(limit.moment):
                await waiting
    except TimeoutError:
        assert limit is not None
        limit.reached()
        raise NotAgain(lost=lost) from None
    way.rests = False
