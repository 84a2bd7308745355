"""Parts of a suite that are run apart and merged afterwards: which cases are whose, and what a folder says of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from evalkit.errors import InvalidInput, NothingToDo, did_you_mean
from evalkit.records import Case, System
from evalkit.store import Store

SHARD, CONTROLS, RECORDED = "shard", "controls", "recorded systems"  # notes of a store


@dataclass(frozen=True, slots=True)
class Share:
    """The share ``number`` (from 1) of ``of``; written ``number/of``.

    A case belongs where its group's name (its own id without a group) hashes to. That depends on nothing else, so
    a case stays where it is when others come and go, and a group is never torn apart.
    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, case: Case) -> bool:
        """Whether the case belongs to this share."""
        return number_of(case, self.of) == self.number


def number_of(case: Case, shares: int) -> int:
    """The number, from 1, of the share that a case belongs to, of so many."""
    name = (case.group or case.id).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(name).digest()[:8]) % shares + 1


def read_share(text: str) -> Share:
    """The share that ``I/N`` names; ``InvalidInput`` for anything else."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text.strip())
    share = Share(int(found[1]), int(found[2])) if found else None
    if share is None or not 1 <= share.number <= share.of:
        raise InvalidInput(
            f"{text!r} is no share of a suite", field="shard", hint="the second of four is 2/4"
        )
    return share


def cases_of(cases: Sequence[Case], share: Share | None) -> Sequence[Case]:
    """The cases of a share, in their order; all of them without one."""
    return cases if share is None else [case for case in cases if share.holds(case)]


def named(cases: Sequence[Case], ids: Collection[str] | None) -> Sequence[Case]:
    """The cases that are asked for by id; all of them where none is named."""
    if not ids:
        return cases
    known = [case.id for case in cases]
    for one in ids:
        if one not in known:
            hint = did_you_mean(one, known)
            raise InvalidInput(f"there is no case called {one!r}", field="case", hint=hint)
    return [case for case in cases if case.id in ids]


def settle(
    store: Store, share: Share | None, controls: int, systems: Iterable[System] = ()
) -> None:
    """Note which share a folder holds, how many passing cases it asks again, and which ``systems`` it asks nothing.

    ``InvalidInput`` for another share than before.
    """
    before, now = store.notes().get(SHARD), None if share is None else str(share)
    if store.recipe() and before != now:
        was, is_ = (f"shard {name}" if name else "the whole suite" for name in (before, now))
        raise InvalidInput(
            f"this run was started with something else: it was of {was}, now of {is_}",
            file=store.folder,
            hint="give another --out",
        )
    if now is not None:
        store.note(SHARD, now)
        store.note(CONTROLS, str(controls))
        recorded = [system.name for system in systems if getattr(system, "recorded", False)]
        store.note(RECORDED, json.dumps(recorded, ensure_ascii=False))


def unanswered(store: Store, cases: Iterable[Case]) -> NothingToDo:
    """What is said of a folder without an answer: that its share holds none of ``cases``, or that none was answered."""
    noted = store.notes().get(SHARD)
    if noted is None or any(read_share(noted).holds(case) for case in cases):
        return NothingToDo("no system has answered any case")
    return NothingToDo(
        f"the share {noted} holds no case of this suite: there is nothing to ask or report"
    )


def told_share(store: Store) -> Mapping[str, str]:
    """What derived files say of the share that a folder holds; nothing where it holds the whole suite."""
    found = store.notes().get(SHARD)
    return {} if found is None else {SHARD: found}
