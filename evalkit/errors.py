"""The errors a user can meet, each with the exit code it ends the program with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from evalkit.records import Failure


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint that names the known name nearest to ``name``, or lists them all; ``None`` without any."""
    names = sorted(known)
    nearest = difflib.get_close_matches(name, names, n=1)
    if nearest:
        return f"did you mean {nearest[0]!r}?"
    return f"known: {', '.join(names)}" if names else None


class EvalkitError(Exception):
    """Anything that ends a command; by itself it means a fault in evalkit."""

    exit_code: ClassVar[int] = 1
    exit_name: ClassVar[str] = "internal"


class UsageError(EvalkitError):
    """The command line makes no sense."""

    exit_code = 2
    exit_name = "usage"


class InvalidInput(EvalkitError):  # noqa: N818 - reads better where it is raised
    """A file or an option is wrong; says which, where, and what would be right.

    ``line`` counts from 1; ``field`` is a dotted path. What is ``None`` is not known.
    """

    exit_code = 3
    exit_name = "invalid input"

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        field: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = None if file is None else str(file)
        self.line = line
        self.field = field
        self.hint = hint

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place = f"{place}:{self.line}" if place else f"line {self.line}"
        text = ": ".join(part for part in (place, self.field, self.message) if part)
        return f"{text}; {self.hint}" if self.hint else text


class NothingToDo(EvalkitError):  # noqa: N818 - reads better where it is raised
    """No case, system or metric is left to work on."""

    exit_code = 4
    exit_name = "nothing to do"


class Busy(EvalkitError):  # noqa: N818 - reads better where it is raised
    """Another run holds the folder."""

    exit_code = 5
    exit_name = "busy"


class StorageError(EvalkitError):
    """The disk is full or unwritable, or the store is damaged."""

    exit_code = 6
    exit_name = "storage"


class Stopped(EvalkitError):  # noqa: N818 - reads better where it is raised
    """A run that ended before everything was asked; ``run`` is what was answered, graded (None: nothing was)."""

    run: Any = None


class EndpointUnusable(Stopped):
    """The endpoint refuses us for good (a missing or wrong key, no quota): going on is pointless.

    ``lost``: whoever meets it had sent a call that was never answered, and that may cost.
    """

    exit_code = 7
    exit_name = "endpoint"
    lost = False


class BudgetExceeded(Stopped):
    """The run stopped at its limit of calls, money or time."""

    exit_code = 8
    exit_name = "budget"


class SharesMissing(Stopped):
    """Shares of the run could not be asked to their end, because their workers kept dying."""

    exit_code = 12
    exit_name = "incomplete"


class NotFiled(Stopped):
    """Recorded answers are not in the store yet, because whoever filed them was interrupted."""

    exit_code = 12
    exit_name = "incomplete"


class NotAsked(Stopped):
    """Questions of a run were not put, or their answers never came; ``left`` is how many."""

    exit_code = 12
    exit_name = "incomplete"
    left = 0


class UndecidedError(Exception):
    """A grade was due, and the judge was asked and could not decide: a measure raises it instead of being undefined.

    It is booked as an error of the judge, so that it counts against coverage. It never ends a command.
    """

    def __init__(self) -> None:
        super().__init__("the judge could not decide")


class SystemFailed(Exception):  # noqa: N818 - reads better where it is raised
    """A system's ``retrieve`` or ``lookup`` failed; ``failure`` says how.

    These methods have no ``Outcome`` to put the failure in. It never ends a command.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.kind}: {failure.message}")
        self.failure = failure
