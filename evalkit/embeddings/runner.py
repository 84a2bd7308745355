"""Runs a BERT-type sentence model from its folder with numpy alone."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.embeddings.embedder import Vectors, unit
from evalkit.embeddings.tokenizer import read_tokenizer
from evalkit.embeddings.weights import read_weights
from evalkit.errors import InvalidInput

Array = NDArray[np.float32]
BATCH_TOKENS = (
    4096  # ids, padding included, that are worked on at a time: small pieces stay in the cache
)
PARTS = (
    *("model.safetensors", "config.json", "sentence_bert_config.json", "1_Pooling/config.json"),
    *("vocab.txt", "tokenizer.json", "tokenizer_config.json"),
)
LONGEST = 256  # ids of a text where the folder does not say
# In plain Python's floats, which leave arrays of 32 bits as they are.
HALF_ROOT, TANH_SCALE = math.sqrt(0.5), math.sqrt(2.0 / math.pi)


class FolderEmbedder:
    """The sentence vectors of a BERT encoder: mean (or first) of its last layer, scaled to length 1.

    Devlin et al. 2019 for the encoder, Reimers and Gurevych 2019 for the pooling. ``folder`` is one as
    sentence-transformers writes it: config.json, model.safetensors, and vocab.txt or tokenizer.json (see ``read_tokenizer``).
    Raises ``InvalidInput`` for a folder of another kind.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        config = _json(folder / "config.json")
        _check(config, folder)
        self.name = name or folder.name
        path = folder / "model.safetensors"
        if not path.is_file():
            raise InvalidInput("has no model.safetensors", file=folder)
        self.fingerprint = f"{self.name}/{_digest(folder)}"
        self._weights = {k.removeprefix("bert."): v for k, v in read_weights(path).items()}
        self._layers = int(config["num_hidden_layers"])
        self._heads = int(config["num_attention_heads"])
        self._epsilon = float(config.get("layer_norm_eps", 1e-12))
        self._first = _pools_first(folder)
        self._activation = str(config.get("hidden_act", "gelu"))
        self._words = read_tokenizer(folder, _longest(folder, config))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in order; each different text is worked on once."""
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        known = {text: self._words.ids(text) for text in dict.fromkeys(texts)}
        order = sorted(known, key=lambda text: len(known[text]))
        rows: dict[str, Array] = {}
        with threadpool_limits(1):  # small matrices: on a busy machine threads halve the speed
            for batch in _batches(order, known):
                rows.update(zip(batch, self._pooled([known[text] for text in batch]), strict=True))
        width = self._weights["embeddings.word_embeddings.weight"].shape[1]
        return np.stack([rows[t] for t in texts]) if texts else np.zeros((0, width), np.float32)

    def close(self) -> None:
        """Nothing is held open."""

    def _pooled(self, sequences: list[list[int]]) -> Vectors:
        longest = max(map(len, sequences))
        ids = np.zeros((len(sequences), longest), np.int64)
        mask = np.zeros((len(sequences), longest), np.float32)
        for row, sequence in enumerate(sequences):
            ids[row, : len(sequence)] = sequence
            mask[row, : len(sequence)] = 1.0
        hidden = self._encode(ids, mask)
        if self._first:
            return unit(hidden[:, 0])
        return unit((hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True))

    def _encode(self, ids: NDArray[np.int64], mask: Array) -> Array:
        """The last layer, one vector an id."""
        table = "embeddings.{}_embeddings.weight"
        hidden = self._weights[table.format("word")][ids]
        hidden = hidden + self._weights[table.format("position")][: ids.shape[1]]
        hidden = hidden + self._weights[table.format("token_type")][0]
        hidden = self._normed(hidden, "embeddings.LayerNorm")
        hidden_from = np.where(mask[:, None, None, :] > 0, np.float32(0), np.float32(-1e9))
        for number in range(self._layers):
            hidden = self._layer(hidden, hidden_from, f"encoder.layer.{number}")
        return hidden

    def _layer(self, hidden: Array, hidden_from: Array, name: str) -> Array:
        """One encoder layer: attention, then the feed-forward net, each added to its input and normed."""
        mixed = self._attention(hidden, hidden_from, f"{name}.attention.self")
        mixed = self._dense(mixed, f"{name}.attention.output.dense")
        hidden = self._normed(hidden + mixed, f"{name}.attention.output.LayerNorm")
        inner = _activated(self._dense(hidden, f"{name}.intermediate.dense"), self._activation)
        outer = self._dense(inner, f"{name}.output.dense")
        return self._normed(hidden + outer, f"{name}.output.LayerNorm")

    def _attention(self, hidden: Array, hidden_from: Array, name: str) -> Array:
        """softmax(Q K' / sqrt(d)) V for each head (Vaswani et al. 2017)."""
        rows, length, width = hidden.shape
        size = width // self._heads

        def heads(part: str) -> Array:
            values = self._dense(hidden, f"{name}.{part}")
            return values.reshape(rows, length, self._heads, size).transpose(0, 2, 1, 3)

        scores = heads("query") @ heads("key").swapaxes(-1, -2) / math.sqrt(size)
        scores = scores + hidden_from
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        mixed: Array = (shares @ heads("value")).transpose(0, 2, 1, 3).reshape(rows, length, width)
        return mixed

    def _dense(self, values: Array, name: str) -> Array:
        made: Array = values @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return made

    def _normed(self, values: Array, name: str) -> Array:
        """Layer normalisation (Ba et al. 2016)."""
        centred = values - values.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(self._epsilon))
        made: Array = centred / spread * self._weights[f"{name}.weight"]
        return made + self._weights[f"{name}.bias"]


