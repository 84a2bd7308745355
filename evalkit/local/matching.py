"""Which of the retrieved directory entries speaks of the sender of a paper: learned from training."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from evalkit.local.classifier import Classifier
from evalkit.local.units import cells, letters_only
from evalkit.records import Passage

HEAD = 4  # cells at the head of a paper, where the sender often stands
RARE = 2  # passages at most that share a telling word
SENDER, OTHER = "sender", "other"


class Matcher:
    """Chooses among passages by where their title and their words stand on the paper."""

    def __init__(self, classifier: Classifier | None = None) -> None:
        self._classifier = classifier

    def choose(self, paper: str, passages: Sequence[Passage]) -> Passage | None:
        """The likeliest passage; the first without training, ``None`` without passages."""
        if not passages:
            return None
        if self._classifier is None:
            return passages[0]
        chances = self._classifier.probabilities(match_features(paper, passages))
        column = chances[:, self._classifier.classes.index(SENDER)]
        return passages[int(column.argmax())]


def learn_matcher(
    papers: Sequence[str], found: Sequence[Sequence[Passage]], senders: Sequence[str]
) -> Matcher:
    """From papers, the passages retrieved for each, and the title of the right one."""
    items: list[list[str]] = []
    wanted: list[str] = []
    for paper, passages, sender in zip(papers, found, senders, strict=True):
        items += match_features(paper, passages)
        wanted += [SENDER if passage.title == sender else OTHER for passage in passages]
    return Matcher(Classifier(items, wanted)) if SENDER in wanted and OTHER in wanted else Matcher()


def match_features(paper: str, passages: Sequence[Passage]) -> list[list[str]]:
    """For each passage: its rank, where its title stands, and how much else of it the paper shows."""
    letters, words = _letters(paper), _words(paper)
    head = [_letters(cell) for cell in cells(paper)[:HEAD]]
    known = [_words(passage.text) for passage in passages]
    found = []
    for rank, (passage, own) in enumerate(zip(passages, known, strict=True)):
        title = _letters(passage.title or passage.doc_id)
        shared = [w for w in own & words if sum(w in other for other in known) <= RARE]
        codes = sum(any(c.isdigit() for c in word) and len(word) > 4 for word in shared)
        found.append([
            f"rank={rank}", f"named={title in letters}", f"head={title in head}",
            f"times={min(letters.count(title), 3)}", f"codes={min(codes, 2)}",
            f"words={min(len(shared), 6)}", f"codes={codes > 0} named={title in letters}",
            *(f"label={label}" for label in _labels_before(paper, passage.title or "")),
        ])  # fmt: skip
    return found


def _labels_before(paper: str, title: str) -> list[str]:
    """What stands before the title wherever it occurs; ``^`` at the beginning of a line."""
    return (
        [
            letters_only(paper[paper.rfind("\n", 0, at) + 1 : at]) or "^"
            for at in (found.start() for found in re.finditer(re.escape(title), paper))
        ]
        if title
        else []
    )


@lru_cache(1024)
def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


@lru_cache(1024)
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]{3,}", text.casefold()))
