"""What the viewer answers to each address: pages, files of a run, and what a page polls."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from evalkit.viewing.comparing import FAILED, RUNNING, Comparisons, Outcome
from evalkit.viewing.figures import RATE
from evalkit.viewing.places import FILES, HTML, JSON, TEXT, Place, normal_key, open_file
from evalkit.viewing.runs import Entry, Runs
from evalkit.viewing.screens import (
    comparison_page,
    live,
    message_page,
    policy,
    run_page,
    runs_page,
    trend_page,
)
from evalkit.viewing.server import LOCKED, Answer

HEAD = 16 << 10  # bytes in which a page of ours declares its policy
FIELDS = 8  # of a query
WHOLE = 32 << 20  # bytes of a page of ours that is read whole, to link it to the list of runs
NAMED = b"evalkit"  # stands in the head of a page of ours
BAR = b'<header class="top">\n'  # the page bar, where the link goes; the file itself stays as it is
BACK = '  <a class="back" href="/">← All runs</a>\n'.encode()
_PAGE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_APART = f"{_PAGE}; script-src 'unsafe-inline'; sandbox allow-scripts"
TICKED = "ticked"  # a field of the list's own form
CASES, CASE_PAGE = "cases", re.compile(r"[0-9]{4,8}\.html")

Query = Mapping[str, list[str]]


class Viewer:
    """The runs below a folder as a site; ``respond`` answers an address."""

    def __init__(self, root: Path) -> None:
        self.runs = Runs(root)
        self.comparisons = Comparisons()

    def close(self) -> None:
        """End what still goes on."""
        self.comparisons.close()

    def respond(self, target: str) -> Answer:
        """The answer to the address of a request that the guard let through."""
        path, _, query = target.partition("?")
        try:
            asked = parse_qs(query, max_num_fields=FIELDS, errors="replace")
        except ValueError:
            return _message(400, "Not an address of the viewer")
        segments = path.split("/")[1:]
        if any("\0" in unquote(segment) for segment in segments):
            return _message(400, "Not an address of the viewer")
        if segments[0] == "run":
            return self._of_run(segments[1:])
        if segments[0] == "api":
            return self._polled(segments[1:], asked)
        pages = {"": self._list, "trend": self._trend, "compare": self._compare}
        files = {"compare.json": self._compared_json, "compare.md": self._compared_markdown}
        found = {**pages, **files}.get(segments[0]) if len(segments) == 1 else None
        return _missing() if found is None else found(asked)

    def _polled(self, segments: list[str], asked: Query) -> Answer:
        match segments:
            case ["runs"]:
                return _json({"runs": [live(run) for run in self.runs.all()]})
            case ["compare"]:
                return self._compared(asked)
            case ["run", key]:
                return self._live(key)
        return _missing()

    def _of_run(self, segments: list[str]) -> Answer:
        match segments:
            case [key]:
                return self._moved(key)
            case [key, name]:
                return self._run(key, name)
            case [key, "cases", name]:
                return self._cases(key, name)
        return _missing()

    def _list(self, asked: Query) -> Answer:
        suite = asked.get("suite", [""])[0]
        return _page(runs_page(self.runs.all(), self.runs.root.name, suite, whole="all" in asked))

    # one run

    def _live(self, key: str) -> Answer:
        run = self.runs.get(normal_key(key))
        return _json({"error": "no such run"}, 404) if run is None else _json(live(run))

    def _moved(self, key: str) -> Answer:
        run = self.runs.get(normal_key(key))
        if run is None:
            return _missing()
        return Answer(status=301, headers=(("Location", f"/run/{run.key}/"),))

    def _run(self, key: str, name: str) -> Answer:
        run = self.runs.get(normal_key(key))
        if run is None:
            return _missing()
        if not name:
            return _page(run_page(run, self.runs.all()))
        return self._file(run.place, name, FILES[name]) if name in FILES else _missing()

    def _cases(self, key: str, name: str) -> Answer:
        """A page of the cases of a large run, which lies beside its report."""
        run = self.runs.get(normal_key(key))
        if run is None or not CASE_PAGE.fullmatch(name):
            return _missing()
        below = Place(run.place.root, (*run.place.parts, CASES))
        return self._file(below, name, HTML)

    def _file(self, place: Place, name: str, kind: str) -> Answer:
        opened = open_file(place, name)
        if opened is None:
            return _missing()
        number, about = opened
        if kind != HTML:
            return Answer(kind=kind, policy=LOCKED, file=(number, about.st_size))
        head = _head(number)
        how = self._policy(head)
        if about.st_size > WHOLE or how in (_PAGE, _APART) or NAMED not in head:
            return Answer(kind=kind, policy=how, file=(number, about.st_size))
        with os.fdopen(number, "rb") as file:
            return Answer(file.read(WHOLE).replace(BAR, BAR + BACK, 1), kind, policy=how)

    def _policy(self, head: bytes) -> str:
        """A page of evalkit's own may run evalkit's own script; any other is shut off from the viewer's origin."""
        said = head.decode("utf-8", "replace")
        if "script-src" not in said:
            return _PAGE
        ours = [script for script in self._scripts if f"script-src '{script}'" in said]
        return f"{_PAGE}; script-src '{ours[0]}'" if ours else _APART

    @cached_property
    def _scripts(self) -> tuple[str, ...]:
        """The digests of the scripts in the pages that this evalkit writes."""
        from evalkit.pages import SCRIPTS
        from evalkit.pages.case_pages import SCRIPTS as OF_CASES
        from evalkit.pages.engine import digest, source

        return tuple(digest(source(names)) for names in (SCRIPTS, OF_CASES))

    # several runs

    def _trend(self, asked: Query) -> Answer:
        runs = self.runs.all()
        held = Counter(run.suite for run in runs if run.systems)
        suites = [suite for suite, _ in held.most_common()]
        suite = asked.get("suite", suites[:1] or [""])[0]
        metric = asked.get("metric", [RATE])[0]
        if suites and suite not in suites:
            return _missing()
        mine, whole = [run for run in runs if run.suite == suite], "all" in asked
        return _page(trend_page(mine, suite, suites, metric, whole=whole))

    def _pair(self, asked: Query) -> tuple[Entry, Entry] | None:
        """The two runs that are asked for; one alone stands for both, so that its systems are compared.

        Runs that were ticked in the list, the newest first, are compared in the order in which they were made.
        """
        found = [self.runs.get(normal_key(key)) for key in asked.get("run", [])]
        if TICKED in asked:
            found.reverse()
        match found * 2 if len(found) == 1 else found:
            case [Entry() as a, Entry() as b]:
                return a, b
        return None

    def _compare(self, asked: Query) -> Answer:
        pair = self._pair(asked)
        if pair is None:
            return _page(
                comparison_page(self.runs.all(), None, None), 404 if "run" in asked else 200
            )
        return _page(comparison_page(self.runs.all(), pair, self.comparisons.of(*pair)))

    def _outcome(self, asked: Query) -> Outcome:
        pair = self._pair(asked)
        return self.comparisons.of(*pair) if pair else Outcome(FAILED)

    def _compared_json(self, asked: Query) -> Answer:
        found = self._outcome(asked).found
        return _message(404, "Not compared yet") if found is None else _json(found["comparisons"])

    def _compared_markdown(self, asked: Query) -> Answer:
        found = self._outcome(asked).found
        if found is None:
            return _message(404, "Not compared yet")
        return Answer(str(found["markdown"]).encode("utf-8", "replace"), TEXT)

    def _compared(self, asked: Query) -> Answer:
        state = self._outcome(asked).state
        return _json({"state": state, "again": state == RUNNING})


def _head(number: int) -> bytes:
    """The beginning of an open file, which is then read from its beginning again."""
    found = os.read(number, HEAD)
    os.lseek(number, 0, os.SEEK_SET)
    return found


def _page(text: str, status: int = 200) -> Answer:
    return Answer(text.encode("utf-8", "replace"), HTML, status, policy())


def _message(status: int, said: str) -> Answer:
    return _page(message_page(said), status)


def _missing() -> Answer:
    return _message(404, "There is no such page")


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(value, allow_nan=False).encode(), JSON, status)
