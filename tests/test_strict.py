import json
import math
import os
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timing import least

from evalkit.errors import InvalidInput
from evalkit.strict import (
    contained,
    json_cell,
    parse_json,
    read_csv,
    read_json,
    read_jsonl,
    read_text,
    read_yaml,
)


@pytest.fixture
def write(tmp_path):
    def put(content: str | bytes, name: str = "file") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


# --- text ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"a\nb\xffc", 2, "not valid UTF-8 at byte 3"),
        (b"\xef\xbb\xbfa\n\xff", 2, "not valid UTF-8 at byte 5"),
        (b"\xed\xa0\x80", 1, "not valid UTF-8 at byte 0"),  # a surrogate, as some programs write it
        (b"caf\xe9", 1, "not valid UTF-8 at byte 3"),
        (b"a\n\nb\0", 3, "NUL character at byte 4"),
        ("a".encode("utf-16"), None, "is UTF-16"),
        ("a".encode("utf-16-be"), 1, "NUL character at byte 0"),
        (b"\xfe\xff\x00a", None, "is UTF-16"),
    ],
)
def test_bytes_that_are_no_utf8_are_refused_with_their_offset(write, data, line, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        read_text(write(data))
    assert caught.value.line == line


@pytest.mark.parametrize("text", ["", "a", "日本語\n", "Tiếng Việt", "ﷺ", "\u2028", "👩‍👩‍👧"])
def test_a_byte_order_mark_makes_no_difference(write, text):
    assert read_text(write(b"\xef\xbb\xbf" + text.encode())) == text == read_text(write(text))


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    started = time.perf_counter()
    for path in (fifo, tmp_path, Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(InvalidInput, match="not a regular file"):
            read_text(path)
    assert time.perf_counter() - started < 10


def test_absent_files_and_impossible_names_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="does not exist"):
        read_text(tmp_path / "nowhere")
    for name in ("x" * 5000, "a\0b", "file/below"):
        (tmp_path / "file").touch()
        with pytest.raises(InvalidInput, match="cannot be read"):
            read_text(tmp_path / name)


def test_a_file_above_the_limit_is_refused(write):
    assert read_text(write(b"x" * (1 << 20)), limit=1 << 20)
    with pytest.raises(InvalidInput, match="larger than 1 MB"):
        read_text(write(b"x" * ((1 << 20) + 1)), limit=1 << 20)


# --- paths -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "..", "../x", "a/../../x", "/etc/passwd", "//etc/passwd", "a\0b", "out/x", "out", "loop",
        "loop/x", "absolute", "../suite-other/x", "./../x", "deep/../../x",
    ],
)  # fmt: skip
def test_a_path_that_leaves_the_folder_is_refused(tmp_path, name):
    folder = tmp_path / "suite"
    (folder / "deep").mkdir(parents=True)
    (tmp_path / "suite-other").mkdir()
    (folder / "out").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "absolute").symlink_to("/etc/passwd")
    with pytest.raises(InvalidInput) as caught:
        contained(folder, name, file=folder / "suite.yaml", where="cases", line=3)
    assert "leaves the suite folder" in str(caught.value)
    assert (caught.value.field, caught.value.line) == ("cases", 3)


def test_paths_and_links_inside_the_folder_are_followed(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "real").write_text("x")
    (tmp_path / "deep" / "link").symlink_to("../real")
    for name in ("real", "./real", "deep/../real", "deep/link"):
        found = contained(tmp_path, name, file=tmp_path, where="cases")
        assert found == (tmp_path / "real").resolve()


# --- JSON ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "key 'a' is given twice"),
        ('{"a": {"b": 1, "b": 1}}', "key 'b' is given twice"),
        ('{"a": 1, "\\u0061": 2}', "key 'a' is given twice"),
        ("[NaN]", "NaN is not JSON"),
        ("[Infinity]", "Infinity is not JSON"),
        ("[-Infinity]", "-Infinity is not JSON"),
        ("[1e999]", "too large"),
        ("[" + "9" * 4301 + "]", "4301 digits"),
        ("[" * 101 + "]" * 101, "nested too deeply"),
        ('{"a":' * 101 + "1" + "}" * 101, "nested too deeply"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ("[" * 100_000, "nested too deeply|not JSON"),
        ('["\\ud800"]', "surrogate"),
        ('{"\\uDC00": 1}', "surrogate"),
        ("{'a': 1}", "not JSON"),
        ("[1,]", "not JSON"),
        ("[01]", "not JSON"),
        ('["a\tb"]', "not JSON"),
        ("[1] [2]", "not JSON"),
        ("// no\n[]", "not JSON"),
        ("", "not JSON"),
    ],
)
def test_what_is_ambiguous_or_no_json_is_refused(text, message):
    with pytest.raises(InvalidInput, match=message):
        parse_json(text)


def test_the_limits_of_json_themselves_are_allowed():
    assert parse_json("[" * 100 + "]" * 100)
    assert parse_json("9" * 4300) > 0
    assert parse_json("[" + "[]," * 500 + "[]]") == [[]] * 501
    assert parse_json('"\\ud83d\\ude00"') == "😀"


