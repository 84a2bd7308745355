"""What a symptom counts, in one line, and how it differs from causes and stages of the funnel with a like name."""

from __future__ import annotations

from evalkit.pages.wording import words
from evalkit.symptoms import Rule

WHOLE = ("consistency",)  # one value a case, over all its repeats
UNLIKE = {
    "lack_of_knowledge": "The causes of these names are fewer: each case is charged to its primary cause alone.",
    "inconsistent_answers": "The cause inconsistency is narrower: repeats that differ in being right, and nothing else to blame first.",
    "unstable_format": "The cause format violation counts primary causes only; the funnel's well-formed one answer a case, and only of cases that came so far.",
    "missing_criteria": "The cause of this name counts primary causes only.",
    "unstable_style": "The cause style violation counts primary causes only; the funnel's on style one answer a case.",
    "hallucination": "The causes of these names count primary causes only; the funnel's nothing added only cases that are lost there first.",
}


def counted(rule: Rule) -> str:
    """The cases that a rule counts: by any repeat, by all of them together, or by what is wrong."""
    said = []
    every = [words(metric) for metric in rule.metrics if metric not in WHOLE]
    if every:
        said.append(f"any repeat has {' or '.join(every)} below {rule.line:g}")
    if set(rule.metrics) & set(WHOLE):
        said.append("any two repeats differ in meaning, right or wrong")
    if rule.causes:
        causes = " or ".join(words(cause) for cause in rule.causes)
        said.append(f"what is wrong, first or besides, is {causes}")
    return f"Counted: cases of which {', or '.join(said)}." if said else ""


def unlike(rule: Rule) -> str:
    """What else has such a name and counts otherwise; empty where nothing does."""
    return UNLIKE.get(rule.id, "")
