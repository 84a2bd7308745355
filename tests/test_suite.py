import json
import shutil
import unicodedata
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from timing import least

import evalkit.schemas
from evalkit.errors import EvalkitError, InvalidInput, NothingToDo
from evalkit.files import PUBLISHED, published_schema
from evalkit.records import CorrectRule, Criterion, Expected, Format, KeyPoint, Limit, Message
from evalkit.strict import read_jsonl, read_yaml
from evalkit.suite import load_suite, load_systems, train_cases

DATASETS = Path(__file__).parents[1] / "datasets"
SUITE = "format: 1\nname: tiny\n"
CASE = '{"id": "a", "query": "q"}\n'


@pytest.fixture
def make(tmp_path):
    """Write a suite folder from texts by name; its path."""

    def made(suite=SUITE, cases=CASE, folder="suite", **more):
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        files = {"suite.yaml": suite, "cases.jsonl": cases, **more}
        for name, text in files.items():
            if text is not None:
                (path / name).parent.mkdir(exist_ok=True)
                (path / name).write_text(text, encoding="utf-8")
        return path

    return made


def case(**fields) -> str:
    return json.dumps({"id": "a", "query": "q", **fields}, ensure_ascii=False) + "\n"


def only(folder):
    (found,) = load_suite(folder).cases
    return found


def refused(folder, **place) -> str:
    with pytest.raises(InvalidInput) as caught:
        load_suite(folder)
    for name, value in place.items():
        given = getattr(caught.value, name)
        assert (Path(given).name if name == "file" else given) == value, str(caught.value)
    return str(caught.value)


# --- suite.yaml ------------------------------------------------------------------------------


def test_a_minimal_suite_has_the_published_defaults(make):
    suite = load_suite(make())
    assert (suite.name, suite.k, suite.pool, suite.repeats) == ("tiny", 5, 20, 1)
    assert suite.max_error_rate == 0.02
    assert suite.correct is None
    assert suite.corpus == suite.profile == {}
    assert suite.limits == suite.warnings == ()
    assert train_cases(suite) == ()


def test_every_field_of_a_suite_is_read(make):
    text = """\
format: 1
name: 見積もり
description: "about: things"
licence: CC BY 4.0
cases: data/mine.jsonl
corpus: data/docs.jsonl
train: data/train.jsonl
schema: {type: object}
style: {max_sentences: 3, sentence_words: [3, 20.5], register: formal}
k: 3
pool: 7
repeats: 2
correct: {metric: exact, at_least: 1}
limits:
  - {metric: R@5, at_least: 0.8, margin: 0.05, tags: [x]}
  - {metric: hallucination, at_most: 0.1}
max_error_rate: 0
profile: {knowledge_changes: daily, citations: true, latency_ms: 12.5, unit_costs: {prompt: 1}, expertise: [training]}
"""
    data = {"data/mine.jsonl": CASE, "data/train.jsonl": case(id="t"), "data/docs.jsonl": doc("d")}
    suite = load_suite(make(text, None, **data))
    assert (suite.name, suite.description) == ("見積もり", "about: things")
    assert (suite.k, suite.pool, suite.repeats, suite.max_error_rate) == (3, 7, 2, 0)
    assert suite.correct == CorrectRule("exact", 1)
    assert suite.limits == (
        Limit("R@5", at_least=0.8, margin=0.05, tags=("x",)),
        Limit("hallucination", at_most=0.1),
    )
    assert suite.profile["expertise"] == ["training"]
    assert suite.cases[0].schema == {"type": "object"}
    assert suite.cases[0].style.sentence_words == (3, 20.5)
    assert [c.id for c in train_cases(suite)] == ["t"]
    assert list(suite.corpus) == ["d"]


