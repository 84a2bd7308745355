"""Twelve recorded cases, one a situation: every stage's file stays the same, to the byte and anywhere.

After a change that is meant, ``make golden`` rewrites the expected files; read the difference before committing it.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parent / "golden"
FILES = ("scores.csv", "summary.json", "diagnosis.json")
HINT = "{} differs from tests/golden/expected: run `make golden` and read the difference"


def derived(folder: Path, **environment: str) -> Path:
    command = [sys.executable, "-W", "error", str(GOLDEN / "rewrite.py"), str(folder)]
    subprocess.run(command, env={**os.environ, **environment}, check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return derived(tmp_path_factory.mktemp("here"), PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    zone = {"PYTHONHASHSEED": "1", "TZ": "Pacific/Auckland", "LC_ALL": "C.UTF-8"}
    return derived(tmp_path_factory.mktemp("some other folder"), **zone)


@pytest.mark.parametrize("name", FILES)
def test_a_derived_file_is_as_expected(here: Path, name: str):
    assert (here / name).read_bytes() == (GOLDEN / "expected" / name).read_bytes(), HINT.format(
        name
    )


def test_derived_files_depend_on_neither_hash_seed_nor_time_zone_nor_folder(
    here: Path, elsewhere: Path
):
    names = {path.name for path in here.iterdir() if not path.name.startswith("run.sqlite")}
    assert {*FILES, "traces.jsonl", "manifest.json", "verdict.json", "report.md"} <= names
    different = [
        n for n in sorted(names) if (here / n).read_bytes() != (elsewhere / n).read_bytes()
    ]
    assert different == []


@cache
def diagnosis() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (GOLDEN / "expected/diagnosis.json").read_text(encoding="utf-8")
    )
    return found["systems"]


def causes(system: str) -> dict[str, str | None]:
    return {
        f["case_id"]: f["cause"] for f in diagnosis()[system]["findings"] if f["outcome"] == "fail"
    }


# What a person says of these traces; so a rewrite cannot quietly bless a wrong diagnosis.


def test_each_situation_has_the_cause_that_was_written_into_it():
    assert causes("desk") == {
        "miss": "retrieval_miss",
        "ranked-low": "ranking_low",
        "truncated": "context_truncated",
        "over-refusal": "over_refusal",
        "broken-json": "format_violation",
        "style": "style_violation",
        "forbidden": "access_violation",
        "error": "infra_error",
        "wavers": "inconsistency",
    }
    assert causes("memory") == {
        "ranked-low": "corpus_gap",
        "refusal": "missing_refusal",
        "over-refusal": "corpus_gap",
        "error": "infra_error",
    }


def test_the_cases_add_up():
    assert diagnosis()["desk"]["cases"] == {
        "due": 12, "passed": 2, "failed": 8, "errors": 1, "ungraded": 1,
    }  # fmt: skip
    assert diagnosis()["memory"]["cases"] == {
        "due": 12, "passed": 7, "failed": 3, "errors": 1, "ungraded": 1,
    }  # fmt: skip
    for system in diagnosis().values():
        cases = system["cases"]
        loss = sum(part["loss"] for part in system["decomposition"].values())
        lost = (cases["failed"] + cases["errors"]) / (cases["due"] - cases["ungraded"])
        assert loss == pytest.approx(lost)


def test_scores_say_what_a_person_reads_off_the_traces():
    with (GOLDEN / "expected/scores.csv").open(encoding="utf-8", newline="") as stream:
        rows = {
            (r["system"], r["case_id"], r["repeat"], r["metric"]): r for r in csv.DictReader(stream)
        }

    def cell(*key: str) -> tuple[str, str]:
        return rows[key]["value"], rows[key]["status"]

    assert cell("desk", "right", "0", "R@2") == ("1", "scored")
    assert cell("desk", "miss", "0", "first_gold_rank") == ("", "not_applicable")
    assert cell("desk", "ranked-low", "0", "first_gold_rank") == ("3", "scored")
    assert cell("desk", "ranked-low", "0", "R@2") == ("0", "scored")
    assert cell("desk", "ranked-low", "0", "R@4") == ("1", "scored")
    assert cell("desk", "truncated", "0", "gold_in_context") == ("0", "scored")
    assert cell("desk", "refusal", "0", "R@2") == ("", "not_applicable")
    assert cell("desk", "refusal", "0", "correct") == ("1", "scored")
    assert cell("desk", "broken-json", "0", "extractable") == ("1", "scored")
    assert cell("desk", "broken-json", "0", "schema_valid") == ("0", "scored")
    assert cell("desk", "broken-json", "0", "schema_valid_repaired") == ("1", "scored")
    assert cell("desk", "style", "0", "style") == ("0.3333333333", "scored")
    assert cell("desk", "forbidden", "0", "permission_ok") == ("0", "scored")
    assert cell("desk", "error", "0", "correct") == ("0", "system_error")
    assert cell("desk", "error", "0", "R@2") == ("", "system_error")
    assert cell("desk", "wavers", "1", "correct") == ("0", "scored")
    assert cell("desk", "wavers", "", "consistency") == ("0", "scored")
    assert cell("desk", "unlabelled", "0", "passed") == ("", "not_applicable")
    assert cell("memory", "right", "0", "R@2") == ("", "not_applicable")
    assert cell("memory", "miss", "0", "correct") == ("1", "scored")
    assert cell("memory", "broken-json", "0", "field_score") == ("1", "scored")
