"""Whether a number without a unit is the count of an amount that is kept in a smaller unit."""

from __future__ import annotations

# Units that a bare number may count although they are kept in a smaller one: "aged 18 to 75", "75 years".
_COUNTED_IN = {"month": (12,), "day": (7,), "s": (60, 3600)}


def counts(bare: str, amount: str) -> bool:
    """Whether a bare number is the number of years, weeks, hours or minutes that an amount is."""
    head, _, unit = amount.partition(" ")
    sizes = _COUNTED_IN.get(unit)
    if sizes is None or not bare.isdecimal() or not head.isdecimal() or int(bare) < 2:
        return False
    return int(head) in (int(bare) * size for size in sizes)
