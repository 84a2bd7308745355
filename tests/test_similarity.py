"""Semantic similarity: the cosine, where it comes from, what it never decides, and runs opened without the model."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support import make_case, make_suite
from tiny_bert import Service, write_model

import evalkit
from evalkit.embeddings import cosines
from evalkit.embeddings.runner import FolderEmbedder
from evalkit.errors import InvalidInput
from evalkit.judges.choose import judge_from, resolved
from evalkit.merge import merge
from evalkit.metrics.similarity import NAME, semantic_similarity, similarity_metric
from evalkit.records import CorrectRule, Limit, Suite
from evalkit.tools import tools_for

CASES = [
    make_case("one", "What does the cat eat?", reference="The cat eats fish.", relevant=["d"]),
    make_case("two", "東京?", reference=("東京", "Katze")),
    make_case("three", "No label?", key_points=["the cat"]),
]
ANSWERS = {"What does the cat eat?": "The cat eats no fish.", "東京?": "東京", "No label?": "fish"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tiny")


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


def test_similarity_is_the_cosine_with_the_nearest_reference(folder: Path) -> None:
    embedder = FolderEmbedder(folder)
    assert semantic_similarity("cat", ("fish", "cat"), embedder=embedder) == 1.0
    one = semantic_similarity("cat", ("fish",), embedder=embedder)
    vectors = embedder.embed(["cat", "fish"])
    assert one == pytest.approx(float(cosines(vectors[:1], vectors[1:])[0, 0]))
    assert one is not None
    assert -1 <= one < 1
    assert semantic_similarity(" ", ("fish",), embedder=embedder) is None
    assert semantic_similarity("cat", ("", " \n"), embedder=embedder) is None


def test_its_card_says_loudly_that_it_is_no_correctness(folder: Path) -> None:
    metric = similarity_metric(FolderEmbedder(folder))
    assert metric.card.startswith("SIMILARITY IS NOT CORRECTNESS")
    assert not metric.outcome
    assert (metric.low, metric.high) == (-1.0, 1.0)


def suite_of(**settings: object) -> Suite:
    return make_suite(CASES, **settings)


def judge_file(folder: Path, *lines: str) -> str:
    file = folder / "judge.yaml"
    file.write_text("\n".join(("kind: embedded", *lines)), encoding="utf-8")
    return f"embedded:{file}"


def scores(run: Path) -> dict[str, tuple[str, str]]:
    with (run / "scores.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["metric"] == NAME]
    return {row["case_id"]: (row["value"], row["status"]) for row in rows}


def run_in(out: Path, judge: str | None) -> evalkit.Run:
    made = evalkit.run(suite_of(), {"s": ANSWERS.get}, out=out, probes="none", judge=judge)
    made.write()
    return made


def test_it_is_measured_only_where_an_embedder_is_named(folder: Path, tmp_path: Path) -> None:
    run_in(tmp_path / "plain", None)
    run_in(tmp_path / "described", judge_file(tmp_path, "embedder: tiny"))
    assert scores(tmp_path / "plain") == {}
    found = scores(tmp_path / "described")
    assert {case: status for case, (_, status) in found.items()} == {
        "one": "scored",
        "two": "scored",
        "three": "not_applicable",
    }
    assert float(found["two"][0]) == 1.0
    assert -1 <= float(found["one"][0]) < 1


def test_it_changes_no_outcome_no_cause_and_no_comparison(folder: Path, tmp_path: Path) -> None:
    plain = run_in(tmp_path / "plain", None)
    found = run_in(tmp_path / "described", judge_file(tmp_path, "embedder: tiny"))
    assert found.diagnosis() == plain.diagnosis()
    assert found.systems["s"].counts == plain.systems["s"].counts
    assert found.recipe["judge"] == plain.recipe["judge"]  # runs stay comparable


def test_a_contradiction_is_as_near_as_it_is_and_stays_wrong(folder: Path, tmp_path: Path) -> None:
    found = run_in(tmp_path / "run", judge_file(tmp_path, "embedder: tiny"))
    assert float(scores(tmp_path / "run")["one"][0]) > 0
    assert found.systems["s"].counts["failed"] >= 1


@pytest.mark.parametrize(
    "settings",
    [
        {"correct": CorrectRule(NAME, 0.8)},
        {"limits": (Limit(NAME, at_least=0.8),)},
    ],
)
def test_neither_a_right_answer_nor_a_limit_can_be_told_by_it(
    folder: Path, tmp_path: Path, settings: dict[str, object]
) -> None:
    judge = judge_from({"kind": "embedded", "embedder": "tiny"}, tmp_path)
    assert NAME in {metric.name for metric in tools_for(suite_of(), judge=judge).metrics}
    with pytest.raises(InvalidInput, match=NAME):
        tools_for(replace(suite_of(), **settings), judge=judge)


def test_a_run_is_opened_again_with_the_same_figures_without_the_model(
    folder: Path, tmp_path: Path
) -> None:
    run_in(tmp_path / "run", judge_file(tmp_path, "embedder: tiny"))
    before = scores(tmp_path / "run")
    shutil.rmtree(folder)
    evalkit.open_run(suite_of(), tmp_path / "run").write()
    assert scores(tmp_path / "run") == before
    shutil.rmtree(tmp_path / "run" / "judge")
    evalkit.open_run(suite_of(), tmp_path / "run").write()
    assert scores(tmp_path / "run")["one"] == ("", "grader_error")


def test_another_content_of_the_model_is_noticed(folder: Path, tmp_path: Path) -> None:
    judge = judge_file(tmp_path, "embedder: tiny")
    run_in(tmp_path / "run", judge)
    before = scores(tmp_path / "run")["one"]
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    run_in(tmp_path / "run", None)  # the run's own judge
    assert scores(tmp_path / "run")["one"] != before


def test_an_endpoint_is_asked_once_a_text_and_never_when_a_run_is_opened(
    service: Service, tmp_path: Path
) -> None:
    spec = f"embedder: {{backend: openai, model: m, base_url: '{service.url}'}}"
    run_in(tmp_path / "run", judge_file(tmp_path, spec))
    sent = [text for call in service.asked for text in call["input"]]
    assert sorted(sent) == sorted(set(sent)) != []
    before = scores(tmp_path / "run")
    evalkit.open_run(suite_of(), tmp_path / "run").write()
    assert len([text for call in service.asked for text in call["input"]]) == len(sent)
    assert scores(tmp_path / "run") == before


def test_an_endpoint_that_fails_is_an_error_of_the_grader_never_a_score(
    service: Service, tmp_path: Path
) -> None:
    service.spoil = True
    spec = f"embedder: {{backend: openai, model: m, base_url: '{service.url}'}}"
    found = run_in(tmp_path / "run", judge_file(tmp_path, spec))
    assert scores(tmp_path / "run")["one"] == ("", "grader_error")
    assert found.systems["s"].counts == run_in(tmp_path / "plain", None).systems["s"].counts


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["embedder: minlm"], "judge.embedder: there is no backend"),
        (["embedder: {backend: openai}"], "judge.embedder.model"),
        (["model: m"], "no options but embedder"),
    ],
)
def test_a_judge_file_is_read_strictly(tmp_path: Path, lines: list[str], told: str) -> None:
    judge_file(tmp_path, *lines)
    with pytest.raises(InvalidInput, match=told):
        judge_from("embedded:judge.yaml", tmp_path)


def test_an_embedder_belongs_to_the_whole_judge(folder: Path, tmp_path: Path) -> None:
    members = [{"kind": "embedded", "embedder": "tiny"}, "embedded"]
    with pytest.raises(InvalidInput, match="whole judge"):
        judge_from({"kind": "panel", "panel": members}, tmp_path)
    whole = judge_from({"kind": "panel", "panel": ["embedded"] * 2, "embedder": "tiny"}, tmp_path)
    assert [metric.name for metric in whole.metrics] == [NAME]


def test_what_is_noted_of_a_run_means_the_same_anywhere(folder: Path, tmp_path: Path) -> None:
    judge_file(tmp_path, "embedder: tiny")
    noted = resolved("embedded:judge.yaml", tmp_path)
    path = {"backend": "folder", "path": str(folder.resolve())}
    assert noted == {"kind": "embedded", "embedder": path}


def test_shares_of_a_run_are_merged_with_their_vectors(folder: Path, tmp_path: Path) -> None:
    judge = judge_file(tmp_path, "embedder: tiny")
    more = [make_case(f"more-{i}", "東京?", reference="Katze") for i in range(8)]
    suite = make_suite([*CASES, *more])
    parts = {"whole": None, "first": "1/2", "second": "2/2"}
    for name, shard in parts.items():
        how = {"out": tmp_path / name, "shard": shard, "probes": "none", "judge": judge}
        evalkit.run(suite, {"s": ANSWERS.get}, **how).write()
    shutil.rmtree(folder)
    merge(tmp_path / "merged", [tmp_path / "first", tmp_path / "second"], suite=suite).write()
    found = scores(tmp_path / "merged")
    assert found == scores(tmp_path / "whole")
    assert found.keys() == {case.id for case in suite.cases}