def doc(doc_id: str, **fields) -> str:
    return json.dumps({"_id": doc_id, "text": "some text", **fields}) + "\n"


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        ("nmae: x", "nmae", "unknown field; did you mean 'name'"),
        ("repeat: 2", "repeat", "did you mean 'repeats'"),
        ("limits: [{metrc: x, at_least: 1}]", "limits[0].metrc", "did you mean 'metric'"),
        ("limits: [{metric: x}]", "limits[0]", "at_least or at_most"),
        ("limits: [{metric: x, at_least: 1, at_most: 2}]", "limits[0]", "not both"),
        ("limits: {metric: x}", "limits", "must be a list"),
        ("profile: {citation: true}", "profile.citation", "did you mean 'citations'"),
        ("profile: {knowledge_changes: often}", "profile.knowledge_changes", "'monthly'"),
        ("profile: {expertise: [cooking]}", "profile.expertise[0]", "'training', not 'cooking'"),
        ("correct: {metric: exact}", "correct.at_least", "is missing"),
        ("correct: exact", "correct", "must be an object"),
        ("k: 0", "k", "greater than or equal to 1"),
        ("k: '5'", "k", "must be a whole number, not '5'"),
        ("k: 5.5", "k", "whole number"),
        ("k: true", "k", "whole number"),
        ("k: 100000000000", "k", "less than or equal to"),
        ("pool: 2", "pool", "at least k, which is 5"),
        ("repeats: 0", "repeats", "greater"),
        ("repeats: 1000000000", "repeats", "less than"),
        ("max_error_rate: 1.5", "max_error_rate", "less than or equal to 1"),
        ("style: {max_sentence: 3}", "style.max_sentence", "did you mean 'max_sentences'"),
        ("style: {sentence_words: [9, 3]}", "style.sentence_words", "lower bound first"),
        ("style: {sentence_words: [9]}", "style.sentence_words", "at least 2 items"),
        ("style: {register: posh}", "style.register", "'informal', not 'posh'"),
        ("style: [a]", "style", "must be a text or an object"),
        ("style: nowhere.yaml", "style", "no file 'nowhere.yaml'"),
        ("style: {exemplars: nowhere.jsonl}", "exemplars", "no file"),
        ("schema: nowhere.json", "schema", "no file 'nowhere.json'"),
        ("schema: {type: objekt}", "schema", "invalid at type"),
        ("schema: {pattern: '['}", "schema", "pattern"),
        ("schema: 5", "schema", "must be a text or an object"),
        ("cases: case.jsonl", "cases", "no file 'case.jsonl'; did you mean 'cases.jsonl'"),
        ("cases: ../cases.jsonl", "cases", "leaves the suite folder"),
        ("corpus: /etc/passwd", "corpus", "leaves the suite folder"),
        ("train: ''", "train", "at least 1 character"),
        ("description: 5", "description", "must be a text, not 5"),
        ("description: no", None, "read differently"),
    ],
)
def test_a_wrong_field_of_suite_yaml_is_named_with_its_line(make, line, field, message):
    folder = make(SUITE + line + "\n")
    assert message in refused(folder, file="suite.yaml", line=3, field=field)


@pytest.mark.parametrize("text", ["", "# nothing\n", "[]", "- a\n", "just words", "5"])
def test_a_suite_yaml_without_fields_is_refused(make, text):
    assert "fields are due; known: cases, corpus" in refused(make(text), file="suite.yaml")


@pytest.mark.parametrize(
    ("text", "field"),
    [("name: x\n", "format"), ("format: 1\n", "name"), ("format: 2\nname: x\n", "format"), ("format: '1'\nname: x", "format")],
)  # fmt: skip
def test_format_and_name_are_needed(make, text, field):
    refused(make(text), file="suite.yaml", field=field)


def test_the_format_of_answers_may_stand_for_the_version(make):
    folder = make(
        "name: x\nformat: {kind: label, labels: [a, b]}\n",
        CASE + case(id="b", format={"kind": "json"}),
    )
    first, second = load_suite(folder).cases
    assert first.format == Format("label", labels=("a", "b"))
    assert second.format == Format("json")
    message = refused(make("name: x\nformat: {kind: labl}\n"), line=2, field="format.kind")
    assert "'sections' or 'label', not 'labl'" in message


