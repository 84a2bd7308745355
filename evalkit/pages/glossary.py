"""What the words of the report mean, in one sentence each."""

GLOSSARY = (
    (
        "pass",
        "A case passes when every repeat is right by its labels, shows the wanted behaviour and keeps every contract (format, style, citations, criteria, permissions).",
    ),
    (
        "failing case",
        "A case of which at least one repeat is wrong, breaks a contract or ended in an error. Each failing case has one finding.",
    ),
    (
        "warning",
        "A case that passes although its answer lacks evidence or adds statements that nothing supports. Warnings count in no share.",
    ),
    (
        "ungraded",
        "A case whose outcome could not be decided, because a label is missing or the grader failed. It is in no rate; its number is shown.",
    ),
    (
        "retrieval",
        "Everything on the way from the corpus to the prompt: content, chunks, search, ranking, context.",
    ),
    (
        "generation",
        "What the model made of the prompt, given that the evidence was there or none was needed.",
    ),
    ("contract", "The form of the output: format, style, citations."),
    ("suite", "The labels or questions of the suite itself."),
    ("system", "The call: exceptions, timeouts, cut replies."),
    (
        "proven",
        "A check of the trace, repeats that differ, or a probe (the same question under one changed condition) shows this cause and no other.",
    ),
    ("suspected", "The trace fits the cause, and look-alikes were not told apart by a probe."),
    (
        "undetermined",
        "Labels or traces are missing, or the answer may be right in other words: no cause can be named.",
    ),
    ("unexplained", "Everything is observed, and no rule of ours fits."),
    (
        "headroom",
        "What the pass rate would gain if one cause alone were mended: the cases whose only fault it is.",
    ),
    (
        "evidence, gold",
        "The documents that the labels of a case name as holding the answer.",
    ),
    (
        "scored / due",
        "How many cases have a value, of those for which the metric is asked. A case it does not apply to is not due.",
    ),
    (
        "interval",
        "The range in which the true figure lies in 95 of 100 such runs; with few cases it is wide.",
    ),
    (
        "points",
        "Percentage points of the pass rate: from 30 % to 39 % are 9 points.",
    ),
    (
        "known confusion",
        "On injected faults it was counted which cause is taken for which other; shares are corrected for it.",
    ),
    (
        "JSON pointer",
        "The place in a JSON answer: /items/0/price is the price of the first item; / is the whole answer.",
    ),
    (
        "Pareto front",
        "The systems that no other beats in one thing without being worse in another.",
    ),
    (
        "probe",
        "The same question asked again under one changed condition, such as with exactly the gold passages.",
    ),
    ("recall at k", "The share of the gold documents that stand among the first k of the list."),
)
