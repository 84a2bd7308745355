"""Renders a prompt of ragas once and keeps what does not change; ragas derives schema and examples anew each time."""

from __future__ import annotations

from typing import Any


class KeptPrompt:
    """A prompt of ragas, to the letter, without the work of repeating its constant part.

    The first rendering is ragas's own. It is cut around the input, so that nothing of its form is written here.
    """

    def __init__(self, prompt: Any) -> None:
        self._prompt = prompt
        self._before: str | None = None
        self._after = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._prompt, name)

    def to_string(self, data: Any) -> str:
        """The prompt for one input."""
        given = data.model_dump_json(indent=4, exclude_none=True)
        if self._before is None:
            text: str = self._prompt.to_string(data)
            at = text.rindex(given)
            self._before, self._after = text[:at], text[at + len(given) :]
        return f"{self._before}{given}{self._after}"


def keep_prompts(metric: Any, plain: Any) -> None:
    """Give ``metric`` kept prompts in place of those that render as ``plain``, ragas's base class, does."""
    rendering = vars(plain)["to_string"]
    for name, prompt in list(vars(metric).items()):
        if isinstance(prompt, plain) and type(prompt).to_string is rendering:
            setattr(metric, name, KeptPrompt(prompt))
