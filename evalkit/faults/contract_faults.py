"""Faults of form, of citations, and of the call itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

from evalkit.faults.corrupt import as_object
from evalkit.faults.fault import Fault, Passages, Scene
from evalkit.faults.retrieval_faults import answerable
from evalkit.faults.wording import Stock, one_of
from evalkit.records import Case, Failure, Outcome, StyleRules, Suite

# --- JSON ------------------------------------------------------------------------------------

Break = Callable[[dict[str, Any], str, Random, Case], str]


def _truncated(_found: dict[str, Any], text: str, random: Random, _case: Case) -> str:
    return text[: int(len(text) * random.uniform(0.4, 0.95))].rstrip("} \n")


def _prose_around(
    phrases: Stock, _found: dict[str, Any], text: str, random: Random, _case: Case
) -> str:
    before, after = random.choice(phrases.around_json)
    return f"{before}{text}{after}"


def _wrong_type(found: dict[str, Any], _text: str, random: Random, _case: Case) -> str:
    key = random.choice(list(found))
    value = found[key]
    odd = {"value": value} if isinstance(value, str | int | float | list) else [value]
    return _dump({**found, key: odd})


def _missing_key(found: dict[str, Any], _text: str, random: Random, case: Case) -> str:
    required = [k for k in (case.schema or {}).get("required", ()) if k in found]
    gone = random.choice(required or list(found))
    return _dump({k: v for k, v in found.items() if k != gone})


def _extra_key(
    phrases: Stock, found: dict[str, Any], _text: str, random: Random, _case: Case
) -> str:
    key = random.choice(phrases.extra_keys)
    return _dump({**found, key: random.choice((0.9, "checked", None, []))})


def _trailing_comma(_found: dict[str, Any], text: str, _random: Random, _case: Case) -> str:
    end = text.rindex("}")
    return f"{text[:end].rstrip()},{text[end:]}"


def _single_quotes(_found: dict[str, Any], text: str, _random: Random, _case: Case) -> str:
    return text.replace('"', "'")


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _broken(how: Break, scene: Scene, _given: Passages, outcome: Outcome) -> Outcome:
    """The object, broken in one way; an enforced schema prevents it."""
    text = outcome.response or ""
    found = as_object(text)
    if not found or scene.question.schema is not None:
        return outcome
    return replace(outcome, response=how(found, text, scene.random, scene.case))


def _wants_object(suite: Suite, case: Case) -> bool:
    return case.schema is not None and case.reference_object is not None and answerable(suite, case)


def _closed_object(suite: Suite, case: Case) -> bool:
    closed = (case.schema or {}).get("additionalProperties") is False
    return closed and _wants_object(suite, case)


def _requires_keys(suite: Suite, case: Case) -> bool:
    return bool((case.schema or {}).get("required")) and _wants_object(suite, case)


# --- style -----------------------------------------------------------------------------------

Drift = Callable[[str, StyleRules, Random, Stock], str]
DRIFTS: Mapping[str, Drift] = {
    "forbid_exclamation": lambda text, _, random, stock: text + random.choice(stock.exclaimed),
    "forbid_emoji": lambda text, _, random, stock: f"{text} {random.choice(stock.emoji)}",
    "forbid_first_person": lambda text, _, random, stock: random.choice(stock.first_person) + text,
    "banned_phrases": lambda text, style, random, stock: _aside(
        text, random.choice(style.banned_phrases), one_of(stock.asides, random)
    ),
    "max_words": lambda text, style, random, stock: _padded(
        text, style.max_words or 0, random, stock
    ),
    "max_sentences": lambda text, style, random, stock: _padded(
        text, 25 * ((style.max_sentences or 0) + 1), random, stock
    ),
    "register": lambda text, _, random, stock: random.choice(stock.slang_openings) + text,
    "opening": lambda text, style, *_: text.removeprefix(style.opening or "").lstrip(),
    "closing": lambda text, style, *_: text.removesuffix(style.closing or "").rstrip(),
}


def _aside(text: str, phrase: str, aside: str) -> str:
    return f"{text} {aside.format(phrase=phrase)}"


def _padded(text: str, words: int, random: Random, phrases: Stock) -> str:
    """The text with filler until it is longer than ``words``."""
    padded = [text]
    while len(" ".join(padded).split()) <= words + 5:
        padded.append(random.choice(phrases.filler).strip())
    return " ".join(padded)


def _drifts(style: StyleRules | None) -> tuple[str, ...]:
    """The given rules that can be broken without a change of content."""
    if style is None:
        return ()
    formal = style.register != "informal"
    return tuple(
        rule
        for rule in DRIFTS
        if getattr(style, rule) not in (None, False, ()) and (rule != "register" or formal)
    )


def _drifted(phrases: Stock, scene: Scene, _given: Passages, outcome: Outcome) -> Outcome:
    """The answer with one or two style rules broken; extra instructions cure it."""
    rules, text, style = _drifts(scene.case.style), outcome.response or "", scene.case.style
    if style is None or scene.question.instructions is not None or as_object(text) is not None:
        return outcome
    for rule in scene.random.sample(rules, min(len(rules), scene.random.randint(1, 2))):
        text = DRIFTS[rule](text, style, scene.random, phrases)
    return replace(outcome, response=text)


def _styled_prose(suite: Suite, case: Case) -> bool:
    shaped = case.reference_object is not None or case.schema is not None or case.criteria
    return bool(_drifts(case.style)) and not shaped and answerable(suite, case)


# --- citations -------------------------------------------------------------------------------


def _miscited(
    kind: str, phrases: Stock, scene: Scene, given: Passages, outcome: Outcome
) -> Outcome:
    """Cites a document that does not exist, that was not in the prompt, or that supports nothing."""
    if outcome.citations is None or not given or outcome.action == "refuse":
        return outcome
    random, shown = scene.random, {p.doc_id for p in given}
    unread = sorted(d for d in scene.suite.corpus if d not in shown | scene.gold)
    useless = sorted(shown - scene.gold)
    wrong = {
        "unknown": [p.format(n=random.randint(a, b)) for p, a, b in phrases.invented_sources],
        "unread": unread,
        "useless": useless,
    }[kind]
    if not wrong:
        return outcome
    kept = outcome.citations if kind != "useless" and random.random() < 0.4 else ()
    return replace(outcome, citations=(*kept, random.choice(wrong)))


def _citing(suite: Suite, case: Case) -> bool:
    return answerable(suite, case) and len(suite.corpus) > suite.k


# --- the call --------------------------------------------------------------------------------


def _raised(_scene: Scene, _given: Passages, _outcome: Outcome) -> Outcome:
    raise ConnectionResetError("the upstream server closed the connection")


def _failed(kind: str, message: str, _scene: Scene, _given: Passages, outcome: Outcome) -> Outcome:
    return replace(outcome, response=None, citations=None, error=Failure(kind, message))


def _any(_suite: Suite, _case: Case) -> bool:
    return True


_format = partial(Fault, cause="format_violation")
_cite = partial(Fault, cause="citation_error", needs=_citing)
_error = partial(Fault, cause="infra_error", needs=_any)


def faults(phrases: Stock) -> tuple[Fault, ...]:
    """The faults of form, of citations and of the call; worded as the stock has them."""
    return (
        _format("json_truncated", meaning="the JSON stops early", needs=_wants_object,
                answered=partial(_broken, _truncated)),
        _format("json_in_prose", meaning="prose stands around the JSON", needs=_wants_object,
                answered=partial(_broken, partial(_prose_around, phrases))),
        _format("json_wrong_type", meaning="a value has the wrong type", needs=_wants_object,
                answered=partial(_broken, _wrong_type)),
        _format("json_missing_key", meaning="a required key is missing", needs=_requires_keys,
                answered=partial(_broken, _missing_key)),
        _format("json_extra_key", meaning="a key too many", needs=_closed_object,
                answered=partial(_broken, partial(_extra_key, phrases))),
        _format("json_trailing_comma", meaning="a comma before the closing brace", needs=_wants_object,
                answered=partial(_broken, _trailing_comma)),
        _format("json_single_quotes", meaning="single quotes for double ones", needs=_wants_object,
                answered=partial(_broken, _single_quotes)),
        Fault("drift_in_style", "style_violation", "house style is not kept", _styled_prose,
              answered=partial(_drifted, phrases)),
        _cite("cite_unknown", meaning="an invented id is cited", answered=partial(_miscited, "unknown", phrases)),
        _cite("cite_unread", meaning="a document outside the prompt is cited",
              answered=partial(_miscited, "unread", phrases)),
        _cite("cite_useless", meaning="a passage that supports nothing is cited",
              answered=partial(_miscited, "useless", phrases)),
        _error("raise", meaning="the system raises", answered=_raised),
        _error("time_out", meaning="no answer in time",
               answered=partial(_failed, "timeout", "no answer within 30 s")),
        _error("answer_empty", meaning="an empty reply",
               answered=partial(_failed, "empty", "the system gave an empty response")),
    )  # fmt: skip
