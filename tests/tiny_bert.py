"""A two-layer BERT with chance weights as a model folder, and an ``/embeddings`` endpoint on this machine."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

WIDTH, HEADS, LAYERS, INNER, POSITIONS = 8, 2, 2, 12, 16
PIECES = "[PAD] [UNK] [CLS] [SEP] the cat eat ##s ##ing fish . 東 京 katze gato mèo"
VOCABULARY = {piece: i for i, piece in enumerate(PIECES.split())}


def write_safetensors(path: Path, tensors: dict[str, np.ndarray], dtype: str = "F32") -> None:
    table, data = {}, b""
    for name, values in tensors.items():
        raw = values.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()
        offsets = [len(data), len(data) + len(raw)]
        table[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": offsets}
        data += raw
    head = json.dumps({"__metadata__": {"format": "pt"}, **table}).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + data)


def random_weights(prefix: str = "") -> dict[str, np.ndarray]:
    chance = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), WIDTH),
        "embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for n in range(LAYERS):
        layer = f"encoder.layer.{n}."
        for part in ("query", "key", "value"):
            shapes[f"{layer}attention.self.{part}.weight"] = (WIDTH, WIDTH)
            shapes[f"{layer}attention.self.{part}.bias"] = (WIDTH,)
        for part, rows, columns in (
            ("attention.output", WIDTH, WIDTH),
            ("intermediate", INNER, WIDTH),
            ("output", WIDTH, INNER),
        ):
            shapes[f"{layer}{part}.dense.weight"] = (rows, columns)
            shapes[f"{layer}{part}.dense.bias"] = (rows,)
        for part in ("attention.output", "output"):
            shapes[f"{layer}{part}.LayerNorm.weight"] = (WIDTH,)
            shapes[f"{layer}{part}.LayerNorm.bias"] = (WIDTH,)
    return {prefix + name: chance.normal(0, 0.7, shape) for name, shape in shapes.items()}


def write_model(folder: Path, *, prefix: str = "", **config: object) -> Path:
    folder.mkdir(exist_ok=True)
    known = {"model_type": "bert", "num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
    whole = {**known, "max_position_embeddings": POSITIONS, "hidden_act": "gelu", **config}
    (folder / "config.json").write_text(json.dumps(whole))
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    write_safetensors(folder / "model.safetensors", random_weights(prefix))
    return folder


def by_length(text: str) -> list[float]:
    return [len(text), 1.0, 0.0]


def by_letters(text: str) -> list[float]:
    """Counts of letters in a row, two and three at a time: texts that share words are near each other."""
    found = [0.0] * 4096
    low = f" {text.lower()} "
    for size in (2, 3):
        for i in range(len(low) - size + 1):
            found[zlib.crc32(low[i : i + size].encode()) % 4096] += 1.0
    return found


class Service:
    """An ``/embeddings`` endpoint on this machine: rows in reverse order, some replies failing first."""

    def __init__(self, vector: Callable[[str], list[float]] = by_length) -> None:
        self.asked: list[dict] = []
        self.statuses: list[int] = []
        self.spoil = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.append({"path": self.path, **asked})
                status = outer.statuses.pop(0) if outer.statuses else 200
                rows = [{"index": i, "embedding": vector(t)} for i, t in enumerate(asked["input"])]
                body = json.dumps({"data": rows[1:] if outer.spoil else rows[::-1]}).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

            def handle(self) -> None:
                with suppress(ConnectionError):  # whoever asked did not wait for the reply
                    super().handle()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
