"""Reading an edited passage: which words of a document were put in the place of others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from evalkit.faults.labels import Corpus
from evalkit.records import Passage

MOST_WORDS = 6  # that one edit may replace; more is another text, not an edit
ALIKE = 0.8  # share of words an edited text has in common with the document
_EDGES = ".,;:!?()\"'"


def follow(
    passages: Sequence[Passage], corpus: Corpus
) -> tuple[tuple[Passage, ...], dict[str, str]]:
    """The passages as their documents have them, and what was edited in them, as old words -> new words."""
    read, changed = [], {}
    for passage in passages:
        document = corpus.get(passage.doc_id)
        edits = {} if document is None else edits_between(document.text, passage.text)
        changed.update(edits)
        same = document is None or not edits
        read.append(passage if same or document is None else replace(passage, text=document.text))
    return tuple(read), changed


def edits_between(original: str, shown: str) -> dict[str, str]:
    """Replaced words where ``shown`` is the whole of ``original`` but for them; else nothing."""
    if original == shown:
        return {}
    old, new = original.split(), shown.split()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    steps = [step for step in matcher.get_opcodes() if step[0] != "equal"]
    small = all(kind == "replace" and max(b - a, d - c) <= MOST_WORDS for kind, a, b, c, d in steps)
    if not small or matcher.ratio() < ALIKE:
        return {}
    pairs = ((" ".join(old[a:b]), " ".join(new[c:d])) for _, a, b, c, d in steps)
    return {a.strip(_EDGES): b.strip(_EDGES) for a, b in pairs if a.strip(_EDGES)}


def apply(edits: Mapping[str, str], text: str) -> str:
    """The text with every old wording replaced by its new one."""
    for old, new in edits.items():
        text = re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _, new=new: new, text)  # type: ignore[misc]
    return text
