"""The metrics of the ragas library behind the judge protocol, every call made through evalkit's own call layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.judges.ragas.judge import RagasJudge
    from evalkit.records import Judge


def build(
    options: Mapping[str, Any],
    place: str = "judge",
    *,
    inner: Judge | None = None,
    cache: Path | None = None,
    record: Path | None = None,
    offline: bool = False,
) -> RagasJudge:
    """The judge that the options of a judge file describe (see ``settings.Settings``).

    ``inner`` gives the rest of the evidence, the embedded judge by default. ``cache`` and ``record`` are folders for
    a file of calls each; ``offline`` makes no call, only what was recorded before is graded. Raises ``InvalidInput`` for
    wrong options or where ragas is not installed.
    """
    from evalkit.judges.ragas.judge import RagasJudge
    from evalkit.judges.ragas.settings import settings_from

    return RagasJudge(
        settings_from(options, place), inner=inner, cache=cache, record=record, offline=offline
    )


def from_environment(**where: Any) -> RagasJudge:
    """The judge that the variables ``EVALKIT_JUDGE_URL``, ``EVALKIT_JUDGE_MODEL`` ... describe; ``where`` as for ``build``."""
    from evalkit.judges.ragas.judge import RagasJudge
    from evalkit.judges.ragas.settings import settings_from_environment

    return RagasJudge(settings_from_environment(), **where)
