"""The fault-injection bench as a suite with recorded traces: one injected cause a case, conditions included."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput
from evalkit.records import AS_IS
from evalkit.strict import Row, read_jsonl

SYSTEM = "recorded"
NEEDED = ("id", "suite", "system", "trace", "repeats", "probes")
ANSWERED = ("closed_book", "oracle_context", "oracle_plus_noise", "gold_first")
DEEP = "deep_retrieval"
UNSEEN = "not-recorded-"  # stands for a rank of the deep list whose document the file does not name

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """The truth about one case: ``cause`` is None where nothing was injected (a healthy case).

    ``acceptable`` are the causes that its traces cannot tell apart from the true one; ``also`` the
    further faults injected beside it; ``trace_only`` says that the case comes without conditions.
    """

    cause: str | None
    acceptable: frozenset[str]
    also: frozenset[str]
    trace_only: bool


def import_faults(source: Path, folder: Path, *, probes: bool = True) -> list[Path]:
    """Write the bench at ``source`` as a suite, its recorded traces and a systems file; the files written.

    ``probes=False`` leaves every condition but ``as_is`` out (repeats stay: they are no conditions). The
    answers to the questions of this bench (``key.jsonl``) are not read: see ``read_key``.
    """
    rows = [_checked(row, source / "cases.jsonl") for row in read_jsonl(source / "cases.jsonl")]
    corpus = [dict(row.value) for row in read_jsonl(source / "corpus.jsonl")]
    texts = {passage["id"]: _shown(passage) for passage in corpus}
    folder.mkdir(parents=True, exist_ok=True)
    written = {
        "suite.yaml": _suite_yaml(rows),
        "cases.jsonl": _jsonl(_case(row) for row in rows),
        "corpus.jsonl": _jsonl(_document(passage) for passage in corpus),
        "traces.jsonl": _jsonl(t for row in rows for t in _traces(row, texts, probes=probes)),
        "systems.yaml": _SYSTEMS,
    }
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in written]


def read_key(source: Path) -> dict[str, Key]:
    """What was injected into each case of the bench at ``source``, by case id."""
    return {row.value["id"]: _key(row.value) for row in read_jsonl(source / "key.jsonl")}


def _key(given: Json) -> Key:
    cause = None if given["cause"] == "none" else given["cause"]
    acceptable = frozenset(a for a in given["acceptable"] if a != "none")
    return Key(cause, acceptable, frozenset(given["secondary"]), given["trace_only"])


def _checked(row: Row, file: Path) -> Json:
    lacking = [name for name in NEEDED if name not in row.value]
    if lacking:
        raise InvalidInput("is missing", file=file, line=row.line, field=lacking[0])
    return row.value


# --- the suite -------------------------------------------------------------------------------


def _case(row: Json) -> dict[str, Any]:
    """Only what the file's own ``suite`` part says; cases that share a question are one group."""
    given = row["suite"]
    gold = dict.fromkeys(given["gold_passage_ids"], 1)
    case: dict[str, Any] = {"id": row["id"], "query": given["question"], "relevant": gold}
    case["group"] = given["question"]
    if given["gold_answers"]:
        case["reference"] = given["gold_answers"]
    if given["expected"] != "answer":
        case["expected"] = given["expected"]
    if given["output_schema"] is not None:
        case["schema"] = given["output_schema"]
    if given["style"] is not None:
        case["style"] = given["style"]
    return case


def _document(passage: Json) -> dict[str, Any]:
    return {"_id": passage["id"], "title": passage["title"], "text": passage["text"]}


def _shown(passage: Json) -> str:
    """A passage as the recorded system put it into its prompt."""
    return f"{passage['title']}. {passage['text']}"


def _suite_yaml(rows: Sequence[Json]) -> str:
    systems = [row["system"] for row in rows]
    k, pool = systems[0]["top_k"], systems[0]["candidate_k"]
    if any((s["top_k"], s["candidate_k"]) != (k, pool) for s in systems):
        raise InvalidInput("cases differ in top_k or candidate_k", field="system")
    return _SUITE.format(k=k, pool=pool)


