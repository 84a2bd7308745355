"""What the report draws of ranked lists and of style: read off each part of a large run, and added up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from evalkit.ledger.words import keep_arrays, kept_arrays
from evalkit.pages.ranks import SHOWN, Floats, RankCounts, counts_of, rank_columns
from evalkit.pages.styling import StyleCounts, style_counts
from evalkit.records import Case, Trace


def keep_pictures(stem: Path, cases: Sequence[Case], traces: Sequence[Trace]) -> None:
    """Keep what a part and a system give to the pictures."""
    ranks = rank_columns(cases, traces, SHOWN)
    stem.with_suffix(".recall").write_bytes(ranks.recall.T.tobytes())
    rest = np.array([ranks.missing, ranks.longest])
    kept = {"groups": ranks.groups, "first": ranks.first, "rest": rest}
    keep_arrays(stem.with_suffix(".ranks"), kept)
    style = style_counts(cases, traces)
    values = [[name, band, list(seen.items())] for (name, band), seen in style.values.items()]
    text = json.dumps([style.held, style.checked, values])
    stem.with_suffix(".style").write_text(text, encoding="ascii")


def ranks_of(stems: Sequence[Path]) -> RankCounts | None:
    """The ranks of a system over all its parts; None where it shows no list."""
    groups, below = [], 0
    first, missing, longest = np.zeros(SHOWN), 0.0, 0
    for stem in stems:
        kept = kept_arrays(stem.with_suffix(".ranks"))
        own, rest = kept["groups"], kept["rest"]
        first += kept["first"]
        # Cases without a group have a number of their own in every part: it must not be that of another part.
        groups.append(np.where(own < 0, own - below, own))
        below += len(own)
        missing += float(rest[0])
        longest = max(longest, int(rest[1]))
    width = min(SHOWN, longest)
    if not width:
        return None
    recall = _recall(stems, [len(own) for own in groups], width)
    return counts_of(np.concatenate(groups), recall, first[:width], missing)


def _recall(stems: Sequence[Path], rows: Sequence[int], width: int) -> Iterator[Floats]:
    """The recall of all cases at each k in turn."""
    files = [stem.with_suffix(".recall") for stem in stems]
    for k in range(width):
        parts = [
            np.fromfile(file, np.float64, n, offset=8 * k * n)
            for file, n in zip(files, rows, strict=True)
        ]
        yield np.concatenate(parts)


def styles_of(stems: Sequence[Path]) -> StyleCounts:
    """How the answers of a system measure up to the house style, over all its parts."""
    found = StyleCounts()
    for stem in stems:
        held, checked, values = json.loads(stem.with_suffix(".style").read_text(encoding="ascii"))
        seen = {(name, (low, high)): Counter(dict(n)) for name, (low, high), n in values}
        found += StyleCounts(Counter(held), Counter(checked), seen)
    return found
