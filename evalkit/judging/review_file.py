"""Review files for spreadsheets and programs: written safely, read back strictly."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.artefacts import plain_cell, write_text
from evalkit.errors import InvalidInput, did_you_mean
from evalkit.judging.human import REVIEWED, Verdict, key_of
from evalkit.judging.review import COLUMNS
from evalkit.judging.reviewed import reviewable
from evalkit.records import Trace
from evalkit.strict import Row, read_csv, read_jsonl
from evalkit.validation import validate

if TYPE_CHECKING:
    from evalkit.api import Run

FORMATS = ("csv", "jsonl")
# What people may write in a verdict's cell, whatever their letter case.
WORDS = {
    word: verdict
    for verdict, words in {
        "yes": "yes y true 1 right correct ja wahr richtig j oui o vrai juste sí si s verdadero sim verdadeiro vero waar "
        "tak prawda ano да истина evet doğru có đúng はい 正しい ○ 是 对 對 正确 正確 예 네 نعم صحيح हाँ ναι",
        "no": "no n false 0 wrong incorrect nein falsch non faux falso não nao nee onwaar onjuist nej falskt nie fałsz ne "
        "нет ложь hayır yanlış không sai いいえ 間違い × 否 错 錯 错误 錯誤 아니요 아니오 لا خطأ नहीं όχι",
        "unclear": "unclear unsure ? unklar incertain incierto incerto неясно 不明 不清楚",
    }.items()
    for word in words.split()
} | {"cannot tell": "unclear"}


def write_review(path: Path, rows: Sequence[Mapping[str, Any]], kind: str = "csv") -> None:
    """One row a grade. In CSV no cell is a formula, and a byte order mark tells spreadsheets that it is UTF-8."""
    shown = [{name: _clean(row[name]) for name in COLUMNS} for row in rows]
    if kind == "jsonl":
        lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in shown]
        return write_text(path, "".join(line + "\n" for line in lines))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(row[name]) for name in COLUMNS] for row in shown)
    return write_text(path, "\ufeff" + stream.getvalue())


def _clean(value: Any) -> Any:
    """Text without control characters and lone surrogates, which files cannot hold or readers refuse."""
    if not isinstance(value, str):
        return value
    kept = (c for c in value if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    return "".join(kept)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else plain_cell(str(value).strip())


@dataclass(frozen=True, slots=True)
class Filled:
    """A review file that came back: its verdicts, and how many answers of the random part have none on ``correct``."""

    verdicts: list[Verdict]
    waiting: int


def read_review(path: Path, run: Run, reviewer: str | None = None) -> Filled:
    """What people filled into a review file of ``run``; rows without a verdict are passed over.

    ``reviewer`` is who filled it in, where the column ``reviewer`` does not say. Raises ``InvalidInput`` with
    file, line and field for anything else than an answer of this run with verdicts in the known words.
    """
    known = {
        key_of(trace): trace
        for system in run.systems.values()
        for i, trace in enumerate(system.graded.traces)
        if reviewable(system.graded, i)
    }
    rows = read_jsonl(path) if path.suffix.lower() in (".jsonl", ".json") else read_csv(path)
    found: list[Verdict] = []
    waiting, seen = 0, dict[tuple[str, str], int]()
    for row in rows:
        waiting += _sampled(row) and not _text(row, "human_correct")
        verdict = _verdict(row, path, known, reviewer)
        if verdict is None:
            continue
        key = (verdict.key, verdict.reviewer)
        if key in seen:
            message = f"{verdict.key!r} is given twice, first on line {seen[key]}"
            raise InvalidInput(message, file=path, line=row.line, field="key")
        seen[key] = row.line
        found.append(verdict)
    return Filled(found, waiting)


def _verdict(
    row: Row, path: Path, known: Mapping[str, Trace], reviewer: str | None
) -> Verdict | None:
    for name in row.value:
        if name not in COLUMNS:
            hint = did_you_mean(name, COLUMNS)
            raise InvalidInput("unknown column", file=path, line=row.line, field=name, hint=hint)
    words = {name: _word(row, path, f"human_{name}") for name in REVIEWED}
    trace = _trace(row, path, known)
    if not any(words.values()):
        return None
    who = _text(row, "reviewer") or reviewer
    if who is None:
        hint = "give --reviewer NAME, or fill in the column"
        raise InvalidInput("is missing", file=path, line=row.line, field="reviewer", hint=hint)
    value: dict[str, Any] = {
        "key": key_of(trace),
        "system": trace.system,
        "case_id": trace.case_id,
        "condition": trace.condition,
        "repeat": trace.repeat,
        "reviewer": who,
        **words,
        "note": _text(row, "note").removeprefix("'"),
        "sampled": _sampled(row),
        "probability": _probability(row, path),
    }
    return validate(Verdict, value, file=path, line=row.line)


def _text(row: Row, name: str) -> str:
    value = row.value.get(name)
    return "" if value is None else str(value).strip()


def _sampled(row: Row) -> bool:
    return WORDS.get(_text(row, "sampled").casefold()) == "yes"


def _trace(row: Row, path: Path, known: Mapping[str, Trace]) -> Trace:
    key = _text(row, "key")
    if key not in known:
        told = f"no answer of this run is {key!r}" if key else "is missing"
        hint = "the file is of another run, or the answer has changed since it was written"
        raise InvalidInput(told, file=path, line=row.line, field="key", hint=hint if key else None)
    return known[key]


def _word(row: Row, path: Path, name: str) -> str | None:
    given = _text(row, name).casefold()
    if not given:
        return None
    if given not in WORDS:
        message = f"must be yes, no or unclear, not {given[:40]!r}"
        raise InvalidInput(message, file=path, line=row.line, field=name)
    return WORDS[given]


def _probability(row: Row, path: Path) -> float | None:
    given = _text(row, "probability").replace(",", ".")  # as spreadsheets of many languages save it
    if not given:
        return None
    try:
        value = float(given)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1:
        message = f"must be a number above 0, at most 1, not {given[:40]!r}"
        raise InvalidInput(message, file=path, line=row.line, field="probability")
    return value
