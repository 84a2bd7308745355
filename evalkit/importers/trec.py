"""Reads TREC's two text formats: qrels (labels) and runs (ranked lists)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from evalkit.errors import InvalidInput

QRELS_LINE = "topic iteration document grade"
RUN_LINE = "topic Q0 document rank score tag"


def trec_order(scores: Mapping[str, float]) -> list[str]:
    """The documents as trec_eval ranks them: by score, then by id, both from high to low.

    trec_eval holds scores as 32-bit floats, so scores that agree in about seven digits are ties. The
    rank a run states is ignored. Raises ``ValueError`` for a score that is no number.
    """
    if any(math.isnan(score) for score in scores.values()):
        raise ValueError("a score is not a number (NaN), so there is no order")
    with np.errstate(over="ignore"):  # beyond 32 bits is infinite there too
        single = np.array(list(scores.values()), dtype=np.float64).astype(np.float32).tolist()
    return [document for _, document in sorted(zip(single, scores, strict=True), reverse=True)]


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Grades by topic and document; grade > 0 is relevant, a document that is not listed is unlabelled.

    Raises ``InvalidInput`` with file and line for a line that is not ``topic iteration document
    grade``, a grade that is no whole number, or a document labelled twice for a topic.
    """
    qrels: dict[str, dict[str, int]] = {}
    for line, fields in _lines(path):
        if len(fields) != 4:
            raise _wrong(path, line, f"expected 4 fields ({QRELS_LINE}), found {len(fields)}")
        topic, _, document, grade = fields
        labels = qrels.setdefault(topic, {})
        if document in labels:
            raise _wrong(path, line, f"document {document!r} is labelled twice for topic {topic!r}")
        labels[document] = _grade(path, line, grade)
    return qrels


def read_run(path: Path) -> dict[str, list[str]]:
    """Ranked document ids by topic, in ``trec_order``; what follows the tag of a line is ignored.

    Raises ``InvalidInput`` with file and line for a line with fewer fields than ``topic Q0 document
    rank score tag``, a score that is no number, or a document listed twice for a topic.
    """
    run: dict[str, dict[str, float]] = {}
    for line, fields in _lines(path):
        if len(fields) < 6:
            raise _wrong(path, line, f"expected 6 fields ({RUN_LINE}), found {len(fields)}")
        topic, _, document, _, score, *_ = fields
        scores = run.setdefault(topic, {})
        if document in scores:
            raise _wrong(path, line, f"document {document!r} is listed twice for topic {topic!r}")
        scores[document] = _score(path, line, score)
    return {topic: trec_order(scores) for topic, scores in run.items()}


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of each line that is not blank. Fields end at ASCII white space only."""
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
                if fields := text.split():
                    yield number, [_decoded(path, number, field) for field in fields]
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", file=path) from error


def _decoded(path: Path, line: int, field: bytes) -> str:
    try:
        return field.decode()
    except UnicodeDecodeError as error:
        raise _wrong(path, line, f"{field!r} is not UTF-8") from error


def _grade(path: Path, line: int, text: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII):
        raise _wrong(path, line, f"grade {text!r} is not a whole number of at most 9 digits")
    return int(text)


def _score(path: Path, line: int, text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if math.isnan(score):
        raise _wrong(path, line, f"score {text!r} is not a number")
    return score


def _wrong(path: Path, line: int, message: str) -> InvalidInput:
    return InvalidInput(message, file=path, line=line)
