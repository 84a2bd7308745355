"""Ledgers of parts on disk, and as one ledger again: slim columns in memory, the wide ones read when asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evalkit.errors import StorageError
from evalkit.ledger.columns import COUNTS, STAGES, FindingColumns, Ledger, often_first
from evalkit.ledger.words import Chosen, Words, keep_arrays, kept_arrays, slim
from evalkit.records import Approach, Metric
from evalkit.score import Column

Array = npt.NDArray[Any]
CASES = ("place", "outcome", "group", "way", "lost", "frozen", "verdicts")
FINDINGS = tuple(f.name for f in fields(FindingColumns))
NUMBERS = ("row", "confidence", "gain")  # of findings
SHIFTED = ("trace_case", "finding row")  # rows of cases
_WORDS = ("tags", "condition", "repeat", "pairs", "right")


@contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """``StorageError`` where parts cannot be kept in ``folder``, of the run or a temporary one: a full disk, say."""
    try:
        yield
    except (ConnectionError, TimeoutError):  # of a judge's endpoint
        raise
    except OSError as error:
        why = error.strerror or error
        raise StorageError(f"{folder.parent}: parts of the run cannot be kept: {why}") from error


def save(ledger: Ledger, stem: Path) -> None:
    """Write the ledger of one part beside ``stem``: narrow columns, wide ones, and what is no number."""
    found = ledger.findings
    arrays = {name: getattr(ledger, name) for name in (*CASES, "symptoms", "trace_case")}
    arrays |= {name: getattr(ledger, name).codes for name in _WORDS}
    arrays |= {f"seconds {n}": ledger.seconds[n] for n in STAGES}
    arrays |= {f"usage {n}": ledger.usage[n] for n in COUNTS}
    arrays |= {f"finding {n}": getattr(found, n) for n in NUMBERS}
    arrays |= {f"finding {n}": getattr(found, n).codes for n in FINDINGS if n not in NUMBERS}
    words = {name: getattr(ledger, name).words for name in _WORDS}
    words |= {f"finding {n}": getattr(found, n).words for n in FINDINGS if n not in NUMBERS}
    keep_arrays(stem.with_suffix(".arrays"), arrays)
    for suffix, columns in ((".traces.bin", ledger.columns), (".cases.bin", ledger.case_columns)):
        with stem.with_suffix(suffix).open("wb") as stream:
            stream.writelines(column.values.tobytes() for column in columns.values())
            stream.writelines(column.status.tobytes() for column in columns.values())
    rest = {
        "words": words,
        "format_errors": ledger.format_errors,
        "judges": ledger.judges,
        "models": dict(ledger.models),
    }
    text = json.dumps(rest, ensure_ascii=True)
    stem.with_suffix(".json").write_text(text, encoding="ascii")


class Wide(Mapping[str, Column]):
    """The columns of many parts by name, each put together when it is asked for, and then forgotten."""

    def __init__(self, metrics: Sequence[Metric], files: Sequence[tuple[Path, int]]) -> None:
        self._metrics = {metric.name: (j, metric) for j, metric in enumerate(metrics)}
        self._files = files

    def __getitem__(self, name: str) -> Column:
        number, metric = self._metrics[name]
        values = [self._read(f, n, number * n * 8, np.float64) for f, n in self._files]
        below = len(self._metrics) * 8
        status = [self._read(f, n, (below + number) * n, np.uint8) for f, n in self._files]
        return Column(metric, np.concatenate(values), np.concatenate(status))

    def metrics(self) -> Iterator[Metric]:
        """The measures whose columns these are."""
        return (metric for _, metric in self._metrics.values())

    def _read(self, file: Path, rows: int, offset: int, kind: type[Any]) -> Array:
        return np.fromfile(file, kind, rows, offset=offset)

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)


class Stored(Mapping[Any, Any]):
    """Columns of a whole run, each in a file of its own: read when it is asked for, and then forgotten."""

    def __init__(self, files: Mapping[Any, tuple[Path, np.dtype[Any]]]) -> None:
        self._files = files

    def __getitem__(self, name: Any) -> Array:
        return np.fromfile(*self._files[name])

    def __iter__(self) -> Iterator[Any]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


class _Whole:
    """The columns of all parts, written one below the other as the parts are read: one part is held at a time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._files: dict[str, tuple[Path, np.dtype[Any]]] = {}
        self._words: dict[str, dict[Any, int]] = {}
        self.sizes: list[int] = []
        self.traces: list[int] = []
        self.format_errors: Counter[tuple[str, str]] = Counter()
        self.judges: set[str] = set()
        self.models: Counter[str] = Counter()

    def add(self, stem: Path) -> None:
        """Read what ``save`` wrote of one part, but for the wide columns."""
        below = sum(self.sizes)
        rest = json.loads(stem.with_suffix(".json").read_text(encoding="ascii"))
        arrays = kept_arrays(stem.with_suffix(".arrays"))
        for number, row in enumerate(arrays.pop("symptoms")):
            arrays[f"symptoms {number}"] = row
        for name, column in arrays.items():
            whole = self._translated(name, column, rest["words"].get(name), below)
            self._write(name, whole)
        self.sizes.append(len(arrays["place"]))
        self.traces.append(len(arrays["trace_case"]))
        self.format_errors.update({(p, k): n for (p, k), n in rest["format_errors"]})
        self.judges.update(rest["judges"])
        self.models.update(rest["models"])

    def _write(self, name: str, column: Array) -> None:
        begun = name in self._files
        file, _ = self._files.setdefault(name, (self._folder / f"{name}.bin", column.dtype))
        with file.open("ab" if begun else "wb") as stream:
            stream.write(np.ascontiguousarray(column).data)

    def _translated(self, name: str, column: Array, words: list[Any] | None, below: int) -> Array:
        """A column of a part as it stands in the whole."""
        if words is not None:
            known = self._words.setdefault(name, {})
            own = [known.setdefault(_frozen(word), len(known)) for word in words]
            return np.array(own, np.int32)[column] if own else column.astype(np.int32)
        if name in SHIFTED:
            return np.where(column < 0, column, column + below)
        # Cases without a group have a number of their own in every part: it must not be that of another part.
        return np.where(column < 0, column - below, column) if name == "group" else column

    def column(self, name: str) -> Any:
        """A column, in as few bytes as it takes."""
        return slim(np.fromfile(*self._files[name]))

    def words(self, name: str) -> Words:
        """A column of words."""
        return Words(self.column(name), tuple(self._words[name]))

    def stored(self, names: Mapping[Any, str]) -> Stored:
        """Columns that stay on disk, under other names."""
        return Stored({own: self._files[name] for own, name in names.items()})

    def symptoms(self) -> Stored:
        """The rows of the rules of the playbook."""
        rules = sum(name.startswith("symptoms ") for name in self._files)
        return self.stored({number: f"symptoms {number}" for number in range(rules)})