def test_a_folder_that_is_no_suite_is_refused_with_advice(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere", tmp_path / "no.yaml"):
        assert "evalkit init" in refused(path)


def test_a_suite_can_be_named_by_its_file(make):
    folder = make()
    assert load_suite(folder / "suite.yaml") == load_suite(str(folder)) == load_suite(folder)


# --- cases -----------------------------------------------------------------------------------


def test_every_field_of_a_case_is_read(make):
    found = only(
        make(
            cases=case(
                reference=["x", "y"],
                relevant={"d1": 2, "d2": 0},
                key_points=[{"text": "p", "evidence": ["d1"]}, {"text": "r"}],
                expected="partial",
                expected_action="tool:search",
                schema={"type": "object"},
                format={"kind": "csv", "columns": ["a"]},
                style={"closing": "Bye.", "politeness": [0, 1]},
                criteria=[{"id": "c", "text": "t", "any_of": ["w"], "verdict": "n/a"}],
                paraphrases=["p1"],
                leading=["l1"],
                clarified="q of x",
                principal="ann",
                forbidden=[],
                inputs={"a": 1},
                group="g",
                tags=["t"],
                split="test",
                metadata={"m": [1]},
            )
        )
    )
    assert found.reference == ("x", "y")
    assert found.relevant == {"d1": 2, "d2": 0}
    assert found.key_points == (KeyPoint("p", ("d1",)), KeyPoint("r"))
    assert found.expected is Expected.PARTIAL
    assert found.expected_action == "tool:search"
    assert found.format == Format("csv", columns=("a",))
    assert found.style.closing == "Bye."
    assert found.style.politeness == (0, 1)
    assert found.criteria == (Criterion("c", "t", ("w",), "n/a"),)
    assert (found.paraphrases, found.leading, found.clarified) == (("p1",), ("l1",), "q of x")
    assert (found.principal, found.forbidden, found.group) == ("ann", (), "g")
    assert (found.inputs, found.metadata, found.split) == ({"a": 1}, {"m": [1]}, "test")


def test_absent_and_empty_stay_different(make):
    absent, empty = load_suite(make(cases=CASE + case(id="b", relevant={}, forbidden=[]))).cases
    assert (absent.relevant, absent.forbidden) == (None, None)
    assert (empty.relevant, empty.forbidden) == ({}, ())
    assert absent.expected is Expected.ANSWER


@pytest.mark.parametrize(
    ("given", "texts", "whole"),
    [("x", ("x",), None), (["x", "y"], ("x", "y"), None), ({"a": 1}, None, {"a": 1}), ({}, None, {}), (None, None, None)],
)  # fmt: skip
def test_a_reference_is_a_text_several_or_an_object(make, given, texts, whole):
    found = only(make(cases=case(reference=given)))
    assert (found.reference, found.reference_object) == (texts, whole)


def test_a_list_of_gold_documents_has_grade_one(make):
    assert only(make(cases=case(relevant=["d1", "d2"]))).relevant == {"d1": 1, "d2": 1}


def test_a_conversation_stands_in_place_of_the_query(make):
    turns = [("user", "Hi"), ("assistant", "Hello"), ("user", "何時？")]
    messages = [{"role": role, "content": content} for role, content in turns]
    found = only(make(cases=case(query=None, messages=messages)))
    assert found.query == "何時？"
    assert found.messages == tuple(Message(*turn) for turn in turns)


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"refrence": "x"}, "refrence", "unknown field; did you mean 'reference'"),
        ({"Query": "x"}, "Query", "did you mean 'query'"),
        ({"id": 5}, "id", "must be a text, not 5"),
        ({"id": ""}, "id", "wrong form"),
        ({"id": " a"}, "id", "neither starts nor ends with a space"),
        ({"id": "a\nb"}, "id", "One line"),
        ({"id": None}, "id", "must be a text, not None"),
        ({"query": None}, "query", "needs a query (or messages)"),
        ({"query": " \n"}, "query", "is empty"),
        ({"query": ["q"]}, "query", "must be a text"),
        ({"messages": [{"role": "user", "content": "x"}]}, "messages", "either query or messages"),
        ({"query": None, "messages": []}, "messages", "at least 1 item"),
        ({"query": None, "messages": [{"role": "assistant", "content": "x"}]}, "messages", "must be the user's"),
        ({"query": None, "messages": [{"role": "user", "content": ""}]}, "messages", "is empty"),
        ({"query": None, "messages": [{"role": "bot", "content": "x"}]}, "messages[0].role", "not 'bot'"),
        ({"query": None, "messages": [{"role": "user", "text": "x"}]}, "messages[0].text", "unknown field"),
        ({"reference": 5}, "reference", "must be a text or a list or an object, not 5"),
        ({"reference": []}, "reference", "is empty"),
        ({"reference": ["x", ""]}, "reference", "is empty"),
        ({"reference": ["x", 1]}, "reference[1]", "must be a text, not 1"),
        ({"relevant": "d1"}, "relevant", "must be an object or a list"),
        ({"relevant": {"d1": "2"}}, "relevant.d1", "must be a whole number, not '2'"),
        ({"relevant": {"d1": 0.5}}, "relevant.d1", "whole number"),
        ({"relevant": {"d1": True}}, "relevant.d1", "whole number"),
        ({"relevant": {"d1": 10**30}}, "relevant.d1", "less than or equal to 100"),
        ({"relevant": ["d1", 2]}, "relevant[1]", "must be a text"),
        ({"key_points": ["p"]}, "key_points[0]", "must be an object"),
        ({"key_points": [{"txt": "p"}]}, "key_points[0].txt", "did you mean 'text'"),
        ({"key_points": [{"text": "p", "evidence": "d"}]}, "key_points[0].evidence", "must be a list"),
        ({"expected": "refusal"}, "expected", "'refuse', 'clarify'"),
        ({"expected_action": "tool:"}, "expected_action", "tool:NAME"),
        ({"schema": "no.json"}, "schema", "no file 'no.json'"),
        ({"schema": "../s.json"}, "schema", "leaves the suite folder"),
        ({"schema": {"type": "objekt"}}, "schema", "invalid at type"),
        ({"format": {"kind": "xml"}}, "format.kind", "not 'xml'"),
        ({"format": {"kind": "csv", "colums": ["a"]}}, "format.colums", "did you mean 'columns'"),
        ({"format": 1}, "format", "must be an object"),
        ({"style": "style.yaml"}, "style", "must be an object"),
        ({"style": {"exemplars": "/etc/passwd"}}, "exemplars", "leaves the suite folder"),
        ({"criteria": [{"id": "x"}]}, "criteria[0].text", "is missing"),
        ({"criteria": [{"id": "x", "text": "y", "verdict": "yes"}]}, "criteria[0].verdict", "'n/a', not 'yes'"),
        ({"paraphrases": "p"}, "paraphrases", "must be a list, not 'p'"),
        ({"tags": ["a", 1]}, "tags[1]", "must be a text"),
        ({"split": "dev"}, "split", "'train' or 'test', not 'dev'"),
        ({"inputs": []}, "inputs", "must be an object"),
        ({"metadata": "m"}, "metadata", "must be an object"),
        ({"group": ""}, "group", "at least 1 character"),
    ],
)  # fmt: skip
def test_a_wrong_field_of_a_case_is_named_with_its_line(make, fields, field, message):
    folder = make(cases="\n" + case(id="fine") + case(**fields))
    assert message in refused(folder, file="cases.jsonl", line=3, field=field)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("a", "a", "is given twice, first on line 1"),
        ("Case-A", "case-a", "differs from 'Case-A' only in letter case or Unicode form"),
        ("straße", "STRASSE", "only in letter case"),
        (unicodedata.normalize("NFC", "é1"), unicodedata.normalize("NFD", "é1"), "Unicode form, first on line 1"),
    ],
)  # fmt: skip
def test_ids_are_unique_also_after_folding(make, first, second, message):
    assert message in refused(make(cases=case(id=first) + case(id=second)), line=2, field="id")
    docs = doc(first) + doc(second)
    assert message in refused(
        make(**{"corpus.jsonl": docs}), file="corpus.jsonl", line=2, field="_id"
    )


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_no_cases_are_nothing_to_do(make, text):
    with pytest.raises(NothingToDo):
        load_suite(make(cases=text))


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ('{"_id": "d"}', "text"),
        ('{"id": "d", "text": "t"}', "id"),
        ('{"_id": 5, "text": "t"}', "_id"),
        ('{"_id": "d", "text": "t", "titel": "x"}', "titel"),
        ('{"_id": "d", "text": "t", "superseded_by": 1}', "superseded_by"),
    ],
)
def test_a_wrong_document_is_named_with_its_line(make, line, field):
    refused(make(**{"corpus.jsonl": doc("x") + line}), file="corpus.jsonl", line=2, field=field)


