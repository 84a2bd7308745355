"""Whether documents say what a label says, read cautiously: doubt speaks for the label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache

from evalkit.facts import UNSAID, says
from evalkit.records import Case, Document, Expected, Suite
from evalkit.text.languages import detect_language
from evalkit.text.quantities import found_in, quantities
from evalkit.text.tokens import content_stems, names, stem_set

FEWEST = 3  # content words from which on the words of a statement tell anything
ROOT = 5  # letters by which a name is recognised in its derivations
SHOWN = 120  # characters of a statement that a complaint repeats


class Text:
    """Some documents as one text: its stems and its quantities, each read once."""

    def __init__(self, parts: Iterable[str]) -> None:
        self.plain = "\n".join(parts)

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all words."""
        return stem_set(self.plain)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The numbers, amounts and dates, in canonical form."""
        return frozenset(quantities(self.plain))

    @cached_property
    def roots(self) -> frozenset[str]:
        """How the words begin."""
        return frozenset(stem[:ROOT] for stem in self.stems)

    def says(self, statement: str) -> bool:
        """Most of the statement's words and all its numbers are here."""
        return says(self.stems, self.numbers, statement)

    def holds(self, value: str) -> bool:
        """The value of a field is here, to the letter or as the same number, amount or date."""
        wanted = frozenset(quantities(value))
        literal = value.casefold() in self.plain.casefold()
        return literal or (bool(wanted) and found_in(wanted, self.numbers) == wanted)


def read(document: Document) -> Text:
    """A document with its title."""
    return Text((document.title, document.text))


def lacking(statement: str, gold: Text, query: str) -> str | None:
    """What of a statement the documents plainly do not have; None where they may well say it.

    A number that neither they nor the question have is lacking, and so is a name; beyond that nearly all
    words must be missing. Words are not compared across languages.
    """
    numbers = frozenset(quantities(statement))
    known = gold.numbers | frozenset(quantities(query))
    missing = sorted(numbers - found_in(numbers, known))
    if missing:
        return ", ".join(missing)
    if not _same_language(statement, gold.plain):
        return None
    strange = sorted(_strange_names(statement, gold, query))
    if strange:
        return ", ".join(strange)
    wanted = frozenset(content_stems(statement)) - stem_set(query)
    if len(wanted) < FEWEST:
        return None
    if sum(s in gold.stems or s[:ROOT] in gold.roots for s in wanted) < UNSAID * len(wanted):
        return "nearly all of its words"
    return None


def _strange_names(statement: str, gold: Text, query: str) -> Iterator[str]:
    """The names that occur nowhere; nouns with a capital letter (German) are no names."""
    if detect_language(gold.plain) == "de":
        return
    asked = stem_set(query)
    for name in names(statement):
        if name not in asked and name[:ROOT] not in gold.roots:
            yield name


@lru_cache(4096)
def _language(text: str) -> str | None:
    return detect_language(text)


def _same_language(statement: str, text: str) -> bool:
    short, long = _language(statement), _language(text)
    if short is None or long is None:
        return statement.isascii() == text[:2000].isascii() or short == long
    return short == long


def answerable(case: Case) -> bool:
    """Whether the case wants its question answered."""
    return case.expected not in (Expected.REFUSE, Expected.CLARIFY)


def gold_of(case: Case) -> tuple[str, ...]:
    """The ids of the documents that are relevant to a case."""
    return tuple(d for d, grade in (case.relevant or {}).items() if grade > 0)


def document_of(name: str, suite: Suite) -> str | None:
    """The id of the corpus document that a label names, itself or one of its chunks (``doc#n``)."""
    whole = name.rpartition("#")[0]
    return name if name in suite.corpus else whole if whole in suite.corpus else None


def statements(case: Case) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the gold documents of a case must say, each with the ids of its documents; objects have none."""
    gold = gold_of(case)
    if case.key_points:
        for point in case.key_points:
            # Any one document of the evidence suffices, but points may join what several gold ones say.
            yield point.text, tuple(dict.fromkeys((*point.evidence, *gold)))
    elif case.reference and case.reference_object is None:
        yield min(case.reference, key=len), gold


class Finder:
    """Finds the documents that may say a statement, by its rarest words."""

    def __init__(self, suite: Suite) -> None:
        self._texts = {doc_id: read(d) for doc_id, d in suite.corpus.items()}

    @cached_property
    def _postings(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for doc_id, text in self._texts.items():
            for stem in text.stems:
                found.setdefault(stem, []).append(doc_id)
        return found

    def saying(self, statement: str, query: str) -> str | None:
        """A document that has all numbers and names of a statement and may say it; None where there is none.

        It has to have UNSAID of the words, so it has one of the rarest ones.
        """
        wanted = sorted(
            frozenset(content_stems(statement)), key=lambda s: (len(self._postings.get(s, ())), s)
        )
        rarest = wanted[: int(len(wanted) * (1 - UNSAID)) + 1]
        shared = Counter(doc_id for stem in rarest for doc_id in self._postings.get(stem, ()))
        likely = sorted(shared, key=lambda d: (-shared[d], d))
        return next((d for d in likely if lacking(statement, self._texts[d], query) is None), None)
