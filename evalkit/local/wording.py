"""Ways to decline, in the language of the question."""

from __future__ import annotations

import re

_KANA = re.compile("[\u3040-\u30ff]")
_HAN = re.compile("[\u4e00-\u9fff]")
_ARABIC = re.compile("[\u0600-\u06ff]")
_VIETNAMESE = re.compile("[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
_GERMAN = re.compile(
    r"\b(?:der|die|das|ich|wie|wir|ist|und|kann|nicht|für|mein\w*|ein\w*|wo)\b", re.IGNORECASE
)

DECLINES: dict[str, tuple[str, ...]] = {
    "en": (
        "I could not find this in the documents I was given.",
        "I'm sorry, but I don't have enough information to answer that.",
        "The available documents do not say anything about this.",
        "I am not able to answer this question from the information I have.",
    ),
    "de": (
        "Dazu konnte ich in den vorliegenden Dokumenten nichts finden.",
        "Leider habe ich nicht genügend Informationen, um das zu beantworten.",
    ),
    "vi": (
        "Tôi không tìm thấy thông tin này trong các tài liệu được cung cấp.",
        "Rất tiếc, tôi không có đủ thông tin để trả lời câu hỏi này.",
    ),
    "ja": (
        "申し訳ありませんが、その情報は資料に見つかりませんでした。",
        "申し訳ございませんが、この質問にお答えできる情報がありません。",
    ),
    "ar": (
        "عذرًا، لا أملك معلومات كافية للإجابة عن هذا السؤال.",
        "لم أجد هذه المعلومة في المستندات المتاحة.",
    ),
    "zh": ("很抱歉，资料中没有找到相关信息。", "抱歉，我没有足够的信息来回答这个问题。"),
}


def guess_language(text: str) -> str:
    """The language to decline in, from script and a few common words; English when in doubt."""
    if _KANA.search(text):
        return "ja"
    if _ARABIC.search(text):
        return "ar"
    if _HAN.search(text):
        return "zh"
    if _VIETNAMESE.search(text):
        return "vi"
    return "de" if len(_GERMAN.findall(text)) >= 2 else "en"


def declines(query: str) -> tuple[str, ...]:
    """The ways to decline ``query``, the usual one first."""
    return DECLINES[guess_language(query)]
