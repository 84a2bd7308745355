"""Whether a run folder holds a finished run just as it would be made now: then nothing is graded again; in doubt all is."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit import plugins
from evalkit.evidence import code_digest, keeps
from evalkit.records import Evidence, Judge, Suite, System
from evalkit.store import Store
from evalkit.story import Parts

if TYPE_CHECKING:
    from evalkit.tools import Tools

FILE = "finished.json"
SPENDING = "judge spending"  # a note that no derived file of an unchanged run depends on
_NOT_DERIVED = ("run.", FILE, ".")  # how files begin that are no derived ones
_FOLDERS = {
    "judge",
    "logs",
    "vectors",
    "shards",
}  # what judges, systems, embedders and other engines leave
CALLING = "evalkit.judges.llm.judge"  # the judge that makes calls, and keeps what was said itself


class Finished:
    """What an earlier run left in a folder, and whether this one would leave the same.

    ``parts`` is the story it told and ``code`` the exit code it ended with; None until ``is_there`` has found both.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts: Parts | None = None
        self.code = 0
        self._means: str | None = None
        self._made_of: str | None = None

    def is_there(self, store: Store, means: str | None, *, unchanged: bool) -> bool:
        """Whether every derived file is as it was written, and made of what would be read now.

        ``means`` names what the files depend on beside the answers, None where that cannot be told; ``unchanged``
        says that there is nothing to ask and nothing was found changed or damaged.
        """
        self._means = means
        if means is None or not unchanged:
            return False
        kept = _read(self.folder / FILE)
        if kept is None or kept["made_of"] != self._digest(store):
            return False
        if kept["files"] != digests(self.folder):
            return False
        self.parts, self.code = kept["story"], int(kept["exit_code"])
        return True

    def settle(
        self, store: Store, *, complete: bool, evidence: Collection[Evidence | None]
    ) -> None:
        """The run has ended; ``complete`` says that all was asked that was to be. A judge that failed will be asked again."""
        failed = any(found is not None and found.error is not None for found in evidence)
        whole = complete and not failed and self._means is not None
        self._made_of = self._digest(store) if whole else None

    def keep(self, parts: Parts, code: int) -> None:
        """Note what the derived files are, and what was told of them; they have been written."""
        from evalkit.artefacts import write_json

        if self._made_of is None:
            return
        kept = {
            "format": 1,
            "made_of": self._made_of,
            "files": digests(self.folder),
            "story": parts,
            "exit_code": code,
        }
        write_json(self.folder / FILE, {**kept, "sum": _sum(kept)})

    def _digest(self, store: Store) -> str:
        notes = {name: value for name, value in store.notes().items() if name != SPENDING}
        place = str(self.folder.resolve())
        return _named(self._means, store.marker(), store.recipe(), sorted(notes.items()), place)


def means_of_files(
    suite: Suite, tools: Tools, made: Sequence[System], chosen: Collection[str] | None, *given: Any
) -> str | None:
    """A digest of what derived files depend on beside the store; None where somebody's own judge may have changed.

    ``given`` are options, files by their path.
    """
    ours = keeps(tools.judge) and plugins.only_ours()
    if not keeps(tools.judge) and type(tools.judge).__module__ != CALLING:
        return None
    shelves = [] if ours else [_judge(tools.judge), sorted(_foreign(tools))]
    return _means(suite, made, chosen, shelves, given)


def means_of_ours(suite: Suite, made: Sequence[System], *given: Any) -> str:
    """``means_of_files`` of a whole suite where evalkit's own judge grades and nothing else is installed: neither is imported."""
    return _means(suite, made, None, [], given)


def _means(
    suite: Suite,
    made: Sequence[System],
    chosen: Collection[str] | None,
    shelves: list[Any],
    given: Sequence[Any],
) -> str:
    """``shelves`` says what judges and measures, beside evalkit's own code."""
    return _named(
        suite.digest,
        code_digest(),
        shelves,
        [(s.name, s.fingerprint, sorted(s.capabilities)) for s in made],
        None if chosen is None else sorted(chosen),
        [_content(value) if isinstance(value, Path) else value for value in given],
    )


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every derived file in a run folder, by its path in it."""
    return {str(file.relative_to(folder)): _content(file) for file in _derived(folder)}


def _derived(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if file.is_file() and parts[0] not in _FOLDERS and not parts[0].startswith(_NOT_DERIVED):
            yield file


def _judge(judge: Judge) -> list[str]:
    return [judge.name, judge.fingerprint, *getattr(judge, "embedders", ())]


def _foreign(tools: Tools) -> Iterator[tuple[str, str]]:
    """The shelves by name, with the source of what was installed beside evalkit."""
    shelves: list[tuple[str, Any]] = [(metric.name, metric.compute) for metric in tools.metrics]
    shelves += [(cause.id, cause.detect) for cause in tools.causes]
    shelves += [(condition.id, condition.plan) for condition in tools.conditions]
    for name, made in shelves:
        yield name, _source(getattr(made, "func", made))
    for rule in tools.playbook:
        yield rule.id, repr(rule)


def _source(made: Any) -> str:
    module = str(getattr(made, "__module__", None) or type(made).__module__)
    ours = module.partition(".")[0] == "evalkit"
    file = None if ours else getattr(sys.modules.get(module), "__file__", None)
    return _content(Path(file)) if file else module


def _content(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return f"not to be read: {error.strerror}"


def _named(*values: Any) -> str:
    return hashlib.sha256(json.dumps(values, default=str).encode("utf-8", "replace")).hexdigest()


def _sum(kept: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode("utf-8", "replace")).hexdigest()


def _read(file: Path) -> dict[str, Any] | None:
    """What was noted; None where there is nothing, or not what was written."""
    try:
        kept: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return kept if kept.pop("sum") == _sum(kept) and kept["format"] == 1 else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
