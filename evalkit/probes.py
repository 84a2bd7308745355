"""What a failing case showed when it was asked again under other conditions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from evalkit.condition import Reading
from evalkit.records import Fact


@dataclass(frozen=True, slots=True)
class Probed:
    """The outcome of one condition: its reading, and what the answer under it was like.

    ``established`` is False where the system varies and was not asked often enough: the reading is then
    shown, and proves nothing. ``rank`` is the rank of gold under ``deep_retrieval``; ``points`` the number of
    key points stated; ``same`` whether the answer means what the failing one means; ``form_only`` whether
    the form alone keeps the answer from being right: it lacks nothing that was asked for; ``doubtful`` whether
    an answer that counts as wrong is another one than as is, and near to the label: it may be right.
    """

    reading: Reading
    established: bool = True
    refused: bool = False
    points: int | None = None
    rank: int | None = None
    same: bool | None = None
    form_only: bool = False
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Probes:
    """Every condition that was asked for one case, by id; the empty one is "nothing was asked"."""

    found: Mapping[str, Probed] = field(default_factory=dict)

    def _clear(self, condition: str) -> Probed | None:
        probed = self.found.get(condition)
        return probed if probed is not None and probed.established else None

    def right(self, condition: str) -> bool | None:
        """Whether the answer is right under the condition; None where that is not known."""
        probed = self._clear(condition)
        if probed is None or probed.reading not in (Reading.PASS, Reading.FAIL):
            return None
        return probed.reading is Reading.PASS

    def told(self, condition: str) -> bool | None:
        """Whether what is said under the condition is right, in whatever form; None where that is not known."""
        right = self.right(condition)
        return True if right is False and self.found[condition].form_only else right

    @property
    def doubtful(self) -> tuple[str, ...]:
        """The conditions under which an answer counts as wrong that may be right."""
        return tuple(name for name, probed in self.found.items() if probed.doubtful)

    def benefit(self) -> Probes:
        """The same with every answer in doubt taken for right."""
        given = {n: replace(self.found[n], reading=Reading.PASS) for n in self.doubtful}
        return Probes({**self.found, **given})

    @property
    def any_right(self) -> bool:
        """Whether the answer was right, or may have been, under any condition, established or not."""
        return any(p.reading is Reading.PASS or p.doubtful for p in self.found.values())

    def there(self, condition: str) -> bool | None:
        """Whether what was looked for was found (``index_lookup``, ``deep_retrieval``); None: not known."""
        probed = self._clear(condition)
        if probed is None or probed.reading not in (Reading.FOUND, Reading.NOT_FOUND):
            return None
        return probed.reading is Reading.FOUND

    def refused(self, condition: str) -> bool | None:
        """Whether the answer under the condition is a refusal; None where there is none."""
        probed = self._clear(condition)
        return None if probed is None or probed.reading is Reading.ERROR else probed.refused

    def same_answer(self, condition: str) -> bool | None:
        """Whether the answer under the condition means what the failing one means; None: not known."""
        probed = self._clear(condition)
        return None if probed is None else probed.same


NOTHING = Probes()


def readings(probes: Probes) -> dict[str, str]:
    """The readings by condition, as a finding shows them."""
    return {name: probed.reading.value for name, probed in sorted(probes.found.items())}


_TOLD = {
    ("index_lookup", Reading.FOUND): "the index holds the gold document",
    ("index_lookup", Reading.NOT_FOUND): "the index does not hold the gold document",
    ("deep_retrieval", Reading.FOUND): "a deeper list holds the gold document within the pool",
    ("deep_retrieval", Reading.NOT_FOUND): (
        "a deeper list does not hold the gold document within the pool"
    ),
}
_ASKED = {
    "clarified_query": "asked clearly, the answer",
    "merged_chunks": "with the whole gold document the answer",
    "more_room": "with a larger budget the answer",
    "gold_first": "with the gold passage first the answer",
    "oracle_context": "with the gold passages alone the answer",
    "oracle_plus_noise": "with gold amid the other passages the answer",
    "closed_book": "without any passage the answer",
    "schema_enforced": "with the schema enforced the answer",
    "style_prompted": "with the style rules spelled out the answer",
    "criteria_prompted": "with the criteria spelled out the answer",
    "few_shot": "with worked examples the answer",
}
_EDITED = {
    True: "with one fact of the gold text changed the answer changes with it: it is read off the text",
    False: "with one fact of the gold text changed the answer does not follow",
}
_FROZEN = {
    True: "with one and the same prompt every repeat is right",
    False: "with one and the same prompt not every repeat is right: the generator itself varies or errs",
}
_DISTRACTED = {
    True: "given the other passages alone it does not mislead",
    False: "given the other passages alone it answers all the same, and wrongly",
}
_OF_THEIR_OWN = {
    "edited_context": _EDITED,
    "frozen_context": _FROZEN,
    "distractors_only": _DISTRACTED,
}
_ORDER = (*dict.fromkeys(name for name, _ in _TOLD), *_ASKED, *_OF_THEIR_OWN)


def probe_facts(probes: Probes, wanted: Collection[str] | None = None) -> tuple[Fact, ...]:
    """What the conditions showed, one checkable sentence each; only the ``wanted`` ones, if any are named."""
    asked = [n for n in _ORDER if n in probes.found and (wanted is None or n in wanted)]
    told = ((name, probes.found[name]) for name in asked)
    return tuple(
        Fact(name, probed.reading.value, text)
        for name, probed in told
        if (text := _sentence(name, probed)) is not None
    )


def _sentence(name: str, probed: Probed) -> str | None:
    text = _TOLD.get((name, probed.reading)) or _answered(name, probed)
    if text is None:
        return None
    rank = f" (rank {probed.rank})" if probed.rank else ""
    return text + rank + ("" if probed.established else " (not established: the system varies)")


def _answered(name: str, probed: Probed) -> str | None:
    """How the answer under a condition compares with the one as is."""
    if probed.reading not in (Reading.PASS, Reading.FAIL):
        return None
    right = probed.reading is Reading.PASS
    if name in _OF_THEIR_OWN:
        return _OF_THEIR_OWN[name][right]
    if name not in _ASKED:
        return None
    return f"{_ASKED[name]} {_verdict(name, probed, right=right)}"


def _verdict(name: str, probed: Probed, *, right: bool) -> str:
    from_nothing = name == "closed_book"
    if right:
        return "is right: the model knows it" if from_nothing else "is right"
    if probed.form_only:
        return "says what was asked for, in the wrong form"
    if probed.refused:
        return "is a refusal"
    if probed.doubtful:
        return "is another one, near to what is labelled: it counts as wrong, and may be right"
    if from_nothing and probed.same is not None:
        return (
            "is the same: the model brings it along" if probed.same else "is wrong in another way"
        )
    return "is wrong" if name in ("oracle_plus_noise", "closed_book") else "is still wrong"