def test_what_the_corpus_lacks_is_only_a_warning(make):
    docs = doc("d1") + doc("d2", superseded_by="d9")
    points = [{"text": "p", "evidence": ["d8"]}]
    cases = case(relevant=["d1#3", "d7"], key_points=points) + case(id="b", relevant=["d2"])
    warnings = load_suite(make(cases=cases, **{"corpus.jsonl": docs})).warnings
    assert warnings == (
        "case a: the corpus lacks d7, d8",
        "document d2: superseded_by names d9, which the corpus lacks",
    )


# --- schema and style ------------------------------------------------------------------------


def test_a_schema_is_given_by_path_inline_or_switched_off(make):
    cases = (
        CASE
        + case(id="b", schema={"type": "array"})
        + case(id="c", schema=None)
        + case(id="d", schema="s/two.json")
    )
    files = {"s/one.json": '{"type": "object"}', "s/two.json": '{"type": "string"}'}
    found = load_suite(make(SUITE + "schema: s/one.json\n", cases, **files)).cases
    assert [c.schema and c.schema["type"] for c in found] == ["object", "array", None, "string"]


def test_a_schema_file_that_is_wrong_is_named_itself(make):
    for text in ("[]", "5", '{"type": "objekt"}', "{"):
        refused(make(SUITE + "schema: s.json\n", **{"s.json": text}), file="s.json")


