"""The scores and findings of a run as pandas tables."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from evalkit.artefacts import SCORE_COLUMNS
from evalkit.records import Finding

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.api import Run


def scores_frame(run: Run) -> pd.DataFrame:
    """Every score as a row, with the columns of scores.csv; ``value`` is NaN where there is none."""
    import pandas as pd

    rows = (row for found in run.systems.values() for row in found.graded.scores.rows())
    table = [tuple(getattr(row, name) for name in SCORE_COLUMNS) for row in rows]
    return pd.DataFrame(table, columns=list(SCORE_COLUMNS)).astype({"value": "float64"})


def findings_frame(run: Run) -> pd.DataFrame:
    """Every finding as a row, with its system."""
    import pandas as pd

    names = [f.name for f in fields(Finding)]
    rows = (
        (name, *(getattr(finding, n) for n in names))
        for name, found in run.systems.items()
        for finding in found.findings
    )
    return pd.DataFrame(rows, columns=["system", *names])
