"""What the trained reader of papers sees of a unit: its label, its shape, its place, its arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.local.units import Unit

MONEY = 0.0051  # rounding to cents


def _grams(label: str) -> list[str]:
    padded = f"^{label[-18:]}$"
    return [padded[at : at + 4] for at in range(max(1, len(padded) - 3))] if label else []


def _bucket(value: float) -> str:
    return (
        "small" if value < 10 else "tens" if value < 100 else "hundreds" if value < 1e3 else "big"
    )


def roles(numbers: Sequence[Unit]) -> list[set[str]]:
    """The arithmetic a number takes part in with its neighbours: factor, product, addend, sum."""
    found: list[set[str]] = [set() for _ in numbers]
    values = [unit.value for unit in numbers]
    for three in _near_triples(len(values)):
        a, b, c = (values[at] for at in three)
        if abs(a * b - c) <= MONEY and c:
            names: tuple[str, ...] = ("quantity", "price", "product")
        elif abs(a + b - c) <= MONEY and b:
            names = ("addend", "added", "sum")
        else:
            continue
        for at, role in zip(three, names, strict=True):
            found[at].add(role)
    return found


def _near_triples(count: int) -> list[tuple[int, int, int]]:
    """Positions i < j < k of numbers that stand close together: another may come between."""
    return [
        (i, j, k)
        for i in range(count)
        for j in range(i + 1, min(i + 4, count))
        for k in range(j + 1, min(j + 3, count))
    ]


def unit_features(units: Sequence[Unit], text: str) -> list[list[str]]:
    """The features of every unit that is not a plain word; words come back without any."""
    numbers = [unit for unit in units if unit.kind == "number"]
    arithmetic = dict(zip(map(id, numbers), roles(numbers), strict=True))
    last_line = max((unit.line for unit in units), default=0) + 1
    found: list[list[str]] = []
    in_line: dict[int, int] = {}
    for at, unit in enumerate(units):
        if unit.kind == "word":
            found.append([])
            continue
        in_line[unit.line] = in_line.get(unit.line, 0) + 1
        features = [f"role={role}" for role in sorted(arithmetic.get(id(unit), ()))]
        features += _own(unit, text) + _around(units, at)
        features += [f"place={10 * unit.line // last_line}", f"nth={in_line[unit.line]}"]
        found.append(features)
    return found


def _own(unit: Unit, text: str) -> list[str]:
    shape = (
        "".join("9" if c.isdigit() else "A" if c.isalpha() else c for c in unit.value)
        if isinstance(unit.value, str)
        else ""
    )
    size = _bucket(abs(unit.value)) if isinstance(unit.value, float) else f"shape={shape}"
    decimals = len(unit.text) > 3 and unit.text[-3] in ".,"
    return [
        f"kind={unit.kind}", f"label={unit.label}", f"above={unit.above}", size, f"cents={decimals}",
        f"digits={len(unit.text)}", f"after={text[unit.end : unit.end + 2]}", f"before={text[max(0, unit.start - 2) : unit.start]}",
        *(f"g={gram}" for gram in _grams(unit.label)),
        *(f"u={gram}" for gram in _grams(unit.above) if not unit.label),
    ]  # fmt: skip


def _around(units: Sequence[Unit], at: int) -> list[str]:
    before = [_token(units[i]) if i >= 0 else "^" for i in (at - 1, at - 2)]
    after = [_token(units[i]) if i < len(units) else "$" for i in (at + 1, at + 2)]
    same_line = at > 0 and units[at - 1].line == units[at].line
    return [
        f"p1={before[0]}", f"p2={before[1]} {before[0]}", f"n1={after[0]}", f"n2={after[1]}",
        f"first={not same_line}",
    ]  # fmt: skip


def _token(unit: Unit) -> str:
    return unit.text.casefold() if unit.kind == "word" else f"<{unit.kind}>"
