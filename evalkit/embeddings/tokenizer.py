"""The tokenizer of a model folder: WordPiece by our own reader, any other by the package tokenizers."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, Protocol

from evalkit.embeddings.wordpiece import read_wordpiece
from evalkit.errors import InvalidInput

EXTRA = "pip install 'evalkit[embed]'"


class Tokenizer(Protocol):
    """Text -> ids, the marks of beginning and end included, cut to what the model takes."""

    def ids(self, text: str) -> list[int]:
        """The ids of a text, in order; at least one."""
        ...


def read_tokenizer(folder: Path, longest: int) -> Tokenizer:
    """The tokenizer of a model folder, cut to ``longest`` ids; raises ``InvalidInput``.

    WordPiece needs nothing but the folder; the Unigram and BPE tokenizers of multilingual models need
    the extra ``embed``.
    """
    whole = folder / "tokenizer.json"
    if (folder / "vocab.txt").is_file() or not whole.is_file() or _is_wordpiece(whole):
        return read_wordpiece(folder, longest)
    return PackagedTokenizer(whole, longest)


def _is_wordpiece(file: Path) -> bool:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise InvalidInput("is no JSON", file=file) from None
    model = told.get("model") if isinstance(told, dict) else None
    if not isinstance(model, dict):
        raise InvalidInput("describes no tokenizer", file=file)
    # Old files leave the type out; only WordPiece keeps its pieces in a mapping without one.
    if "type" not in model:
        return isinstance(model.get("vocab"), dict) and "merges" not in model
    return bool(model["type"] == "WordPiece")


class PackagedTokenizer:
    """A tokenizer of whatever kind ``tokenizer.json`` describes, run by the package tokenizers."""

    def __init__(self, file: Path, longest: int) -> None:
        try:
            package: Any = importlib.import_module("tokenizers")
        except ImportError:
            message = "is no WordPiece tokenizer, and the package tokenizers is not installed"
            raise InvalidInput(message, file=file, hint=EXTRA) from None
        try:
            self._made: Any = package.Tokenizer.from_file(str(file))
        except Exception as error:  # noqa: BLE001 (the package raises nothing narrower)
            raise InvalidInput(f"cannot be read: {error}", file=file) from None
        self._made.enable_truncation(longest)
        self._made.no_padding()
        if not self._made.encode("").ids:
            raise InvalidInput("puts no marks around a text, as BERT-type models need", file=file)

    def ids(self, text: str) -> list[int]:
        """The ids of a text, in order."""
        return list(self._made.encode(text).ids)
