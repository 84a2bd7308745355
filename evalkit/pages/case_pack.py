"""Case views packed for a page: an index of all rows first, then blocks of details and of passages, each read when needed."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalkit.pages.case_answer import GOLD
from evalkit.pages.case_view import CaseView, Setting

PLAIN = 400_000  # characters of data up to which a page carries them as they are
BUDGET = 5_500_000  # characters of data above which passages are shortened
BLOCK = 250_000  # characters of a block before it is compressed
QUERY = 160  # characters of a question in the list
# Characters kept of a passage that matters (gold, or what a failing answer was held against) and of any other.
LEVELS = (
    *(
        (1200, 1200),
        (800, 800),
        (600, 600),
        (600, 400),
        (600, 300),
        (600, 200),
        (600, 100),
        (500, 0),
    ),
    *((400, 0), (330, 0), (270, 0), (220, 0), (180, 0), (140, 0), (100, 0), (60, 0)),
)
COLUMNS = ("o", "cause", "side", "stage", "status", "lost")
# "<" ends a script element; the others are hidden, turn the direction of text, or are not text at all.
_ESCAPED = re.compile("[<\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Packed:
    """The data of a page: ``json`` or ``gzip`` in base64, one block a line, the index on the first.

    ``kept`` is how many characters of a passage the page has: of one that matters, and of any other.
    """

    encoding: str
    text: str
    kept: tuple[int, int]


@dataclass(slots=True)
class Pool:
    """Every passage once, by number; ``matters`` says whose text is shortened last."""

    numbers: dict[tuple[Any, ...], int] = field(default_factory=dict)
    matters: list[bool] = field(default_factory=list)

    def number(self, passage: Sequence[Any], *, matters: bool) -> int:
        """The number of a passage, a new one for a new passage."""
        found = self.numbers.setdefault(tuple(passage), len(self.numbers))
        if found == len(self.matters):
            self.matters.append(matters)
        self.matters[found] |= matters
        return found

    def entries(self, level: tuple[int, int]) -> Iterator[list[Any]]:
        """[document, chunk, title, text, length of the whole text where the text is cut]."""
        for (document, chunk, title, text, length), matters in zip(
            self.numbers, self.matters, strict=True
        ):
            shown = text[: level[0] if matters else level[1]]
            rest = [length] if len(shown) < length else []
            yield [document, chunk, title, shown, *rest]


def pack(
    views: Iterable[CaseView],
    setting: Setting,
    more: Mapping[str, Any] | None = None,
    budget: int = BUDGET,
) -> Packed:
    """The data of a page with these cases; ``more`` goes into its index as it is."""
    pool = Pool()
    index = Index(setting)
    details = list(_blocks(index.add(_pooled(view, pool)) for view in views))
    index.blocks = [first for first, _ in details]
    blocks = [text for _, text in details]
    found = {**(more or {}), **index.json(), "kept": LEVELS[0]}
    passages = list(_blocks(map(dumped, pool.entries(LEVELS[0]))))
    found["passages"] = [first for first, _ in passages]
    lines = [dumped(found), *blocks, *(text for _, text in passages)]
    if sum(map(len, lines)) <= PLAIN:
        return Packed("json", "\n".join(lines), LEVELS[0])
    return _compressed(found, blocks, pool, budget)


def _compressed(found: dict[str, Any], blocks: Sequence[str], pool: Pool, budget: int) -> Packed:
    """The blocks compressed, with as much of each passage as the budget has room for."""
    details = [compressed(block) for block in blocks]
    room = budget - sum(map(len, details)) - len(compressed(dumped(found)))
    lines: list[str] = []
    level, ratio = LEVELS[-1], 0.0
    for level in LEVELS:
        passages = list(_blocks(map(dumped, pool.entries(level))))
        raw = sum(len(text) for _, text in passages)
        if ratio and raw * ratio > room * 1.05 and level != LEVELS[-1]:
            continue  # told from the level before: compressing it would only take time
        lines = [compressed(text) for _, text in passages]
        size = sum(map(len, lines))
        ratio = size / max(1, raw)
        found["passages"] = [first for first, _ in passages]
        if size <= room:
            break
    found["kept"] = level
    return Packed("gzip", "\n".join([compressed(dumped(found)), *details, *lines]), level)


def _pooled(view: CaseView, pool: Pool) -> CaseView:
    """The same view with numbers in place of passages."""
    rows = []
    for row in view["rows"]:
        told = _told(row)
        lists = {
            name: {**row[name], "list": _numbered(row[name]["list"], pool, told)}
            for name in ("retrieved", "prompt")
            if name in row
        }
        rows.append({**row, **_once(lists)})
    return {**view, "rows": rows}


def _told(row: Mapping[str, Any]) -> set[tuple[Any, ...]]:
    """The passages of the prompt that a failing answer's statements were held against."""
    prompt = row.get("prompt", {}).get("list", ())
    if row["o"] == "pass" or not isinstance(row.get("answer"), list):
        return set()
    places = {part[2] for part in row["answer"] if len(part) > 2 and part[2] is not None}
    return {tuple(prompt[place][0]) for place in places if place < len(prompt)}


