"""Lets whoever must make a call a second time ask first: the one before is booked, and a limit may say no."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import ClassVar

from evalkit.errors import EvalkitError

# Awaited with the kind of failure that the call before ended in, and whether it may have been carried out.
Resend = Callable[[str, bool], Awaitable[None]]
RESEND: ContextVar[Resend | None] = ContextVar("RESEND", default=None)


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
