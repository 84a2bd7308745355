"""Whether a sentence declines: who lacks what, read off the letters of ``refusal_roles``."""

from __future__ import annotations

import re

# `.` is any letter within a clause, `-` one that is no other content; `NOT` any negation.
_SPEAKER = (
    r"s.{0,5}NOT.{0,4}[kve]",  # I could not find
    r"s-{0,4}x-{0,2}[ktv]|snH(?!r)|sHN|[nNq]-{0,2}s-{0,2}[ik]|[nNq]-{0,2}sHi",  # I cannot explain, I do not have
    r"[sp].{0,3}x.{0,2}D|a,?p-{0,2}x-{0,2}v",  # we cannot share
    r"s.{0,4}f?.{0,2}NOT[^c,]{0,4}[iq]",  # I have no information
    r"(?<![y])[kef]s-{0,3}NOT|sk-{0,2}[nNq]",  # weiß ich nicht, I found nothing
    r"p.{0,5}NOT.{0,4}[kv](?=-{0,4}(?:$|,|[iuhwdq]))",  # we cannot say, we could not find that
    r"p-{0,4}NOT-{0,4}i",  # we have no details
    r"s-{0,4}[lj]",  # I lack, I leave this unanswered
    r"^[ah,]{0,3}[nNx]-{0,2}[kv]-*(?:$|,)",  # Not sure. Couldn't find that one, sorry
    r"[nN]-{0,3}e",  # no lo sé
    r"[nN]-{0,2}f-{0,4}[ikvqtu]",  # no tengo información
    r"^[^yc,]*[nNx]-{0,3}k-{0,3}[ivuhqd]",  # no se ha encontrado información
    r"z",
)
_SOURCE = (
    r"d.{0,4}[nNx][^ck,]{0,3}[tvT]|d-{0,4}q-{0,2}[tvT]",  # the documents do not mention
    r"d.{0,4}[Nq].{0,2}[iu]|d-{0,3}q-{0,3}(?:[ruih]|$)",  # the FAQ has no entry, the search gave nothing
    r"d-{0,1}[tvT]-{0,1}[Nq]",  # the text contains no date
    r"d-{0,3}r[uh]{1,2}[nq]-{0,1}(?:$|,)",  # unsere Seiten gehen auf das Thema nicht ein
    r"NOT.{0,3}d.{0,2}[tv]",  # none of the texts mentions, not something our guides explain
    r"q.{0,5}d",  # nothing in the texts
    r"NOT.{0,3}[tkvT].{0,3}I-{0,3}d",  # not mentioned in the documents
    r"[uhiw].{0,3}n-{0,2}I-{0,3}d",  # this is not part of the documents
    r"d-{0,3}l|l-{0,3}I?-{0,2}d|d-{0,3}j-{0,2}[iuh]",  # the handbook is silent, unclear from the sources
)
_OBJECT = (
    r"n.{0,1}[it].{0,1}r-{0,2}[hud]|N.{0,2}[it]-{0,1}(?:r(?!y)|[uhdI]|$|,)|Nv-{0,1}(?:r(?!y)|[uhdIm]|$|,)",  # no mention of this
    r"[iq]-{0,3}n$",  # 情報がありません
    r"[iu].{0,4}[nNxq]-{0,3}[tvTk]",  # the question cannot be answered
    r"h-{0,4}NOT-{0,3}t",  # that is not documented
    r"h-{0,4}[nNx]-{0,3}v(?=-{0,4}(?:$|,|[uidI]))",  # it does not say
    r"[hw]-{0,4}[nx]-{0,2}k(?=-{0,3}(?:$|,|d))",  # it cannot be determined
    r"h-{0,3}n-{0,2}T-{0,3}(?:[uiq]|hg)",  # they do not cover that question
    r"n-{0,2}m-{0,3}[vk]|x-{0,2}[vk]-{0,3}(?:$|,|[hiuwd])",  # it is not possible to say
    r"q-{0,2}[vt]-{0,3}u|q-{0,2}r-{0,3}[hu]",  # nothing answers your question, nothing about that
    r"[uhiv]-{0,5}l|^-*l-*$|l-{0,3}[iuw]",  # it is unclear, insufficient information
    r"u-{0,2}O",  # the question stays open
    r"[iu].{0,4}j|j-{0,3}i",  # the information is missing
    r"[uhisp].{0,5}b[^,h]{0,5}[dkvis]",  # goes beyond what I can find
)
_WIDE = (
    r"[tv]-{0,3}[nx]|[nx]-{0,2}[tv]",  # 触れられていない, 没有提到
    r"[dihu]-{0,6}k-{0,3}[nx]|^-*k-{0,3}[nx]|[nx]-{0,2}k-{0,3}[iudhv]",  # 見つかりません, 没有找到
    r"[nx][^,]{0,3}i",  # 没有关于…的信息
)


def _compiled(*groups: tuple[str, ...]) -> re.Pattern[str]:
    rules = "|".join(rule for group in groups for rule in group)
    rules = rules.replace("NOT", "[nNqx]").replace("[^c,]", "-").replace("[^,]", ".")
    return re.compile(re.sub(r"(?<![\[\\^])-(?=[{*])", "[^c,]", re.sub(r"\.(?=\{)", "[^,]", rules)))


_RULES = _compiled(_SPEAKER, _SOURCE, _OBJECT)
_WIDE_RULES = _compiled(_SPEAKER, _SOURCE, _OBJECT, _WIDE)
_DENIES = re.compile("[nNqxlbzjO]")
_REPORT = re.compile(
    r"^[^cd]{0,2}y[^c,]{0,2}[uk]|[sp][^,]{0,3}g|d[^c,]{0,3}[tT](?!h)|d[^,]{0,3}[tT]$|^[^cd]{0,3}[sp][^c,]{0,2}k"
)


def lacks(letters: str, *, wide: bool) -> bool:
    """Whether the letters of a sentence say that somebody lacks the answer."""
    if not _DENIES.search(letters):
        return False
    return (_WIDE_RULES if wide else _RULES).search(letters) is not None


def may_decline(letters: str) -> bool:
    """Whether anything in the letters of a whole text denies or regrets; a cheap test before the others."""
    return _DENIES.search(letters) is not None or "a" in letters


def reports(letters: str) -> bool:
    """Whether a sentence only tells of the search, or what the sources are about: no answer."""
    return _REPORT.search(letters) is not None
