"""Takes the marks of citations out of an answer: "[4]", "(source: ad-103)", footnotes, links to documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache

from evalkit.text.gated import Gated
from evalkit.text.tokens import CACHE

Names = frozenset[str]

MARK = 200  # characters at most inside brackets that only cite
_SOURCE = (
    r"(?:sources?|references?|refs?|citations?|cited|see|cf|documents?|docs?|passages?|chunks?|quellen?|siehe|vgl|dokumente?|voir|"
    r"fuentes?|véase|documentos?|fontes?|fonti|fonte|nguồn|tài liệu|źródł[oa]|bron|bronnen|källa|kilde|kaynak|источник[и]?|"
    r"出典|参照|参考|来源|來源|출처|المصدر|المصادر|مصدر)"
)
_SUPER = "¹²³⁰⁴⁵⁶⁷⁸⁹"
_NUMBER = r"\^?\d{1,3}(?:\s{0,2}[,;–-]\s{0,2}\^?\d{1,3}){0,20}"
_NUMBERED = Gated(rf"\[{_NUMBER}\]|【\d{{1,3}}(?::\d{{1,3}})?(?:†[^】\n]{{0,80}})?】")
_RAISED = Gated(rf"(?:(?<=[^\W\d_]{{4}})|(?<=\w{{4}}[.!?…,;)\]\"'”’。、]))[{_SUPER}]{{1,4}}(?!\w)")
_BRACKETED = Gated(rf"[(\[{{（［【]([^()\[\]{{}}（）［］【】\n]{{1,{MARK}}})[)\]}}）］】]")
_LINK = Gated(rf"\[([^\[\]\n]{{1,{MARK}}})\]\(([^()\s]{{1,500}})\)")
_EMPTY = Gated(r"[(\[（［]\s{2,}[)\]）］]")
_KEYWORD = re.compile(
    rf"\W{{0,3}}{_SOURCE}\b[*_]{{0,2}}\s{{0,3}}(?P<colon>[:：]|\.)?", re.IGNORECASE
)
_NAMED = Gated(rf"(?<!\w){_SOURCE}\s{{0,2}}[:：]\s{{0,3}}(\S{{1,100}})", re.IGNORECASE)
_BY = Gated(
    r"(?<!\w)(?:according to|per|as (?:stated|described|noted) in|laut|gemäß|nach|selon|d['’]après|según|secondo|segundo|theo|volgens|согласно)"
    r"\s{1,3}(\S{1,100})",
    re.IGNORECASE,
)
_NOTE = re.compile(rf"[ \t]{{0,8}}(?:[{_SUPER}]{{1,4}}|\[\^?\d{{1,3}}\]:?|\^\d{{1,3}})[ \t]{{0,8}}")
_ITEM = re.compile(r"\s*(?:[,;/&|、，；]|\b(?:and|und|et|y|e|và|и)\b)\s*")
_BULLET = re.compile(r"\s*(?:[-*•–]|\d{1,3}[.)])\s+")
_PLACE = re.compile(r"(?:\.\w{1,5})?[\s:#§,.]*(?:(?:pp?|chunk|page|section|§)?\.?\s*\d{1,4})?")
_EDGES = " \t\"'“”‘’«»`*_.,;:#<>"
_DIGITS = re.compile(r"\d+")
_WEB = re.compile(r"https?://\S+")


def known_names(names: Collection[str | None], labels: Collection[str] = ()) -> Names:
    """The ids and titles by which an answer may cite; not those that the labels ask for, which are content."""
    wanted = "\n".join(labels).casefold()
    plain = {name.casefold().strip() for name in names if name}
    return frozenset(name for name in plain if name and name not in wanted)


@lru_cache(CACHE)
def without_marks(text: str, names: Names = frozenset()) -> str:
    """The text with blanks in the place of what only cites, so that every other character keeps its place.

    ``names`` are the ids and titles of documents and chunks (see ``known_names``). A bracketed number, "source: ...", a
    raised number behind a word or a stop are marks with any names; another bracket, a link or a footnote is one
    where it names a document, or has an id of the same build. A text that would have no word left stays as it is.
    """
    cites = _Names(names)
    found = _links(text, cites)
    found = _lines(found, cites)
    found = _blank(found, _BRACKETED, lambda m: cites.only(m[1]))
    found = _blank(found, _NUMBERED)
    found = _blank(found, _NAMED, lambda m: cites.one(m[1]))
    found = _blank(found, _BY, lambda m: cites.id(m[1]))
    found = _blank(found, _RAISED)
    found = _blank(found, _EMPTY) if found != text else found
    return found if any(map(str.isalnum, found)) else text


class _Names:
    """What cites: the names given, and the build of those that are ids."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.all = tuple(names)
        ids = (n for n in names if not n.isdigit() and _DIGITS.search(n) and " " not in n)
        self.builds = frozenset(_DIGITS.sub("0", name) for name in ids)

    def id(self, item: str) -> bool:
        """Whether an item is an id with a digit, or of the same build as one."""
        plain = item.strip(_EDGES).casefold()
        return _DIGITS.sub("0", plain) in self.builds

    def one(self, item: str) -> bool:
        """Whether an item is a name, maybe with a place in the document, or an address that ends in one."""
        plain = item.strip(_EDGES).casefold()
        if plain in self.names or self.id(plain):
            return True
        if plain.startswith(("http://", "https://")):
            return self.one(plain.rstrip("/").rpartition("/")[2].partition(".")[0])
        if not plain.startswith(self.all):  # said of most words at once
            return False
        cut = max((n for n in self.names if plain.startswith(n)), key=len, default="")
        return bool(cut) and not cut.isdigit() and bool(_PLACE.fullmatch(plain[len(cut) :]))

    def only(self, content: str) -> bool:
        """Whether what stands in brackets only cites; a bare number in them names nothing by itself."""
        keyword = _KEYWORD.match(content)
        if keyword and keyword["colon"] and content[keyword.end() :].strip():
            return True
        rest = content[keyword.end() :] if keyword else content
        if keyword and rest.strip().isdigit():
            return True
        if self.one(rest) and not rest.strip().isdigit():
            return True
        items = [item for item in _ITEM.split(rest) if item.strip()]
        plain = not all(item.strip().isdigit() for item in items)
        return bool(items) and plain and all(map(self.one, items))

    def within(self, line: str) -> bool:
        """Whether a line names a document: in brackets, by an address, or as a whole."""
        if self.one(line) or self.only(line) or any(map(self.one, line.split())):
            return True
        inside = (m[1] for m in _BRACKETED.finditer(line))
        return any(map(self.only, inside)) or line.strip(_EDGES).casefold().startswith(
            tuple(n for n in self.names if " " in n)
        )


