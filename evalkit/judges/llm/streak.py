"""Replies of a judge that come back and cannot be used: counted in a row, until asking for more is money thrown away."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.records import Failure

MOST = 20  # in a row, before the judge is asked nothing more
EXCERPT = 160  # characters of the last reply that are shown
_SILENT = frozenset({"connection", "timeout", "rate_limit", "auth"})  # nothing came: no reply


def came_back(error: Failure | None) -> bool:
    """Whether a call that ended so brought a reply, and was paid for."""
    return error is None or error.kind not in _SILENT


@dataclass(slots=True)
class Streak:
    """The unusable replies of one judge since its last usable one.

    After ``most`` of them ``stopped`` says what came back, and by whom (``who``); None until then, and for ever
    where ``most`` is 0. ``spared`` counts the answers that were not judged because of it.
    """

    who: str
    most: int = MOST
    in_a_row: int = 0
    spared: int = 0
    stopped: str | None = None

    def usable(self) -> None:
        """A reply that could be used."""
        self.in_a_row = 0

    def unusable(self, wrong: str, reply: str | None) -> None:
        """One that could not: what is ``wrong`` with it, and its text, None or empty where it has none."""
        self.in_a_row += 1
        if self.most and self.in_a_row >= self.most and self.stopped is None:
            self.stopped = (
                f"{self.who} was asked no more after {self.in_a_row} replies in a row that could not be used; "
                f"the last: {one_line(wrong)}; {said(reply)}"
            )

    @property
    def given_up(self) -> str | None:
        """Why answers were not judged; None where each was asked about."""
        return self.stopped if self.spared else None


def said(reply: str | None) -> str:
    """An excerpt of a reply, in words."""
    shown = one_line(reply or "")
    if not shown:
        return "it was empty"
    cut = "..." if len(shown) > EXCERPT else ""
    return f"it said: {shown[:EXCERPT]!r}{cut}"


def one_line(text: str) -> str:
    """Foreign text on one line in which nothing acts."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
