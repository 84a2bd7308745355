"""Reviews of a draft against a numbered checklist: vague, quoting, or as trained."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.local.classifier import Classifier
from evalkit.local.reader import Reader, read_sentences
from evalkit.local.request import Request, Written
from evalkit.local.sampling import one_of
from evalkit.local.training import Example
from evalkit.records import Passage
from evalkit.text.tokens import tokens

_ITEM = re.compile(r"^\s*(\d{1,2})[.)]\s+(.+)$", re.MULTILINE)
_VERDICT = re.compile(r"^\s*\d{1,2}[.)]\s*([^:\n]{1,12}):", re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
FEWEST = 3  # reviews in training from which the habit is learned

VAGUE = (
    "The draft reads well overall and has a friendly tone. You may want to double-check the details.",
    "Overall this is a solid reply. Some points could be a little more precise before it goes out.",
    "Good draft. I would make it slightly more specific and keep the polite closing.",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft and the points it is to be checked against."""

    text: str
    points: tuple[str, ...]


def read_draft(query: str) -> Draft | None:
    """The draft and its checklist; ``None`` where the question has no numbered list of points."""
    items = list(_ITEM.finditer(query))
    if len(items) < 2 or "\n\n" not in query[: items[0].start()]:
        return None
    before = query[: items[0].start()].strip().split("\n\n")
    draft = max(before[1:] or before, key=len)
    return Draft(draft, tuple(item.group(2).strip() for item in items))


@dataclass(frozen=True, slots=True)
class VagueReview:
    """What a model without instruction writes: friendly and without a single point checked."""

    temperature: float

    def attempt(
        self, request: Request, passages: Sequence[Passage], chance: random.Random
    ) -> Written | None:
        """A general remark; with instructions that list points, each is at least named."""
        draft = read_draft(request.query)
        if draft is None:
            return None
        text = one_of(VAGUE, self.temperature, chance)
        if request.instructions:
            text += " Points looked at: " + "; ".join(draft.points) + "."
        return Written(text)


@dataclass(frozen=True, slots=True)
class QuotingReview:
    """Quotes the rule that fits each point, and leaves the verdict to the reader."""

    reader: Reader

    def attempt(
        self, request: Request, passages: Sequence[Passage], chance: random.Random
    ) -> Written | None:
        """The best sentences for each point, unnumbered; points without any are passed over."""
        draft = read_draft(request.query)
        if draft is None:
            return None
        lines: dict[str, str] = {}
        for point in draft.points:
            candidates = self.reader.candidates(f"{point} {draft.text}", passages)
            if candidates:
                lines.setdefault(candidates[0].text, candidates[0].doc_id)
        if not lines:
            return Written("I have found no rule this draft could be checked against.", ())
        return Written(
            "According to our articles: " + " ".join(lines), tuple(dict.fromkeys(lines.values()))
        )


@dataclass(frozen=True, slots=True)
class TrainedReview:
    """One line a point: the verdict as learned, and a reason from the rules or from the draft."""

    reader: Reader
    verdicts: Classifier
    cites: bool

    def attempt(
        self, request: Request, passages: Sequence[Passage], chance: random.Random
    ) -> Written | None:
        """A verdict on every point of the list."""
        draft = read_draft(request.query)
        if draft is None:
            return None
        lines: list[str] = []
        used: list[str] = []
        for number, point in enumerate(draft.points, start=1):
            rule = self.reader.candidates(f"{point} {draft.text}", passages)[:1]
            facts = rule[0].text if rule else ""
            verdict, _ = self.verdicts.best(point_features(point, draft.text, facts, self.reader))
            fine = verdict == self.verdicts.classes[0] or not facts
            reason = closest(point, draft.text) if fine else facts
            used += [candidate.doc_id for candidate in rule]
            lines.append(f"{number}. {verdict}: {reason}")
        cited = tuple(dict.fromkeys(used)) if self.cites else None
        return Written("\n".join(lines), cited)


def closest(point: str, draft: str) -> str:
    """The sentence of the draft that shares most words with a point."""
    wanted = set(tokens(point))
    sentences = [sentence.text for sentence in read_sentences(draft)]
    return max(sentences, key=lambda s: len(wanted & set(tokens(s))), default=draft)


def point_features(point: str, draft: str, facts: str, reader: Reader) -> list[str]:
    """How far the draft speaks of the point, and whether its numbers agree with the rule."""
    share = int(4 * reader.share(point, draft))
    stated, ruled = set(_NUMBER.findall(draft)), set(_NUMBER.findall(facts))
    first = tokens(point)[:1]
    agrees = "none" if not ruled or not stated else str(bool(stated & ruled))
    return [
        f"share={share}", f"numbers={agrees}", f"number asked={bool(_NUMBER.search(point))}",
        f"numbers={agrees} share={share > 1}", *(f"first={word}" for word in first),
        *(f"word={word}" for word in set(tokens(point))),
    ]  # fmt: skip


def learn_reviews(examples: Sequence[Example], reader: Reader) -> Classifier | None:
    """The verdicts of the training reviews; ``None`` with fewer than a handful of them."""
    items: list[list[str]] = []
    verdicts: list[str] = []
    reviews = 0
    for example in examples:
        draft = read_draft(example.query) if example.text else None
        given = _VERDICT.findall(example.text or "")
        if draft is None or len(given) != len(draft.points):
            continue
        reviews += 1
        items += [point_features(point, draft.text, "", reader) for point in draft.points]
        verdicts += [verdict.strip() for verdict in given]
    return Classifier(items, verdicts) if reviews >= FEWEST else None
