"""The published schemas of results hold for what is really written, and refuse what is not."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from test_drift import traffic
from test_finetune_audit import CASES, audited, sound_rows
from test_finetune_curve import short_curve
from test_judge_check import Scripted
from test_review import prices, verdict

import evalkit
from evalkit.drift.check import drift
from evalkit.drift.report import drift_json
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.judges.ragas.grades import Grade, evidence_of
from evalkit.judging.check import Settings, check
from evalkit.judging.files import JUDGING, judging_schema
from evalkit.judging.human import FILE, append_reviews
from evalkit.judging.labels import read_labels
from evalkit.judging.review import review_rows
from evalkit.records import Evidence

SCHEMAS = Path(evalkit.__file__).parent / "schemas"


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def written(value: Any) -> Any:
    """As it stands in the file."""
    return json.loads(json.dumps(value, allow_nan=False))


def objects(value: Any, schema: Any) -> Iterator[tuple[dict, dict]]:
    """Every object of a file whose fields a schema lists, with that schema."""
    for one in (schema, *schema.get("anyOf", ())):
        if isinstance(value, dict) and "properties" in one:
            yield value, one
            for name, inner in one["properties"].items():
                if name in value:
                    yield from objects(value[name], inner)
        if isinstance(value, list) and value and "items" in one:
            yield from objects(value[0], one["items"])


def holds(name: str, *files: Any) -> None:
    """Every file is valid; none is any more without a required field, or with one that nobody knows."""
    valid = validator(name)
    for file in files:
        valid.validate(file)
    first = copy.deepcopy(files[0])
    pairs = list(objects(first, valid.schema))
    assert pairs
    for found, schema in pairs:
        if schema.get("additionalProperties") is False:
            found["unheard of"] = 1
            assert not valid.is_valid(first)
            del found["unheard of"]
        for required in schema.get("required", ()):
            kept = found.pop(required)
            assert not valid.is_valid(first), required
            found[required] = kept


def checks(tmp_path: Path) -> Iterator[Any]:
    rows = [
        {
            "question": "Wann öffnet das Archiv?",
            "answer": f"Um {i} Uhr. 開館は{i}時です。",
            "reference": "Um 9 Uhr.",
            "passages": ["Das Archiv öffnet um 9 Uhr."],
            "key_points": ["9 Uhr"],
            "correct": {"ana": i % 3 > 0, "bo": i % 4 > 0, "chi": None},
            "grounded": i % 2 == 0,
            "refused": False,
            "covered": [i % 3 > 0],
        }
        for i in range(40)
    ]
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    labels = read_labels(path)
    yield check(labels, EmbeddedJudge(), Settings(repeats=2))
    yield check(labels[:2], Scripted(lambda _case, _trace: None), Settings(1, probes=False))
    graded = evidence_of(Evidence("scripted"), [Grade("ragas_faithfulness", 1.0)])
    yield check(labels, Scripted(lambda _case, _trace: graded), Settings(1, probes=False))


def test_a_judge_check_is_as_published(tmp_path):
    found = [written(one.to_json()) for one in checks(tmp_path)]
    assert set(found[0]["quantities"]) == {"correct", "grounded", "refused", "covered"}
    assert set(found[2]["quantities"]) == {*found[0]["quantities"], "ragas_faithfulness"}
    assert found[0]["quantities"]["correct"]["ceiling"] is not None
    assert found[0]["quantities"]["correct"]["shifts"]
    holds("judge-check", *found)


def test_a_drift_report_is_as_published():
    before = traffic(400, 1)
    pairs = (
        (before, traffic(400, 2, slow=3.0, refusals=0.5)),
        (before, before),
        (before[:8], traffic(8, 4)),
    )
    found = [written(drift_json(drift(*pair), ("a", "b"))) for pair in pairs]
    assert [one["verdict"] for one in found] == ["drift", "none", "inconclusive"]
    holds("drift", *found)


def test_a_readiness_audit_is_as_published(tmp_path):
    bad = [*sound_rows(60), {"id": "x", "query": CASES[0]["query"], "reference": "1 km"}]
    (tmp_path / "good").mkdir()
    found = [audited(tmp_path, bad), audited(tmp_path / "good", sound_rows())]
    assert [one.verdict for one in found] == ["not_ready", "ready"]
    holds("readiness", *(written(one.to_json()) for one in found))


def test_a_learning_curve_is_as_published():
    holds("learning_curve", written(short_curve().to_json()))


def test_kept_reviews_are_as_published(tmp_path):
    rows = review_rows(prices(20), sample=6)
    given = [verdict(row, "unclear" if i else "no", note="später") for i, row in enumerate(rows)]
    append_reviews(tmp_path, given)
    lines = (tmp_path / FILE).read_text(encoding="utf-8").splitlines()
    holds("review", *map(json.loads, lines))


@pytest.mark.parametrize("name", JUDGING)
def test_the_schemas_of_labels_and_reviews_are_those_of_the_models(name):
    assert validator(name).schema == judging_schema(name)


@pytest.mark.parametrize("value", [2, -0.1, "perhaps"])
def test_a_label_that_the_reader_refuses_is_refused_by_its_schema(value):
    valid = validator("label")
    assert valid.is_valid({"question": "?", "answer": "a", "correct": {"ana": True, "bo": None}})
    assert not valid.is_valid({"question": "?", "answer": "a", "correct": value})