# --- the traces ------------------------------------------------------------------------------


def _traces(row: Json, texts: Mapping[str, str], *, probes: bool) -> Iterator[dict[str, Any]]:
    listed = [_listed(c["id"], c["score"]) for c in row["trace"]["candidates"]]
    context = [{**_listed(p["id"]), "text": p["text"]} for p in row["trace"]["context"]]
    for repeat, answer in enumerate([row["trace"]["output"], *(row["repeats"] or ())]):
        yield _answer(row, AS_IS, answer, context, repeat=repeat, retrieved=listed)
    given = (row["probes"] or {}) if probes else {}
    for condition in ANSWERED:
        if given.get(condition) is not None:
            shown = _context(condition, row, context, texts)
            yield _answer(row, condition, given[condition], shown)
    gold = row["suite"]["gold_passage_ids"]
    if gold and given.get("index_lookup") is not None:
        held = [_listed(name) for name, there in given["index_lookup"].items() if there]
        yield _filed(row, "index_lookup", retrieved=held)
    if gold and given.get(DEEP) is not None:
        yield _filed(row, DEEP, retrieved=_deep(listed, gold, given[DEEP]))


def _filed(row: Json, condition: str, **given: Any) -> dict[str, Any]:
    return {"system": SYSTEM, "case_id": row["id"], "condition": condition, **given}


def _answer(
    row: Json, condition: str, answer: str, context: Sequence[Json], **given: Any
) -> dict[str, Any]:
    trace = _filed(row, condition, response=answer, context=list(context), **given)
    cited = _citations(answer)
    return trace if cited is None else {**trace, "citations": cited}


def _citations(answer: str) -> list[str] | None:
    """The ids that a JSON answer names under ``citations``; None where it has no such list."""
    try:
        value = json.loads(answer)
    except ValueError:
        return None
    cited = value.get("citations") if isinstance(value, dict) else None
    good = isinstance(cited, list) and all(isinstance(name, str) for name in cited)
    return cited if good else None


def _listed(name: str, score: float | None = None) -> dict[str, Any]:
    """A passage by its id; ``<doc>#n`` is a chunk of ``<doc>``."""
    doc_id, mark, _ = name.partition("#")
    passage: dict[str, Any] = {"doc_id": doc_id}
    if mark:
        passage["chunk_id"] = name
    return passage if score is None else {**passage, "score": score}


def _context(
    condition: str, row: Json, context: Sequence[Json], texts: Mapping[str, str]
) -> list[Json]:
    """What a condition put into the prompt: the file tells only its outcome, design says the rest."""
    names = row["suite"]["gold_passage_ids"]
    gold: list[Json] = [{"doc_id": name, "text": texts[name]} for name in names]
    others = [passage for passage in context if passage["doc_id"] not in names]
    middle = (len(others) + 1) // 2
    return {
        "closed_book": [],
        "oracle_context": gold,
        "oracle_plus_noise": [*others[:middle], *gold, *others[middle:]],
        "gold_first": [*gold, *others],
    }[condition]


def _deep(listed: Sequence[Json], gold: Sequence[str], found: Json) -> list[Json]:
    """The deep ranking as far as it is known: the recorded candidates, and gold at its rank.

    The file tells the rank of the gold passage and not the documents around it.
    """
    ranks = max(found["k"], len(listed))
    deep = [*listed, *({"doc_id": f"{UNSEEN}{i + 1}"} for i in range(len(listed), ranks))]
    rank = found["gold_rank"]
    if rank is not None and deep[rank - 1]["doc_id"] not in gold:
        deep[rank - 1] = _listed(gold[0])
    return deep


def _jsonl(rows: Iterable[Json]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


_SUITE = """\
format: 1
name: fault-injection
description: Recorded cases of a RAG system with one injected fault each, answered as is and under conditions.
k: {k}
pool: {pool}
"""
_SYSTEMS = f"""\
systems:
  - {{name: {SYSTEM}, approach: rag, adapter: recorded, path: traces.jsonl}}
"""
