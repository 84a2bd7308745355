"""Puts runs of all shares of a suite together into the one run that they are parts of; nothing is asked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from evalkit.api import Run
from evalkit.errors import InvalidInput, NothingToDo, StorageError
from evalkit.fingerprints import differences, told_part
from evalkit.gating.unfinished import note_unasked
from evalkit.judging.gathering import check_same_judge, gather
from evalkit.judging.of_run import noted_seat
from evalkit.ledger.fold import How
from evalkit.pool import block_on
from evalkit.records import Suite
from evalkit.replay import not_filed, note_unfiled
from evalkit.resume import SEPARATOR
from evalkit.shards import CONTROLS, RECORDED, SHARD, Share, read_share, told_share, unanswered
from evalkit.store import Store, difference
from evalkit.store.merging import extent
from evalkit.store.opening import LOCK, lock, open_to_read
from evalkit.suite import load_suite
from evalkit.surplus import surplus
from evalkit.tools import tools_for
from evalkit.watch import Watcher
from evalkit.whereabouts import SUITE_FOLDER, path_from, suite_of
from evalkit.work import Work, approaches_of, means_of

MOST = 8  # things that are named in a message
Parts = Sequence[tuple[Share, Store]]


def merge(
    out: str | Path,
    folders: Sequence[str | Path],
    *,
    suite: Suite | str | Path | None = None,
    playbook: Path | None = None,
    watch: Watcher | None = None,
) -> Run:
    """The run of a whole suite, in the new folder ``out``, from the folders of all its shares, in whatever order.

    ``InvalidInput`` where a share is missing, was made of something else, or two answer one question differently;
    ``NotFiled`` where a share's recorded answers are not all filed.
    ``suite`` is where the first share says if None, ``playbook`` the user's own symptoms. A run folder appears only
    when all answers are in it.
    """
    target, watcher = Path(out).resolve(), watch or Watcher()
    check_free(target)
    given = suite if suite is not None else suite_of(folders[0])
    loaded = given if isinstance(given, Suite) else load_suite(given)
    making = target.with_name(f".{target.name}.part")
    clear(making)
    try:
        assemble(making, folders, loaded, watcher, target)
        if target.exists():
            target.rmdir()
        making.replace(target)
    except OSError as error:
        raise StorageError(f"{target}: cannot be made: {error.strerror or error}") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return graded(target, loaded, watcher, playbook)


def check_free(target: Path) -> None:
    """``InvalidInput`` where something is already that a run would be mixed with."""
    if (target / "run.sqlite").exists():
        raise InvalidInput(
            "holds a run",
            file=target,
            hint="merge into a new folder; `evalkit score` writes the files of a merged run again",
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InvalidInput("is not empty", file=target, hint="merge into a new folder")


def clear(making: Path) -> None:
    """Take away what a merging left that was killed; ``Busy`` where one is at work there."""
    if (making / LOCK).exists():
        lock(making).close()
    shutil.rmtree(making, ignore_errors=True)


def assemble(
    making: Path,
    folders: Sequence[str | Path],
    suite: Suite,
    watch: Watcher,
    place: Path,
    *,
    partly: bool = False,
) -> None:
    """Put the answers of all shares into the new folder ``making``, as those of the run in ``place``.

    ``NotFiled`` where a share's recorded answers are not all filed, unless what is there is wanted ``partly``.
    """
    given = dict.fromkeys(Path(folder).resolve() for folder in folders)
    with ExitStack() as opened:
        parts = _opened(given, opened, partly=partly)
        _tell_doubled(len(folders) - len(given), parts, watch)
        with Store(making) as store:
            _put_together(store, parts, suite, watch)
            _tell_gaps(parts, suite, watch)
            if not store.systems():
                raise NothingToDo("no system has answered any case")
            block_on(_leave_out(store, parts, suite, watch), instead="a thread of its own")
            store.note(SUITE_FOLDER, path_from(place, suite.folder))


def graded(
    folder: Path,
    suite: Suite,
    watch: Watcher,
    playbook: Path | None = None,
    *,
    keep: bool = False,
) -> Run:
    """The answers in a run folder graded and diagnosed, by the judge that the folder names; nobody is asked.

    With ``keep`` what evalkit's own judge says is kept there, so that it is said once.
    """
    with Store(folder, reading=not keep) as store:
        seat = noted_seat(store, suite, folder)
        tools = tools_for(suite, judge=seat.judge, playbook=playbook)
        work = Work(suite, store, tools, watch, seed=_seed(store))
        work.how = How(playbook=playbook)
        found = block_on(seat.through(work.diagnosed()), instead="a thread of its own")
        if not found:
            raise unanswered(store, suite.cases)
        recipe = {**means_of(found, tools), **store.recipe(), **told_share(store)}
        judged = seat.told(work.judged(found, seat.spent_before()))
        answers = store.marker()
        return Run(work.suite, found, recipe, folder, None, judged, work.large, answers)


def _seed(store: Store) -> int:
    return int(store.recipe().get("seed", 0))


# --- the shares --------------------------------------------------------------------------------


def _tell_doubled(again: int, parts: Parts, watch: Watcher) -> None:
    """Say which folders and shares were given more than once."""
    if again:
        folders = "1 folder was" if again == 1 else f"{again} folders were"
        watch.say(f"{folders} given again, and counted once")
    of_share: dict[Share, list[str]] = {}
    for share, store in parts:
        of_share.setdefault(share, []).append(str(store.folder))
    for share, places in of_share.items():
        if len(places) > 1:
            watch.say(f"shard {share} was given by several folders: {', '.join(places)}")


def _opened(
    folders: Iterable[Path], opened: ExitStack, *, partly: bool
) -> list[tuple[Share, Store]]:
    """The stores of the shares by number, all of them and all of one run; ``InvalidInput`` says what is not so."""
    parts: list[tuple[Share, Store]] = []
    for folder in folders:
        if not (folder / "run.sqlite").exists():
            raise InvalidInput("there is no run", file=folder)
        store = opened.enter_context(Store(folder, reading=True))
        noted = store.notes().get(SHARD)
        if noted is None:
            raise InvalidInput(
                "is the run of a whole suite",
                file=folder,
                hint="`evalkit run --shard I/N` makes a share",
            )
        parts.append((read_share(noted), store))
    _check_complete([share for share, _ in parts], parts[0][1].folder)
    for _, store in parts:  # before what may differ only because a share was interrupted
        unfiled = None if partly else not_filed(store)
        if unfiled is not None:
            raise unfiled
    parts.sort(key=lambda part: part[0].number)  # so that their order does not matter
    for _, store in parts[1:]:
        _check_same(parts[0][1], store)
        check_same_judge(parts[0][1], store)
    return parts


def _check_complete(shares: Iterable[Share], folder: Path) -> None:
    found = set(shares)
    totals = sorted({share.of for share in found})
    if len(totals) > 1:
        raise InvalidInput(
            f"shares of different splits: of {' and of '.join(map(str, totals))}", file=folder
        )
    absent = sorted(set(range(1, totals[0] + 1)) - {share.number for share in found})
    if absent:
        names = ", ".join(f"{number}/{totals[0]}" for number in absent[:MOST])
        more = f" and {len(absent) - MOST} more" if len(absent) > MOST else ""
        verb = "is" if len(absent) == 1 else "are"
        raise InvalidInput(
            f"{names}{more} {verb} missing", field="shard", hint="give the folders of all shares"
        )


def _check_same(first: Store, other: Store) -> None:
    """Answers can be put together only where they depend on the same things."""
    was, now = first.recipe(), other.recipe()
    names = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    before, after = _told_by_both(first.details(), other.details())
    if not names and before == after:
        return
    told = _told_parts(before, after)
    told = told or [difference(name, was.get(name), now.get(name)) for name in names]
    more = f"; and {len(told) - MOST} more" if len(told) > MOST else ""
    raise InvalidInput(
        f"was made of something else than {first.folder}: {'; '.join(told[:MOST])}{more}",
        file=other.folder,
    )


def _told_by_both(
    before: Mapping[str, str], now: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Two recipes' parts without cases that only one of them tells of: a share tells of its own cases."""
    case = f"case{SEPARATOR}"
    alone = {name for name in before.keys() ^ now.keys() if name.startswith(case)}
    kept = ({n: v for n, v in given.items() if n not in alone} for given in (before, now))
    return next(kept), next(kept)