def _numbered(
    listed: Sequence[Sequence[Any]], pool: Pool, told: set[tuple[Any, ...]]
) -> list[list[Any]]:
    return [
        [pool.number(p, matters=bool(flags & GOLD) or tuple(p) in told), flags, *rest]
        for p, flags, *rest in listed
    ]


def _once(lists: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A prompt that is the beginning of the retrieved list, uncut, is told by its length alone."""
    if len(lists) == 2:
        prompt, start = lists["prompt"]["list"], lists["retrieved"]["list"]
        same = [p[0] for p in prompt] == [p[0] for p in start[: len(prompt)]]
        if same and all(p[2] is None for p in prompt):
            lists["prompt"] = {"first": len(prompt), "n": lists["prompt"]["n"]}
    return lists


def _blocks(items: Iterable[str]) -> Iterator[tuple[int, str]]:
    """JSON texts gathered into lists of some size, each with the number of its first item."""
    held: list[str] = []
    size = start = n = 0
    for n, item in enumerate(items, 1):
        held.append(item)
        size += len(item)
        if size >= BLOCK:
            yield start, f"[{','.join(held)}]"
            held, size, start = [], 0, n
    if held:
        yield start, f"[{','.join(held)}]"


class Index:
    """What the list filters and shows, by column; words stand once and are named by number (0 is none)."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.ids: list[str] = []
        self.queries: list[str] = []
        self.tags: list[list[int]] = []
        self.rows: list[int] = []
        self.systems: list[int] = []
        self.tag_numbers: dict[str, int] = {}
        self.symptoms: list[list[int]] = []
        self.symptom_numbers: dict[str, int] = {}
        self.words: dict[str, dict[Any, int]] = {name: {None: 0} for name in COLUMNS}
        self.values: dict[str, list[int]] = {name: [] for name in COLUMNS}
        self.sure: list[int | None] = []
        self.blocks: list[int] = []

    def add(self, view: CaseView) -> str:
        """Note the rows of a case; its details as JSON."""
        case = view["case"]
        self.ids.append(case["id"])
        self.queries.append(case["query"][:QUERY])
        numbers = self.tag_numbers
        self.tags.append([numbers.setdefault(t, len(numbers)) for t in case.get("tags", ())])
        self.rows.append(len(view["rows"]))
        for row in view["rows"]:
            self.systems.append(row["s"])
            for name in COLUMNS:
                words = self.words[name]
                self.values[name].append(words.setdefault(row.get(name), len(words)))
            shown = self.symptom_numbers
            ids = row.get("symptoms", ())
            self.symptoms.append([shown.setdefault(one, len(shown)) for one in ids])
            sure = row.get("confidence")
            self.sure.append(None if sure is None else round(100 * sure))
        return dumped(view)

    def json(self) -> dict[str, Any]:
        """The columns."""
        return {
            "legend": self.setting.legend,
            "systems": list(self.setting.systems),
            "metrics": list(self.setting.metrics),
            "ids": self.ids,
            "queries": self.queries,
            "tags": self.tags,
            "tagNames": list(self.tag_numbers),
            "symptoms": self.symptoms if self.symptom_numbers else [],
            "symptomNames": list(self.symptom_numbers),
            "rows": self.rows,
            "system": self.systems,
            "words": {name: list(words) for name, words in self.words.items()},
            "values": self.values,
            "sure": self.sure,
            "blocks": self.blocks,
        }


def dumped(value: Any) -> str:
    """JSON on one line that is safe inside a script element and holds no hidden character."""
    text = _encode(value)
    return _ESCAPED.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def compressed(text: str) -> str:
    """A block as base64 of gzip; equal text gives equal blocks."""
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()
