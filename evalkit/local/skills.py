"""What a generator can do, tried in order: fill a form, review against criteria, answer in prose."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from evalkit.local.instructions import follow
from evalkit.local.papers import paper_of
from evalkit.local.request import Request, Written
from evalkit.local.writer import Writer
from evalkit.records import Passage


class Skill(Protocol):
    """One thing a generator can do; ``None`` means that the request is not of this kind."""

    def attempt(
        self, request: Request, passages: Sequence[Passage], chance: random.Random
    ) -> Written | None:
        """Respond, or leave it to the next skill."""
        ...


@dataclass(frozen=True, slots=True)
class Skills:
    """The special skills of a generator and its prose.

    ``form_names`` are the fields of the form it was trained on: with those asked for, it looks up the
    paper itself and not the instruction before it.
    """

    writer: Writer
    special: tuple[Skill, ...] = ()
    form_names: tuple[str, ...] = ()

    def respond(
        self, request: Request, passages: Sequence[Passage], chance: random.Random
    ) -> Written:
        """The first special skill that applies, else prose."""
        for skill in self.special:
            written = skill.attempt(request, passages, chance)
            if written is not None:
                return written
        written = self.writer.write(request, passages, chance)
        return replace(written, text=follow(written.text, request.instructions))

    def question(self, request: Request) -> str:
        """What to look up for a request, as this generator understands it."""
        paper = paper_of(request, self.form_names) if self.form_names else None
        return paper or self.writer.question(request)
