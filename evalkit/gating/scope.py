"""What a limit or a wish may ask for: tags that cases have, margins within a range, measures a system can have."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from evalkit.errors import InvalidInput, UsageError, did_you_mean
from evalkit.needs import needs_of
from evalkit.records import Approach, Metric, Stage, Suite

# What comes out of a retrieval, and what comes out of a model: needs that only some systems can ever meet.
_FOUND = {"retrieved", "retrievals", "rankings", "chunk_rankings", "context", "citations"}
_SAID = {"response", "responses", "evidence", "parsed", "action", "label_pairs", "passes"}
_PASSAGES = {"retrieved", "retrievals", "rankings", "chunk_rankings"}


def applies(metric: Metric, approach: str) -> bool:
    """Whether a system of this approach can have the measure at all: without retrieval there is no recall of it."""
    needs = set(needs_of(metric))
    if approach in (Approach.PROMPT, Approach.FINETUNED):
        return metric.stage is not Stage.RETRIEVAL and not needs & _FOUND
    if approach == Approach.RETRIEVER:
        return metric.stage is Stage.RETRIEVAL or not needs & (_SAID | _FOUND - _PASSAGES)
    return True


def check_limit_tags(suite: Suite) -> None:
    """``InvalidInput`` where no case has the tags of a limit: it would guard nothing."""
    for i, limit in enumerate(suite.limits):
        check_tags(suite, limit.tags, file=suite.folder / "suite.yaml", field=f"limits[{i}].tags")


def check_tags(suite: Suite, tags: Collection[str], **place: object) -> None:
    """``InvalidInput`` where no case of the suite has all of ``tags``."""
    if any(set(tags) <= set(case.tags) for case in suite.cases):
        return
    known = {tag for case in suite.cases for tag in case.tags}
    strange = next((tag for tag in tags if tag not in known), None)
    told = f"no case has the tag {strange!r}" if strange else f"no case has all of {list(tags)}"
    hint = did_you_mean(strange, known) if strange else None
    raise InvalidInput(told, hint=hint, **place)  # type: ignore[arg-type]


def check_margins(margins: Mapping[str, float], known: Mapping[str, Metric]) -> None:
    """``UsageError`` for a tolerated drop that is wider than its measure's range; a cause's share has 0..1."""
    for name, margin in margins.items():
        span = known[name].high - known[name].low if name in known else 1.0
        if math.isfinite(span) and margin >= span:
            hint = "; 0.05 is five points" if span == 1 else ""
            raise UsageError(
                f"--margin {name}={margin:g} tolerates anything: the range of {name} is {span:g} wide{hint}"
            )