def _activated(values: Array, kind: str) -> Array:
    """GELU by the error function, or its tanh form (Hendrycks and Gimpel 2016), or ReLU."""
    if kind == "relu":
        return np.maximum(values, np.float32(0))
    if kind == "gelu":
        from scipy.special import erf

        return np.asarray(values * 0.5 * (1.0 + erf(values * HALF_ROOT)), dtype=np.float32)
    inner = TANH_SCALE * (values + 0.044715 * values**3)
    return np.asarray(0.5 * values * (1.0 + np.tanh(inner)), dtype=np.float32)


def _batches(order: list[str], known: dict[str, list[int]]) -> Iterator[list[str]]:
    """Texts of like length together, as many as fit."""
    batch: list[str] = []
    for text in order:
        if batch and (len(batch) + 1) * len(known[text]) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(text)
    if batch:
        yield batch


def _digest(folder: Path) -> str:
    """Names the content of every file that the vectors depend on."""
    total = hashlib.sha256()
    for name in PARTS:
        path = folder / name
        content = path.read_bytes() if path.is_file() else b""
        total.update(f"{name} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()[:16]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInput("is not there", file=path) from None
    except ValueError:
        raise InvalidInput("is no JSON", file=path) from None


def _check(config: dict[str, Any], folder: Path) -> None:
    hint = "use backend: sentence-transformers for other models"
    place = folder / "config.json"
    if config.get("model_type", "bert") != "bert":
        raise InvalidInput(f"is of type {config['model_type']!r}, not bert", file=place, hint=hint)
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise InvalidInput("has relative positions", file=place, hint=hint)
    known = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu")
    if config.get("hidden_act", "gelu") not in known:
        raise InvalidInput(f"has the activation {config['hidden_act']!r}", file=place, hint=hint)


def _pools_first(folder: Path) -> bool:
    path = folder / "1_Pooling" / "config.json"
    return path.is_file() and bool(_json(path).get("pooling_mode_cls_token"))


def _longest(folder: Path, config: dict[str, Any]) -> int:
    """Ids of a text at most: what the folder was trained with, and never more than it has positions."""
    path = folder / "sentence_bert_config.json"
    said = _json(path).get("max_seq_length") if path.is_file() else None
    return min(int(said or LONGEST), int(config.get("max_position_embeddings", 512)))
