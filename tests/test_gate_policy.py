"""Limits of coverage and a declared hierarchy: what suite.yaml asks of the gate beside limits of values."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import test_gate_command as shared
from test_gate_command import RIGHT, answering, gate, make_run

from evalkit.cli import _run
from evalkit.gate import Answer, Covered, Line, Measured, judge
from evalkit.gating.covering import covered, covered_sentence
from evalkit.gating.trials import Level
from evalkit.records import Approach, SystemSpec

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import gate_worlds as worlds

# The same desk, its runs, and no CI around.
desk, quiet, runs = shared.desk, shared.quiet, shared.runs
SCHEMA = json.loads(
    (Path(__file__).parents[1] / "evalkit" / "schemas" / "verdict.schema.json").read_text()
)


def suite_file(runs: Path, text: str) -> None:
    (runs / "suite" / "suite.yaml").write_text(f"format: 1\nname: desk\n{text}\n")


def refused(runs: Path, capsys, *options: str) -> str:
    assert _run(["gate", str(runs / "runs" / "good"), *options]) == 3
    return capsys.readouterr().err


def flipped(n: int, harms: int) -> dict[str, Measured]:
    """A candidate that fails ``harms`` of the cases that its baseline passed."""
    before = np.ones(n)
    after = before.copy()
    after[:harms] = 0
    return {"candidate": worlds.column(after), "baseline": worlds.column(before)}


# --- how much must be measured -----------------------------------------------------------------


def test_enough_coverage_passes_and_too_little_is_incomplete(runs, capsys):
    suite_file(runs, "max_error_rate: 0.1\nlimits: [{metric: passed, coverage: 0.95}]")
    verdict = gate(runs, "broken", code=0)  # 6 of 120 erred
    (row,) = verdict["coverage"]
    assert (row["answer"], row["share"], row["due"]) == ("pass", 0.95, 120)
    jsonschema.validate(verdict, SCHEMA)
    suite_file(runs, "max_error_rate: 0.1\nlimits: [{metric: passed, coverage: 0.96}]")
    verdict = gate(runs, "broken", code=12)
    assert verdict["verdict"] == "incomplete"
    assert "coverage of passed 95.0 % of the 120 cases that ask for it" in verdict["reason"]
    jsonschema.validate(verdict, SCHEMA)
    assert "incomplete   coverage of passed" in capsys.readouterr().out
    assert 'name="coverage passed"' in (runs / "runs" / "broken" / "junit.xml").read_text()


def test_a_slice_has_a_coverage_of_its_own(runs):
    limit = "{metric: equivalence, coverage: 1, tags: [golden]}"
    suite_file(runs, f"max_error_rate: 0.1\nlimits: [{limit}]")
    verdict = gate(runs, "broken", code=0)  # what erred is elsewhere
    assert verdict["coverage"][0]["due"] == 3


def test_a_limit_with_coverage_takes_it_in_the_place_of_the_tolerance(runs):
    limit = "metric: equivalence, at_least: 0.6, margin: 0.1"
    suite_file(runs, f"max_error_rate: 0.1\nlimits: [{{{limit}}}]")
    assert gate(runs, "broken", code=0)["limits"][0]["answer"] == "pass"
    suite_file(runs, f"max_error_rate: 0.1\nlimits: [{{{limit}, coverage: 0.99}}]")
    verdict = gate(runs, "broken", code=12)
    assert [verdict[k][0]["answer"] for k in ("limits", "coverage")] == ["incomplete"] * 2


def test_a_missed_limit_is_a_regression_though_coverage_is_short(runs):
    limit = "{metric: passed, at_least: 0.99, coverage: 1}"
    suite_file(runs, f"max_error_rate: 0.1\nlimits: [{limit}]")
    assert gate(runs, "broken", code=10)["coverage"][0]["answer"] == "incomplete"


def test_a_case_that_was_not_asked_is_not_covered(runs):
    suite_file(runs, "max_error_rate: 0.5\nlimits: [{metric: equivalence, coverage: 0.95}]")
    more = {"id": "z", "query": "When does desk 500 open?", "reference": RIGHT}
    with (runs / "suite" / "cases.jsonl").open("a") as file:
        file.write("".join("\n" + json.dumps(more | {"id": f"z{i}"}) for i in range(10)))
    verdict = gate(runs, "good", "--allow", "ten new cases", code=12)
    (row,) = verdict["coverage"]
    assert (row["due"], row["share"]) == (130, pytest.approx(120 / 130))


def test_what_a_prompt_cannot_have_holds_nothing_up(runs):
    suite = runs / "suite"
    cases = (suite / "cases.jsonl").read_text().splitlines()
    rows = [json.dumps({**json.loads(line), "relevant": ["d"]}) for line in cases]
    (suite / "cases.jsonl").write_text("\n".join(rows))
    (suite / "corpus.jsonl").write_text(json.dumps({"_id": "d", "text": RIGHT}))
    suite_file(runs, "limits: [{metric: passed, at_least: 0.5}, {metric: R@5, coverage: 1}]")
    (runs / "coverage_system.py").write_text(f"def answer(query):\n    return {RIGHT!r}\n")
    options = {"target": "coverage_system:answer"}
    spec = SystemSpec("p", Approach.PROMPT, "python", options, folder=runs)
    make_run(suite, runs / "runs" / "prompt", [spec])
    verdict = gate(runs, "prompt", code=0)
    assert verdict["coverage"][0]["answer"] == "n/a"


def test_of_nothing_that_is_due_no_coverage_is_told():
    nothing = Measured(np.full(3, np.nan), np.full(3, np.nan), np.zeros(3))
    assert covered(("R@5", ()), 0.9, nothing, None).answer is Answer.INCONCLUSIVE
    assert covered(("R@5", ()), 0.9, nothing, "a prompt").answer is Answer.NOT_APPLICABLE


def test_nearly_all_is_not_shown_as_all():
    one = Covered("passed", (), 1.0, 0.99999, 100_000, Answer.INCOMPLETE)
    assert "99.999 %" in covered_sentence(one)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ("{metric: grundedness, coverage: 0.9}", "did you mean 'groundedness'"),
        ("{metric: macro_f1, coverage: 0.9}", "has one value for the whole suite"),
        ("{metric: passed, coverage: 0.9}", "raise max_error_rate to 0.1"),
        ("{metric: passed, coverage: 1, tags: [gold]}", "no case has the tag 'gold'"),
        ("{metric: equivalence, coverage: 0.9, margin: 0.1}", "margin goes with at_least"),
        ("{metric: equivalence, coverage: 1.5}", "coverage"),
        ("{metric: equivalence, coverage: 0}", "coverage"),
        ("{metric: equivalence}", "or coverage"),
        (
            "{metric: equivalence, coverage: 0.9}, {metric: equivalence, at_least: 0.5, coverage: 0.8}",
            "is 0.9 in another limit",
        ),
    ],
)
def test_a_coverage_that_could_guard_nothing_is_refused(runs, capsys, limits, told):
    suite_file(runs, f"limits: [{limits}]")
    assert told in refused(runs, capsys)


# --- a declared hierarchy ----------------------------------------------------------------------


def test_in_a_hierarchy_the_first_line_has_all_of_alpha():
    """Five of 400 cases dropped: p 0.02, which is enough for one test and too little for one of ten."""
    lines = [Line("first", **flipped(400, 5))]
    lines += [Line(f"m{i}", **flipped(400, 0)) for i in range(9)]
    steps = [replace(line, step=i) for i, line in enumerate(lines)]
    assert judge(lines).rulings[0].answer is not Answer.REGRESSION
    found = judge(steps)
    assert found.rulings[0].answer is Answer.REGRESSION
    assert found.level.family == 1


def test_behind_a_line_that_holds_nothing_is_a_regression_and_nothing_bad_passes():
    lines = [
        Line("first", **flipped(400, 0), step=0),
        Line("second", **flipped(400, 60), step=1),
        Line("third", **flipped(400, 0), step=2),
    ]
    found = judge(lines)
    assert [ruling.answer for ruling in found.rulings] == ["pass", "inconclusive", "pass"]
    assert [ruling.behind for ruling in found.rulings] == [False, True, False]
    assert found.answer is Answer.INCONCLUSIVE


def test_the_test_goes_on_as_long_as_lines_drop():
    lines = [Line(f"m{i}", **flipped(400, harms), step=i) for i, harms in enumerate((60, 5, 0, 60))]
    found = [str(ruling.answer) for ruling in judge(lines).rulings]
    assert found == ["regression", "regression", "pass", "inconclusive"]


def test_the_steps_count_and_not_the_places():
    lines = [Line(f"m{i}", **flipped(400, harms), step=i) for i, harms in enumerate((60, 0, 60))]
    there = {ruling.line.metric: (ruling.answer, ruling.p) for ruling in judge(lines).rulings}
    back = {ruling.line.metric: (ruling.answer, ruling.p) for ruling in judge(lines[::-1]).rulings}
    assert there == back


def test_the_rate_of_false_alarms_is_that_of_one_test():
    sims, level = 400, Level(resamples=399)
    random = np.random.default_rng(5)
    alarms = 0
    for _ in range(sims):
        lines = worlds.many(random, 300, 5)
        steps = [replace(line, step=i) for i, line in enumerate(lines)]
        alarms += judge(steps, level=level).answer is Answer.REGRESSION
    assert alarms / sims <= worlds.bound(0.05, sims)


def test_a_hierarchy_in_suite_yaml_orders_limits_and_comparisons(runs, capsys):
    suite_file(
        runs,
        "limits: [{metric: equivalence, at_least: 0.5, margin: 0.1}]\nhierarchy: [passed, equivalence]",
    )
    verdict = gate(runs, "worse", "--baseline", runs / "runs" / "good", code=10)
    assert verdict["settings"]["correction"] == "hierarchy"
    assert verdict["settings"]["family"] == 1
    told = {(line["metric"], "baseline" in line): line["p"] for line in verdict["tests"]}
    assert told["passed", True] < 0.05
    jsonschema.validate(verdict, SCHEMA)


def test_what_stands_in_the_hierarchy_is_compared_without_a_limit(runs):
    suite_file(runs, "hierarchy: [passed, token_f1]")
    verdict = gate(runs, "worse", "--baseline", runs / "runs" / "good", code=10)
    assert [line["metric"] for line in verdict["tests"]] == ["passed", "token_f1"]


def test_what_looks_worse_behind_the_stop_is_not_waved_through(runs):
    """The slice holds, so that nothing after it can be a regression; `--inconclusive pass` does not let it through."""
    suite_file(runs, 'hierarchy: ["passed[golden]", passed]')
    for options in ((), ("--inconclusive", "pass")):
        against = ("--baseline", runs / "runs" / "good", *options)
        verdict = gate(runs, "worse", *against, code=11)
        (whole,) = [line for line in verdict["tests"] if not line["tags"]]
        assert whole["answer"] == "inconclusive"
        assert "looks worse (p" in whole["text"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("limits: [{metric: R@5, at_least: 0.5}]\nhierarchy: [passed]", "leaves out R@5"),
        ("hierarchy: [equivalence]", "leaves out passed, which is compared"),
        ("hierarchy: [passed, passed]", "twice"),
        ("hierarchy: [passed, equivalense]", "did you mean 'equivalence'"),
        ("hierarchy: [passed, macro_f1]", "has one value for the whole suite"),
        ('hierarchy: [passed, "passed[gold]"]', "no case has the tag 'gold'"),
    ],
)
def test_a_hierarchy_that_leaves_something_open_is_refused(runs, capsys, text, told):
    suite_file(runs, text)
    assert told in refused(runs, capsys, "--baseline", str(runs / "runs" / "worse"))


# --- limits are no part of what was asked ------------------------------------------------------


def test_a_baseline_outlives_a_change_of_limits(runs, capsys):
    """The baseline, run and file, was made under other limits than the candidate: its answers and grades still count."""
    file = runs / "baseline.json"
    suite_file(runs, "limits: [{metric: passed, at_least: 0.5}]")
    make_run(runs / "suite", runs / "runs" / "old", {"rag": answering(10)})
    assert _run(["baseline", "update", str(runs / "runs" / "old"), "--out", str(file)]) == 0
    suite_file(runs, "max_error_rate: 0.01\nlimits: [{metric: passed, at_least: 0.6, coverage: 1}]")
    make_run(runs / "suite", runs / "runs" / "new", {"rag": answering(10)})
    for baseline in (file, runs / "runs" / "old"):
        verdict = gate(runs, "new", "--baseline", baseline, code=0)
        assert verdict["differences"] == []
        assert verdict["limits"][0]["at_least"] == 0.6
    digests = {verdict["suite_digest"], verdict["baseline"]["suite_digest"]}
    assert len(digests) == 2


def test_a_change_of_labels_is_another_suite(runs, capsys):
    file = runs / "baseline.json"
    assert _run(["baseline", "update", str(runs / "runs" / "good"), "--out", str(file)]) == 0
    cases = runs / "suite" / "cases.jsonl"
    cases.write_text(cases.read_text().replace("at nine", "at ten", 1))
    shutil.rmtree(runs / "runs" / "good")
    make_run(runs / "suite", runs / "runs" / "good", {"rag": answering(10)})
    assert "another suite" in refused(runs, capsys, "--baseline", str(file))


def test_a_baseline_file_that_does_not_say_what_was_asked_says_how_to_renew_it(runs, capsys):
    file = runs / "baseline.json"
    assert _run(["baseline", "update", str(runs / "runs" / "good"), "--out", str(file)]) == 0
    text = file.read_text()
    before, _, after = text.partition(', "asked": "')
    file.write_text(before + after.partition('"')[2])
    gate(runs, "good", "--baseline", file, "--system", "rag", code=0)  # the very same suite
    suite_file(runs, "limits: [{metric: passed, at_least: 0.6}]")
    make_run(runs / "suite", runs / "runs" / "new", {"rag": answering(10)})
    assert _run(["gate", str(runs / "runs" / "new"), "--baseline", str(file)]) == 3
    assert "`evalkit baseline update` renews it" in capsys.readouterr().err


def test_a_check_warns_of_a_demand_that_nothing_bears(tmp_path, capsys):
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "suite.yaml").write_text("format: 1\nname: s\nhierarchy: [pased]\n")
    case = {"id": "c1", "query": "What is the fee?", "reference": "5 euros"}
    (folder / "cases.jsonl").write_text(json.dumps(case) + "\n")
    assert _run(["check", str(folder)]) == 0
    assert "hierarchy[0]: no metric and no cause is called 'pased'" in capsys.readouterr().out
