"""Which numbers of a statement a text lacks, where a year may be left out of a date that stands beside another."""

from __future__ import annotations

import re

from evalkit.text.quantities import found_in, quantities

_DATE = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)")


def lacking_numbers(statement: str, held: frozenset[str]) -> frozenset[str]:
    """The quantities of a statement that are not held; a year that a range leaves out ("6 April 2024 to 30 June") is no lack."""
    wanted = quantities(statement)
    lost = wanted - found_in(wanted, held)
    return frozenset(q for q in lost if not _elided(q, held))


def _elided(quantity: str, held: frozenset[str]) -> bool:
    """Whether a date stands there without its year, which another date there has."""
    match = _DATE.fullmatch(quantity)
    if match is None or not any(other.startswith(match["year"]) for other in held):
        return False
    month, day = str(int(match["month"])), str(int(match["day"]))
    return f"--{quantity[5:]}" in held or {month, day} <= {q.partition(" ")[0] for q in held}
