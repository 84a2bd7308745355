"""How likely a sentence declines: a linear model over the parts its words play, read from a file of weights."""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from pathlib import Path

from evalkit.text.refusal_roles import roles
from evalkit.text.tokens import stem, tokens

LETTERS = 4  # longest run of letters that is one feature
SPAN = 6  # letters within which two of them are a pair
WORDS = 24  # words of a sentence that are looked at
LEAD_IN = 80  # characters that what stands before a colon may have to be left out
BIAS = "bias"
WEIGHTS = Path(__file__).with_name("refusal_model.json")

# What denies, and what it must stand beside: "no fee is due" negates, but nothing that is known, said or asked.
_DENIES = re.compile("[lz]")
_NEGATES = re.compile("[nNqx]")
_NEGATED = re.compile("[spydBAiuhwkvtTfega]")
_LACKS = re.compile("[jbO]")
_LACKING = re.compile("[sdBiuhwkv]")
_CONTENT = re.compile("c{2,}")
_STEPS = (2, 4, 7, 11, 16)  # content words from which on a sentence is longer
_REPORT = re.compile(
    r"^[^cdB]{0,2}y[^c,]{0,2}[uk]|[spA][^,]{0,3}g|[dB][^c,]{0,3}[tT](?!h)|[dB][^,]{0,3}[tT]$"
    r"|^[^cd]{0,3}[sp][^c,]{0,2}k|^[^cd]{0,3}[sp][^c,]{0,3}H[^,]{0,3}[dB]"
)


def denies(letters: str) -> bool:
    """Whether anything in the letters denies; what does not cannot decline."""
    if _DENIES.search(letters) or (_NEGATES.search(letters) and _NEGATED.search(letters)):
        return True
    return _LACKS.search(letters) is not None and _LACKING.search(letters) is not None


def reports(letters: str) -> bool:
    """Whether a sentence only tells of the search, or what the sources are about: no answer."""
    return _REPORT.search(letters) is not None


def without_lead_in(plain: str) -> str:
    """A normalised sentence from behind its first colon on, where what stands before it denies nothing."""
    head, colon, rest = plain.partition(": ")
    return rest if colon and rest and len(head) <= LEAD_IN and not denies(roles(head)) else plain


def features(plain: str, letters: str) -> set[str]:
    """What the model knows of a normalised sentence and its letters.

    Runs of letters ("^dnth"), ordered pairs of them ("n.d"), runs without content ("~dnt"), stems and pairs of
    stems ("=mention", "=not mention"), and steps of the count of content words ("#7").
    """
    chain = f"^{_CONTENT.sub('c', letters)}$"
    size = len(chain)
    found = {chain[i : i + n] for n in range(1, LETTERS + 1) for i in range(size - n + 1)}
    for i in range(size):
        found.update([f"{chain[i]}.{other}" for other in chain[i + 2 : i + SPAN]])
    bare = chain.replace("c", "").replace(",", "")
    found.update(["~" + bare[i : i + n] for n in (2, 3) for i in range(len(bare) - n + 1)])
    stems = [stem(word) for word in tokens(plain)[:WORDS]]
    found.update(["=" + word for word in stems])
    found.update([f"={a} {b}" for a, b in zip(["^", *stems], [*stems, "$"], strict=True)])
    content = letters.count("c")
    found.update([f"#{step}" for step in _STEPS if content >= step])
    return found


@lru_cache(1)
def weights() -> dict[str, float]:
    """The weight of each feature, made by ``benchmarks/train_refusals.py``."""
    found: dict[str, float] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return found


def decline_probability(plain: str) -> float:
    """How likely a normalised sentence, taken by itself, declines, 0..1; at 0.5 it is taken to."""
    plain = without_lead_in(plain)
    letters = roles(plain)
    if not denies(letters):
        return 0.0
    known = weights()
    score = known[BIAS] + sum([known.get(name, 0.0) for name in features(plain, letters)])
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
