"""The judge of a run folder: chosen, noted so that the run can be graded again anywhere, and told when it changes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from evalkit.errors import StorageError
from evalkit.interrupts import at_once
from evalkit.judges.choose import resolved
from evalkit.judges.replied import (
    REPLIED,
    Models,
    added_models,
    models_of,
    models_text,
    noted_models,
    told_models,
)
from evalkit.judges.spending import Spending, spending_of
from evalkit.judges.standing import troubles_of
from evalkit.judging.books import SPENT, Book, added, books_text, read_books
from evalkit.judging.judged import Judged
from evalkit.judging.named_code import NotImportedJudge, check_given, code_in
from evalkit.judging.uncounted import (
    COUNTED,
    counted_now,
    unanswered,
    uncounted,
    uncounted_models,
)
from evalkit.records import Judge, Suite
from evalkit.store.notes import notes_in
from evalkit.tools import judge_of

Result = TypeVar("Result")
EMBEDDED = "embedded"  # the judge of a run without a choice
JUDGE = "judge"  # the notes of a run: what was chosen,
OPTIONS = "judge options"  # what that means,
PARTS = "judge parts"  # what its fingerprint stands for,
TROUBLES = "judge troubles"  # and what went wrong with it when it was last asked


class Notes(Protocol):
    """Where a run keeps its notes."""

    def notes(self) -> dict[str, str]:
        """Every note by name."""
        ...

    def note(self, name: str, value: str) -> None:
        """Keep one."""
        ...


@dataclass(frozen=True, slots=True)
class Seat:
    """The judge of the run in ``folder``, and how it was chosen.

    ``before`` is what it has spent in earlier sessions, ``earlier`` what other judges have spent on the run;
    ``noted`` what went wrong with it when it was last asked, of a seat that asks nothing; else None. ``replied`` are the
    models that its replies named in earlier sessions.
    """

    judge: Judge
    choice: str = EMBEDDED
    options: str | Mapping[str, Any] = EMBEDDED
    before: Spending = field(default_factory=Spending)
    folder: Path | None = None
    earlier: tuple[Book, ...] = ()
    noted: tuple[str, ...] | None = None
    replied: Models = field(default_factory=dict)

    @property
    def code(self) -> tuple[str, ...]:
        """Every ``module:attribute`` that judges, or helps to."""
        return code_in(self.options)

    def settle(self, store: Notes) -> list[str]:
        """Note who judges the run; a sentence where it was another judge, whose grades are all made anew."""
        known = store.notes()
        now = _parts(self.judge)
        was = json.loads(known[PARTS]) if PARTS in known else None
        if JUDGE in known or self.choice != EMBEDDED:
            store.note(JUDGE, self.choice)
            store.note(OPTIONS, json.dumps(self.options, ensure_ascii=False))
        if was is not None and was["fingerprint"] != now["fingerprint"]:
            self.account(store)  # under the name of who spent it, before another's stands there
        if was != now:
            store.note(PARTS, json.dumps(now, ensure_ascii=False))
        if was is None or was["fingerprint"] == now["fingerprint"]:
            return []
        return [f"{_told(was, now)}; every answer is graded again"]

    def spent(self) -> Spending | None:
        """What this judge has spent on the run in all sessions; None for one that keeps no account."""
        found = spending_of(self.judge)
        if found is None:
            return self.before if self.before != Spending() else None
        earlier = self.before
        return Spending(
            **(asdict(earlier + found) | {"from_cache": found.from_cache or earlier.from_cache})
        )

    def spent_before(self) -> Spending | None:
        """The same without this session, in which nobody is asked."""
        counts = spending_of(self.judge) is not None or self.before != Spending()
        return self.before if counts else None

    def models(self) -> Models:
        """Which models this judge's replies have named in all sessions."""
        return added_models((self.replied, models_of(self.judge)))

    def account(self, store: Notes) -> None:
        """Note what was spent, and what went wrong."""
        found = self.spent()
        if found is not None or self.earlier:
            if self.folder is not None:
                store.note(COUNTED, counted_now(self.folder))
            own = Book(self.judge.name, self.judge.fingerprint, found or Spending())
            store.note(SPENT, books_text((*self.earlier, own)))
        if models := self.models():
            noted = store.notes().get(REPLIED)
            store.note(REPLIED, models_text(noted, self.judge.fingerprint, models))
        troubles = json.dumps(troubles_of(self.judge), ensure_ascii=False)
        if store.notes().get(TROUBLES, "[]") != troubles:
            store.note(TROUBLES, troubles)

    def told(self, judged: Judged) -> Judged:
        """The same with what other judges have spent, what nobody saw the end of, and what went wrong."""
        troubles = troubles_of(self.judge) if self.noted is None else self.noted
        return replace(
            judged,
            earlier=self.earlier,
            unanswered=None if self.folder is None else unanswered(self.folder),
            troubles=(*troubles, *told_models(self.models())),
        )

    async def aclose(self) -> None:
        """Close the judge's connections, if it has any."""
        close = getattr(self.judge, "aclose", None)
        if close is not None:
            await close()

    @at_once
    async def through(self, work: Awaitable[Result]) -> Result:
        """What ``work`` comes to; the judge is closed after it."""
        try:
            return await work
        finally:
            await self.aclose()


