"""What the worker of a share is told: one text in JSON, so that nothing but plain values ever travels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput
from evalkit.records import Approach, SystemSpec


@dataclass(frozen=True, slots=True)
class Order:
    """One share of a suite to be asked: paths are absolute, and the same on every machine.

    ``cases`` is how many cases the whole suite has, ``settings`` what else ``evalkit.arun`` takes.
    """

    suite: str
    digest: str
    cases: int
    folder: str
    shard: str
    systems: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """The order as JSON; ``InvalidInput`` where a system has an option that is no plain value."""
        try:
            return json.dumps(asdict(self), ensure_ascii=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"a system's options cannot travel to a worker: {error}",
                field="systems",
                hint="texts, numbers, lists and mappings can",
            ) from None


def read_order(text: str) -> Order:
    """The order that ``Order.text`` wrote."""
    found = json.loads(text)
    return Order(**{**found, "systems": tuple(found["systems"])})


def told_systems(systems: object) -> tuple[dict[str, Any], ...]:
    """Systems as plain values; ``InvalidInput`` for one that is not described in a systems file."""
    named = systems.items() if isinstance(systems, Mapping) else enumerate(_listed(systems), 1)
    told = []
    for name, one in named:
        if not isinstance(one, SystemSpec):
            known = name if isinstance(name, str) else getattr(one, "name", f"number {name}")
            raise InvalidInput(
                f"{known!r} is a Python object: it cannot travel to workers elsewhere",
                field="systems",
                hint="describe it in a systems file (adapter: python, target: module:attribute), and give "
                "evalkit.load_systems(FILE)",
            )
        options = dict(one.options)
        folder = str(one.folder.resolve())
        told.append(
            {
                "name": one.name,
                "approach": one.approach.value,
                "adapter": one.adapter,
                "options": options,
                "folder": folder,
            }
        )
    return tuple(told)


def _listed(systems: object) -> Sequence[object]:
    if isinstance(systems, Sequence):
        return systems
    raise InvalidInput("expected a list of systems", field="systems", hint="evalkit.load_systems")


def specs_of(order: Order) -> list[SystemSpec]:
    """The systems of an order, as a systems file describes them."""
    return [
        SystemSpec(
            name=one["name"],
            approach=Approach(one["approach"]),
            adapter=one["adapter"],
            options=one["options"],
            folder=Path(one["folder"]),
        )
        for one in order.systems
    ]
