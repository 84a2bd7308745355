"""How the viewer writes dates and durations, and where it leads to inside a report."""

from __future__ import annotations

from datetime import datetime

from evalkit.pages.links import cases_link
from evalkit.pages.wording import NBSP


def _local(moment: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(moment).astimezone()
    except (ValueError, OverflowError, OSError):  # a clock that was far off
        return None


def day(moment: float | None) -> str:
    """A moment in local time, to the minute."""
    found = None if moment is None else _local(moment)
    return "no date" if found is None else f"{found:%Y-%m-%d %H:%M}".replace(" ", NBSP)


def iso(moment: float | None) -> str:
    """The same for machines; empty where it is not known."""
    found = None if moment is None else _local(moment)
    return "" if found is None else found.isoformat(timespec="seconds")


def duration(seconds: float | None) -> str:
    """A time to wait, coarse as such estimates are."""
    if seconds is None:
        return "not known"
    if seconds < 60:
        return f"{max(1, round(seconds))}{NBSP}s"
    if seconds < 5400:
        return f"{round(seconds / 60)}{NBSP}min"
    return f"{seconds / 3600:.1f}{NBSP}h"


def failing_link(system: str, cause: str) -> str:
    """The failing cases of a cause, as an address inside a report."""
    return cases_link(system=system, cause=cause, status="failing")
