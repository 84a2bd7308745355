"""Whether a judge's verdicts stay when nothing that matters has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.judging.rating import Rating
from evalkit.records import Interval
from evalkit.stats.intervals import wilson


@dataclass(frozen=True, slots=True)
class Shift:
    """What a change that must not matter did to ``n`` verdicts.

    ``flipped`` is the share that turned; ``change`` the mean change of the value (-1..1), positive towards yes;
    ``no_to_yes`` the share that turned of those where people and judge said no, ``yes_to_no`` of those where
    both said yes. None where there is nothing to turn.
    """

    n: int
    flipped: Interval | None
    change: float
    no_to_yes: Interval | None
    yes_to_no: Interval | None


def shift(pairs: Sequence[tuple[Rating, float | None]], cut: float) -> Shift | None:
    """From what was judged before, with its labels, and the values after the change; None where nothing was."""
    both = [
        (r, r.judged, after) for r, after in pairs if r.judged is not None and after is not None
    ]
    if not both:
        return None
    turned = [(r.label, before >= cut, after >= cut) for r, before, after in both]
    right_no = [after for label, before, after in turned if label is False and not before]
    right_yes = [not after for label, before, after in turned if label is True and before]
    return Shift(
        n=len(both),
        flipped=wilson(sum(before != after for _, before, after in turned), len(both)),
        change=sum(after - before for _, before, after in both) / len(both),
        no_to_yes=wilson(sum(right_no), len(right_no)),
        yes_to_no=wilson(sum(right_yes), len(right_yes)),
    )


def steady(
    first: Sequence[Rating], again: Sequence[Sequence[Rating]], cut: float
) -> Interval | None:
    """Share of the things that get one and the same verdict in all repeats; None without a second one.

    To tell once and not to tell another time is a change, too. A deterministic judge has exactly 1.
    """
    if not again or not first:
        return None
    rows = zip(first, *again, strict=True)
    same = [len({_verdict(rating.judged, cut) for rating in row}) == 1 for row in rows]
    return wilson(sum(same), len(same))


def _verdict(value: float | None, cut: float) -> bool | None:
    return None if value is None else value >= cut
