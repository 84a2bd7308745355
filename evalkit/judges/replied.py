"""Which models a judge's replies name: an endpoint that changes its model under a run has graded it with two."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

REPLIED = "judge models"  # the note of a run: by fingerprint of the judge, what its replies named
Models = Mapping[
    str, Mapping[str, int]
]  # by who asked for what: the replies by the model they name


def who(name: str, asked: str) -> str:
    """Who asked for which model: members of a panel ask for several."""
    return f"judge {name}, which asks for {asked}"


def models_of(judge: Any) -> Models:
    """What a judge's replies have named so far; nothing for one that does not tell."""
    found: Models = getattr(judge, "models", None) or {}
    return found


def added_models(many: Iterable[Models]) -> dict[str, dict[str, int]]:
    """The replies of several accounts."""
    found: dict[str, dict[str, int]] = {}
    for one in many:
        for asker, replies in one.items():
            own = found.setdefault(asker, {})
            for model, count in replies.items():
                own[model] = own.get(model, 0) + count
    return found


def noted_models(text: str | None, fingerprint: str) -> Models:
    """What a note says of the judge with this fingerprint."""
    found: Models = json.loads(text).get(fingerprint, {}) if text is not None else {}
    return found


def models_text(before: str | None, fingerprint: str, models: Models) -> str:
    """The note with what the replies of one judge name now; those of others stay."""
    kept = {} if before is None else json.loads(before)
    return json.dumps({**kept, fingerprint: models}, ensure_ascii=False, sort_keys=True)


def notes_together(notes: Iterable[str]) -> str:
    """The notes of several runs as one."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for note in notes:
        for fingerprint, models in json.loads(note).items():
            found[fingerprint] = added_models((found.get(fingerprint, {}), models))
    return json.dumps(found, ensure_ascii=False, sort_keys=True)


def in_record(rows: Iterable[Mapping[str, Any]]) -> Iterator[Models]:
    """What lines of a record of calls name."""
    for row in rows:
        asked, replied = (row.get("request") or {}).get("model"), row.get("model")
        if isinstance(replied, str):
            yield {who(str(row.get("judge")), str(asked)): {replied: 1}}


def told_models(models: Models) -> tuple[str, ...]:
    """A sentence for each whose replies name more than one model."""
    return tuple(
        f"{asker}: replies name more than one model: {counted(replies)}; their verdicts may differ"
        for asker, replies in models.items()
        if len(replies) > 1
    )


def counted(replies: Mapping[str, int]) -> str:
    """Models with how often each is named, the commonest first."""
    order = sorted(replies.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{model} ({count:,})" for model, count in order)
