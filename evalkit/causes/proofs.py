"""Proofs of the generator's causes: flips where other passages or their order are to blame, else persistence."""

from __future__ import annotations

from evalkit.causes.evidence import gold_places, had_evidence, stated
from evalkit.causes.statements import said_otherwise
from evalkit.facts import Facts, Reach
from evalkit.probes import Probes


def _persists(facts: Facts, probes: Probes) -> bool | None:
    """Whether the answer stays wrong with the gold passages alone in the prompt; False: nothing is wrong with it.

    What a review misses is a matter of its criteria, and a record whose form alone is wrong misses nothing.
    """
    right = probes.told("oracle_context")
    if right is None or facts.right is not False or not facts.answerable:
        return None
    if not right and facts.lost is Reach.PROMPT and _gains(facts, probes):
        return None  # part of what was missing is there now: neither mended nor lasting
    return not right and bool(facts.missing) and "criteria" not in facts.broken


def _gains(facts: Facts, probes: Probes) -> bool:
    """Whether the gold passages alone bring out more points than were stated."""
    points = probes.found["oracle_context"].points
    return points is not None and points > stated(facts)


def prove_noise(facts: Facts, probes: Probes) -> bool | None:
    """Right with the gold passages alone, wrong again amid the others, wherever the gold stands."""
    persists = _persists(facts, probes)
    if persists or not had_evidence(facts) or probes.told("gold_first") is True:
        return False
    disturbed = probes.told("oracle_plus_noise") is False or probes.told("gold_first") is False
    return True if persists is False and disturbed else None


def prove_position(facts: Facts, probes: Probes) -> bool | None:
    """Right once the gold passage, which was in the prompt, stands first."""
    if not had_evidence(facts) or probes.told("gold_first") is False or _persists(facts, probes):
        return False
    if not gold_places(facts):  # putting it first would put it there at all
        return False
    return probes.told("gold_first")


def prove_override(facts: Facts, probes: Probes) -> bool | None:
    """Wrong with the gold passages alone, and the model's own: see ``_from_memory``."""
    persists = _persists(facts, probes)
    if persists is False or facts.refused or _refuses(facts, probes):
        return False
    if _partial(facts, probes):
        return False
    from_memory = _from_memory(probes)
    if from_memory and probes.same_answer("oracle_context") is False:
        return None  # with the gold alone it says something else: memory does not speak against every text
    return False if from_memory is False else (persists and from_memory)


def prove_over_refusal(facts: Facts, probes: Probes) -> bool | None:
    """Refuses with the gold passages alone."""
    persists = _persists(facts, probes)
    return persists and _refuses(facts, probes)


def prove_misread(facts: Facts, probes: Probes) -> bool | None:
    """Wrong with the gold passages alone, neither from memory nor merely incomplete."""
    persists = _persists(facts, probes)
    if not persists or _refuses(facts, probes):
        return False if persists is not None else None
    if probes.refused("oracle_context"):
        return (
            None  # what is wrong as is does not last: with the gold passages alone it is not said
        )
    return not (facts.invented or _partial(facts, probes) or _from_memory(probes))


def prove_invented(facts: Facts, probes: Probes) -> bool | None:
    """A record that keeps a value which is neither wanted nor told, with the gold passages alone as well."""
    return _persists(facts, probes) if facts.invented else None


def _refuses(facts: Facts, probes: Probes) -> bool:
    """Whether refusing is the failure: with the gold passages alone, and before, unless those were lacking then.

    Who answered wrongly with the evidence at hand did not fail by refusing, whatever becomes of it alone.
    """
    before = facts.refused or not had_evidence(facts)
    return before and bool(probes.refused("oracle_context"))


def _from_memory(probes: Probes) -> bool | None:
    """Whether the answer is the model's own: an edit of the gold text leaves it as it is, or it needs no text.

    An answer that follows the edit was read off the passages, whatever the model remembers; a model that
    refuses without any passage remembers nothing.
    """
    if probes.refused("closed_book"):
        return False
    if probes.right("edited_context") is not None:
        if probes.right("edited_context") is True:
            return False
        if probes.same_answer("edited_context"):
            return True
    return probes.same_answer("closed_book")


def _partial(facts: Facts, probes: Probes) -> bool:
    """Part of the points is stated with the gold passages at hand, and of the rest nothing is said."""
    if facts.left_empty:
        return True
    oracle = probes.found.get("oracle_context")
    told = oracle.points if oracle and oracle.points is not None else stated(facts)
    some = 0 < told < len(facts.points)
    return some and not facts.contradicted and not said_otherwise(facts)


def prove_incomplete(facts: Facts, probes: Probes) -> bool | None:
    """Lacks the same with the gold passages alone, and says nothing else about it."""
    persists = _persists(facts, probes)
    if not persists or _refuses(facts, probes):
        return False if persists is not None else None
    return _partial(facts, probes)


def prove_criteria(facts: Facts, probes: Probes) -> bool | None:
    """Criteria that are missed with the gold passages at hand, or without any loss on the way."""
    if "criteria" not in facts.broken:
        return None
    right = probes.right("oracle_context")
    return None if right is None else not right or facts.lost in (None, Reach.PROMPT)
