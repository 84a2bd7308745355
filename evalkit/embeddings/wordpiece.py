"""The tokenizer of BERT: words, then the longest known pieces of each (Wu et al. 2016; Devlin et al. 2019)."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput

LONGEST_WORD = 100  # characters from which on a word is unknown as a whole
REMEMBERED = 32768  # words
# Blocks whose characters are words of their own: Chinese, Japanese and Korean ideographs, as BERT lists them.
_IDEOGRAPHS = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)),
)


def _is_ideograph(char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in _IDEOGRAPHS)


def _is_punctuation(char: str) -> bool:
    symbol = char.isascii() and char.isprintable() and not (char.isalnum() or char == " ")
    return symbol or unicodedata.category(char).startswith("P")


def _is_dropped(char: str) -> bool:
    control = unicodedata.category(char) in {"Cc", "Cf", "Cn", "Co", "Cs"} and char not in "\t\n\r"
    return char == "\ufffd" or control


def split_words(text: str, *, lower: bool, strip_accents: bool) -> list[str]:
    """Words, punctuation marks and ideographs of a text, in order."""
    clean = "".join(f" {c} " if _is_ideograph(c) else c for c in text if not _is_dropped(c))
    if lower:
        clean = clean.lower()
    if strip_accents:
        parts = unicodedata.normalize("NFD", clean)
        clean = "".join(c for c in parts if unicodedata.category(c) != "Mn")
    return "".join(f" {c} " if _is_punctuation(c) else c for c in clean).split()


class WordPiece:
    """Text -> ids, ``[CLS]`` first and ``[SEP]`` last, cut to ``longest`` ids."""

    def __init__(
        self, vocabulary: Mapping[str, int], *, lower: bool, strip_accents: bool, longest: int
    ) -> None:
        missing = {"[UNK]", "[CLS]", "[SEP]"} - vocabulary.keys()
        if missing:
            raise InvalidInput(f"the vocabulary lacks {min(missing)}")
        self._vocabulary = vocabulary
        self._lower, self._strip_accents, self._longest = lower, strip_accents, longest
        self._pieces = lru_cache(REMEMBERED)(self._cut)

    def ids(self, text: str) -> list[int]:
        """The ids of a text; at least those of ``[CLS]`` and ``[SEP]``."""
        found: list[int] = []
        for word in split_words(text, lower=self._lower, strip_accents=self._strip_accents):
            found.extend(self._pieces(word))
            if len(found) >= self._longest - 2:
                break
        ends = self._vocabulary["[CLS]"], self._vocabulary["[SEP]"]
        return [ends[0], *found[: self._longest - 2], ends[1]]

    def _cut(self, word: str) -> tuple[int, ...]:
        """The longest known pieces of a word from its left; unknown as a whole where one is missing."""
        unknown = (self._vocabulary["[UNK]"],)
        if len(word) > LONGEST_WORD:
            return unknown
        found: list[int] = []
        start = 0
        while start < len(word):
            mark = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((e for e in ends if mark + word[start:e] in self._vocabulary), None)
            if end is None:
                return unknown
            found.append(self._vocabulary[mark + word[start:end]])
            start = end
        return tuple(found)


def read_wordpiece(folder: Path, longest: int) -> WordPiece:
    """The tokenizer of a model folder, from ``vocab.txt`` or ``tokenizer.json``; raises ``InvalidInput``."""
    settings = _settings(folder)
    lower = bool(settings.get("do_lower_case", True))
    accents = settings.get("strip_accents")
    return WordPiece(
        _vocabulary(folder),
        lower=lower,
        strip_accents=lower if accents is None else bool(accents),
        longest=longest,
    )


def _vocabulary(folder: Path) -> dict[str, int]:
    listed = folder / "vocab.txt"
    if listed.is_file():
        lines = listed.read_text(encoding="utf-8").split("\n")
        return {token.rstrip("\r"): i for i, token in enumerate(lines) if token}
    whole = folder / "tokenizer.json"
    if not whole.is_file():
        raise InvalidInput("has neither vocab.txt nor tokenizer.json", file=folder)
    model = json.loads(whole.read_text(encoding="utf-8")).get("model", {})
    # Old files leave the type out; other kinds of tokenizers keep their pieces in a list.
    if model.get("type", "WordPiece") != "WordPiece" or not isinstance(model.get("vocab"), dict):
        hint = "only WordPiece tokenizers are built in; use backend: sentence-transformers"
        raise InvalidInput("is no WordPiece tokenizer", file=whole, hint=hint)
    return {str(token): int(i) for token, i in model["vocab"].items()}


def _settings(folder: Path) -> dict[str, Any]:
    """How the text is normalised: ``tokenizer_config.json``, else what ``tokenizer.json`` says."""
    config = folder / "tokenizer_config.json"
    if config.is_file():
        return dict(json.loads(config.read_text(encoding="utf-8")))
    whole = folder / "tokenizer.json"
    if not whole.is_file():
        return {}
    normalizer = json.loads(whole.read_text(encoding="utf-8")).get("normalizer") or {}
    found = {"strip_accents": normalizer.get("strip_accents")}
    return found | {"do_lower_case": normalizer.get("lowercase", True)}