def _frozen(value: Any) -> Any:
    """Lists as tuples, all the way down."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def load(
    stems: Sequence[Path],
    system: str,
    approach: Approach,
    kinds: Sequence[Sequence[Metric]],
    ids: Sequence[str],
) -> Ledger:
    """The ledgers of parts as one, part after part; ``ids`` are those of all cases in the order of the suite.

    ``kinds`` are the measures of answers, of cases, and of the suite.
    """
    whole = _Whole(stems[0].with_suffix(".whole"))
    for stem in stems:
        whole.add(stem)
    cases: dict[str, Any] = {name: whole.column(name) for name in CASES if name != "group"}
    words: dict[str, Any] = {name: whole.words(name) for name in _WORDS}
    return Ledger(
        system=system,
        approach=approach,
        ids=Chosen(ids, cases["place"]),
        symptoms=whole.symptoms(),
        trace_case=whole.column("trace_case"),
        **cases,
        **words,
        group=_renumbered(whole.column("group")),
        seconds=whole.stored({n: f"seconds {n}" for n in STAGES}),
        usage=whole.stored({n: f"usage {n}" for n in COUNTS}),
        findings=_findings(whole, cases["place"]),
        columns=Wide(kinds[0], _files(stems, ".traces.bin", whole.traces)),
        case_columns=Wide(kinds[1], _files(stems, ".cases.bin", whole.sizes)),
        suite_metrics=tuple(kinds[2]),
        format_errors=tuple(whole.format_errors.most_common()),
        judges=tuple(sorted(whole.judges)),
        models=often_first(whole.models),
    )


def _files(stems: Sequence[Path], suffix: str, sizes: Sequence[int]) -> list[tuple[Path, int]]:
    return [(stem.with_suffix(suffix), n) for stem, n in zip(stems, sizes, strict=True)]


def _renumbered(groups: Array) -> Array:
    """Groups as small numbers; negative ones, of cases without any, stay."""
    found = groups.copy()
    named = groups >= 0
    found[named] = np.unique(groups[named], return_inverse=True)[1]
    renumbered: Array = slim(found)
    return renumbered


def _findings(whole: _Whole, place: Array) -> FindingColumns:
    """The findings of all parts, in the order of the suite."""
    row = whole.column("finding row")
    order = np.argsort(place[row], kind="stable")
    columns: dict[str, Any] = {}
    for name in FINDINGS:
        stored = f"finding {name}"
        column = whole.column(stored) if name in NUMBERS else whole.words(stored)
        columns[name] = column.at(order) if isinstance(column, Words) else column[order]
    return FindingColumns(**columns)


def case_places(stems: Sequence[Path]) -> list[Array]:
    """Of each part, where its cases stand in the suite."""
    return [_array(stem, "place") for stem in stems]


def finding_places(stems: Sequence[Path]) -> list[Array]:
    """Of each part, where the cases of its findings stand in the suite."""
    return [_array(stem, "place")[_array(stem, "finding row")] for stem in stems]


def _array(stem: Path, name: str) -> Array:
    return kept_arrays(stem.with_suffix(".arrays"))[name].copy()
