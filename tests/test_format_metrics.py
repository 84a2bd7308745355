"""Known answers and properties of the metrics of format, and of the reading behind them."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timing import least

from evalkit.metrics import format as shape
from evalkit.records import Format
from evalkit.text import safe_regex
from evalkit.text.extract import ERRORS, parse_json
from evalkit.text.field_match import field_credit
from evalkit.text.json_schema import is_date_time, is_valid
from evalkit.text.repair import UnrepairableError, repair_json
from evalkit.text.tables import extract_label, headings, read_table

SUITE = Path(__file__).parents[2] / "shared" / "data" / "json_schema_suite" / "cases.jsonl"
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
MESSY = st.text(st.sampled_from("{}[]:,\"'“”\\/*# \nab1.-eEtrueNone`"), max_size=60)
SCHEMA = {
    "type": "object",
    "required": ["id", "tags"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1},
        "when": {"format": "date"},
        "code": {"pattern": "^[A-Z]+$"},
        "any": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["k"]}]},
    },
}


# --- finding and reading JSON ----------------------------------------------------------------


@pytest.mark.parametrize(
    "response",
    [
        '{"a": [1]}',
        '\ufeff {"a": [1]}\n',
        '```json\n{"a": [1]}\n```',
        '```\n{"a": [1]}\n```',
        '```json {"a": [1]}```',
    ],
)
def test_a_whole_json_answer_parses_with_or_without_a_fence(response):
    parsed = parse_json(response)
    assert (parsed.parses, parsed.extractable, parsed.repaired) == (True, True, False)
    assert parsed.value == parsed.content == {"a": [1]}
    assert parsed.error is None


@pytest.mark.parametrize(
    ("response", "error", "content"),
    [
        ('Here it is: {"a": 1}. Enjoy [1]!', "surrounding_text", {"a": 1}),
        ('As [1] says: [{"a": 1}]', "surrounding_text", [{"a": 1}]),
        ('答えは次の通りです：{"都市": "東京"}。', "surrounding_text", {"都市": "東京"}),
        (
            'Gern!\n```json\n{"Straße": "Allee"}\n```\nNoch etwas?',
            "surrounding_text",
            {"Straße": "Allee"},
        ),
        ('{"a": 1,}', "invalid_syntax", {"a": 1}),
        (
            "{'a': 'it's', b: True, /* c */ 'c': None}",
            "invalid_syntax",
            {"a": "it's", "b": True, "c": None},
        ),
        ("{“tên”: “Hà Nội”}", "invalid_syntax", {"tên": "Hà Nội"}),
        ('{"a": 1 "b": 2} ', "invalid_syntax", {"a": 1, "b": 2}),
        ('{"a": "x\ny"}', "invalid_syntax", {"a": "x\ny"}),
        ('{"a": "\\d"} // note', "invalid_syntax", {"a": "\\d"}),
        ('{"مدينة": ["القاهرة", {"b": "cut o', "truncated", {"مدينة": ["القاهرة", {"b": "cut o"}]}),
        ('```json\n{"a": 1, "b":', "truncated", {"a": 1}),
        ('{"a": 1, "a": 2}', "duplicate_key", {"a": 2}),
        ('{"a": NaN, "b": -Infinity}', "non_finite", {"a": None, "b": None}),
        ('{"a": 1e999}', "non_finite", {"a": None}),
    ],
)
def test_json_that_is_not_strict_is_named_and_mended(response, error, content):
    parsed = parse_json(response)
    assert (parsed.parses, parsed.extractable, parsed.repaired) == (False, True, True)
    assert (parsed.error, parsed.content) == (error, content)


@pytest.mark.parametrize(
    ("response", "error", "extractable"),
    [
        ("", "empty", False),
        ("I do not know.", "not_json", False),
        ("It is due on Monday [1], see [sic] {name}.", "not_json", False),
        ('{"a": what is this}', "invalid_syntax", True),
        ('{"a": ' + "1" * 4301 + "}", "long_number", True),
        ("[" * 101 + "]" * 101, "too_deep", True),
    ],
)
def test_what_cannot_be_read_stays_unread(response, error, extractable):
    parsed = parse_json(response)
    assert not parsed.readable
    assert (parsed.error, parsed.extractable) == (error, extractable)


def test_the_depth_and_digit_limits_themselves_are_allowed():
    assert parse_json("[" * 100 + "]" * 100).parses
    assert parse_json("1" * 4300).parses


@pytest.mark.parametrize(
    "bomb",
    [
        "[",
        "{",
        '{"a":',
        '"',
        '\\"',
        "['",
        "```",
        "```\n{",
        "[}",
        "/*",
        "[/*",
        '{"',
        "{“",
        "[{}",
        '{"a":1}',
        "{ ",
    ],
)
def test_adversarial_answers_take_linear_time(bomb):
    text = bomb * (100_000 // len(bomb))
    assert least(lambda: parse_json(text), within=2) < 2


@settings(max_examples=50, deadline=None)
@given(st.text() | MESSY)
def test_reading_never_raises_on_any_text(text):
    parsed = parse_json(text)
    assert parsed.parses is (parsed.error is None)
    assert parsed.error is None or parsed.error in ERRORS
    read_table(text)
    headings(text)
    extract_label(text, ("yes", "no"))
    for kind in ("json", "csv", "sections", "label"):
        assert shape.format_valid(Format(kind, ("a",), ("a",), ("a", "b")), text) in (0.0, 1.0)


@settings(max_examples=50, deadline=None)
@given(JSON)
def test_strict_json_is_read_as_it_is_and_repair_leaves_it_alone(value):
    text = json.dumps(value, ensure_ascii=False)
    assert parse_json(text).value == value
    assert repair_json(text) == value


@settings(max_examples=50, deadline=None)
@given(MESSY)
def test_repair_is_idempotent(text):
    try:
        mended = repair_json(text)
    except UnrepairableError:
        return
    assert repair_json(json.dumps(mended)) == mended


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4), st.data())
def test_cutting_a_json_answer_anywhere_never_counts_as_valid(value, data):
    text = json.dumps(value)
    cut = text[: data.draw(st.integers(1, len(text) - 1))]
    parsed = parse_json(cut)
    assert not parsed.parses
    assert parsed.extractable


# --- schema ----------------------------------------------------------------------------------


def test_the_steps_of_format_are_scored_apart():
    response = 'Sure: {"id": 3, "tags": ["a"]}'
    parsed = parse_json(response)
    assert (shape.json_valid(parsed), shape.extractable(parsed)) == (0.0, 1.0)
    assert (shape.schema_valid(SCHEMA, parsed), shape.schema_valid_repaired(SCHEMA, parsed)) == (
        0.0,
        1.0,
    )
    strict = parse_json(response.removeprefix("Sure: "))
    assert shape.schema_valid(SCHEMA, strict) == 1.0


def test_format_errors_point_at_their_place():
    parsed = parse_json(
        "{'id': 0, 'tags': ['a', 'c'], 'when': '2024-02-30', 'x/y': 1, 'code': 'a', 'any': {}}"
    )
    found = {(error.pointer, error.kind) for error in shape.format_errors(parsed, SCHEMA)}
    assert found == {
        ("", "not_json"),
        ("/id", "range"),
        ("/tags/1", "enum"),
        ("/when", "format"),
        ("/x~1y", "extra_key"),
        ("/code", "pattern"),
        ("/any/k", "missing_key"),
    }


@pytest.mark.parametrize(
    ("response", "kinds"),
    [
        ('{"id": 1, "tags": ["a"]}', []),
        ('{"id": "1", "tags": []}', ["wrong_type", "length"]),
        ("{}", ["missing_key", "missing_key"]),
        ('{"id": 1, "tags": ["a"', ["truncated"]),
        ("none", ["not_extractable"]),
    ],
)
def test_format_errors_name_their_kind(response, kinds):
    assert [error.kind for error in shape.format_errors(parse_json(response), SCHEMA)] == kinds


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"$ref": "https://example.invalid/schema.json"}, "never fetched"),
        ({"$ref": "file:///etc/hostname"}, "never fetched"),
        ({"$ref": "#/$defs/absent"}, "does not hold"),
        ({"$ref": "#"}, "without end"),
        ({"type": "strin"}, "invalid at type"),
        ({"pattern": "("}, "no regular expression"),
        ({"properties": {"a": {"pattern": r"(a+)+\1$"}}}, "exponential"),
    ],
)
def test_a_bad_schema_is_the_graders_error_and_nothing_is_fetched(schema, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        shape.schema_valid(schema, parse_json('"aaa"'))


def test_local_references_are_followed():
    schema = {"$defs": {"n": {"type": "integer"}}, "items": {"$ref": "#/$defs/n"}}
    assert is_valid([1, 2], schema)
    assert not is_valid([1, "2"], schema)


def test_formats_are_asserted():
    moments = {
        "2024-02-29T23:59:60Z": True,
        "2024-02-30T00:00:00Z": False,
        "2024-01-01 00:00:00Z": False,
    }
    assert {moment: is_date_time(moment) for moment in moments} == moments
    assert is_date_time("1990-12-31T15:59:60-08:00")
    assert not is_valid("a b@c.example", {"format": "email"})
    assert is_valid("no address", {"format": "uri"})


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(a+)+$", "a" * 5000 + "!"),
        (r"^(\w+\s?)*$", "word " * 1000 + "!"),
        (r"(a|aa)+$", "a" * 5000 + "b"),
        (r"a*a*a*b", "a" * 3000),
    ],
)
def test_catastrophic_patterns_are_searched_in_linear_time(pattern, text):
    assert not safe_regex.search(pattern, text)
    assert least(lambda: safe_regex.search(pattern, text), within=2) < 2


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["a", "[^a]", ".", r"\d", r"\b", "(a|b)", "(ab)*", "(a+b?)+", "[a-c]{1,3}", "^", r"\W?"]
        ),
        min_size=1,
        max_size=5,
    ),
    st.text("abc1_ \n", max_size=8),
)
def test_the_automaton_agrees_with_python(parts, text):
    pattern = "".join(parts)
    automaton = safe_regex._compile(pattern)[1]
    assert automaton is not None
    assert automaton.search(text) is (re.search(pattern, text) is not None)


def test_schema_verdicts_equal_jsonschemas_own_and_the_official_ones():
    if not SUITE.exists():
        pytest.skip("the JSON Schema test suite is not here")
    from jsonschema.validators import Draft202012Validator, validator_for
    from jsonschema_specifications import REGISTRY

    tally: Counter[str] = Counter()
    for line in SUITE.read_text("utf-8").split("\n"):
        if not line:
            continue
        case = json.loads(line)
        schema = case["schema"]
        if case["draft"] == "draft7" and isinstance(schema, dict):
            schema = {"$schema": "http://json-schema.org/draft-07/schema#", **schema}
        ours = is_valid(case["data"], schema)
        tally["expected"] += ours == case["valid"]
        tally["cases"] += 1
        if case["keyword"] == "format" or "\\p{" in json.dumps(schema):
            continue  # we assert three formats, and know Unicode categories: on purpose
        own = validator_for(schema, default=Draft202012Validator)(schema, registry=REGISTRY)
        assert ours == own.is_valid(case["data"]), (case["group"], case["test"])
    assert tally["expected"] >= 0.995 * tally["cases"], tally


# --- tables, sections, labels ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "valid"),
    [
        ("name,price\nSoap,2", 1.0),
        ('Name;Price\nSoap;"2;50"\n', 1.0),
        ("name\tprice\nSoap\t2", 1.0),
        ("| name | price |\n|---|---:|\n| Soap | 2 |", 1.0),
        ('```csv\nname,note,price\nSoap,"a\nb",2\n```', 1.0),
        ("Here you are:\n```csv\nname,price\nSoap,2\n```", 0.0),
        ("price,name\n2,Soap", 0.0),
        ("name,price\nSoap", 0.0),
        ('name,price\n"Soap,2', 0.0),
        ("Soap costs 2.", 0.0),
        ("", 0.0),
    ],
)
def test_csv_is_valid_when_columns_stand_in_order_and_rows_are_even(response, valid):
    assert shape.format_valid(Format("csv", columns=("name", "price")), response) == valid


def test_a_table_is_read_in_any_script():
    table = read_table("品名，\n".replace("，", ",価格") + "りんご,100")
    assert (table.header, table.rows, table.error) == (("品名", "価格"), (("りんご", "100"),), None)


def test_headings_of_all_kinds_are_found_in_order():
    text = "# Summary\ntext\n**Findings:**\n2. Risks: none\n## 4.1 Scope ##\n【結論】\nKết luận：\n```\nCode: no\n```\nPlain line"
    assert headings(text) == ("summary", "findings", "risks", "scope", "結論", "kết luận")


@pytest.mark.parametrize(
    ("wanted", "valid"),
    [(("Summary", "Risks"), 1.0), (("Risks", "Summary"), 0.0), (("Costs",), 0.0)],
)
def test_sections_must_all_be_there_in_order(wanted, valid):
    text = "## Summary\nAll fine.\n\n**Open points**\n\n### 3. Risks\nNone."
    assert shape.format_valid(Format("sections", headings=wanted), text) == valid


LABELS = ("positive", "negative", "very positive", "not relevant")


@pytest.mark.parametrize(
    ("response", "label"),
    [
        ("Positive.", "positive"),
        ("**negative**", "negative"),
        ("Label: Positive", "positive"),
        ("The words are warm.\nAnswer: negative", "negative"),
        ('{"label": "negative"}', "negative"),
        ("The sentiment is very positive.", "very positive"),
        ("This is not relevant", "not relevant"),
        ("It is not positive", None),
        ("positive or negative", None),
        ("First: positive\nSecond: negative", None),
        ("mixed", None),
        ("A long reply. " * 20 + "positive", None),
    ],
)
def test_a_label_is_read_or_left_open(response, label):
    assert extract_label(response, LABELS) == label


@pytest.mark.parametrize(
    ("response", "labels", "label"),
    [
        ("この文は肯定的な評価です", ("肯定", "否定"), "肯定"),
        ("肯定ではない", ("肯定", "否定"), None),
        ("Ergebnis: Widerspruch", ("Widerspruch", "Zustimmung"), "Widerspruch"),
        ("Kết quả: Tích cực", ("tích cực", "tiêu cực"), "tích cực"),
        ("التصنيف: إيجابي", ("إيجابي", "سلبي"), "إيجابي"),
    ],
)
def test_labels_are_read_in_other_languages(response, labels, label):
    assert extract_label(response, labels) == label


def test_label_format_and_label_accuracy_are_different_questions():
    wanted = Format("label", labels=("spam", "ham"))
    assert shape.format_valid(wanted, "I think this is spam.") == 0.0
    assert shape.label_accuracy(wanted, ("spam",), "I think this is spam.") == 1.0
    assert shape.label_accuracy(wanted, ("ham",), "Spam") == 0.0
    assert shape.label_accuracy(Format("csv"), ("ham",), "ham") is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=20))
def test_macro_f1_and_confusion_equal_scikit_learns(pairs):
    from sklearn.metrics import confusion_matrix, f1_score

    wanted, given_ = zip(*pairs, strict=True)
    labels, matrix = shape.confusion(pairs)
    if len(labels) > 1:  # scikit-learn warns of a single label
        theirs = confusion_matrix(wanted, given_, labels=labels)
        assert [list(row) for row in matrix] == theirs.tolist()
    expected = f1_score(wanted, given_, average="macro", zero_division=0.0)
    assert shape.macro_f1(pairs) == pytest.approx(expected)


def test_an_unclear_label_is_a_miss_but_no_class():
    assert shape.macro_f1([("a", "a"), ("a", "")]) == pytest.approx(2 / 3)
    assert shape.confusion([("b", ""), ("a", "b")])[0] == ("a", "b", "")
    assert shape.macro_f1([]) is None


# --- fields ----------------------------------------------------------------------------------

IDEAL = {
    "a": 1,
    "b": ["x", "y"],
    "c": {"d": None, "e": "The contract ends on the first of May in Berlin"},
    "f": [{"n": "p", "q": 1}, {"n": "r", "q": 2}],
}


@pytest.mark.parametrize(
    ("change", "score"),
    [
        ({}, 1.0),
        ({"a": 1.0, "b": ["y", "x"], "f": IDEAL["f"][::-1]}, 1.0),
        ({"c": {"d": None, "e": "In Berlin the contract ends on the first of May"}}, 1.0),
        ({"a": True}, 8 / 9),
        ({"a": "1"}, 8 / 9),
        ({"extra": 0}, 9 / 10),
        ({"b": ["x"]}, 8 / 9),
        ({"b": ["x", "y", "z"]}, 9 / 10),
        ({"f": [{"n": "r", "q": 3}, {"n": "p", "q": 1}]}, 8 / 9),
        ({"f": "none"}, 5 / 9),
    ],
)
def test_field_score_gives_credit_leaf_by_leaf(change, score):
    assert field_credit(IDEAL, IDEAL | change) == pytest.approx(score)


def test_free_text_with_another_number_is_not_equivalent():
    wanted = {"note": "The fee for a late return is 25 euros per day"}
    assert field_credit(wanted, {"note": "The fee for a late return is 35 euros per day"}) <= 0.25
    assert field_credit(wanted, {"note": "For a late return the fee is 25 euros per day"}) == 1.0


def test_field_score_reads_broken_answers_and_zeroes_unreadable_ones():
    assert shape.field_score({"a": 1}, parse_json("Here: {'a': 1")) == 1.0
    assert shape.field_score({"a": 1}, parse_json("a is 1")) == 0.0


def test_strings_compare_after_unicode_and_space_normalisation():
    assert (
        field_credit(
            {"a": "ｶﾞﾗｽ 12", "b": "Hà  Nội"}, {"a": "ガラス 12", "b": "Ha\u0300 No\u0323\u0302i"}
        )
        == 1.0
    )
    assert field_credit({"a": "Müller"}, {"a": "Muller"}) == 0.0


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4), JSON)
def test_field_score_is_a_share_and_identity_is_whole(ideal, other):
    assert field_credit(ideal, json.loads(json.dumps(ideal))) == pytest.approx(1.0)
    assert 0.0 <= field_credit(ideal, other) <= 1.0


def test_large_arrays_do_not_stall():
    few, many = list(range(20)), list(range(100_000))
    nested = [{"v": [{"w": [i]} for i in range(40)]} for _ in range(40)]
    assert field_credit(few, many) < 0.01
    assert field_credit(nested, nested[::-1]) == 1.0
    assert least(lambda: field_credit(few, many), within=3) < 3
    assert least(lambda: field_credit(nested, nested[::-1]), within=3) < 3
