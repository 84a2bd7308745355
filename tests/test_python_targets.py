"""Systems named in systems.yaml as module:attr: importing, making, closing and fingerprinting them."""

import asyncio
import sys
from pathlib import Path

import pytest

from evalkit.adapters.python import build
from evalkit.errors import InvalidInput
from evalkit.records import (
    Approach,
    Document,
    Question,
    Suite,
    System,
    SystemSpec,
)

CORPUS = {"d1": Document("d1", "Hoàn tiền trong 14 ngày.", "Hoàn tiền")}


def built(folder: Path, **options: object) -> System:
    spec = SystemSpec("s", Approach.RAG, "python", options, folder)
    return build(spec, Suite("s", folder, (), CORPUS, "x"))


def write(folder: Path, source: str, name: str = "feature") -> None:
    (folder / f"{name}.py").write_text(source, "utf-8")


def answer(system: System) -> str | None:
    return asyncio.run(system.ask(Question("q"))).response


SOURCE = """
closed = []
class Feature:
    def __init__(self, word="default"):
        self.word = word
    def ask(self, query):
        return self.word
    def close(self):
        closed.append(self.word)
def make(word="made"):
    return lambda query: word
def plain(query):
    return "plain"
ready = Feature("ready")
"""


@pytest.mark.parametrize(
    ("options", "response"),
    [
        ({"target": "feature:plain"}, "plain"),
        ({"target": "feature:ready"}, "ready"),
        ({"target": "feature:ready.ask"}, "ready"),
        ({"target": "feature:Feature"}, "default"),
        ({"target": "feature:Feature", "args": {"word": "日本"}}, "日本"),
        ({"target": "feature:make", "args": {}}, "made"),
        ({"target": "feature:make", "args": {"word": "w"}}, "w"),
    ],
)
def test_a_target_is_imported_and_made(tmp_path: Path, options: dict, response: str) -> None:
    write(tmp_path, SOURCE)
    before = list(sys.path)
    assert answer(built(tmp_path, **options)) == response
    assert sys.path == before


def test_two_folders_may_each_have_a_module_of_one_name(tmp_path: Path) -> None:
    for word in ("one", "two"):
        (tmp_path / word).mkdir()
        write(tmp_path / word, f"def ask(query):\n    return {word!r}\n", "twin")
    assert [answer(built(tmp_path / w, target="twin:ask")) for w in ("one", "two", "one")] == [
        "one",
        "two",
        "one",
    ]


def test_only_an_object_that_we_made_is_closed(tmp_path: Path) -> None:
    write(tmp_path, SOURCE, "closing")
    for target in ("closing:Feature", "closing:ready"):
        system = built(tmp_path, target=target)
        asyncio.run(system.aclose())
        asyncio.run(system.aclose())
    assert sys.modules["closing"].closed == ["default"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "target: is required"),
        ({"target": "feature"}, "not of the form module:attr"),
        ({"target": "featur:plain"}, "did you mean 'feature'"),
        ({"target": "feature:plian"}, "did you mean 'plain'"),
        ({"target": "broken:ask"}, "SyntaxError"),
        ({"target": "leaving:ask"}, r"sys.exit\(3\)"),
        ({"target": "feature:Feature", "args": {"wrod": 1}}, "wrod"),
        ({"target": "feature:ready", "args": {}}, "takes no arguments"),
        (
            {"target": "feature:plain", "timout": 3},
            "timout: unknown option; did you mean 'timeout'",
        ),
        ({"target": "feature:plain", "timeout": -1}, "timeout"),
        ({"target": "feature:closed"}, "cannot be asked"),
    ],
)
def test_a_wrong_target_is_refused_with_what_is_wrong(
    tmp_path: Path, options: dict, said: str
) -> None:
    write(tmp_path, SOURCE)
    write(tmp_path, "def ask(:", "broken")
    write(tmp_path, "import sys; sys.exit(3)", "leaving")
    with pytest.raises(InvalidInput, match=said):
        built(tmp_path, **options)


def test_the_fingerprint_follows_the_source_and_the_arguments(tmp_path: Path) -> None:
    write(tmp_path, SOURCE)
    options = {"target": "feature:Feature", "args": {"word": "a"}}
    first = built(tmp_path, **options).fingerprint
    assert built(tmp_path, **options, timeout=9).fingerprint == first
    assert built(tmp_path, target="feature:Feature", args={"word": "b"}).fingerprint != first
    write(tmp_path, SOURCE + "\n# changed\n")
    assert built(tmp_path, **options).fingerprint != first
