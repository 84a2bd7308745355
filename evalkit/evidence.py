"""Evidence as JSON, and what a judge's word depends on: so that it can be kept, and made in another process."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from evalkit.records import Case, Claim, Evidence, Expected, Judge, KeyPoint, Passage, Trace

if TYPE_CHECKING:
    from evalkit.judges.embedded import EmbeddedJudge

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_CLAIM = ("text", "start", "end", "supported", "contradicted", "passage", "in_reference")
_LISTS = ("covered", "cited", "reasons")
_FIELDS = ("judge", "correct", "refused", *_LISTS)


def evidence_to_json(evidence: Evidence) -> str:
    """Evidence as text; raises ``ValueError`` or ``TypeError`` for what JSON cannot hold."""
    found = {name: getattr(evidence, name) for name in _FIELDS}
    if evidence.claims is not None:
        found["claims"] = [[getattr(claim, name) for name in _CLAIM] for claim in evidence.claims]
    return _encode({name: value for name, value in found.items() if value is not None})


def evidence_from_json(text: str) -> Evidence:
    """The evidence in a text; raises ``ValueError``, ``TypeError`` or ``KeyError`` where it holds none."""
    given: dict[str, Any] = json.loads(text)
    for name in _LISTS:
        if name in given:
            given[name] = tuple(given[name])
    if "claims" in given:
        given["claims"] = tuple(Claim(*claim) for claim in given["claims"])
    return Evidence(**given)


def keeps(judge: Judge) -> TypeGuard[EmbeddedJudge]:
    """Whether all that a judge's word depends on is known here: so with the embedded one.

    Judges that make calls keep their verdicts themselves; of a user's own judge nobody knows what it reads.
    """
    from evalkit.judges.embedded import EmbeddedJudge

    return type(judge) is EmbeddedJudge


def given_to_judge(case: Case, trace: Trace) -> str:
    """All that the embedded judge reads of a case and an answer, as JSON."""
    points, context, retrieved = case.key_points, trace.context, trace.retrieved
    given = (
        case.query,
        case.expected,
        case.reference,
        None if points is None else [(p.text, p.evidence) for p in points],
        trace.response,
        None
        if context is None
        else [(p.doc_id, p.chunk_id, p.text, p.title, p.score) for p in context],
        None if retrieved is None else [(p.doc_id, p.chunk_id, "", p.title) for p in retrieved],
        trace.citations,
        dict(case.relevant or {}),
    )
    return _encode(given).encode("utf-8", "replace").decode()


def read_given(text: str) -> tuple[Case, Trace]:
    """The case and the answer as far as the embedded judge reads them."""
    query, expected, reference, points, *shown, relevant = json.loads(text)
    response, context, retrieved, citations = shown
    case = Case(
        "",
        query,
        expected=Expected(expected),
        reference=None if reference is None else tuple(reference),
        relevant=relevant,
        key_points=None
        if points is None
        else tuple(KeyPoint(said, tuple(found)) for said, found in points),
    )
    trace = Trace(
        response=response,
        context=None if context is None else tuple(Passage(*given) for given in context),
        retrieved=None if retrieved is None else tuple(Passage(*given) for given in retrieved),
        citations=None if citations is None else tuple(citations),
    )
    return case, trace


def made_of(judge: Judge, given: str) -> str:
    """A digest of everything that what ``judge`` says of ``given`` depends on, its code included."""
    whole = f"{judge.fingerprint}\x1f{code_digest()}\x1f{given}"
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:32]


@cache
def code_digest() -> str:
    """Names evalkit's own files by their contents: alike on every machine that has them, and no version tells one edit from the next."""
    found = hashlib.sha256()
    for place, file in sorted(_files(Path(__file__).parent, "")):
        content = hashlib.sha256(Path(file).read_bytes()).hexdigest()
        found.update(f"{place}\x1f{content}\x1e".encode())
    return found.hexdigest()[:16]


def _files(folder: Path | str, place: str) -> Iterator[tuple[str, str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):  # what editors and desktops leave
                continue
            if entry.is_file():
                yield f"{place}{entry.name}", entry.path
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _files(entry.path, f"{place}{entry.name}/")
