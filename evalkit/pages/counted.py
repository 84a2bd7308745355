"""What a symptom counts, in one line, and how it differs from causes and stages of the funnel with a like name."""

from __future__ import annotations

from evalkit.pages.wording import listed, words
from evalkit.symptoms import Rule

WHOLE = ("consistency",)  # one value a case, over all its repeats
UNLIKE = {
    "lack_of_knowledge": "The funnel counts more: also cases that lack evidence and fail for another cause first.",
    "inconsistent_answers": "The cause inconsistency is narrower: repeats that differ in being right, and nothing else to blame first.",
    "unstable_format": "The cause format violation counts primary causes only; the funnel's well-formed one answer a case, and only of cases that came so far.",
    "missing_criteria": "The cause of this name counts primary causes only.",
    "unstable_style": "The cause style violation counts primary causes only; the funnel's on style one answer a case.",
    "hallucination": "The funnel's nothing added counts only cases that are lost there first.",
}


def counted(rule: Rule) -> str:
    """The cases that a rule counts: by any repeat, by all of them together, or by the primary cause."""
    said = []
    every = [words(metric) for metric in rule.metrics if metric not in WHOLE]
    if every:
        said.append(f"any repeat has {listed(every, 'or')} below {rule.line:g}")
    if set(rule.metrics) & set(WHOLE):
        said.append("any two repeats differ in meaning, right or wrong")
    if rule.causes:
        causes = listed([words(cause) for cause in rule.causes], "or")
        said.append(f"the primary cause of the failure or warning is {causes}")
    return f"Counted: cases of which {', or '.join(said)}." if said else ""


def unlike(rule: Rule) -> str:
    """What else has such a name and counts otherwise; empty where nothing does."""
    return UNLIKE.get(rule.id, "")
