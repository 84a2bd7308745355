"""What the judge has said of a run's answers: kept in its store, found again, and said by another process while asking goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalkit.evidence import evidence_from_json, evidence_to_json, given_to_judge, keeps, made_of
from evalkit.fingerprints import digest
from evalkit.judging.named_code import NotImportedJudge
from evalkit.records import Case, Evidence, Judge, Trace
from evalkit.store import Key, Said, Store


class Verdicts:
    """The judge's evidence as a run's store has it, each piece only for exactly what it was made of.

    ``damaged`` counts rows that were passed over because they are not as they were written. What a user's own code said
    (``of_code``) is kept for those who read the run without that code, and never in its place.
    """

    def __init__(self, judge: Judge, store: Store, cases: Mapping[str, Case]) -> None:
        self.judge, self.cases = judge, cases
        self.damaged = 0
        self._store = store
        self._keeps = keeps(judge)
        self._reads = self._keeps or isinstance(judge, NotImportedJudge)
        self.of_code = False

    def known(self, traces: Sequence[Trace]) -> dict[Key, Evidence]:
        """What was said before of answers of one system; those of which nothing is known are left out."""
        there = self._there(traces)
        found: dict[Key, Evidence] = {}
        for trace in traces if there else ():
            kept = there.get(key_of(trace))
            if kept is not None and trace.response is not None and kept[0] == self._made_of(trace):
                try:
                    found[key_of(trace)] = evidence_from_json(kept[1])
                except (ValueError, TypeError, KeyError):
                    self.damaged += 1
        return found

    def keep(self, traces: Sequence[Trace], evidence: Sequence[Evidence | None]) -> None:
        """Keep what was said of answers, errors of the judge left out; a store that is only read stays as it is."""
        if not (self._keeps or self.of_code):
            return
        said: list[Said] = []
        for trace, found in zip(traces, evidence, strict=True):
            if found is not None and found.error is None:
                try:
                    said.append((key_of(trace), self._made_of(trace), evidence_to_json(found)))
                except (ValueError, TypeError):  # what JSON cannot hold is said again
                    continue
        self._store.keep_evidence(said)

    def told(self) -> str | None:
        """What to say of damaged rows; None without any. Each is told once."""
        count, self.damaged = self.damaged, 0
        if not count:
            return None
        were = "verdict of the judge was" if count == 1 else "verdicts of the judge were"
        return f"{count} kept {were} damaged: set aside, and judged again"

    def _made_of(self, trace: Trace) -> str:
        given = given_to_judge(self.cases[trace.case_id], trace)
        return made_of(self.judge, given) if self._keeps else digest(self.judge.fingerprint, given)

    def _there(self, traces: Sequence[Trace]) -> dict[Key, tuple[str, str]]:
        if not traces or not self._reads:
            return {}
        ids = [trace.case_id for trace in traces]
        found: dict[Key, tuple[str, str]] = {}
        for said in self._store.evidence(traces[0].system, min(ids), max(ids)):
            if said is None:
                self.damaged += 1
            else:
                found[said[0]] = said[1:]
        return found


def key_of(trace: Trace) -> Key:
    """Under which an answer is stored."""
    return trace.system, trace.case_id, trace.condition, trace.repeat
