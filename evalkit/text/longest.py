"""How long a text a measure reads: beyond that it gives no value, and says why."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast

Compute = TypeVar("Compute", bound=Callable[..., Any])

# Characters of any one text. The longest outputs of today's models, 128,000 tokens, have about as many.
LONGEST = 500_000
DOCUMENT = (
    500_000  # characters of one document, or of several passages taken together, that are read
)


class TooLong(ValueError):  # noqa: N818 (what the note of a score says)
    """A text is longer than what is read of it; says which, how long it is, and the limit."""

    def __init__(self, what: str, length: int, limit: int = LONGEST) -> None:
        super().__init__(f"{what} has {length:,} characters; at most {limit:,} are read")


def check_length(what: str, text: str, limit: int = LONGEST) -> None:
    """Raise ``TooLong`` for a text of more than ``limit`` characters."""
    if len(text) > limit:
        raise TooLong(what, len(text), limit)


def readable(compute: Compute) -> Compute:
    """A measure that raises ``TooLong`` where a text it is given, or one of several, is too long to be read.

    The scorer makes a grader error of that: a share of a text's beginning is no share of the text.
    """

    @wraps(compute)
    def checked(*arguments: Any, **settings: Any) -> Any:
        for argument in arguments:
            for text in (argument,) if type(argument) is str else _texts(argument):
                if len(text) > LONGEST:
                    raise TooLong(_name(compute, arguments, argument), len(text))
        return compute(*arguments, **settings)

    return cast("Compute", checked)


def _texts(argument: Any) -> Iterable[str]:
    if isinstance(argument, str):
        return (argument,)
    if isinstance(argument, tuple):
        return [text for text in argument if isinstance(text, str)]
    return ()


def _name(compute: Callable[..., Any], arguments: tuple[Any, ...], argument: Any) -> str:
    """The parameter that ``argument`` was given for: "response"."""
    names = tuple(inspect.signature(compute).parameters)
    return names[next(i for i, given in enumerate(arguments) if given is argument)]