def test_a_style_is_given_by_path_or_inline_and_overridden_by_a_case(make):
    style = "max_sentences: 3\nexemplars: voice.jsonl\n"
    files = {"style.yaml": style, "voice.jsonl": '{"text": "Hello."}\n{"text": "Bonjour."}\n'}
    cases = CASE + case(id="b", style={"max_words": 9})
    first, second = load_suite(make(SUITE + "style: style.yaml\n", cases, **files)).cases
    assert (first.style.max_sentences, first.style.exemplars) == (3, ("Hello.", "Bonjour."))
    assert (second.style.max_sentences, second.style.max_words) == (None, 9)


def test_a_style_file_that_is_wrong_is_named_itself(make):
    suite = SUITE + "style: style.yaml\n"
    refused(make(suite, **{"style.yaml": "a: 1"}), file="style.yaml", line=1, field="a")
    refused(make(suite, **{"style.yaml": ""}), file="style.yaml")
    refused(make(suite, **{"style.yaml": "exemplars: x"}), file="style.yaml", line=1)
    files = {"style.yaml": "exemplars: v.jsonl", "v.jsonl": '{"text": "a"}\n{"txt": "b"}\n'}
    refused(make(suite, **files), file="v.jsonl", line=2, field="text")


# --- spreadsheets ----------------------------------------------------------------------------