def test_the_line_of_a_json_mistake_is_named(write):
    with pytest.raises(InvalidInput, match="column 3") as caught:
        read_json(write('{\n "a": 1,\n  b: 2}'))
    assert caught.value.line == 3


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    )
)  # fmt: skip
@settings(max_examples=50)
def test_every_json_value_is_read_back(value):
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value, ensure_ascii=False)) == value


def test_only_a_line_feed_ends_a_line_of_jsonl(write):
    path = write('{"a": "x\u2028y\u0085z"}\r\n\r\n \t\n{"a": 2}')
    assert [(row.line, row.value) for row in read_jsonl(path)] == [
        (1, {"a": "x\u2028y\u0085z"}),
        (4, {"a": 2}),
    ]


@pytest.mark.parametrize("line", ["[1]", "1", "null", '"a"', "{", '{"a":1}{"b":2}', '{"a":1},'])
def test_a_line_of_jsonl_that_is_no_object_is_named(write, line):
    with pytest.raises(InvalidInput) as caught:
        list(read_jsonl(write('{"ok": 1}\n\n' + line)))
    assert caught.value.line == 3


# --- CSV -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_a_spreadsheet_is_read_whatever_program_saved_it(write, mark, end, between):
    rows = [["id", "query"], ["1", '"a, b; c"'], [], ["2", f'"one{end}two"'], ["3", ""]]
    path = write(mark + end.join(between.join(row) for row in rows) + end)
    found = [(row.line, row.value) for row in read_csv(path)]
    assert found == [
        (2, {"id": "1", "query": "a, b; c"}),
        (4, {"id": "2", "query": f"one{end}two"}),
        (6, {"id": "3"}),
    ]


def test_delimiters_inside_a_quoted_header_do_not_count(write):
    assert [row.value for row in read_csv(write('"a;b;c;d",e\n1,2\n'))] == [
        {"a;b;c;d": "1", "e": "2"}
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "no header"),
        ("\n\n", 1, "no header"),
        ("a,a\n1,2\n", 1, "'a' is given twice"),
        ("a,b\n1,2,3\n", 2, "column without a name"),
        ("a,,\n1,2,\n", 2, "column without a name"),
        ('a,b\n1,"2\n', 2, "not CSV"),
        ('a,b\n1,"2"x\n', 2, "not CSV"),
    ],
)
def test_a_broken_spreadsheet_is_refused_with_its_line(write, text, line, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        list(read_csv(write(text)))
    assert caught.value.line == line


def test_empty_columns_that_spreadsheets_leave_behind_are_passed_over(write):
    assert [row.value for row in read_csv(write("a,b,,\n1,2,,\n,,,\n3\n"))] == [
        {"a": "1", "b": "2"},
        {"a": "3"},
    ]


def test_a_cell_is_json_only_where_lists_can_stand():
    file = Path("x.csv")
    assert json_cell('["a"]', file=file, line=2, column="tags") == ["a"]
    assert json_cell("a; b", file=file, line=2, column="tags") == "a; b"
    with pytest.raises(
        InvalidInput, match=r"x\.csv:2: reference: is not JSON.*starts with"
    ) as caught:
        json_cell("[1] says so", file=file, line=2, column="reference")
    assert caught.value.field == "reference"


# --- YAML ------------------------------------------------------------------------------------

_REFUSED = [
    "yes", "no", "on", "off", "Yes", "NO", "y", "n", "012", "0_1", "-07", "1_000", "1_000.5", "1:30", "12:30:45",
    "190:20:30", "2024-01-31", "2024-1-3", "2024-01-31T10:00:00Z", "2024-01-31 10:00:00", "0x1F", "0o14",
    "0b101", ".inf", "-.INF", ".nan", ".NaN", "1e999", "-1e400", "9" * 400,
    "!!str 5", "!!int '5'", "!!float 5", "!!binary aGk=", "!!timestamp 2024-01-31", "!custom x", "! x",
    "!!python/name:os.system ''", "!!python/object/apply:os.system ['true']", "!!python/object:os.system {}",
    "!!set {a}", "!!omap [a: 1]", "!!map {a: 1}", "!!seq [1]",
    "{a: 1, a: 2}", "{<<: {a: 1}}", "{? [a] : 1}", "{? {a: 1} : 1}", "{!!str a: 1}", "{&x a: 1}",
    "*nowhere", "&a [*a]", "[&a {b: *a}]", "[", "{", "'", '"\\ud800"', '"\\U00110000"', "a: b: c", "@x", "`x`",
    "%x", "\x01", "\x7f", "\ufffe",
]  # fmt: skip


@pytest.mark.parametrize("text", _REFUSED)
def test_yaml_that_versions_read_differently_is_refused(write, text):
    with pytest.raises(InvalidInput) as caught:
        read_yaml(write("first: 1\nkey: " + text + "\n"))
    assert caught.value.line in (2, 3)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("0", 0), ("-12", -12),
        ("+3", 3), ("1.5", 1.5), ("-.5", -0.5), ("1e3", 1000.0), ("1.", 1.0), ("'no'", "no"), ('"012"', "012"),
        ("'2024-01-31'", "2024-01-31"), ("nope", "nope"), ("1.2.3", "1.2.3"), ("10:90", "10:90"), ("=", "="),
        ("日本語", "日本語"), ("[a, b]", ["a", "b"]), ("{no: x}", {"no": "x"}), ("{1: x}", {"1": "x"}),
        ("|\n  yes\n  012\n", "yes\n012\n"), ("a\n  b", "a b"), ("0.50", 0.5), ('"\\u00e9"', "é"), ("[]", []),
    ],
)  # fmt: skip
def test_yaml_is_read_by_the_core_schema_of_version_1_2(write, text, value):
    found = read_yaml(write("key: " + text)).value["key"]
    assert found == value
    assert type(found) is type(value)


