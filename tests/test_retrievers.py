"""The embedded retrievers: known answers, formulas, access, chunk ids, determinism, four scripts."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import make_case, make_suite
from tiny_bert import Service, by_letters, write_model

import evalkit
from evalkit.errors import EndpointUnusable, InvalidInput
from evalkit.records import Approach, Document, Question, System, SystemSpec
from evalkit.retrievers import Retriever, build_retriever
from evalkit.retrievers.analyzers import word_terms
from evalkit.retrievers.chunks import ChunkRule, cut
from evalkit.retrievers.rankers import Bm25, sum_of_reciprocal_ranks
from evalkit.systems import build as build_system

KINDS = ("bm25", "tfidf", "lsa", "hybrid", "dense", "hybrid of words and vectors")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """An ``/embeddings`` endpoint that knows a text by its letters."""
    made = Service(by_letters)
    yield made
    made.close()


@pytest.fixture
def build(service: Service) -> Iterator[Callable[..., Retriever]]:
    """A retriever of any kind, the dense ones with vectors from the endpoint."""
    made: list[Retriever] = []

    def building(kind: str, corpus: dict[str, Document], **options: object) -> Retriever:
        embedder = {"backend": "openai", "model": "m", "base_url": service.url}
        given: dict[str, object] = {"kind": kind.split(maxsplit=1)[0], **options}
        if kind in KINDS[4:]:
            given["embedder"] = embedder
        made.append(build_retriever(given, corpus))
        return made[-1]

    yield building
    for one in made:
        one.close()
        one.close()


def corpus(*documents: Document) -> dict[str, Document]:
    return {document.doc_id: document for document in documents}


LIBRARY = corpus(
    Document("loans", "A book may be kept for four weeks. Renewals are made at the desk.", "Loans"),
    Document("fines", "Late books cost twenty cents a day, never more than five euros.", "Fines"),
    Document("rooms", "Study rooms hold six readers and are booked by telephone.", "Rooms"),
    Document("cards", "A lost card is replaced at once when you show a passport.", "Cards"),
)
WORLD = corpus(
    Document("ja", "図書館は月曜日に休館します。本は四週間借りられます。", "開館時間"),
    Document(
        "vi", "Thư viện mở cửa từ tám giờ sáng. Bạn được mượn sách trong bốn tuần.", "Giờ mở cửa"
    ),
    Document("de", "Überfällige Bücher kosten zwanzig Cent am Tag.", "Gebühren"),
    Document(
        "ar", "تغلق المكتبة أبوابها يوم الجمعة ويمكن استعارة الكتب لمدة أربعة أسابيع.", "المواعيد"
    ),
    Document("en", "The reading room has forty seats by the window.", "Reading room"),
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("how long may I keep a book", "loans"),
        ("what do late books cost a day", "fines"),
        ("book a study room by telephone", "rooms"),
        ("I lost my card and have a passport", "cards"),
    ],
)
def test_each_kind_finds_the_document_that_answers(
    build: Callable[..., Retriever], kind: str, query: str, wanted: str
) -> None:
    retriever = build(kind, LIBRARY, analyzer="stems")
    assert retriever.retrieve(query, 3)[0].doc_id == wanted


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("月曜日は休館ですか", "ja"),
        ("thư viện mở cửa lúc mấy giờ", "vi"),
        ("Was kosten überfällige Bücher?", "de"),
        ("متى تغلق المكتبة؟", "ar"),
    ],
)
def test_queries_in_other_scripts_find_their_document(
    build: Callable[..., Retriever], kind: str, query: str, wanted: str
) -> None:
    assert build(kind, WORLD).retrieve(query, 1)[0].doc_id == wanted


def plain_bm25(query: str, texts: list[str], k1: float, b: float) -> list[float]:
    """The textbook formula, one loop at a time."""
    documents = [Counter(word_terms(text)) for text in texts]
    mean = sum(map(Counter.total, documents)) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for term in word_terms(query):
            found = sum(term in other for other in documents)
            idf = math.log(1 + (len(documents) - found + 0.5) / (found + 0.5))
            frequency = document[term]
            damp = k1 * (1 - b + b * document.total() / mean)
            score += idf * frequency * (k1 + 1) / (frequency + damp) if frequency else 0.0
        scores.append(score)
    return scores


TEXTS = st.lists(
    st.lists(
        st.sampled_from(["red", "green", "blue", "apple", "pear", "本", "Buch"]),
        min_size=1,
        max_size=12,
    ).map(" ".join),
    min_size=1,
    max_size=6,
)


@settings(max_examples=50, deadline=None)
@given(texts=TEXTS, query=TEXTS, k1=st.floats(0.1, 3), b=st.floats(0, 1))
def test_bm25_is_the_textbook_formula(
    texts: list[str], query: list[str], k1: float, b: float
) -> None:
    given_scores = Bm25(texts, word_terms, k1=k1, b=b).scores(query[0])
    assert given_scores.tolist() == pytest.approx(plain_bm25(query[0], texts, k1, b))


def test_fusion_adds_reciprocal_ranks_and_leaves_out_what_nobody_found() -> None:
    import numpy as np

    fused = sum_of_reciprocal_ranks([np.array([3.0, 1.0, 0.0]), np.array([0.0, 2.0, 0.0])], 60)
    assert fused.tolist() == pytest.approx([1 / 61, 1 / 62 + 1 / 61, 0.0])


def test_chunk_ids_number_the_windows_of_a_document_which_overlap() -> None:
    words = " ".join(f"w{number}" for number in range(10))
    chunks = cut([Document("a", words), Document("b", "short")], ChunkRule(words=4, overlap=2))
    assert [chunk.chunk_id for chunk in chunks] == ["a#0", "a#1", "a#2", "a#3", "b#0"]
    assert [chunk.text for chunk in chunks[:2]] == ["w0 w1 w2 w3", "w2 w3 w4 w5"]
    assert chunks[3].text.endswith("w9")


def test_paragraphs_stay_whole_and_share_a_chunk_while_they_fit() -> None:
    text = "one two\n\nthree four\n\nfive six seven eight nine"
    rule = ChunkRule(words=4, overlap=0, by="paragraph")
    texts = [chunk.text for chunk in cut([Document("a", text)], rule)]
    assert texts == ["one two\n\nthree four", "five six seven eight", "nine"]


def test_a_text_without_spaces_is_cut_by_characters() -> None:
    chunks = cut([Document("a", "図書館は月曜日に休館します。")], ChunkRule(words=5, overlap=0))
    assert "".join(chunk.text for chunk in chunks) == "図書館は月曜日に休館します。"
    assert len(chunks) == 3


STAFF = corpus(
    Document("open", "Refunds take ten days."),
    Document(
        "inside",
        "Refunds above the limit are agreed by the team lead.",
        metadata={"audience": "staff"},
    ),
)


def test_enforced_access_hides_staff_documents_from_everybody_else() -> None:
    retriever = build_retriever({"enforce_access": True}, STAFF)
    assert [p.doc_id for p in retriever.retrieve("refunds", 5)] == ["open"]
    assert [p.doc_id for p in retriever.retrieve("refunds", 5, "customer")] == ["open"]
    assert {p.doc_id for p in retriever.retrieve("refunds", 5, "staff")} == {"open", "inside"}


def test_access_is_not_enforced_unless_asked_for() -> None:
    found = build_retriever({}, STAFF).retrieve("refunds", 5)
    assert {passage.doc_id for passage in found} == {"open", "inside"}


def test_superseded_documents_leave_the_index_with_current_only() -> None:
    old = Document("old", "The fee is five euros.", superseded_by="new")
    both = corpus(old, Document("new", "The fee is seven euros."))
    assert build_retriever({}, both).lookup("old")
    assert not build_retriever({"current_only": True}, both).lookup("old")


@pytest.mark.parametrize("kind", KINDS)
def test_equal_scores_keep_the_corpus_order_and_runs_agree(
    build: Callable[..., Retriever], kind: str
) -> None:
    twins = corpus(
        *(Document(f"d{n}", "the same words again") for n in range(4)), *LIBRARY.values()
    )
    runs = [build(kind, twins).retrieve("same words", 4) for _ in range(2)]
    assert runs[0] == runs[1]
    assert [passage.doc_id for passage in runs[0]] == ["d0", "d1", "d2", "d3"]


@pytest.mark.parametrize("kind", ["bm25", "tfidf"])
def test_what_shares_no_word_is_not_returned_however_deep(kind: str) -> None:
    assert build_retriever({"kind": kind}, LIBRARY).retrieve("zebra", 100) == []


def test_character_ngrams_forgive_misspelling() -> None:
    retriever = build_retriever({"kind": "tfidf", "analyzer": "char_wb"}, LIBRARY)
    assert retriever.retrieve("telefone bookings", 1)[0].doc_id == "rooms"


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_corpus_finds_nothing(build: Callable[..., Retriever], kind: str) -> None:
    for empty in ({}, corpus(Document("blank", " \n"))):
        assert build(kind, empty).retrieve("anything", 5) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_blank_query_finds_nothing(build: Callable[..., Retriever], kind: str) -> None:
    assert build(kind, LIBRARY).retrieve(" \n", 5) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_blank_document_is_never_found_but_is_in_the_index(
    build: Callable[..., Retriever], kind: str
) -> None:
    retriever = build(kind, corpus(Document("blank", ""), *LIBRARY.values()))
    assert "blank" not in {passage.doc_id for passage in retriever.retrieve("late books", 9)}
    assert retriever.lookup("blank")


@pytest.mark.parametrize("kind", KINDS)
def test_passages_come_best_first_and_as_many_as_asked(
    build: Callable[..., Retriever], kind: str
) -> None:
    retriever = build(kind, {**LIBRARY, **WORLD}, k=3)
    found = retriever.retrieve("late books at the desk")
    scores = [passage.score or 0.0 for passage in found]
    assert len(found) <= 3
    assert scores == sorted(scores, reverse=True)
    assert retriever.retrieve("late books at the desk", 1) == found[:1]
    assert all(passage.chunk_id == f"{passage.doc_id}#0" for passage in found)


@pytest.mark.parametrize("kind", KINDS)
def test_access_is_enforced_by_every_kind(build: Callable[..., Retriever], kind: str) -> None:
    retriever = build(kind, STAFF, enforce_access=True)
    assert [p.doc_id for p in retriever.retrieve("refunds above the limit", 5)] == ["open"]
    assert retriever.retrieve("refunds above the limit", 1, "staff")[0].doc_id == "inside"


def test_words_and_vectors_are_fused_by_reciprocal_rank(build: Callable[..., Retriever]) -> None:
    query = "when are late books to be paid"
    lexical, dense, fused = (
        {p.doc_id: p for p in build(kind, LIBRARY, rrf=10).retrieve(query, 9)}
        for kind in ("bm25", "dense", "hybrid of words and vectors")
    )
    for doc_id, passage in fused.items():
        ranks = [list(found).index(doc_id) + 1 for found in (lexical, dense) if doc_id in found]
        assert passage.score == pytest.approx(sum(1 / (10 + rank) for rank in ranks), abs=1e-6)
    assert set(fused) == {*lexical, *dense}


def test_a_model_folder_ranks_the_text_itself_first_and_paths_start_at_the_systems_file(
    tmp_path: Path,
) -> None:
    write_model(tmp_path / "tiny")
    texts = ["fish", "the cat eats", "東京", "eating fish ."]
    documents = corpus(*(Document(f"d{i}", text) for i, text in enumerate(texts)))
    options = {"kind": "dense", "embedder": "tiny", "titles": False}
    retriever = build_retriever(options, documents, folder=tmp_path)
    assert [retriever.retrieve(text, 1)[0].doc_id for text in texts] == ["d0", "d1", "d2", "d3"]
    assert retriever.retrieve("cat", 4) == retriever.retrieve("cat", 4)
    assert retriever.fingerprint != build_retriever({}, documents).fingerprint == ""


def spec_of(folder: Path, adapter: str, **options: object) -> SystemSpec:
    return SystemSpec("s", Approach.RAG, adapter, options, folder)


@pytest.mark.parametrize("adapter", ["local", "openai"])
def test_a_system_retrieves_by_vectors_knows_their_model_and_closes_it(
    adapter: str, service: Service, tmp_path: Path
) -> None:
    suite = make_suite([make_case(query="late books")], corpus=LIBRARY)
    own: dict[str, object] = {"kind": "rag"}
    if adapter == "openai":
        own = {"base_url": service.url, "model": "m"}

    def made(**embedder: object) -> System:
        given = {"backend": "openai", "base_url": service.url, **embedder}
        retriever = {"kind": "dense", "embedder": given}
        return build_system(spec_of(tmp_path, adapter, retriever=retriever, **own), suite)

    async def main() -> None:
        system, other = made(model="m"), made(model="other")
        found = await system.retrieve(Question("what do late books cost", k=2))
        assert found[0].doc_id == "fines"
        await system.aclose()
        await system.aclose()
        await other.aclose()

    asyncio.run(main())
    assert {call["path"] for call in service.asked} == {"/v1/embeddings"}


def test_another_content_of_a_model_folder_is_another_system(tmp_path: Path) -> None:
    suite = make_suite([make_case(query="cat")], corpus=LIBRARY)
    spec = spec_of(tmp_path, "local", retriever={"kind": "dense", "embedder": "tiny"})
    prints = []
    for size in (16, 8):
        folder = write_model(tmp_path / "tiny")
        (folder / "sentence_bert_config.json").write_text(f'{{"max_seq_length": {size}}}')
        prints.append(build_system(spec, suite).fingerprint)
    assert prints[0] != prints[1]


def test_a_run_keeps_the_vectors_of_its_corpus(tmp_path: Path) -> None:
    write_model(tmp_path / "tiny")
    suite = make_suite([make_case(query="cat", reference="The cat.")], corpus=LIBRARY)
    spec = spec_of(tmp_path, "local", retriever={"kind": "dense", "embedder": "tiny"})
    evalkit.run(suite, [spec], out=tmp_path / "run", probes="none")
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "run/vectors").rglob("*.npy")}
    assert kept
    evalkit.run(suite, [spec], out=tmp_path / "run", probes="none")
    assert {f: f.stat().st_mtime_ns for f in (tmp_path / "run/vectors").rglob("*.npy")} == kept


def test_an_endpoint_that_refuses_ends_before_the_first_question(service: Service) -> None:
    service.statuses = [401]
    embedder = {"backend": "openai", "model": "m", "base_url": service.url}
    with pytest.raises(EndpointUnusable):
        build_retriever({"kind": "dense", "embedder": embedder}, LIBRARY)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"knd": "bm25"}, "'kind'"),
        ({"kind": "bm52"}, "'bm25'"),
        ({"chunk": {"word": 3}}, "'words'"),
        ({"chunk": {"words": 3, "overlap": 3}}, "smaller"),
        ({"k": 0}, "at least 1"),
        ({"kind": "dense"}, "retriever.embedder: is needed"),
        ({"kind": "bm25", "embedder": "minilm"}, "no meaning for bm25"),
        ({"kind": "dense", "embedder": "minlm"}, "'minilm'"),
        ({"kind": "dense", "embedder": {"backend": "openai", "modl": "m"}}, "'model'"),
    ],
)
def test_a_wrong_option_is_refused_with_the_nearest(options: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        build_retriever(options, LIBRARY)
