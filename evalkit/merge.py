"""Puts runs of all shares of a suite together into the one run that they are parts of; nothing is asked."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from evalkit.api import Run
from evalkit.condition import family
from evalkit.errors import InvalidInput, NothingToDo, StorageError
from evalkit.fingerprints import differences, told_file, told_option
from evalkit.grade import Graded
from evalkit.inquiry import differ, failing, index_of, passing
from evalkit.judging.gathering import check_same_judge, gather, spent_in
from evalkit.judging.of_run import noted_seat
from evalkit.outcome import deciding
from evalkit.pool import block_on
from evalkit.probe import control_sample, drawn
from evalkit.records import AS_IS, Suite
from evalkit.resume import SEPARATOR
from evalkit.shards import CONTROLS, SHARD, Share, read_share
from evalkit.store import Key, Store, difference
from evalkit.suite import load_suite
from evalkit.tools import tools_for
from evalkit.watch import Watcher
from evalkit.whereabouts import SUITE_FOLDER, path_from, suite_of
from evalkit.work import Work, approaches_of, means_of

MOST = 8  # things that are named in a message


def merge(
    out: str | Path,
    folders: Sequence[str | Path],
    *,
    suite: Suite | str | Path | None = None,
    watch: Watcher | None = None,
) -> Run:
    """The run of a whole suite, in the new folder ``out``, from the folders of all its shares.

    ``InvalidInput`` where a share is missing, was made of something else, or two answer one question differently.
    ``suite`` is where the first share says if None. A run folder appears only when it is whole.
    """
    target, watcher = Path(out), watch or Watcher()
    if (target / "run.sqlite").exists() or (target.exists() and any(target.iterdir())):
        raise InvalidInput("is not empty", file=target, hint="merge into a new folder")
    given = suite if suite is not None else suite_of(folders[0])
    loaded = given if isinstance(given, Suite) else load_suite(given)
    making = target.with_name(f".{target.name}.part")
    shutil.rmtree(making, ignore_errors=True)
    try:
        with ExitStack() as opened:
            parts = _opened(folders, opened)
            with Store(making) as store:
                seed = _put_together(store, parts, loaded, watcher)
                store.note(SUITE_FOLDER, path_from(target, loaded.folder))
                run = block_on(
                    _derived(store, parts, loaded, watcher, seed), instead="a thread of its own"
                )
        if target.exists():
            target.rmdir()
        making.replace(target)
    except OSError as error:
        raise StorageError(f"{target}: cannot be made: {error.strerror or error}") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return Run(run.suite, run.systems, run.recipe, target, None, run.judged)


# --- the shares --------------------------------------------------------------------------------


def _opened(folders: Sequence[str | Path], opened: ExitStack) -> list[tuple[Share, Store]]:
    """The stores of the shares, all of them and all of one run; ``InvalidInput`` says what is not so."""
    parts = []
    for folder in map(Path, folders):
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
        if place[2:3] in (("file",), ("template",)):
            told.append(f"{place[1]}: {told_file(place[3], was, is_)}")
        elif place[2:3] == ("option",):
            told.append(f"{place[1]}: {told_option(place[3], was, is_)}")
        elif place[2:3] != ("fingerprint",):
            told.append(f"{' '.join(place)} was {was}, now {is_}")
    return told


# --- the whole -----------------------------------------------------------------------------------


def _put_together(
    store: Store, parts: Sequence[tuple[Share, Store]], suite: Suite, watch: Watcher
) -> int:
    """Copy every answer and the account of calls; the seed of the run."""
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
            watch.say(
                f"shard {share} was not finished: {left} questions were not answered when it ended"
            )
        seen.add(share)
        watch.step()
    watch.done()
    return int(recipe.get("seed", 0))


async def _derived(
    store: Store, parts: Sequence[tuple[Share, Store]], suite: Suite, watch: Watcher, seed: int
) -> Run:
    """Everything graded and diagnosed, from the answers that the run of the whole suite would have asked for."""
    seat = noted_seat(store, suite, store.folder)
    tools = tools_for(suite, judge=seat.judge)
    if seat.code:  # merging imports no code that a folder names: what it said is in the shares
        for _, part in parts:
            for name in part.systems():
                said = part.evidence(name, "", chr(0x10FFFF))
                store.keep_evidence(one for one in said if one is not None)
    work = Work(suite, store, tools, watch, seed=seed)
    wanted = deciding(suite)
    metrics = [metric for metric in tools.metrics if metric.name in wanted]
    controls = max(int(part.notes().get(CONTROLS, 0)) for _, part in parts)
    for name, approach in approaches_of(store.recipe()).items():
        graded = await work.graded(name, approach, metrics)
        spare = surplus(graded, controls, seed) if graded is not None else set()
        store.forget(spare)
        if spare:
            watch.say(
                f"{name}: {len(spare)} answers of controls and repeats that only a share alone needs are left out"
            )
    found = await work.diagnosed()
    if not found:
        raise NothingToDo("no system has answered any case")
    means = {**means_of(found, tools), **store.recipe()}
    return Run(suite, found, means, store.folder, None, work.judged(found, spent_in(store)))


def surplus(graded: Graded, controls: int, seed: int) -> set[Key]:
    """The probes that each share asked by itself, and the whole suite would not have asked.

    Each share asks ``controls`` passing cases again, and its first failing one twice, to learn whether the system
    varies. Cases are drawn each by itself, so what the whole would ask is among what the shares asked.
    """
    chosen = control_sample(graded, controls, seed)
    beside = {*passing(graded)} - {*chosen}
    first = (drawn(failing(graded), seed) or chosen or [""])[0]
    traces, found = graded.traces, set()
    groups = [n for asked in index_of(graded).values() for n in asked.values() if len(n) > 1]
    varies = any(differ(traces[i] for i in numbers) for numbers in groups)
    for t in traces:
        again = t.repeat > 0 and family(t.condition) != "frozen_context"
        alone = again and not varies and t.case_id != first
        if t.condition != AS_IS and (t.case_id in beside or alone):
            found.add((t.system, t.case_id, t.condition, t.repeat))
    return found
