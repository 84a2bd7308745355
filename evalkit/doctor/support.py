"""Whether documents say what a label says, read cautiously: doubt speaks for the label."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from evalkit.judges.portion import LABEL
from evalkit.records import Case, Expected, Suite
from evalkit.said import UNSAID, says
from evalkit.text.arithmetic import follows_in
from evalkit.text.elided import lacking_numbers
from evalkit.text.languages import OPENING, comparable, detect_language
from evalkit.text.longest import DOCUMENT
from evalkit.text.quantities import found_in, quantities
from evalkit.text.tokens import content_stems, names, stem_set

FEWEST = 3  # content words from which on the words of a statement tell anything
ROOT = 5  # letters by which a name is recognised in its derivations
SHOWN = 120  # characters of a statement that a complaint repeats

_SPACED_HYPHEN = re.compile(r"(?<=\w) - (?=\w)")


class Text:
    """A text as the checks see it: its stems and its quantities, each read once."""

    def __init__(self, plain: str) -> None:
        self.plain = plain[:DOCUMENT]
        self.cut = len(plain) > DOCUMENT

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all words."""
        return stem_set(self.plain)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The numbers, amounts and dates, in canonical form; "nine - year - old" is read as one word, too."""
        joined = _SPACED_HYPHEN.sub("-", self.plain)
        return frozenset(quantities(self.plain) | quantities(joined))

    @cached_property
    def roots(self) -> frozenset[str]:
        """How the words begin."""
        return frozenset(stem[:ROOT] for stem in self.stems)

    @cached_property
    def language(self) -> str | None:
        """The code of its language; None where too little speaks for one."""
        return detect_language(self.plain[:OPENING])

    def says(self, statement: str) -> bool:
        """Most of the statement's words and all its numbers are here."""
        return says(self.stems, self.numbers, statement)

    def holds(self, value: str) -> bool:
        """The value of a field is here, to the letter or as the same number, amount or date."""
        wanted = frozenset(quantities(value))
        literal = value.casefold() in self.plain.casefold()
        return literal or (bool(wanted) and found_in(wanted, self.numbers) == wanted)


class _Joined(Text):
    """Several texts as one, put together from what was read of each."""

    def __init__(self, parts: Sequence[Text]) -> None:
        super().__init__("")
        self.plain = "\n".join(part.plain for part in parts)
        self.cut = any(part.cut for part in parts)
        self._parts = parts

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset().union(*(part.stems for part in self._parts))

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset().union(*(part.numbers for part in self._parts))

    @cached_property
    def roots(self) -> frozenset[str]:
        return frozenset().union(*(part.roots for part in self._parts))

    @cached_property
    def language(self) -> str | None:
        return self._parts[0].language


class Shelf:
    """The documents of a suite, each with its title, read when first asked for."""

    def __init__(self, suite: Suite) -> None:
        self._corpus = suite.corpus
        self._read: dict[str, Text] = {}

    def __getitem__(self, doc_id: str) -> Text:
        if doc_id not in self._read:
            document = self._corpus[doc_id]
            self._read[doc_id] = Text(f"{document.title}\n{document.text}")
        return self._read[doc_id]

    def joined(self, ids: Sequence[str]) -> Text:
        """Some documents as one text; ``ids`` has at least one."""
        return self[ids[0]] if len(ids) == 1 else _Joined([self[doc_id] for doc_id in ids])

    def names(self, name: str) -> str | None:
        """The id of the document that a label names, itself or one of its chunks (``doc#n``)."""
        whole = name.rpartition("#")[0]
        return name if name in self._corpus else whole if whole in self._corpus else None


def lacking(statement: str, gold: Text, query: str) -> str | None:
    """What of a statement the documents plainly do not have; None where they may well say it.

    A number that neither they nor the question have is lacking, and so is a name; beyond that nearly all
    words must be missing. Words are not compared across languages. What was not read to its end may say anything.
    """
    unread = gold.cut or max(len(statement), len(query)) > LABEL
    return None if unread else _lacking(statement, gold, query)


def _lacking(statement: str, gold: Text, query: str) -> str | None:
    missing = sorted(lacking_numbers(statement, gold.numbers | frozenset(quantities(query))))
    if missing:  # what is to be worked out from the documents need not stand in them
        return None if follows_in(statement, gold.plain) else ", ".join(missing)
    if not comparable(statement, gold.plain, query):
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
    if gold.language == "de":
        return
    asked = stem_set(query)
    for name in names(statement):
        if name not in asked and name[:ROOT] not in gold.roots:
            yield name


def answerable(case: Case) -> bool:
    """Whether the case wants its question answered."""
    return case.expected not in (Expected.REFUSE, Expected.CLARIFY)


def gold_of(case: Case) -> tuple[str, ...]:
    """The ids of the documents that are relevant to a case."""
    return tuple(d for d, grade in (case.relevant or {}).items() if grade > 0)


def wants_documents(case: Case) -> bool:
    """Whether the case is to be answered from documents, as far as its labels say."""
    return answerable(case) and (case.relevant is None or bool(gold_of(case)))


def statements(case: Case) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the gold documents of a case must say, each with the ids of its documents; objects have none."""
    gold = gold_of(case)
    if case.key_points:
        for point in case.key_points:
            # Any one document of the evidence suffices, but points may join what several gold ones say.
            yield point.text, tuple(dict.fromkeys((*point.evidence, *gold)))
    elif case.reference and case.reference_object is None:
        yield min(case.reference, key=len), gold
