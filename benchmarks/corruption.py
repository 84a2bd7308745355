"""Is damage to a run's store ever silent? Flipped bits, zeroed and random blocks, files cut short or gone.

Half of the stores were closed in order, half were left by a process that died with its write-ahead log in place.
Every one is opened by a reader and then by a run that goes on: it must be whole, healed with a report, or refused.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from reliability import bounded

from evalkit.errors import StorageError
from evalkit.records import Trace
from evalkit.store import Said, Store

ANSWERS, SMALLEST = 60, 1000  # bytes; the file beside a store that counts its commits stays
KINDS = ("flip", "zero", "noise", "cut", "gone")


def judged(case: str) -> Said:
    """What a judge said of an answer, of which nothing else may ever be read."""
    return ("s", case, "as_is", 0), "a digest", f"said of {case} ü"


async def fill(store: Store, first: int, last: int) -> None:
    """Answers ``first`` to ``last``, each as an attempt that ended well and was judged."""
    for i in range(first, last):
        attempt = await store.begin(("s", f"c{i}", "as_is", 0))
        await store.put(Trace(response=f"Antwort {i} ü", system="s", case_id=f"c{i}"), attempt)
        store.keep_evidence([judged(f"c{i}")])


def closed(folder: Path) -> Path:
    """A store that was closed in order."""
    with Store(folder) as store:
        store.agree({"suite": "x"})
        store.note("place", "y")
        asyncio.run(fill(store, 0, ANSWERS))
    return folder


def died(folder: Path) -> Path:
    """A store whose process ended without a word, a question under way."""
    with Store(folder) as store:
        store.agree({"suite": "x"})
        store.note("place", "y")
        asyncio.run(fill(store, 0, ANSWERS // 2))
    child = os.fork()
    if child == 0:
        store = Store(folder)
        asyncio.run(fill(store, ANSWERS // 2, ANSWERS))
        os._exit(0)
    os.waitpid(child, 0)
    return folder


def damage(folder: Path, chance: random.Random) -> str:
    """Damage one file of a store; what was done."""
    names = [
        f.name
        for f in folder.glob("run.sqlite*")
        if f.suffix != ".sqlite-shm" and f.stat().st_size > SMALLEST
    ]
    file = folder / chance.choice(names)
    kind = chance.choice(KINDS if file.suffix != ".sqlite" else KINDS[:-1])
    data = bytearray(file.read_bytes())
    if kind == "gone":
        file.unlink()
        return kind
    place = chance.randrange(len(data))
    size = len(data[place : place + 512])
    if kind == "flip":
        used = [i for i, byte in enumerate(data) if byte]
        for one in chance.sample(used, chance.randint(1, 3)):
            data[one] ^= 1 << chance.randrange(8)
    elif kind == "cut":
        del data[place:]
    else:
        data[place : place + size] = bytes(size) if kind == "zero" else chance.randbytes(size)
    file.write_bytes(bytes(data))
    return kind


def opened(folder: Path, whole: dict[str, Trace], *, reading: bool) -> str:
    """How a damaged store is met: whole, healed, refused; or what must not be: wrong, silent, a crash."""
    try:
        with Store(folder, reading=reading) as store:
            found, recipe = {t.case_id: t for t in store.traces("s")}, store.recipe()
            store.counts()
            notes, said = store.notes(), [*store.evidence("s", "", "d")]
            told = store.healed
    except StorageError:
        return "refused"
    except Exception as error:  # noqa: BLE001 (what is looked for)
        return f"CRASH {type(error).__name__}"
    if recipe != {"suite": "x"} or notes != {"place": "y"}:
        return "WRONG"
    if any(found[i] != whole.get(i) for i in found) or any(s != judged(s[0][1]) for s in said if s):
        return "WRONG"
    if len(found) == len(whole):
        return "whole"
    return "healed" if told else "SILENT"


def main() -> int:
    """Run the trials and print how each kind of damage was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance, met = random.Random(options.seed), Counter[tuple[str, str, str]]()
    with tempfile.TemporaryDirectory() as name:
        sources = [closed(Path(name) / "closed"), died(Path(name) / "died")]
        with Store(sources[0], reading=True) as store:
            whole = {trace.case_id: trace for trace in store.traces("s")}
        for _ in range(options.trials):
            folder = Path(name) / "one"
            shutil.copytree(chance.choice(sources), folder)
            kind = damage(folder, chance)
            for reading in (True, False):
                who = "reader" if reading else "run"
                met[who, kind, opened(folder, whole, reading=reading)] += 1
            shutil.rmtree(folder)
    for (who, kind, how), count in sorted(met.items()):
        print(f"{who:7}{kind:7}{how:9}{count}")
    bad = sum(count for (*_, how), count in met.items() if how.split()[0].isupper())
    print(
        f"{options.trials} damaged stores, each opened twice: crashes, wrong answers and silent losses "
        f"{bounded(bad, 2 * options.trials)}"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
