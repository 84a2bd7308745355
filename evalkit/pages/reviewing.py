"""The review queue in the report: grades that a person should look at, the most doubtful first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalkit.pages.links import case_link
from evalkit.pages.wording import shortened

if TYPE_CHECKING:
    from evalkit.api import Run

ROWS, ALIKE, QUEUE = (
    10,
    2,
    200,
)  # cases shown, of them with one system and reason, and answers looked through
EXCERPT = 120  # characters of a question


def review_view(run: Run) -> list[dict[str, Any]]:
    """The first rows of the queue that `evalkit review` writes whole, few of a kind; no random part."""
    from evalkit.judging.review import review_rows

    rows: dict[tuple[str, str], dict[str, Any]] = {}
    alike = Counter[tuple[str, ...]]()
    if run.large is not None:
        return []
    for row in review_rows(run, limit=QUEUE, sample=0):
        key = (row["system"], row["case_id"])
        if key in rows:
            rows[key]["answers"] += 1
        elif len(rows) < ROWS and alike[kind := (row["system"], *_reasons(row["why"]))] < ALIKE:
            alike[kind] += 1
            rows[key] = _row(row)
    return list(rows.values())


def _reasons(why: str) -> tuple[str, ...]:
    """A reason without its numbers, so that it is one whatever the case."""
    return (re.sub(r"\d[\d.,]*", "", why),)


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "case": row["case_id"],
        "system": row["system"],
        "why": row["why"],
        "question": shortened(" ".join(str(row["question"]).split()), EXCERPT),
        "judge": row["judge"],
        "answers": 1,
        "href": case_link(row["case_id"], row["system"]),
    }
