"""Words of regret that open an answer, and answers that are a yes or a no and nothing else."""

from __future__ import annotations

import re

from evalkit.text.gated import Gated

_REGRET = Gated(
    r"\W*(?:(?:i['’]?m |we['’]?re |i am |we are )?(?:afraid|sorry)|unfortunately|sadly|regrettably|leider|bedauerlicherweise|malheureusement|hélas|lamentablemente|"
    r"desgraciadamente|desafortunadamente|por desgracia|purtroppo|infelizmente|(?:rất |thật )?tiếc(?: là| rằng)?|للأسف|للاسف|مع الأسف|к сожалению|残念ながら|申し訳ありませんが|很遗憾|很抱歉|抱歉|아쉽게도)(?!\w|[\u3041-\u3096])[\s,，、،:–—-]*",
    re.IGNORECASE,
)


# What leads to a plain yes or no.
_LEADS = (
    r"(?:(?:i (?:think|believe|guess|suspect|would say),? |i['’]d say )(?:that )?)?the (?:short |simple )?answer (?:is|would be)|die (?:kurze )?antwort (?:ist|lautet|wäre)|"
    r"la réponse est|la respuesta es|a resposta é|la risposta è|câu trả lời là|答えは|答案是|الجواب هو|الإجابة هي|ответ"
)
_LEAD = Gated(rf"\W*(?:{_LEADS}|actually|in fact|well|basically)[\s,:–—-]+", re.IGNORECASE)

_YES = "yes|yeah|yep|yup|true|correct|right|of course|certainly|ja|jawohl|natürlich|oui|bien sûr|sí|si|claro|sì|sim|có|được|dạ có|đúng|نعم|أجل|да|हाँ|evet|はい|ええ|是的?|对|可以|行|能|네|예"
_NO = "no|nope|not|not really|false|incorrect|wrong|nein|leider nicht|nicht|non|nee|não|không|không được|sai|لا|كلا|нет|नहीं|hayır|いいえ|いや|不|不是|不行|不可以|不能|不可|否|没有|아니[요오]?"
# A no that leaves out what it denies: "They don't.", "You can't: ..."; never the speaker, who may go on about what they know.
_ELLIPTIC = (
    r"(?:they|it|he|she|you|that|this|these|those|there|one)\s(?:(?:do|does|did|is|are|was|were|would|could|should|has|have|had|must|need)(?:n['’]t| not)"
    r"|can['’]t|cannot|won['’]t|will not|may not)"
)
_BARE = Gated(rf"\W*(?:(?P<yes>{_YES})|(?P<no>{_NO}|{_ELLIPTIC}))\W*", re.IGNORECASE)
_SETTLED = Gated(
    rf"\W*(?:{_ELLIPTIC}|(?:{_LEADS})\W*(?:{_YES}|{_NO}))(?:\W*$|\s*[.;:!]\s)", re.IGNORECASE
)


def without_regret(text: str) -> str:
    """``text`` without the words that open it before a yes or no: "Unfortunately not." and "The answer is: not." are "not."."""
    for pattern in (_REGRET, _LEAD):
        match = pattern.match(text)
        text = text if match is None else text[match.end() :]
    return text


def bare(text: str) -> bool | None:
    """True for an answer that is a yes and nothing else, False for a mere no, regretted or not; None for any other."""
    match = _BARE.fullmatch(without_regret(text)) if len(text) < 60 else None
    return None if match is None else match["yes"] is not None


def settles(text: str) -> bool:
    """Whether a text opens with a yes or no that is more than the word: "They don't.", "I think the answer is no."."""
    return _SETTLED.match(text) is not None


_OPENING = Gated(
    r"\W*(?:(?P<yes>(?:yes|yeah|yep|ja|jawohl|oui|sí|sì|sim|có|được|đúng|نعم|أجل|да|evet)(?=\W|$)|はい|ええ|是的|对[，,]|可以[，,。]|네[,.\s]|예[,.\s])"
    rf"|(?P<no>(?:no|nope|nein|non|nee|não|không|لا|كلا|нет|hayır)(?=\s*[,.;:!،，–—-]|$)|{_ELLIPTIC}(?=\s*[,.;:!–—]|$)|いいえ|不是?[，,。]|不[行可能]以?[，,。]|没有[，,。]|否[，,。]|아니[요오]))",
    re.IGNORECASE,
)


def opening(text: str) -> bool | None:
    """True for an answer that opens with a yes, False with a no, regretted or not; None for any other."""
    known = bare(text)
    match = _OPENING.match(without_regret(text)) if known is None else None
    return known if match is None else match["yes"] is not None
