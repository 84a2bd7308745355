"""Cuts an answer into the statements it makes, as character offsets; courtesy and refusals make none."""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.text.refusal import declines, is_courtesy
from evalkit.text.sentences import Span, clauses, spans
from evalkit.text.tokens import CACHE, content_stems

# Content words a claim has at most, about: a longer clause is cut at a softer joint.
CLAIM_WORDS = 8
_JOINT_WORDS = (
    "and or but because when where while which that who as than into from with without for by in on at of to over after before "
    "und oder weil als wenn mit von für bei nach in et ou parce que avec pour dans de y o porque con para en de và hoặc với trong của و"
)
_JOINT = re.compile(
    rf",\s+|[、，]|\s+(?=\()|\s+(?=(?:{'|'.join(dict.fromkeys(_JOINT_WORDS.split()))})\s)",
    re.IGNORECASE,
)
# What announces a statement without being one: "Based on the documents provided," and the like.
_ATTRIBUTION = re.compile(
    r"\W*(?:(?:based (?:up)?on|according to|from|in|as (?:stated|mentioned|described|noted|indicated|per) in|per)\s+"
    r"(?:the|this|these|your|our)\s+(?:\w+\s+){0,3}?(?:documents?|passages?|texts?|context|articles?|sources?|information|"
    r"materials?|excerpts?|snippets?|results?)(?:\s+(?:provided|given|above|available|supplied|shared))?"
    r"(?:\s+in\s+(?:the|this|these)\s+(?:\w+\s+){0,2}?(?:documents?|passages?|texts?|context|articles?|sources?))?"
    r"|(?:laut|gemäß|nach)\s+(?:dem|den|der|diesem)\s+(?:\w+\s+)?(?:dokument\w*|text\w*|quelle\w*|kontext\w*)"
    r"|(?:selon|d'après)\s+(?:le|les|ce|ces)\s+(?:documents?|textes?|passages?|sources?)(?:\s+fournis?)?"
    r"|(?:según|de acuerdo con)\s+(?:el|los|la|las)\s+(?:documentos?|textos?|fuentes?)(?:\s+proporcionad\w+)?"
    r"|theo\s+(?:các\s+)?(?:tài liệu|văn bản|thông tin)(?:\s+(?:được\s+)?cung cấp)?"
    r"|(?:文書|資料|記事|提供された情報)に(?:よると|よれば)|根据(?:所提供的|提供的)?(?:文档|资料|信息|上下文)"
    r"|(?:وفقا|وفقًا|بحسب|حسب)\s+\w*(?:وثيقة|مستند|نص|معلومات)\w*)\s*[,:،、，]?\s*",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"\s*(?:[-*•–#>]+|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+")
_LEAD_IN = re.compile(r"[:：]\W*$")
_ASIDE = re.compile(
    r"\b(?:please note|it is important to note that|note that|i recommend|keep in mind)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[?？؟]\W*$")


@lru_cache(CACHE)
def claims(answer: str) -> tuple[Span, ...]:
    """``(start, end)`` of each claim of an answer, in order; empty for a pure refusal or greeting.

    A claim is a clause: a sentence without a second one inside, or a part of a long enumeration.
    Questions, courtesies and sentences that say that the sources are silent claim nothing.
    """
    found: list[Span] = []
    cut = clauses(answer)
    for start, end in spans(answer):
        sentence = answer[start:end]
        if _claims_nothing(sentence):
            continue
        begin = _after_announcement(answer, start, end)
        inside = ((max(a, begin), b) for a, b in cut if start <= a < end and b > begin)
        found.extend(piece for clause in inside for piece in _cut(answer, clause))
    return tuple(span for span in found if content_stems(answer[slice(*span)]))


def _claims_nothing(sentence: str) -> bool:
    """Whether a sentence is a courtesy, a question, a refusal, or only leads in to a list."""
    return bool(
        is_courtesy(sentence)
        or _QUESTION.search(sentence)
        or _LEAD_IN.search(sentence)
        or declines(sentence)
        or _ASIDE.match(sentence)
    )


def _after_announcement(answer: str, start: int, end: int) -> int:
    """Where a sentence begins to claim: behind its list mark and "According to the text,"."""
    for pattern in (_LIST_MARK, _ATTRIBUTION):
        match = pattern.match(answer, start, end)
        start = match.end() if match else start
    return start


def _cut(answer: str, span: Span) -> list[Span]:
    """Cuts a long clause at the joint nearest to its middle until the pieces are short enough."""
    start, end = span
    text = answer[start:end]
    if len(content_stems(text)) <= CLAIM_WORDS:
        return [span]
    joints = [
        m.span()
        for m in _JOINT.finditer(text)
        if _worth(text[: m.start()]) and _worth(text[m.end() :])
    ]
    if not joints:
        return [span]
    left, right = min(joints, key=lambda joint: abs(joint[0] - len(text) / 2))
    return [*_cut(answer, (start, start + left)), *_cut(answer, (start + right, end))]


def _worth(text: str) -> bool:
    """Whether a piece is long enough to be a claim of its own."""
    return len(content_stems(text)) >= 3
