"""Same answers, same seed: the same bytes, whatever the process, the machine's settings, and the order things come in."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.test_merge import differing, files
from tests.test_streaming import cases, traces, write

ROOT = Path(__file__).parents[1]
CASES = 36
HELD, STREAMED = 1000, 0  # cases up to which a suite is held
# One process for each row. Every setting is another in some of them; the first row is what the others are held against.
ROWS: dict[str, dict[str, Any]] = {
    "plain": {"hash": "0", "locale": "C", "zone": "UTC", "umask": 0o022},
    "other settings": {
        "hash": "1",
        "locale": "tr_TR.UTF-8",
        "zone": "Pacific/Auckland",
        "umask": 0o077,
        "cwd": "/",
        "shuffled": True,
        "concurrency": 7,
    },
    "in shares": {
        "hash": "4711",
        "locale": "de_DE.UTF-8",
        "zone": "America/St_Johns",
        "shares": 3,
        "shuffled": True,
        "concurrency": 3,
    },
    "streamed": {"hash": "0", "locale": "C", "zone": "UTC", "large": STREAMED},
    "streamed, two processes": {
        "hash": "77",
        "locale": "C.UTF-8",
        "zone": "Asia/Kathmandu",
        "umask": 0o027,
        "large": STREAMED,
        "shuffled": True,
        "processes": 2,
        "shares": 2,
        "concurrency": 5,
    },
}
CHILD = """
import json, locale, os, sys, time
from pathlib import Path

suite, out, row = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
sys.path[:0] = [row["root"], row["root"] + "/tests"]
os.umask(row.get("umask", 0o022))
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass
time.tzset()
from tests.test_determinism import carry_out

carry_out(suite, out, row)
"""


class Late:
    """A system whose answers come in an order of their own; what they say does not depend on it."""

    def __init__(self, inner: Any, seed: str) -> None:
        self.inner, self._chance = inner, random.Random(seed)
        self.name, self.approach = inner.name, inner.approach
        self.capabilities, self.fingerprint = inner.capabilities, inner.fingerprint

    async def ask(self, question: Any) -> Any:
        import asyncio

        await asyncio.sleep(self._chance.random() / 500)
        return await self.inner.ask(question)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def carry_out(folder: Path, out: Path, row: dict[str, Any]) -> None:
    """A run of recorded and live systems as a row says, in this process."""
    import evalkit
    from evalkit.ledger.fold import How
    from evalkit.merge import merge
    from evalkit.suite import load_suite
    from tests.test_shards import faulty

    suite = load_suite(folder, large=row.get("large", HELD))
    systems = [*evalkit.load_systems(folder / "systems.yaml"), Late(faulty(suite)[0], row["hash"])]
    how = {
        "concurrency": row.get("concurrency", 1),
        "how": How(processes=row.get("processes", 0)),
    }
    shares = row.get("shares", 0)
    if not shares:
        evalkit.run(suite, systems, out=out, **how).write()
        return
    parts = [out.with_name(f"{out.name}-{n}") for n in range(1, shares + 1)]
    for n, part in enumerate(parts, 1):
        evalkit.run(suite, systems, out=part, shard=f"{n}/{shares}", **how)
    merge(out, parts[::-1], suite=suite).write()


def suite_in(folder: Path, *, shuffled: bool) -> Path:
    """The suite with its recording, whose lines may stand in another order."""
    folder.mkdir()
    some = list(cases())[:CASES]
    known = {case["id"] for case in some}
    write(folder / "cases.jsonl", some)
    documents = ({"_id": f"d{n}", "text": f"Dokument {n} sagt {n} Euro."} for n in range(7))
    write(folder / "corpus.jsonl", documents)
    (folder / "suite.yaml").write_text("format: 1\nname: same\ncases: cases.jsonl\nk: 2\n")
    (folder / "systems.yaml").write_text(
        "systems: [{name: a, approach: rag, adapter: recorded, path: a.jsonl}]\n"
    )
    rows = [trace for trace in traces("a") if trace["case_id"] in known]
    if shuffled:
        random.Random(1).shuffle(rows)
    write(folder / "a.jsonl", rows)
    return folder


def made(tmp: Path, name: str) -> dict[str, bytes]:
    row = {"root": str(ROOT), **ROWS[name]}
    home = tmp / name.replace(" ", "-")
    home.mkdir()
    suite = suite_in(home / "suite", shuffled=row.get("shuffled", False))
    settings = {
        "PYTHONHASHSEED": row["hash"],
        "LC_ALL": row["locale"],
        "TZ": row["zone"],
    }
    command = [sys.executable, "-c", CHILD, str(suite), str(home / "run"), json.dumps(row)]
    done = subprocess.run(
        command,
        cwd=row.get("cwd", home),
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return _alike(files(home / "run"))


def _alike(found: dict[str, bytes]) -> dict[str, bytes]:
    """Without what is another on purpose.

    The recording's own digest: its lines stand in another order here and there. And the path that commands to be copied
    name the suite by: as it is seen from where the report was written.
    """
    recipe = json.loads(found["manifest.json"])["recipe"]
    name = recipe["system a"].partition(" ")[2].encode()
    seen = re.compile(rb'"folder":\["[^"]*",')
    return {
        file: seen.sub(b'"folder":["(the suite)",', content.replace(name, b"(the recording)"))
        for file, content in found.items()
    }


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, bytes]]]:
    tmp = tmp_path_factory.mktemp("runs")
    with ThreadPoolExecutor(2) as two:
        yield dict(zip(ROWS, two.map(lambda name: made(tmp, name), ROWS), strict=True))


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("other settings", "plain"),
        ("in shares", "plain"),
        ("streamed, two processes", "streamed"),
    ],
)
def test_the_same_answers_make_the_same_bytes(runs, name, like):
    assert b"oracle" in runs[like]["diagnosis.json"]
    assert b"oracle_context" in runs[like]["traces.jsonl"]
    assert differing(runs[name], runs[like]) == []


def test_streamed_or_held_only_the_pages_say_so(runs):
    apart = differing(runs["streamed"], runs["plain"])
    assert [name for name in apart if name.endswith((".json", ".jsonl", ".csv"))] == []
