"""Whether an answer says that what was asked for is not in the source, which declines without a word of regret."""

from __future__ import annotations

import re

from evalkit.text.refusal import sentence_kind
from evalkit.text.sentences import spans
from evalkit.text.tokens import normalise, stem_set

ABSENT = 0.9  # probability of a refusal that such an answer has
REST = 4  # content words from which on what stands beside it says something

_SOURCE = (
    r"(?:documents?|documentation|passages?|texts?|context|sources?|materials?|excerpts?|snippets?|results?|reports?|notices?|adverts?|"
    r"advertisements?|articles?|files?|records?|data|database|handbook|manual|listings?|pages?|letters?|e-?mails?|invoices?|transcripts?|"
    r"papers?|dokumente?n?|unterlagen|bericht|befund|texten|quellen?|anzeigen?|ausz[uü]ge?n?|documentos?|textos?|informes?|fuentes?|"
    r"relatórios?|rapports?|extraits?|annonces?|tài liệu|văn bản|báo cáo|nguồn|документ\w*|отч[её]т\w*|текст\w*|"
    r"المستند\w*|الوثيقة|الوثائق|التقرير|النص)"
)
_NO = r"(?:no|not|none|nicht|kein\w*|ne|pas|aucun\w*|ning[uú]n\w*|não|nenhum\w*|không|не|нет|لا|لم|ليس)(?!\w)|n['’]"
# The source as the place where something is looked for, and as what holds something.
_PLACE = re.compile(
    rf"(?<!\w)(?:in|among|within|from|auf|unter|dans|parmi|en|entre|em|trong|в|во|среди|في|ضمن)\s+(?:[\w'’]+\s+){{0,3}}?{_SOURCE}(?!\w)"
)
_HOLDER = re.compile(
    rf"(?<!\w)(?:(?:(?:the|this|these|those|my|our|your|der|die|das|dieser?|dieses|el|la|los|las|este|esta|estos|le|les|l|ce|cet|cette|ces|o|os)"
    rf"[\s'’]+(?:[\w'’]+\s+){{0,3}}?)|(?=tài liệu|văn bản|báo cáo)){_SOURCE}(?:[\s'’]+[\w'’]+){{0,4}}?[\s'’]+(?:{_NO})"
)
_FOUND = re.compile(
    r"(?<!\w)(?:there (?:is|are|was|were)|found|listed|included?|mentioned|measured|tested|recorded|reported|given|stated|shown|"
    r"provided|specified|described|documented|present|available|es gibt|gibt es|enthalten|erwähnt|aufgeführt|genannt|angegeben|gemessen|"
    r"bestimmt|gefunden|vorhanden|il n['’]y a|mentionnée?s?|indiquée?s?|mesurée?s?|figurent?|trouvent?|no hay|mencionad[oa]s?|"
    r"indicad[oa]s?|medid[oa]s?|figuran?|aparecen?|não há|không (?:có|được|thấy)|нет|указан\w*|упомина\w*|измер\w*|يوجد|يذكر|مذكور)(?!\w)"
)
_HOLDS = re.compile(
    r"(?<!\w)(?:includes?|contains?|mentions?|lists?|shows?|gives?|states?|covers?|reports?|provides?|specif(?:y|ies)|describes?|says?|"
    r"ha(?:s|ve)|enthält|enthalten|erwähn(?:t|en)|nenn(?:t|en)|contient|contiennent|mentionnent?|indiquent?|contienen?|incluyen?|"
    r"mencionan?|indican?|contém|contêm|có|chứa|đề cập|nêu|содерж[иа]т|يحتوي|يذكر|يتضمن)(?!\w)"
)
_DENIES = re.compile(rf"(?<!\w)(?:{_NO})|n['’]t(?!\w)|cannot")
_WIDE_SOURCE = re.compile(r"文書|資料|書類|報告|レポート|文章|文件|文档|材料|来源|보고서|문서|자료")
_WIDE_ABSENT = re.compile(
    r"(?:記載|含まれ|書かれ|見つか|測定|掲載|あり)(?:され)?[てはい]{0,3}(?:ない|いない|いません|ません|なかった)|"
    r"(?:没有|未)(?:包含|提到|提及|记载|测量|检测|找到|列出)|(?:없습니다|없다|않습니다|않았습니다)"
)
_WIDE_WORD = re.compile(r"[\u30a1-\u30fc]{2,}|[\u3400-\u9fff]{2,}|[\uac00-\ud7af]{2,}")
_CLOSED = re.compile(
    r"\W*(?:do|does|did|is|are|was|were|has|have|had|can|could|will|would|may|must|should|"
    r"ist|sind|hat|haben|kann|gibt|wird|est-ce|y a-t-il|es|hay|tiene|puede)\b|.*(?:ですか|ますか|吗|か)\s*[?？]?\s*$",
    re.IGNORECASE,
)
_BUT = re.compile(
    r"[,;]\s+(?=(?:but|however|although|sondern|aber|mais|pero|nhưng|но)\b)|;\s+", re.IGNORECASE
)
_CHECK = ("please", "bitte", "por favor", "vui lòng", "merci de", "veuillez")


def says_absent(text: str, query: str) -> bool:
    """Whether a text says no more than that the source lacks what an open question asks for.

    "Troponin was not measured in this report", asked for the troponin. The sentence denies, names a source as the place,
    or as what holds things, and something that the question names; the rest of the text says nothing. "There is no fee"
    names no source, and "The warranty does not ..." none that answers are drawn from. A yes-or-no question is answered by
    it. Whether the absence is the wanted answer is for the labels to say.
    """
    if (
        not query
        or _CLOSED.match(query)
        or not (_DENIES.search(normalise(text)) or _WIDE_ABSENT.search(text))
    ):
        return False
    absent = rest = 0
    for start, end in spans(text):
        for part in _BUT.split(text[start:end]):
            gone = _absent(normalise(part), query)
            absent += gone
            kind, size = ("decline", 0) if gone else sentence_kind(part)
            rest += size if kind == "say" and not _asks_to_check(part, query) else 0
    return absent > 0 and rest < REST


def _absent(plain: str, query: str) -> bool:
    if _strange_digits(plain, query):
        return False
    if _WIDE_SOURCE.search(plain):
        asked = (w for w in _WIDE_WORD.findall(query) if not _WIDE_SOURCE.search(w))
        return _WIDE_ABSENT.search(plain) is not None and any(word in plain for word in asked)
    if not _DENIES.search(plain):
        return False
    bare = re.sub(_SOURCE, " ", plain)
    if not stem_set(query) & stem_set(bare):
        return False
    placed = _PLACE.search(plain) is not None and _FOUND.search(bare) is not None
    return placed or (_HOLDER.search(plain) is not None and _HOLDS.search(bare) is not None)


def _strange_digits(plain: str, query: str) -> bool:
    """Whether a sentence has a number that the question has not: it tells something."""
    return not set(re.findall(r"\d+", plain)) <= set(re.findall(r"\d+", query))


def _asks_to_check(sentence: str, query: str) -> bool:
    """Whether a sentence only asks to look again: "Please check the number."."""
    return sentence.strip().casefold().startswith(_CHECK) and not _strange_digits(sentence, query)
