"""The published JSON Schemas of the files that people write about answers: labels and reviews."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from evalkit.judging.human import Verdict
from evalkit.judging.labels import LabelRow

JUDGING: dict[str, type[BaseModel]] = {"review": Verdict, "label": LabelRow}


def judging_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one row, as it lies in ``evalkit/schemas``."""
    schema = JUDGING[name].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
