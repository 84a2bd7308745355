"""A judge that a run folder names as code: not imported for reading the run; what it said, the run keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import InvalidInput
from evalkit.judges.choose import KINDS
from evalkit.records import Case, Evidence, Trace


def code_in(choice: Any) -> tuple[str, ...]:
    """Every ``module:attribute`` in a judge's options, its panel's and its inner judge's included."""
    if isinstance(choice, Mapping):
        return tuple(name for part in ("panel", "inner") for name in code_in(choice.get(part)))
    if isinstance(choice, list | tuple):
        return tuple(name for one in choice for name in code_in(one))
    if not isinstance(choice, str):
        return ()
    kind, colon, _ = choice.partition(":")
    return (choice,) if colon and kind not in KINDS else ()


class NotImportedJudge:
    """Stands for a judge whose code is not imported: it has its name and fingerprint, and says nothing new.

    Only verdicts that the run keeps are there; an answer without one is a grader error that says so.
    """

    def __init__(self, code: tuple[str, ...], parts: Any) -> None:
        noted = {str(n): str(v) for n, v in parts.items()} if isinstance(parts, Mapping) else {}
        self.name = noted.pop("name", code[0])
        self.fingerprint = noted.pop("fingerprint", "unknown")
        self.parts = noted
        self._code = ", ".join(code)

    def judge(self, case: Case, trace: Trace) -> Evidence:
        """No verdict of this answer is kept."""
        said = f"{self._code} is code that the run folder names, and was not imported"
        return Evidence(self.name, error=f"{said}; `evalkit run --judge {self._code}` asks it")

    def told(self) -> str:
        """What a reader of the run should know."""
        return (
            f"the run folder names code as its judge ({self._code}), which is not imported: its verdicts are those that the "
            "run keeps, and answers without one are not graded"
        )


def check_given(code: tuple[str, ...], folder: Any) -> None:
    """``InvalidInput`` where only the run folder, not who runs it, says which code is to judge."""
    if code:
        raise InvalidInput(
            f"the run folder names code as its judge ({', '.join(code)}), which is imported only where you name it",
            file=folder,
            hint=f"give --judge {code[0] if len(code) == 1 else 'as before'}, or --judge embedded",
        )
