"""Many shares as one progress: answers of all of them counted together, messages with the number of their share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.errors import EvalkitError
from evalkit.records import Failure, Trace, Usage
from evalkit.watch import Watcher

ASKING, PROBING = "asking", "probing"


class Shown:
    """Tells a watcher what the workers of shares report; ``questions`` are the first answers that are to come."""

    def __init__(self, watch: Watcher, shares: int, questions: int) -> None:
        self.watch, self.shares = watch, shares
        self._left = questions
        self._probes = 0
        self._errors: dict[str, Counter[str]] = {}
        self._stage = ASKING
        watch.start(f"{ASKING} {_shares(shares)}", questions)

    def told(self, shard: str, report: Mapping[str, Any]) -> bool:
        """Show one report of a worker; whether there was anything in it."""
        for text in report["said"]:
            self.say(f"shard {shard}: {text}")
        for stage, what in report["steps"]:
            if stage == "start":
                self._more(*what)
            elif stage in (ASKING, PROBING):
                self._step(stage, shard, what)
        return bool(report["said"] or report["steps"])

    def _more(self, stage: str, probes: int) -> None:
        """A share begins to probe: what is left to do grows."""
        if stage == PROBING:
            self._probes += probes
            if self._stage == PROBING:
                self._begin_probing()

    def _begin_probing(self) -> None:
        self.watch.done()
        self._stage = PROBING
        self.watch.start(f"{PROBING} {_shares(self.shares)}", self._probes)

    def _step(self, stage: str, shard: str, told: Sequence[Any] | None) -> None:
        """One step; probes are counted from the beginning, and shown once all shares have their first answers."""
        if stage == PROBING:
            self._probes -= 1
        else:
            self._left -= 1
        if self._stage == ASKING and stage == PROBING and self._left <= 0:
            self._begin_probing()
        if self._stage == stage:
            self.watch.step(None if told is None else self._trace(shard, told))

    def _trace(self, shard: str, told: Sequence[Any]) -> Trace:
        case, error, prompt, completion, cost = told
        if error is not None:
            self._errors.setdefault(shard, Counter())[f"{error[0]}: {error[1]}"] += 1
        failure = None if error is None else Failure(*error)
        return Trace(case_id=case, error=failure, usage=Usage(prompt, completion, cost))

    def ended(self, shard: str, error: EvalkitError | None) -> None:
        """A share has ended, with or without an error; say so, and how many of its answers are errors."""
        found = self._errors.get(shard)
        if found:
            most, _ = found.most_common(1)[0]
            count = found.total()
            answers = "answer is an error" if count == 1 else "answers are errors"
            self.say(f"shard {shard}: {count} {answers}, most often {most}")
        if error is not None:
            self.say(f"shard {shard}: {error}")

    def scoring(self, shares: int) -> None:
        """All is asked; so many shares are still being scored."""
        self.watch.done()
        self._stage = "scoring"
        self.watch.start(f"scoring {_shares(shares)}", shares)

    def scored(self) -> None:
        """One more share is scored."""
        self.watch.step()

    def say(self, text: str) -> None:
        """Something worth knowing."""
        self.watch.say(text)

    def done(self) -> None:
        """Nothing follows."""
        self.watch.done()


def _shares(count: int) -> str:
    return "1 share" if count == 1 else f"{count} shares"
