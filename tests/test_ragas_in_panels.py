"""A panel with ragas among its members: its grades are the panel's, by median, with dissent and failures told."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from support import make_case
from test_judge_in_runs import summary
from test_ragas_in_runs import Rag, endpoint, once, suite  # noqa: F401 - a fixture
from test_ragas_judge import needs_ragas, trace

import evalkit
from evalkit.errors import InvalidInput
from evalkit.judges.choose import judge_from
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.judges.llm.panel import PanelJudge
from evalkit.judges.ragas.critics import critics_of
from evalkit.judges.ragas.grades import Grade, GradeFailedError, evidence_of, grade_in
from evalkit.judges.ragas.measures import chosen
from evalkit.judges.ragas.metrics import metrics_of
from evalkit.records import Case, Evidence, Status, Trace

FAITHFULNESS = metrics_of(chosen(("faithfulness",), (), embeddings=False))
NAME = "ragas_faithfulness"
CASE = make_case("c1", "What does it cost?", reference="It costs 5 euros.")


class Fixed:
    """A judge with ragas's metric and a grade that is known, or one that raises."""

    name = fingerprint = "fixed"

    def __init__(self, grade: Grade | Exception | None) -> None:
        self.metrics, self.given = FAITHFULNESS, grade

    def judge(self, case: Case, trace: Trace) -> Evidence:
        if isinstance(self.given, Exception):
            raise self.given
        evidence = Evidence(self.name, correct=1.0)
        return evidence if self.given is None else evidence_of(evidence, [self.given])


def grade(value: float | None = None, **more: Any) -> Grade:
    return Grade(NAME, value, **more)


def asked(*given: Grade | Exception | None) -> Evidence:
    panel = PanelJudge([EmbeddedJudge(), EmbeddedJudge(), *map(Fixed, given)])
    return asyncio.run(panel.judge(CASE, trace()))


def test_the_only_member_with_grades_gives_the_panels():
    found = asked(grade(0.5))
    assert grade_in(found, NAME) == 0.5
    assert found.claims is not None  # what the others say is there as well
    assert found.judge.startswith("panel of embedded")


def test_of_several_grades_the_median_counts_and_dissent_is_told():
    found = asked(grade(0.5), grade(1.0), grade(1.0))
    assert grade_in(found, NAME) == 1.0
    assert f"dissent on {NAME}: 0.5, 1, 1; the median counts" in found.reasons


def test_who_agrees_tells_no_dissent():
    assert not [reason for reason in asked(grade(1.0), grade(1.0)).reasons if NAME in reason]


def test_a_grade_is_an_error_where_not_more_than_half_have_one():
    failed = grade(error="timeout: 5 s")
    with pytest.raises(GradeFailedError, match="1 of 2 judges failed: timeout: 5 s"):
        grade_in(asked(grade(1.0), failed), NAME)
    found = asked(grade(1.0), grade(1.0), failed)
    assert grade_in(found, NAME) == 1.0
    assert f"{NAME}: 1 of 3 judges failed: timeout: 5 s" in found.reasons


def test_a_member_that_fails_as_a_whole_fails_its_grades_and_not_the_panel():
    found = asked(ValueError("broken"))
    assert found.error is None
    with pytest.raises(GradeFailedError, match="broken"):
        grade_in(found, NAME)


def test_undefined_stays_undefined():
    found = asked(grade(reason="no statement"), grade(reason="no statement"))
    assert grade_in(found, NAME) is None
    half = asked(grade(reason="no statement"), grade(1.0))
    assert grade_in(half, NAME) == 1.0
    assert f"dissent on {NAME}: 1 of 2 find no value" in half.reasons


def test_where_no_grade_is_asked_for_there_is_none():
    assert not hasattr(asked(None), "grades")  # as of answers to probes


def test_panels_in_panels_hand_grades_on():
    inner = PanelJudge([EmbeddedJudge(), Fixed(grade(0.25))])
    found = asyncio.run(PanelJudge([EmbeddedJudge(), inner]).judge(CASE, trace()))
    assert grade_in(found, NAME) == 0.25


def test_two_critics_of_one_name_that_ask_different_things_are_refused():
    members = []
    for prompt in ("Polite? {response}", "Kind? {response}"):
        critics = critics_of([{"name": "polite", "prompt": prompt}], "critics")
        member = Fixed(None)
        member.metrics = metrics_of(chosen((), critics, embeddings=False))
        members.append(member)
    with pytest.raises(InvalidInput, match="different things by ragas_polite"):
        PanelJudge(members)


# --- in runs, against a server on this machine ---------------------------------------------------


def panel_file(folder: Path, server: Any, *metrics: list[str]) -> str:
    given = {"kind": "ragas", "base_url": server.url, "attempts": 1, "timeout": 10}
    members = [{**given, "model": f"m{i}", "metrics": names} for i, names in enumerate(metrics)]
    (folder / "panel.yaml").write_text(
        json.dumps({"kind": "panel", "panel": ["embedded", *members]})
    )
    return f"panel:{folder / 'panel.yaml'}"


@needs_ragas
def test_a_run_has_the_grades_of_all_ragas_members_and_scores_them_again_without_a_call(
    suite,  # noqa: F811
    tmp_path,
):
    with endpoint() as server:
        judge = panel_file(tmp_path, server, ["faithfulness"], ["faithfulness", "context_recall"])
        once(suite, tmp_path / "run", judge).write()
        assert server.heard
    cells = summary(tmp_path / "run")["systems"]["rag"]["metrics"]
    for name in (NAME, "ragas_context_recall"):
        assert cells[name]["scored"] == 3
    evalkit.open_run(suite, tmp_path / "run").write()
    assert summary(tmp_path / "run")["systems"]["rag"]["metrics"] == cells


@needs_ragas
def test_a_server_that_is_gone_leaves_grader_errors_and_never_a_score(suite, tmp_path):  # noqa: F811
    with endpoint(faults=["500"] * 50) as server:
        run = once(suite, tmp_path / "run", panel_file(tmp_path, server, ["faithfulness"]))
    scores = run.systems["rag"].graded.scores
    assert {scores.status(NAME, i) for i in range(3)} == {Status.GRADER_ERROR}


@needs_ragas
def test_a_panel_from_a_file_says_what_it_measures(tmp_path):
    class Somewhere:
        url = "http://127.0.0.1:9/v1"

    made = judge_from(panel_file(tmp_path, Somewhere, ["faithfulness"]), tmp_path, confined=False)
    assert [metric.name for metric in made.metrics] == [NAME]
    asyncio.run(made.aclose())
