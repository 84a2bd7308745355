"""The report in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.api import Run


def brief(run: Run, summary: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> str:
    """The whole text."""
    return "# report\n"
