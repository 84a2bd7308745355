"""Arithmetic that held in every training record, used to fill in and to mend a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from evalkit.local.roles import Roles

Three = Sequence[float | None]
Solve = Callable[[Three], float | None]


def solve_sum(three: Three) -> float | None:
    """The missing one of a + b = c."""
    a, b, c = three
    if a is not None and b is not None:
        return a + b
    if c is None:
        return None
    known = a if a is not None else b
    return None if known is None else c - known


def solve_share(three: Three) -> float | None:
    """The missing one of ``base * rate / 100 = part``, given as (rate, base, part)."""
    rate, base, part = three
    if rate is not None and base is not None:
        return base * rate / 100
    if part is None:
        return None
    if base is not None:
        return round(part / base * 100, 1) if base else None
    return part / rate * 100 if rate else None


def complete(
    found: Mapping[str, float], chances: Mapping[str, float], roles: Roles, digits: int
) -> dict[str, float]:
    """The numbers with missing ones worked out; of inconsistent ones the least certain is replaced.

    ``digits`` are the decimals of the currency.
    """
    values = dict(found)
    for _ in range(2):
        for names in roles.sums:
            _apply(values, chances, names, solve_sum, digits)
        for names in roles.shares:
            _apply(values, chances, names, solve_share, digits)
        _take_out(values, roles, digits)
    return values


def _take_out(values: dict[str, float], roles: Roles, digits: int) -> None:
    """The base from rate and total, where base + part = total and part = rate % of base."""
    for base, part, total in roles.sums:
        for rate, of, share in roles.shares:
            known = {total, rate} <= values.keys() and not {base, part} & values.keys()
            if known and {base, part} == {of, share}:
                values[of] = round(values[total] / (1 + values[rate] / 100), digits)


def _apply(
    values: dict[str, float],
    chances: Mapping[str, float],
    names: Sequence[str],
    solve: Solve,
    digits: int,
) -> None:
    missing = [name for name in names if name not in values]
    if len(missing) > 1:
        return
    if not missing and _holds([values[name] for name in names], solve, digits):
        return
    target = missing[0] if missing else min(names, key=lambda name: chances.get(name, 0.5))
    solved = solve([None if name == target else values[name] for name in names])
    if solved is not None and solved >= 0:
        values[target] = round(solved, digits)


def _holds(three: Sequence[float], solve: Solve, digits: int) -> bool:
    solved = solve([*three[:2], None])
    return solved is not None and abs(solved - three[2]) <= 1.01 * 10.0**-digits