def _blank(text: str, pattern: Gated, cites: Callable[[re.Match[str]], bool] = bool) -> str:
    return pattern.sub(lambda m: _blanks(m[0]) if cites(m) else m[0], text)


def _blanks(text: str) -> str:
    """As many blanks; a stop or comma at the end stays."""
    end = text[-1:] if text[-1:] in ".,;!?" else ""
    return " " * (len(text) - len(end)) + end


def _links(text: str, cites: _Names) -> str:
    """Links to documents: gone where they stand in brackets or name the document, else only the text stays."""

    def shown(match: re.Match[str]) -> str:
        label, target = match[1], match[2]
        named = cites.one(label)
        if not (named or cites.one(target) or label.strip("^ ").isdigit()):
            return match[0]
        before = text[: match.start()].rstrip(" \t")[-1:]
        if named or label.strip("^ ").isdigit() or before in {"(", "（", ".", "!", "?", ""}:
            return " " * len(match[0])
        return f" {label}{' ' * (len(match[0]) - len(label) - 1)}"

    return _LINK.sub(shown, text)


def _lines(text: str, cites: _Names) -> str:
    """Footnotes and lists of sources: whole lines that only say where things stand."""
    if "\n" not in text:
        return text
    return "".join(_shown_lines(text.splitlines(keepends=True), cites))


def _shown_lines(lines: list[str], cites: _Names) -> Iterator[str]:
    listing = False  # below "Sources:"
    for line in lines:
        body = line.strip()
        note, keyword = _NOTE.match(line), _KEYWORD.match(body)
        rest = line[note.end() :] if note else body
        heads = keyword is not None and keyword["colon"] is not None
        after = body[keyword.end() :].strip(_EDGES) if heads and keyword else ""
        item = _BULLET.sub("", rest, count=1)
        # What a line lists matters only below "Sources:", and in a footnote.
        listed = (listing or note is not None) and (
            not any(map(str.isalnum, item)) or cites.within(item) or bool(_WEB.search(item))
        )
        listing = (heads and (not after or cites.within(after))) or (listing and listed)
        names = note is not None and len(rest) <= MARK and (listed or not rest.strip())
        ends = len(line) - len(line.rstrip("\r\n"))
        gone = (listing or names) and len(line) <= 2 * MARK
        yield " " * (len(line) - ends) + line[len(line) - ends :] if gone else line
