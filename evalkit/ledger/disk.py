"""Ledgers of parts on disk, and as one ledger again: slim columns in memory, the wide ones read when asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evalkit.ledger.columns import COUNTS, STAGES, FindingColumns, Ledger
from evalkit.ledger.words import Texts, Words, joined_words
from evalkit.records import Approach, Metric
from evalkit.score import Column

Array = npt.NDArray[Any]
CASES = ("place", "outcome", "group", "way", "lost", "frozen", "verdicts")
FINDINGS = tuple(f.name for f in fields(FindingColumns))
NUMBERS = ("row", "confidence", "gain")  # of findings
_WORDS = ("tags", "condition", "repeat", "pairs", "right")


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
    np.savez(stem.with_suffix(".npz"), **arrays)
    for suffix, columns in ((".traces.bin", ledger.columns), (".cases.bin", ledger.case_columns)):
        with stem.with_suffix(suffix).open("wb") as stream:
            stream.writelines(column.values.tobytes() for column in columns.values())
            stream.writelines(column.status.tobytes() for column in columns.values())
    rest = {
        "ids": list(ledger.ids),
        "words": words,
        "format_errors": ledger.format_errors,
        "judges": ledger.judges,
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

    def _read(self, file: Path, rows: int, offset: int, kind: type[Any]) -> Array:
        return np.fromfile(file, kind, rows, offset=offset)

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)


class _Part:
    """What ``save`` wrote of one part, but for the wide columns."""

    def __init__(self, stem: Path) -> None:
        with np.load(stem.with_suffix(".npz"), allow_pickle=False) as kept:
            self.arrays = {name: kept[name] for name in kept.files}
        rest = json.loads(stem.with_suffix(".json").read_text(encoding="ascii"))
        self.ids: list[str] = rest["ids"]
        self.words = {n: tuple(map(_frozen, words)) for n, words in rest["words"].items()}
        errors: list[Any] = rest["format_errors"]
        self.format_errors = [((p, k), n) for (p, k), n in errors]
        self.judges: list[str] = rest["judges"]

    def column(self, name: str) -> Words:
        return Words(self.arrays[name], self.words[name])


def _frozen(value: Any) -> Any:
    """Lists as tuples, all the way down."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def load(
    stems: Sequence[Path],
    system: str,
    approach: Approach,
    metrics: Sequence[Metric],
    case_metrics: Sequence[Metric],
    suite_metrics: Sequence[Metric],
) -> Ledger:
    """The ledgers of parts as one, part after part."""
    parts = [_Part(stem) for stem in stems]
    sizes = [len(part.ids) for part in parts]
    below = np.cumsum([0, *sizes[:-1]])
    traces = [len(part.arrays["trace_case"]) for part in parts]
    errors: Counter[tuple[str, str]] = Counter()
    place = np.concatenate([part.arrays["place"] for part in parts])
    for part in parts:
        errors.update(dict(part.format_errors))

    def all_of(name: str) -> Any:
        return np.concatenate([part.arrays[name] for part in parts])

    def words(name: str) -> Any:
        return joined_words([part.column(name) for part in parts])

    def shifted(name: str) -> Array:
        rows = [part.arrays[name] for part in parts]
        return np.concatenate([np.where(r < 0, r, r + b) for r, b in zip(rows, below, strict=True)])

    return Ledger(
        system=system,
        approach=approach,
        ids=Texts.of(case_id for part in parts for case_id in part.ids),
        tags=words("tags"),
        symptoms=np.concatenate([part.arrays["symptoms"] for part in parts], axis=1),
        trace_case=shifted("trace_case"),
        **{name: words(name) for name in _WORDS[1:]},
        **{name: all_of(name) for name in CASES if name != "group"},
        group=_groups([part.arrays["group"] for part in parts], below),
        seconds={n: all_of(f"seconds {n}") for n in STAGES},
        usage={n: all_of(f"usage {n}") for n in COUNTS},
        findings=_findings(shifted, all_of, words, place),
        columns=Wide(metrics, _files(stems, ".traces.bin", traces)),
        case_columns=Wide(case_metrics, _files(stems, ".cases.bin", sizes)),
        suite_metrics=tuple(suite_metrics),
        format_errors=tuple(errors.most_common()),
        judges=tuple(sorted({judge for part in parts for judge in part.judges})),
    )


def _files(stems: Sequence[Path], suffix: str, sizes: Sequence[int]) -> list[tuple[Path, int]]:
    return [(stem.with_suffix(suffix), n) for stem, n in zip(stems, sizes, strict=True)]


def _groups(parts: Sequence[Array], below: Array) -> Array:
    """Cases without a group have a number of their own in every part: it must not be that of another part."""
    return np.concatenate([np.where(g < 0, g - b, g) for g, b in zip(parts, below, strict=True)])


def _findings(
    shifted: Callable[[str], Array],
    all_of: Callable[[str], Any],
    words: Callable[[str], Any],
    place: Array,
) -> FindingColumns:
    """The findings of all parts, in the order of the suite."""
    named = {n: words(f"finding {n}") for n in FINDINGS if n not in NUMBERS}
    numbers = {n: all_of(f"finding {n}") for n in ("confidence", "gain")}
    found = FindingColumns(row=shifted("finding row"), **numbers, **named)
    return found.at(np.argsort(place[found.row], kind="stable"))


def case_places(stems: Sequence[Path]) -> list[Array]:
    """Of each part, where its cases stand in the suite."""
    return [_array(stem, "place") for stem in stems]


def finding_places(stems: Sequence[Path]) -> list[Array]:
    """Of each part, where the cases of its findings stand in the suite."""
    return [_array(stem, "place")[_array(stem, "finding row")] for stem in stems]


def _array(stem: Path, name: str) -> Array:
    with np.load(stem.with_suffix(".npz"), allow_pickle=False) as kept:
        found: Array = kept[name]
        return found