def seat_of(choice: str | None, suite: Suite, folder: Path) -> Seat:
    """The judge ``choice`` of a run in ``folder``, else that of the run's earlier sessions, else the embedded one.

    Its verdicts are kept in the run folder, so that none is paid for twice.
    """
    known = notes_in(folder)
    if choice is None:
        check_given(code_in(options_noted(known)), folder)
        return _noted(known, suite, folder, offline=False)
    options = resolved(choice, Path.cwd())
    made = _made(options, suite, folder, offline=False)
    return _seat(made, choice, options, known, folder)


def noted_seat(store: Notes, suite: Suite, folder: Path) -> Seat:
    """The judge that graded an earlier run; it makes no call, and has only the verdicts that the run keeps.

    Code that the run folder names is not imported: whoever reads a run need not trust who made it.
    """
    return _noted(store.notes(), suite, folder, offline=True)


def _noted(known: Mapping[str, str], suite: Suite, folder: Path, *, offline: bool) -> Seat:
    choice, options = known.get(JUDGE, EMBEDDED), options_noted(known)
    code = code_in(options)
    made: Judge = (
        NotImportedJudge(code, _read(known, PARTS))
        if code
        else _made(options, suite, folder, offline=offline)
    )
    seat = _seat(made, choice, options, known, folder)
    if not offline:
        return seat
    return replace(seat, noted=tuple(json.loads(known.get(TROUBLES, "[]"))))


def _seat(
    made: Judge,
    choice: str,
    options: str | Mapping[str, Any],
    known: Mapping[str, str],
    folder: Path,
) -> Seat:
    books = _books(known, folder)
    before = sum((one.spent for one in books if one.fingerprint == made.fingerprint), Spending())
    others = tuple(one for one in books if one.fingerprint != made.fingerprint)
    noted = noted_models(known.get(REPLIED), made.fingerprint)
    last = _read(known, PARTS).get("fingerprint") == made.fingerprint
    replied = added_models((noted, uncounted_models(known, folder) if last else {}))
    return Seat(made, choice, options, before, folder, others, replied=replied)


def _books(known: Mapping[str, str], folder: Path) -> tuple[Book, ...]:
    """What the accounts of earlier sessions say, and what a killed one recorded after them."""
    parts = _read(known, PARTS)
    noted = read_books(known.get(SPENT), parts)
    more = uncounted(known, folder, settled=SPENT in known)
    last = Book(parts.get("name", "?"), parts.get("fingerprint", "?"), more)
    return tuple(one for one in added((*noted, last)) if one.spent != Spending())


def options_noted(known: Mapping[str, str]) -> Any:
    """What a run's notes say its judge is: a name, or a mapping of all options."""
    return _read(known, OPTIONS) if OPTIONS in known else known.get(JUDGE, EMBEDDED)


def _read(known: Mapping[str, str], name: str) -> Any:
    """A note that is JSON; ``StorageError`` for one that is none, since evalkit wrote no such thing."""
    try:
        return json.loads(known.get(name, "{}"))
    except (ValueError, RecursionError) as error:
        raise StorageError(f"the run's note {name!r} cannot be read: {error}") from None


def _made(options: str | Mapping[str, Any], suite: Suite, folder: Path, *, offline: bool) -> Judge:
    if options == EMBEDDED:
        return judge_of(EMBEDDED, suite.folder)
    kept = {"cache": folder / "judge", "record": folder, "offline": offline}
    return judge_of(options, Path.cwd(), confined=False, **kept)


def _parts(judge: Judge) -> dict[str, str]:
    return {"name": judge.name, **getattr(judge, "parts", {}), "fingerprint": judge.fingerprint}


def _told(was: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What is another about the judge: the parts that say so, or the fingerprint alone."""
    differ = [name for name in was if name in now and was[name] != now[name]]
    if was.keys() != now.keys():  # of another kind
        differ = ["name"]
    plain = [name for name in differ if name != "fingerprint"] or ["fingerprint"]
    changes = (f"{name} was {was[name]}, now {now[name]}" for name in plain)
    return f"another judge: {'; '.join(changes)}"
