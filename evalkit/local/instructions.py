"""Following instructions about style, as far as a simple model does: openings, closings, length."""

from __future__ import annotations

import re

from evalkit.text.sentences import spans

_QUOTED = r"[^\"“«「]{0,40}[\"“«「]([^\"”»」]+)[\"”»」]"
_OPEN = re.compile(rf"\b(?:begin|start|open)\w*\b{_QUOTED}", re.IGNORECASE)
_CLOSE = re.compile(rf"\b(?:end|close|closing|finish)\w*\b{_QUOTED}", re.IGNORECASE)
_SENTENCES = re.compile(r"\b(\d{1,2})\s+sentences?\b", re.IGNORECASE)


def follow(text: str, instructions: str | None) -> str:
    """``text`` cut to the sentences allowed and given the opening and closing asked for."""
    if not instructions:
        return text
    allowed = _SENTENCES.search(instructions)
    if allowed:
        kept = spans(text)[: max(1, int(allowed.group(1)))]
        text = text[kept[0][0] : kept[-1][1]] if kept else text
    opening, closing = _OPEN.search(instructions), _CLOSE.search(instructions)
    if opening and not text.startswith(opening.group(1)):
        text = f"{opening.group(1)} {text}"
    if closing and not text.endswith(closing.group(1)):
        text = f"{text} {closing.group(1)}"
    return text