def test_cases_may_be_a_spreadsheet(make):
    table = (
        "id,query,reference,relevant,tags,key_points,expected,criteria\n"
        'a,[urgent] why?,"{""x"": 1}",d1; d2,t1; t2,p1; p2,,\n'
        'b,質問,yes; no,"{""d1"": 2}","[""t;3""]","[{""text"": ""p""}]",refuse,"[{""id"": ""c"", ""text"": ""t""}]"\n'
    )
    first, second = load_suite(make(SUITE + "cases: c.csv\n", None, **{"c.csv": table})).cases
    assert (first.query, first.reference_object) == ("[urgent] why?", {"x": 1})
    assert (first.relevant, first.tags) == ({"d1": 1, "d2": 1}, ("t1", "t2"))
    assert first.key_points == (KeyPoint("p1"), KeyPoint("p2"))
    assert (second.reference, second.relevant, second.tags) == (("yes; no",), {"d1": 2}, ("t;3",))
    assert second.key_points == (KeyPoint("p"),)
    assert second.expected is Expected.REFUSE
    assert second.criteria == (Criterion("c", "t"),)


@pytest.mark.parametrize(
    ("table", "line", "field"),
    [
        ("id,question\na,q\n", 2, "question"),
        ("id,query\na,q\n\nb,\n", 4, "query"),
        ("id,query,reference\na,q,[1] x\n", 2, "reference"),
        ('id,query\na,"q\nr"\na,s\n', 4, "id"),
    ],
)
def test_a_wrong_cell_is_named_with_its_line(make, table, line, field):
    folder = make(SUITE + "cases: c.csv\n", None, **{"c.csv": table})
    refused(folder, file="c.csv", line=line, field=field)


# --- digest, systems, schemas ----------------------------------------------------------------

_ALL = {
    "corpus.jsonl": doc("d"),
    "train.jsonl": case(id="t"),
    "style.yaml": "exemplars: v.jsonl\n",
    "v.jsonl": '{"text": "a"}\n',
    "s.json": "{}",
    "own.json": "{}",
}


def test_the_digest_names_the_content_of_every_file_and_not_the_folder(make, monkeypatch):
    suite = SUITE + "train: train.jsonl\nstyle: style.yaml\nschema: s.json\n"
    folder = make(suite, case(schema="own.json"), **_ALL)
    digest = load_suite(folder).digest
    assert load_suite(shutil.copytree(folder, folder.parent / "z" / "copy")).digest == digest
    monkeypatch.chdir(folder.parent)
    assert load_suite("suite").digest == digest
    for file in [*_ALL, "suite.yaml", "cases.jsonl"]:
        before = (folder / file).read_text()
        (folder / file).write_text(before + " \n")
        assert load_suite(folder).digest != digest, file
        (folder / file).write_text(before)
    assert load_suite(folder).digest == digest


def systems(tmp_path, text: str):
    (tmp_path / "systems.yaml").write_text(text)
    return load_systems(tmp_path / "systems.yaml")


def test_systems_keep_the_options_of_their_adapter(tmp_path):
    (found,) = systems(
        tmp_path, "systems: [{name: a, approach: rag, adapter: python, target: m:f, args: {x: 1}}]"
    )
    assert found.options == {"target": "m:f", "args": {"x": 1}}
    assert found.folder == tmp_path.resolve()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", None),
        ("[]", None),
        ("systems: []", "systems"),
        ("system: []", "system"),
        ("systems: [{name: a, approach: rag}]", "systems[0].adapter"),
        ("systems: [{name: a, approach: rga, adapter: x}]", "systems[0].approach"),
        ("systems: [{name: a b, approach: rag, adapter: x}]", "systems[0].name"),
        ("systems: [{name: ../x, approach: rag, adapter: x}]", "systems[0].name"),
        ("systems: [{name: a, approach: rag, adapter: x}, {name: a, approach: rag, adapter: z}]", "systems[1].name"),
    ],
)  # fmt: skip
def test_a_wrong_entry_of_systems_yaml_is_named(tmp_path, text, field):
    with pytest.raises(InvalidInput) as caught:
        systems(tmp_path, text)
    assert caught.value.field == field


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_schemas_are_those_of_the_models(name):
    file = Path(evalkit.schemas.__file__).parent / f"{name}.schema.json"
    assert json.loads(file.read_text(encoding="utf-8")) == published_schema(name)