def test_the_hint_says_what_to_write_instead(write):
    with pytest.raises(InvalidInput, match='write false, or quote it: "no"'):
        read_yaml(write("a: no"))
    with pytest.raises(InvalidInput, match='quoted string: "012"'):
        read_yaml(write("a: 012"))


def test_anchors_may_be_used_modestly(write):
    value = read_yaml(write("a: &x {k: 1}\nb: *x\nc: [*x, *x]\nd: &y text\ne: *y\n")).value
    assert value == {"a": {"k": 1}, "b": {"k": 1}, "c": [{"k": 1}] * 2, "d": "text", "e": "text"}


def test_lines_are_known_by_path(write):
    lines = read_yaml(write("# first\na:\n  - b: 1\n    c:\n      d: 2\ne: 3\n")).lines
    assert lines["a",] == 2
    assert lines["a", 0, "b"] == 3
    assert lines["a", 0, "c", "d"] == 5
    assert lines["e",] == 6


def test_duplicate_keys_are_refused_with_both_lines(write):
    with pytest.raises(InvalidInput, match="given twice, first on line 1") as caught:
        read_yaml(write("k: 1\nx: 2\nk: 3\n"))
    assert caught.value.line == 3


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\ufeff", "\n\n", "---\n...\n"])
def test_an_empty_yaml_file_holds_nothing(write, text):
    assert read_yaml(write(text)).value is None


def test_a_second_document_is_refused(write):
    with pytest.raises(InvalidInput, match="more than one document"):
        read_yaml(write("a: 1\n---\nb: 2\n"))


def _laughs(depth: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, depth)]
    return "\n".join(lines)


_BOMBS = {
    "laughs": _laughs(9),
    "one wide anchor": "a: &a [" + "x," * 50_000 + "]\nb: [" + "*a," * 50_000 + "]",
    "chain": "a0: &a0 [x]\n" + "\n".join(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 400)),
    "merge": "a: &a {k: 1}\n" + "b: {<<: [" + "*a," * 100_000 + "]}",
    "depth": "[" * 500_000,
    "depth of maps": "{a: " * 100_000,
    "depth of blocks": "\n".join(" " * i + "a:" for i in range(2000)),
    "depth of dashes": "- " * 100_000,
    "width": "[" + "1," * 300_000 + "]",
    "key": "? " + "k" * (2 << 20) + "\n: 1",
    "keys": "\n".join(f"k{i}: 1" for i in range(150_000)) + "\nk0: 1",
    "digits": "a: " + "1" * 1_000_000,
    "colons": "a: " + "1:" * 500_000 + "x",
    "size": "# " + "x" * (9 << 20),
}


@pytest.mark.parametrize("name", _BOMBS)
def test_bombs_are_refused_quickly(write, name):
    path = write(_BOMBS[name])

    def value():
        try:
            return read_yaml(path).value
        except InvalidInput:
            return None

    assert value() is None or name in ("colons", "key")
    assert least(value, within=3) < 3


@given(
    st.text(st.characters(codec="utf-8"), max_size=40)
    | st.text("ab:-[]{}&*!|>'\"#,? \n01.~<%@`\\", max_size=30)
)
@settings(max_examples=50)
def test_any_text_is_read_as_yaml_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode())
    assert _read_or_refused(path)


def _read_or_refused(path: Path) -> bool:
    try:
        return _is_json(read_yaml(path).value)
    except InvalidInput as error:
        return "\n" not in str(error)


def _is_json(value) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    return value is None or isinstance(value, str | int) or math.isfinite(value)


def test_reading_takes_no_more_memory_than_the_file_has(write):
    path = write(b"x" * 1000)
    tracemalloc.start()
    try:
        read_text(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize("size", [99, 100, 101])
def test_a_file_may_be_as_large_as_its_limit(write, size):
    path = write(b"x" * size)
    if size <= 100:
        assert read_text(path, limit=100) == "x" * size
    else:
        with pytest.raises(InvalidInput, match="larger than"):
            read_text(path, limit=100)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_a_file_that_does_not_say_how_long_it_is_is_read_whole():
    assert read_text(Path("/proc/self/status")).startswith("Name:")
