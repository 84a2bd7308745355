"""What a failing case showed when it was asked again under other conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evalkit.condition import Reading
from evalkit.records import Fact


@dataclass(frozen=True, slots=True)
class Probed:
    """The outcome of one condition: its reading, and what the answer under it was like.

    ``established`` is False where the system varies and was not asked often enough: the reading is then
    shown, and proves nothing. ``rank`` is the rank of gold under ``deep_retrieval``; ``points`` the number of
    key points stated; ``same`` whether the answer means what the failing one means.
    """

    reading: Reading
    established: bool = True
    refused: bool = False
    points: int | None = None
    rank: int | None = None
    same: bool | None = None


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


_SENTENCES = {
    ("oracle_context", Reading.PASS): "with the gold passages alone the answer is right",
    ("oracle_context", Reading.FAIL): "with the gold passages alone the answer is still wrong",
    ("oracle_plus_noise", Reading.PASS): "with gold amid the other passages the answer is right",
    ("oracle_plus_noise", Reading.FAIL): "with gold amid the other passages the answer is wrong",
    ("gold_first", Reading.PASS): "with the gold passage first the answer is right",
    ("gold_first", Reading.FAIL): "with the gold passage first the answer is still wrong",
    ("closed_book", Reading.PASS): "without any passage the answer is right: the model knows it",
    ("closed_book", Reading.FAIL): "without any passage the answer is wrong",
    ("merged_chunks", Reading.PASS): "with the whole gold document the answer is right",
    ("more_room", Reading.PASS): "with a larger budget the answer is right",
    ("clarified_query", Reading.PASS): "asked clearly, the answer is right",
    ("deep_retrieval", Reading.FOUND): "a deeper list holds the gold document within the pool",
    (
        "deep_retrieval",
        Reading.NOT_FOUND,
    ): "a deeper list does not hold the gold document within the pool",
    ("index_lookup", Reading.FOUND): "the index holds the gold document",
    ("index_lookup", Reading.NOT_FOUND): "the index does not hold the gold document",
}


def probe_facts(probes: Probes) -> tuple[Fact, ...]:
    """What the conditions showed, one checkable sentence each."""
    return tuple(
        Fact(name, probed.reading.value, text + (f" (rank {probed.rank})" if probed.rank else ""))
        for name, probed in sorted(probes.found.items())
        if (text := _SENTENCES.get((name, probed.reading))) is not None
    )
