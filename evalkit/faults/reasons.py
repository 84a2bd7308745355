"""Why a fault cannot be injected into a suite: the label or the text that no usable case has."""

from __future__ import annotations

from evalkit.faults.fault import Fault
from evalkit.records import Suite

_GOLD = "no case wants an answer whose gold documents (`relevant` or the evidence of `key_points`) are in the corpus"
_OTHERS = "no case with gold documents has enough other documents beside them to be distracted by"
_PLAIN = "no case with gold documents is answered in prose or with a record (reviews have criteria instead)"
_RECORD = "no case with gold documents has a `schema` and an object as its `reference`"
_CITED = "no case has gold documents in a corpus of more than k documents"

_LACKING = {
    "corrupt_label": "no case has a label that its gold documents tell (reviews aside)",
    "ask_vaguely": "no case with gold documents has a short question of its own (without `messages` or `clarified`)",
    "push_below_k": "no case has gold documents in a corpus larger than the `pool`",
    "split_chunks": "no gold document has a stretch without evidence that is long enough for a chunk",
    "leak_restricted": "no case has `forbidden` documents in the corpus",
    "serve_superseded": "no gold document of a key point has an older version (`superseded_by`) that says otherwise",
    "add_distractor": _OTHERS,
    "bury_in_middle": _OTHERS,
    "answer_from_memory": _PLAIN,
    "contradict": _PLAIN,
    "waver": _PLAIN,
    "never_refuse": "no case wants a refusal (`expected: refuse`)",
    "leave_out": "no case has two or more `key_points` that differ",
    "embroider": "no case with gold documents is answered in prose",
    "miss_criteria": "no case has `criteria` and a `reference` of more than one line",
    "drift_in_style": "no prose case with gold documents has `style` rules that can be broken",
    "json_missing_key": f"{_RECORD} with `required` keys",
    "json_extra_key": f"{_RECORD} that forbids additional properties",
}


def reason_of(fault: Fault, suite: Suite, usable: Suite) -> str:
    """Why ``fault`` was injected into no case of ``usable``, the part of ``suite`` that passes without it."""
    if any(fault.needs(usable, case) for case in usable.cases):
        return "it fits some cases, but other faults were drawn for them: raise --rate or change --seed"
    fitting = sum(fault.needs(suite, case) for case in suite.cases)
    if fitting:
        cases = "case" if fitting == 1 else "cases"
        return f"it fits {fitting} {cases}, and none of them passes without a fault"
    if fault.cause == "format_violation":
        return _LACKING.get(fault.id, _RECORD)
    return _LACKING.get(fault.id, _CITED if fault.cause == "citation_error" else _GOLD)