def _told_parts(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs between the parts of two recipes, in words."""
    old, new = ({tuple(n.split(SEPARATOR)): v for n, v in given.items()} for given in (before, now))
    told = []
    for place in differences(old, new):
        was, is_ = old.get(place), new.get(place)
        if len(place) > 3:
            told.append(f"{place[1]}: {told_part(place[2:], was, is_)}")
        elif place[2:3] != ("fingerprint",):
            told.append(f"{' '.join(place)} was {was}, now {is_}")
    return told


# --- the whole -----------------------------------------------------------------------------------


def _put_together(store: Store, parts: Parts, suite: Suite, watch: Watcher) -> None:
    """Copy every answer, what the judge said, and the account of calls."""
    recipe = parts[0][1].recipe()
    if recipe.get("suite") != suite.digest:
        raise InvalidInput(
            f"the shares are of another suite ({recipe.get('suite')}, not {suite.digest})",
            file=suite.folder,
        )
    for _, part in parts:
        store.note_recipe(recipe, part.details())
    gather(store, [*dict(parts).values()])
    seen: set[Share] = set()
    unasked = 0
    watch.start("merging", len(parts))
    for share, part in parts:
        unlike = store.take_over(part, account=share not in seen)
        if unlike:
            names = ", ".join(" ".join(map(str, key)) for key in unlike[:MOST])
            raise InvalidInput(
                f"answers otherwise than the shares before it: {len(unlike)} answers, such as {names}",
                file=part.folder,
            )
        open_ = part.counts()
        if open_.planned or open_.started:
            left = open_.planned + open_.started
            unasked += left
            watch.say(
                f"shard {share} was not finished: {left} questions were not answered when it ended"
            )
        seen.add(share)
        watch.step()
    watch.done()
    note_unfiled(store, [part for _, part in parts])
    if unasked:
        note_unasked(store, unasked)


def _tell_gaps(parts: Parts, suite: Suite, watch: Watcher) -> None:
    """Say where shares were asked less than one run would have asked, or one otherwise than another."""
    cases: dict[Share, int] = {}
    repeats: dict[Share, int] = {}
    for share, part in parts:
        with closing(open_to_read(part.file)) as db:
            answered, most = extent(db)
        cases[share] = max(answered, cases.get(share, 0))
        repeats[share] = max(most, repeats.get(share, 0))
    lacking = len(suite.cases) - sum(cases.values())
    if lacking > 0:
        watch.say(
            f"{lacking} of {len(suite.cases)} cases have no answer: a share was not finished, or asked with --limit"
        )
    if len({most for most in repeats.values() if most}) > 1:
        told = ", ".join(f"{share}: {most}" for share, most in repeats.items() if most)
        watch.say(f"the shares were not asked with the same --repeats ({told})")


async def _leave_out(store: Store, parts: Parts, suite: Suite, watch: Watcher) -> None:
    """Forget probes that the run of the whole suite would not have asked; what is recorded stays as it is."""
    seat = noted_seat(store, suite, store.folder)
    work = Work(suite, store, tools_for(suite, judge=seat.judge), watch, seed=_seed(store))
    notes = [part.notes() for _, part in parts]
    controls = max(int(note.get(CONTROLS, 0)) for note in notes)
    recorded = {name for note in notes for name in json.loads(note.get(RECORDED, "[]"))}
    for name, approach in approaches_of(store.recipe()).items():
        if name in recorded:
            continue
        count = 0
        async for spare in surplus(work, name, approach, controls):
            store.forget(spare)
            count += len(spare)
        if count:
            watch.say(
                f"{name}: {count} answers of controls and repeats that only a share alone needs are left out"
            )
    await seat.aclose()