@pytest.mark.parametrize("dataset", ["helpdesk", "invoices"])
def test_the_published_schemas_accept_the_data_sets(dataset):
    folder = DATASETS / dataset
    rows = {
        "suite": [read_yaml(folder / "suite.yaml").value],
        "systems": [read_yaml(file).value for file in folder.glob("systems*.yaml")],
        "style": [read_yaml(file).value for file in folder.glob("style.yaml")],
        "case": [row.value for name in ("cases", "train") for row in read_jsonl(folder / f"{name}.jsonl")],
        "document": [row.value for row in read_jsonl(folder / "corpus.jsonl")],
    }  # fmt: skip
    for name, values in rows.items():
        schema = published_schema(name)
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for value in values:
            validator.validate(value)


# --- anything at all -------------------------------------------------------------------------

_VALUES = st.sampled_from(
    [None, True, 0, -1, 10**30, 0.5, "", "x", "../x", "/dev/zero", "a\x00b", [], [1], ["x"], [[]], {}, {"a": 1}, {"kind": "json"}]
)  # fmt: skip
_WORDS = ["format", "name", "k", "style", "schema", "limits", "profile", "id", "query", "relevant", "messages", "x", "train", "cases", "corpus"]  # fmt: skip
_JUNK = st.sampled_from(
    [b"\0", b"\xff", b"\n", b"{", b"}", b"[", b"]", b":", b",", b"&a ", b"*a", b"!!x ", b"- ", b"  ", b'"', b"'", b"\t",
     b"9" * 20, b"NaN", b"\\ud800", b"\xe2\x80\xa8", b"\r", b"#", b"|", b"? ", b"no", b"../", b"null"]
)  # fmt: skip


@st.composite
def changes(draw):
    """A file of the suite, and what is to be done to its bytes."""
    file = draw(
        st.sampled_from(["suite.yaml", "cases.jsonl", "corpus.jsonl", "style.yaml", "s.json"])
    )
    kind = draw(st.sampled_from(["field", "insert", "cut", "swap"]))
    if kind == "field":
        return file, kind, draw(st.sampled_from(_WORDS)), draw(_VALUES)
    return file, kind, draw(st.floats(0, 1)), draw(_JUNK)


def _changed(data: bytes, file: str, kind: str, where, what) -> bytes:
    if kind == "field":
        text = json.dumps({where: what})
        return (
            data + (f"\n{where}: {json.dumps(what)}\n" if file.endswith("yaml") else text).encode()
        )
    at = int(where * len(data))
    return {
        "insert": data[:at] + what + data[at:],
        "cut": data[:at],
        "swap": data[:at] + what + data[at + len(what) :],
    }[kind]


@given(st.lists(changes(), min_size=1, max_size=3))
@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_suite_loads_or_is_refused_by_name(make, damage):
    suite = SUITE + "style: style.yaml\nschema: s.json\ntrain: cases.jsonl\nk: 3\n"
    files = {
        "corpus.jsonl": doc("d1") + doc("d2"),
        "style.yaml": "max_words: 3\nopening: 'Hi'\n",
        "s.json": '{"type": "object"}',
    }
    cases = case(relevant=["d1"], tags=["t"]) + case(id="b", reference={"a": 1}, expected="refuse")
    folder = make(suite, cases, **files)
    for file, *change in damage:
        (folder / file).write_bytes(_changed((folder / file).read_bytes(), file, *change))
    errors = []
    assert least(lambda: errors.append(_load_error(folder)), within=1) < 1
    error = errors[0]
    if isinstance(error, InvalidInput):
        assert error.file
        whole = error.file.endswith(".json") or "UTF-16" in str(error) or "are due" in str(error)
        assert error.line or error.field or whole, str(error)
        assert "\n" not in str(error)


def _load_error(folder) -> EvalkitError | None:
    try:
        train_cases(load_suite(folder))
    except (InvalidInput, NothingToDo) as error:
        return error
    return None
