"""Irregular English verb forms and plurals, so that "kept" is recognised as "keep"."""

from __future__ import annotations

from functools import lru_cache

from evalkit.text.tokens import CACHE, fold_accents, stem

_FORMS = """
become became, begin began begun, break broke broken, bring brought, build built, buy bought, catch caught, choose chose chosen,
come came, draw drew drawn, drive drove driven, eat ate eaten, fall fell fallen, feel felt, fight fought, find found, fly flew flown,
forbid forbade forbidden, forget forgot forgotten, get got gotten, give gave given, go went gone, grow grew grown, hear heard, hide hid hidden, hold held,
keep kept, know knew known, lead led, leave left, lend lent, lose lost, make made, mean meant, meet met, pay paid, ride rode ridden,
rise rose risen, run ran, say said, see saw seen, sell sold, send sent, shake shook shaken, show shown, sing sang sung, sit sat,
sleep slept, speak spoke spoken, spend spent, stand stood, steal stole stolen, swim swam swum, take took taken, teach taught,
tell told, think thought, throw threw thrown, understand understood, wake woke woken, wear wore worn, win won, write wrote written,
child children, man men, woman women, foot feet, tooth teeth, mouse mice, person people
"""
_REGULAR: dict[str, str] = {
    form: forms.split()[0] for forms in _FORMS.split(",") for form in forms.split()[1:]
}


@lru_cache(CACHE * 8)
def key(word: str) -> str:
    """What a word is compared by: the stem, without accents, of its regular form."""
    return stem(fold_accents(_REGULAR.get(word, word)))
