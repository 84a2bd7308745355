"""A rule is skipped only where it could not have spoken: gated and ungated outcomes are equal, in any language."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evalkit.judges
import evalkit.text
from evalkit.judges import (
    bounds,
    claims,
    context,
    counted,
    permission,
    plain_words,
    polarity,
    senses,
    support,
)
from evalkit.text import extract, spelled_numbers, tokens
from evalkit.text.gated import Gated, needed

ROOT = Path(__file__).parents[1]
ANYTHING = re.compile("")
SAID = """
You may not bring dogs, and it is not true that cats are allowed; nobody but the owner can enter, unless asked.
Unfortunately not. The documents don't say how much the fee is, but at most 12 euros or twice the usual rate.
According to the handbook, one hour costs €1.50 per person on Mondays, half an hour is free of charge before 9 pm.
Sorry to hear that! I'm afraid I can't help: the page [3] (source: faq-12) does not cover refunds. Did you know that it rains?
Die Anmeldung ist kostenlos, höchstens 14 Tage vor dem Prüfungstermin, und man meldet sich beim Büro an, statt zu warten.
Laut den Unterlagen ist das Rauchen verboten. Es stimmt nicht, dass Hunde erlaubt sind; das kostet anderthalb Stunden nichts.
Selon les documents, l'entrée n'est pas gratuite : deux cents euros par personne, plutôt que cent, jusqu'à midi.
Según el manual, no está permitido fumar; cuesta el doble, como máximo treinta y ocho euros, y abre a las 2 y media los lunes.
Theo tài liệu, vé miễn phí cho trẻ em dưới 6 tuổi, không được hút thuốc, tối đa hai mươi ngày, mở cửa đến 9 giờ tối.
資料によると、入場料は無料ですが、写真撮影は禁止されています。予約は三日前までに必要で、キャンセルはできません。
根据文档，会员可以免费停车，但不得过夜；至少提前两小时预订，周一至周五开放，费用是每人五十元。
لا توجد رسوم، ويسمح بالدخول قبل الساعة التاسعة. وفقا للوثيقة يحظر التدخين، والحد الأقصى خمسة عشر يوما.
Согласно справке, вход бесплатный, курить запрещено, не более двух раз в неделю; к сожалению, цена вдвое выше.
도움말에 따르면 주차는 무료이며 흡연은 금지되어 있습니다. 예약은 최소 3일 전에 해야 합니다.
İSTANBUL'DA SİGARA İÇMEK YASAK; ßtraße ſorry, I AM AFRAID NOT. THE ANSWER IS: NO.
"""


def _texts() -> list[str]:
    lines = SAID.strip().split("\n")
    corpus = (ROOT / "datasets" / "helpdesk" / "corpus.jsonl").read_text(encoding="utf-8")
    answers = (ROOT / "benchmarks" / "reworded" / "traces.jsonl").read_text(encoding="utf-8")
    lines += [json.loads(row)["text"] for row in corpus.splitlines()[::6]]
    given = (json.loads(row).get("response") for row in answers.splitlines()[::9])
    lines += [text for text in given if isinstance(text, str)]
    return [*lines, *(line.upper() for line in lines[:16]), *(line[:40] for line in lines)]


TEXTS = _texts()


def _gates(value: Any, depth: int = 3) -> Iterator[Gated]:
    if isinstance(value, Gated):
        yield value
    elif depth and isinstance(value, dict):
        yield from _gates(tuple(value.values()), depth - 1)
    elif depth and isinstance(value, tuple):
        for part in value:
            yield from _gates(part, depth - 1)


def _every_gate() -> list[Gated]:
    found: dict[str, Gated] = {}
    for package in (evalkit.judges, evalkit.text):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if not module.ispkg:
                values = vars(importlib.import_module(module.name)).values()
                found |= {gate.source: gate for value in values for gate in _gates(value)}
    return list(found.values())


GATES = _every_gate()


def test_many_rules_are_gated() -> None:
    assert len(GATES) > 60
    assert sum(bool(gate.needed) for gate in GATES) > 0.8 * len(GATES)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.source[:40].encode("unicode_escape"))
def test_a_gate_is_open_wherever_its_pattern_is_found(gate: Gated) -> None:
    for text in TEXTS:
        for said in (text, tokens.normalise(text)):
            if gate.pattern.search(said) is not None:
                assert gate.possible(said), said


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.source[:40].encode("unicode_escape"))
def test_a_gated_pattern_finds_what_the_pattern_finds(gate: Gated) -> None:
    for text in TEXTS[:16]:
        assert [m.span() for m in gate.finditer(text)] == [
            m.span() for m in gate.pattern.finditer(text)
        ]
        assert gate.sub("_", text) == gate.pattern.sub("_", text)
        assert (gate.match(text) is None) is (gate.pattern.match(text) is None)
        assert (gate.fullmatch(text) is None) is (gate.pattern.fullmatch(text) is None)


_LITERALS = st.text("abcé不 ", min_size=1, max_size=4).map(re.escape)
_PATTERNS = st.recursive(
    _LITERALS | st.sampled_from(["[ab]", r"\w", ".", r"\b", "[^a]", r"\s"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        inner.map(lambda part: f"(?:{part})?"),
        inner.map(lambda part: f"({part})+"),
        inner.map(lambda part: f"(?={part})"),
        inner.map(lambda part: f"(?!{part})"),
        inner.map(lambda part: f"(?>{part})"),
    ),
    max_leaves=6,
)


@settings(max_examples=50)
@given(_PATTERNS, st.text("abcéAÉ不 ", max_size=12), st.booleans())
def test_what_a_match_needs_is_in_every_match(pattern: str, text: str, any_case: bool) -> None:
    gate = Gated(pattern, re.IGNORECASE if any_case else re.NOFLAG)
    assert gate.pattern.search(text) is None or gate.possible(text)


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("no (?=matter)", ("matter",)),
        ("(?:free of charge|gratis|at no cost)", ("at no cost", "free of charge", "gratis")),
        ("kostenlos\\w*|\\d+", ()),  # an alternative without a letter
        ("(?:a|b)?c+de", ("de",)),
        ("[午夜]前?", ("午", "夜")),
        ("free|freely", ("free",)),
    ],
)
def test_what_a_match_needs_is_read_from_the_pattern(pattern: str, wanted: tuple[str, ...]) -> None:
    assert needed(pattern) == wanted


def test_the_words_of_a_text_are_the_same_on_the_quick_way() -> None:
    for text in TEXTS:
        slow = tokens._in_any_script(tokens.normalise(text))
        assert tokens.tokens.__wrapped__(text) == tuple(slow)


@settings(max_examples=50)
@given(st.text("ab'1.,_ U.S-é", max_size=20))
def test_the_words_of_any_text_are_the_same_on_the_quick_way(text: str) -> None:
    assert tokens.tokens.__wrapped__(text) == tuple(tokens._in_any_script(tokens.normalise(text)))


def test_a_portion_is_told_only_by_texts_with_one_of_its_words() -> None:
    for text in (*map(tokens.normalise, TEXTS), "a fortnight", "half a year", "las dos y media"):
        for words, pattern, _ in spelled_numbers._PORTIONS:
            assert pattern.search(text) is None or any(word in text for word in words)


PAIRS = [*pairwise(TEXTS[:60]), *((text, text.replace(" not", "")) for text in TEXTS[:60])]


def test_texts_that_deny_nothing_are_compared_as_any_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gated = [polarity.polarity_differs.__wrapped__(*pair) for pair in PAIRS]
    monkeypatch.setattr(polarity, "_affirms_all", lambda _: False)
    assert gated == [polarity.polarity_differs.__wrapped__(*pair) for pair in PAIRS]
    assert {True, False} <= set(gated)


def test_texts_that_permit_nothing_are_compared_as_any_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gated = [permission.same_permission.__wrapped__(*pair) for pair in PAIRS]
    ruled = [permission.permits(text) for text in TEXTS]
    monkeypatch.setattr(permission, "_speaks", lambda _: True)
    assert gated == [permission.same_permission.__wrapped__(*pair) for pair in PAIRS]
    assert ruled == [permission.permits(text) for text in TEXTS]
    assert None in gated
    assert True in gated


@pytest.mark.parametrize(
    ("module", "gate", "reads"),
    [
        (bounds, "_DIGIT", bounds.bounded),
        (counted, "_DIGIT", counted._things),
        (plain_words, "_PARTICLE", plain_words.known_words),
    ],
    ids=["bounds", "things", "verbs apart"],
)
def test_a_rule_says_the_same_without_its_gate(
    monkeypatch: pytest.MonkeyPatch, module: Any, gate: str, reads: Any
) -> None:
    texts = [*TEXTS, *map(senses.plainly, TEXTS), "gluedWords and camelCase", "er meldet sich an."]
    gated = [reads.__wrapped__(text) for text in texts]
    monkeypatch.setattr(module, gate, ANYTHING)
    assert gated == [reads.__wrapped__(text) for text in texts]


def test_clauses_are_cut_at_the_same_joints_however_words_are_counted() -> None:
    for text in TEXTS:
        places = [match.span() for match in claims._JOINT.finditer(text)]
        assert claims._joints(text) == [
            (a, b)
            for a, b in places
            if claims._worth(text, 0, a) and claims._worth(text, b, len(text))
        ]


def test_pairs_of_sentences_left_out_have_no_larger_share(monkeypatch: pytest.MonkeyPatch) -> None:
    given = context.read(tuple(TEXTS[15:30]))
    weights = [w for text in TEXTS[:60] if (w := support._Claim(text[:200]).beside(frozenset()))]
    gated = [support._nearest(w, given) for w in weights]
    monkeypatch.setattr(support, "NOISE", 1000.0)
    assert gated == [support._nearest(w, given) for w in weights]


def test_prose_is_no_json_on_the_quick_way_either(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*TEXTS, "{}", "[1]", "nul", "truth", "-1", "NaN", '"a"', "Infinity", "{", "see [1]"]
    gated = [repr(extract.parse_json(text)) for text in texts]
    monkeypatch.setattr(extract, "_FIRST", frozenset(text.strip()[:1] for text in texts))
    assert gated == [repr(extract.parse_json(text)) for text in texts]
