"""Cuts an answer into the statements it makes, as character offsets; courtesy and refusals make none."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import accumulate

from evalkit.judges.portion import ANSWER
from evalkit.text.alternation import any_of
from evalkit.text.gated import Gated
from evalkit.text.refusal import declines, is_courtesy
from evalkit.text.regret import bare
from evalkit.text.sentences import Span, clauses, spans
from evalkit.text.tokens import CACHE, content_stems, is_content, tokens

# Content words a claim has at most, about: a longer clause is cut at a softer joint.
CLAIM_WORDS = 8
WORTH = 3  # content words that a piece of a clause must have
PLENTY = 200  # characters in which nearly always as many stand
_JOINT_WORDS = (
    "and or but because when where while which that who as than into from with without for by in on at of to over after before "
    "und oder weil als wenn mit von für bei nach in et ou parce que avec pour dans de y o porque con para en de và hoặc với trong của و"
)
_JOINT = re.compile(
    rf",\s+|[、，]|\s+(?=\(|{any_of(_JOINT_WORDS.split())}\s)",
    re.IGNORECASE,
)
# What announces a statement without being one: "Based on the documents provided," and the like.
_SOURCE = (
    r"(?:documents?|documentation|passages?|texts?|context|articles?|sources?|information|materials?|excerpts?|snippets?|results?|"
    r"help[- ]?(?:texts?|pages?|articles?|cent(?:er|re)|desk)?|knowledge base|adverts?|advertisements?|ads?|postings?|listings?|notices?|reports?|letters?|e-?mails?|contracts?|agreements?|brochures?|leaflets?|records?|guides?|guidelines|handbook|manual|faqs?|website|pages?|terms|polic(?:y|ies))"
)
_TELLS = r"(?:explain|state|say|mention|note|describe|show|indicate|point out|make clear|tell us|specif(?:y|ie)|put it)(?:s|ed)?"
_GIVEN = r"(?:\s+(?:(?:that |which )?you )?(?:provided|given|above|available|supplied|shared))?"
_ATTRIBUTION = Gated(
    r"\W*(?:(?:based (?:up)?on|according to|from|in|as (?:stated|mentioned|described|noted|indicated|per) in|per)\s+"
    rf"(?:the|this|these|your|our)\s+(?:\w+\s+){{0,3}}?{_SOURCE}{_GIVEN}"
    r"(?:\s+in\s+(?:the|this|these)\s+(?:\w+\s+){0,2}?(?:documents?|passages?|texts?|context|articles?|sources?))?(?!\w)"
    rf"|from what (?:i|we) (?:can )?(?:see|found|find|know)\s+(?:in|from)\s+(?:the|these|your|our)\s+(?:\w+\s+){{0,3}}?{_SOURCE}(?=\W*[,:])"
    rf"|as\s+(?:the|this|these|your|our)\s+(?:\w+\s+){{0,3}}?{_SOURCE}{_GIVEN}\s+{_TELLS}(?=\W*[,:])"
    rf"|(?:the|this|these|your|our)\s+(?:\w+\s+){{0,2}}?{_SOURCE}{_GIVEN}\s+(?:clearly |also )?{_TELLS}(?:\s+that\b|(?=\s*:))"
    r"|(?:to answer your question|here is what (?:i|we) found|in short|in summary|(?:(?:i am|i'm|we are|we're) )?(?:sorry|afraid), but)(?=\W|$)"
    r"|(?:laut|gemäß|nach)\s+(?:dem|den|der|diesem|unsere[rmn]|ihre[rmn])\s+(?:\w+\s+)?(?:dokument\w*|text\w*|quelle\w*|kontext\w*|hilfe\w*|unterlagen)"
    r"|wie\s+(?:es\s+)?(?:in\s+)?(?:dem|den|der|die|das|unsere\w*|ihre\w*)\s+(?:\w+\s+)?(?:dokument\w*|\w*texte?n?|quelle\w*|hilfe\w*|unterlagen)\s+\w+(?:\s+\w+)?(?=\s*[:,])"
    r"|(?:selon|d'après|d’après)\s+(?:le|les|la|l['’]|ce|ces|notre|nos|votre|vos)\s*(?:documents?|documentation|textes?|passages?|sources?|aide|pages?)(?:\s+d['’]aide)?(?:\s+fournis?)?"
    r"|comme\s+(?:le\s+|l['’])?(?:expliquent|explique|indiquent|indique|disent|dit)\s+(?:le|les|la|notre|nos|votre|vos)\s+\w+(?:\s+d['’]aide)?(?=\s*[:,])"
    r"|(?:según|de acuerdo con)\s+(?:el|los|la|las|nuestr\w+|su|sus)\s+(?:documentos?|documentación|textos?|fuentes?|ayuda|páginas?)(?:\s+de\s+ayuda)?(?:\s+proporcionad\w+)?"
    r"|como\s+(?:explican?|indican?|dicen?|señalan?)\s+(?:el|los|la|las|nuestr\w+|su|sus)\s+\w+(?:\s+de\s+ayuda)?(?=\s*[:,])"
    r"|(?:theo|như)\s+(?:các\s+)?(?:tài liệu|văn bản|thông tin|trang trợ giúp|hướng dẫn)(?:\s+(?:(?:được\s+)?cung cấp|trợ giúp|hướng dẫn|của chúng tôi|đã (?:nêu|giải thích)|giải thích|nêu))*"
    r"|(?:文書|資料|記事|提供された情報|ヘルプ(?:ページ|記事|テキスト)?)(?:に(?:よると|よれば|あるように)|の(?:説明の)?とおり)|(?:根据|如)(?:所提供的|提供的|我们的)?(?:帮助)?(?:文档|资料|信息|上下文|中心|页面)(?:所述|所说)?"
    r"|(?:도움말|문서|자료)에 (?:따르면|의하면)"
    r"|(?:وفقا|وفقًا|بحسب|حسب)\s+\w*(?:وثيقة|مستند|نص|معلومات|مساعدة)\w*|كما\s+(?:توضح|تشرح|تذكر|يوضح|يذكر)\s+\w+(?:\s+المساعدة)?(?=\s*[:،,])"
    r"|(?:согласно|по)\s+(?:нашей |нашим |вашей )?(?:справк\w*|документ\w*|текст\w*|инструкци\w*)|как\s+(?:говорит|сказано|указано|объяснено)\w*\s+в\s+\w+(?=\s*[:,])"
    r")\s*[,:،、，]?\s*",
    re.IGNORECASE,
)
# Sympathy and readiness, without anything else in the sentence.
_REST = r"[^,;:.!?…、，。！？،؛؟\d]{0,70}"
_SYMPATHY = Gated(
    r"\W*(?:(?:oh|ah|ach),? )?(?:"
    r"(?:i['’]?m|i am|we['’]?re|we are) (?:so |very |really |truly |terribly )?sorry (?:to (?:hear|learn|read)|for (?:the|any|this|your)|about (?:this|that|the|your))"
    r"|(?:i|we) (?:sincerely |do )?apologi[sz]e for (?:the|any|this) (?:\w+ )?(?:inconvenience|delay|trouble|confusion|wait|frustration)"
    r"|(?:i['’]?m|i am|we['’]?re|we are) (?:always |still )?here (?:for you|if you need|to help|whenever you)"
    r"|(?:i|we) (?:completely |fully |totally |can |do )*(?:understand|imagine|see|realise|realize|know) (?:how|that|your|this|it)\b"
    + _REST
    + r"(?:frustrat|disappoint|annoy|upset|stress|concern|worr|inconvenien)\w*"
    r"|(?:i|we) (?:really |truly |do )?appreciate (?:your (?:patience|understanding|time|feedback)|you (?:reaching|getting|writing))"
    r"|es tut (?:mir|uns) (?:sehr |wirklich )?leid,? (?:(?:das|dies|davon|es) )?(?:zu (?:hören|lesen|erfahren)|für (?:die|ihre)|wegen (?:der|des))"
    r"|(?:ich bin|wir sind) (?:gerne? |immer |jederzeit )?für (?:sie|dich|euch) da,?(?: wenn sie)?"
    r"|(?:je suis|nous sommes) (?:vraiment |sincèrement )?désolée?s? (?:d['’]apprendre|de l['’]apprendre|d['’]entendre|pour (?:ce|cet|cette|le|la|les))"
    r"|nous sommes (?:toujours )?là (?:pour vous|si vous)"
    r"|(?:lamento|lamentamos|siento|sentimos) (?:mucho )?(?:escuchar|oír|leer|saber|las molestias|el inconveniente|los inconvenientes)|estamos aquí (?:para (?:ayudar|usted)|si (?:nos )?necesita)"
    r"|mi dispiace (?:molto )?(?:sentire|per (?:il|l['’]|la))|(?:sinto|sentimos) muito (?:por|em) (?:ouvir|saber|isso)|(?:мне|нам) (?:очень )?жаль (?:это )?слышать|приносим (?:свои )?извинения за"
    r"|(?:tôi|chúng tôi) (?:rất (?:lấy làm )?)?tiếc (?:khi (?:nghe|biết)|về|vì) |(?:chúng tôi|tôi) (?:luôn )?ở đây (?:nếu|để (?:giúp|hỗ trợ)|khi bạn)|xin lỗi (?:bạn )?(?:vì|về) sự"
    r"|(?:ご不便|ご迷惑|お手数)をおかけ|お気の毒|それは(?:大変)?(?:残念|お困り|大変)|很抱歉(?:听到|聽到|给您)|很遗憾听到|给您带来(?:的)?不便|불편을 (?:드려|끼쳐)|(?:그런 일이 있으셨다니|말씀을 들으니) 유감"
    r"|(?:يؤسفني|يؤسفنا|آسف ل|آسفون ل|نأسف ل)\s?(?:سماع|معرفة|لإزعاج|لإزعاج)|نحن (?:دائما |دائمًا )?هنا (?:لمساعدتك|من أجلك|إذا)"
    r")" + _REST + r"\W*",
    re.IGNORECASE,
)
# A question that tells: what follows "Did you know" is said, not asked.
_TOLD = Gated(
    r"\W*(?:(?:and |but |so )?(?:did|do) you (?:also )?know (?:that|about)?\b|wuss?ten sie(?: schon)?,?(?: dass)?\b|wusstest du(?: schon)?,?(?: dass)?\b|saviez-vous (?:que\b|qu['’])|¿?sab(?:ía|ías|e|es)(?: usted)? que\b"
    r"|bạn có biết(?: rằng)?\b|ご存[知じ](?:でしたか|ですか)|你知道吗|您知道吗|هل (?:كنت )?تعلم أن)\s*",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"\s*(?:[-*•–#>]+|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+")
_LEAD_IN = re.compile(r"[:：]\W*$")
_ASIDE = Gated(
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
    answer = answer[:ANSWER]  # nothing is judged beyond that
    found: list[Span] = []
    cut = clauses(answer)
    at = 0  # clauses come in the order of their sentences
    for start, end in spans(answer):
        first = at
        while at < len(cut) and cut[at][0] < end:
            at += 1
        sentence = answer[start:end]
        if _claims_nothing(sentence):
            continue
        begin = _after_announcement(answer, start, end)
        inside = ((max(a, begin), b) for a, b in cut[first:at] if b > begin)
        found.extend(piece for clause in inside for piece in _cut(answer, clause))
    return tuple(span for span in found if content_stems(answer[slice(*span)]))


def _claims_nothing(sentence: str) -> bool:
    """Whether a sentence is a courtesy, a question, a refusal, or only leads in to a list."""
    return bool(
        _polite(sentence)
        or bare(sentence) is not None  # the question's content, not its own
        or (_QUESTION.search(sentence) and not _TOLD.match(sentence))
        or _LEAD_IN.search(sentence)
        or declines(sentence)
        or _ASIDE.match(sentence)
    )


def _polite(sentence: str) -> bool:
    """Whether a sentence only greets, thanks, regrets or offers help."""
    return is_courtesy(sentence) or _SYMPATHY.fullmatch(sentence) is not None


def _after_announcement(answer: str, start: int, end: int) -> int:
    """Where a sentence begins to claim: behind its list mark and "According to the text,"."""
    match = _LIST_MARK.match(answer, start, end)
    start = match.end() if match else start
    for pattern in (_ATTRIBUTION, _TOLD):
        if pattern.possible(answer[start:end]):
            match = pattern.pattern.match(answer, start, end)
            start = match.end() if match else start
    return start


def _cut(answer: str, span: Span) -> list[Span]:
    """Cuts a long clause at the joint nearest to its middle until the pieces are short enough."""
    start, end = span
    text = answer[start:end]
    if len(content_stems(text)) <= CLAIM_WORDS:
        return [span]
    joints = _joints(text)
    if not joints:
        return [span]
    left, right = min(joints, key=lambda joint: abs(joint[0] - len(text) / 2))
    return [*_cut(answer, (start, start + left)), *_cut(answer, (start + right, end))]


def _joints(text: str) -> list[Span]:
    """The places where a clause can be cut, with enough words on either side."""
    places = [match.span() for match in _JOINT.finditer(text)]
    if not text.isascii():  # a word may look otherwise on its own
        return [(a, b) for a, b in places if _worth(text, 0, a) and _worth(text, b, len(text))]
    pieces = zip([0, *(b for _, b in places)], [*(a for a, _ in places), len(text)], strict=True)
    sizes = [sum(map(is_content, tokens(text[a:b]))) for a, b in pieces]
    before = list(accumulate(sizes))
    return [
        (a, b)
        for (a, b), size in zip(places, before, strict=False)
        if (size >= WORTH or _worth(text, 0, a))
        and (before[-1] - size >= WORTH or _worth(text, b, len(text)))
    ]


def _worth(text: str, start: int, end: int) -> bool:
    """Whether a piece is long enough to be a claim of its own; the beginning of a long one tells."""
    if end - start > PLENTY and len(content_stems(text[start : start + PLENTY])) > WORTH:
        return True
    return len(content_stems(text[start:end])) >= WORTH
