"""``evalkit gate`` and ``evalkit baseline`` on real run folders: files, exit codes and what people and CI are shown."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

import evalkit
from evalkit.artefacts import write_json
from evalkit.cli import _run
from evalkit.gating.ci_summary import inert, markdown, workflow_commands
from evalkit.gating.intact import note_digests
from evalkit.gating.junit import junit_xml
from evalkit.gating.shown import visible
from evalkit.gating.snapshot import how_it_ended, snapshot_of
from evalkit.pages.verdicts import gain_sentence
from evalkit.records import Approach, SystemSpec
from evalkit.store import Store

CASES = 120
RIGHT = "The desk opens on Mondays at nine."
WRONG = "The desk opens on Fridays at noon."


def answers_of(run: Path) -> str:
    """What the answers are called that the files of a run were made of."""
    return json.loads((run / "digests.json").read_text())["answers"]


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """No CI is around."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_RUN_ATTEMPT"):
        monkeypatch.delenv(name, raising=False)


def write_suite(folder: Path, limits: str = "", cases: int = CASES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suite.yaml").write_text(f"format: 1\nname: desk\nlimits: [{limits}]\n")
    rows = [
        {
            "id": f"c{i:03}",
            "query": f"When does desk {i} open?",
            "reference": RIGHT,
            "tags": ["golden"] if i >= CASES - 3 else [],
        }
        for i in range(cases)
    ]
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def answering(wrong: int, broken: int = 0):
    """A system that is wrong on the first cases, and breaks on some after them."""

    def answer(query: str) -> str:
        number = int(query.split()[3])
        if wrong <= number < wrong + broken:
            raise RuntimeError("down")
        return WRONG if number < wrong else RIGHT

    return answer


def make_run(suite: Path, out: Path, systems, **options) -> Path:
    run = evalkit.run(suite, systems, out=out, probes="none", **options)
    run.write()
    return out


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """A folder with a suite and runs of it: good, worse, broken, and two systems in one run."""
    root = tmp_path_factory.mktemp("desk")
    suite = write_suite(root / "suite")
    for name, system in {
        "good": answering(10),
        "worse": answering(30),
        "broken": answering(10, broken=6),
    }.items():
        make_run(suite, root / "runs" / name, {"rag": system})
    make_run(suite, root / "runs" / "two", {"rag": answering(10), "new": answering(30)})
    return root


@pytest.fixture
def runs(desk, tmp_path) -> Path:
    """The same folder, to be changed at will; the current one."""
    shutil.copytree(desk, tmp_path / "desk")
    return tmp_path / "desk"


def told(runs: Path, name: str) -> dict:
    return json.loads((runs / "runs" / name / "verdict.json").read_text())


def gate(runs: Path, name: str, *options, code: int):
    assert _run(["gate", str(runs / "runs" / name), *map(str, options)]) == code
    return told(runs, name)


def limited(runs: Path, limits: str, name: str) -> None:
    """Give the suite limits and ask again: the digest is another one then."""
    write_suite(runs / "suite", limits)
    shutil.rmtree(runs / "runs" / name)
    wrong = {"good": 10, "worse": 30}[name]
    make_run(runs / "suite", runs / "runs" / name, {"rag": answering(wrong)})


# --- the answers and their exit codes -----------------------------------------------------------


def test_0_nothing_dropped(runs, capsys):
    shutil.copytree(runs / "runs" / "good", runs / "runs" / "again")
    verdict = gate(runs, "again", "--baseline", runs / "runs" / "good", code=0)
    assert (verdict["verdict"], verdict["exit_name"], verdict["reason"]) == ("pass", "pass", None)
    assert verdict["tests"][0]["detectable"] < 0.1
    assert "Verdict: pass" in capsys.readouterr().out


def test_10_a_drop_against_a_run_and_against_a_committed_file(runs, capsys):
    file = runs / "suite" / "baseline.json"
    assert _run(["baseline", "update", str(runs / "runs" / "good")]) == 0
    for baseline in (file, runs / "runs" / "good"):
        verdict = gate(runs, "worse", "--baseline", baseline, code=10)
        (line,) = verdict["tests"]
        assert (verdict["verdict"], line["metric"], line["answer"]) == (
            "regression",
            "passed",
            "regression",
        )
        assert line["change"] == pytest.approx(-20 / CASES)
        assert line["low"] < -20 / CASES < line["high"] < 0
    assert "regression   passed 91.7 % -> 75.0 %" in capsys.readouterr().out


def test_11_too_few_cases_with_the_number_that_would_do(runs, tmp_path, capsys):
    suite = write_suite(tmp_path / "small", cases=8)
    for name in ("a", "b"):
        make_run(suite, tmp_path / name, {"rag": answering(2)})
    arguments = ["gate", str(tmp_path / "a"), "--baseline", str(tmp_path / "b")]
    assert _run(arguments) == 11
    verdict = json.loads((tmp_path / "a" / "verdict.json").read_text())
    assert verdict["tests"][0]["cases_needed"] > 8
    assert "cases would tell" in capsys.readouterr().out
    assert _run([*arguments, "--inconclusive", "pass"]) == 0
    verdict = json.loads((tmp_path / "a" / "verdict.json").read_text())
    assert (verdict["verdict"], verdict["exit_code"]) == ("inconclusive", 0)


def test_12_errors_above_the_tolerance(runs, capsys):
    verdict = gate(runs, "broken", "--baseline", runs / "runs" / "good", code=12)
    assert verdict["verdict"] == "incomplete"
    assert verdict["missing"] == {"share": pytest.approx(0.05), "tolerated": 0.02}
    line = verdict["tests"][0]
    assert (line["value"], line["measured"]) == (pytest.approx(104 / 114), 114)
    assert line["change"] == 0
    assert line["change_if_missing_were_bad"] == pytest.approx(-0.05)
    assert line["change_if_missing_were_good"] == pytest.approx(0)
    assert "5.0 % of the outcomes are errors" in verdict["reason"]
    assert "passed 91.7 % of 120 cases -> 91.2 % of 114 cases of 120" in line["text"]
    assert "anything from -5.0 points to +0.0 points" in line["text"]


def test_12_a_run_of_some_of_the_cases(runs, tmp_path):
    make_run(runs / "suite", tmp_path / "part", {"rag": answering(10)}, limit=60)
    whole = runs / "runs" / "good"
    arguments = ["gate", str(tmp_path / "part"), "--baseline", str(whole)]
    assert _run(arguments) == 3
    assert _run([*arguments, "--allow", "a smoke test"]) == 12
    verdict = json.loads((tmp_path / "part" / "verdict.json").read_text())
    assert verdict["allow"] == "a smoke test"
    assert "lacks 60 cases of the baseline: c060" in verdict["baseline"]["differences"][0]
    (line,) = verdict["tests"]
    assert (line["answer"], line["n"]) == ("pass", 60)  # the comparison is of what both have
    assert verdict["missing"]["share"] == 0.5


@pytest.mark.parametrize(
    ("limits", "name", "code"),
    [
        ("{metric: passed, at_least: 0.8}", "good", 0),
        ("{metric: passed, at_least: 0.9}", "good", 11),
        ("{metric: passed, at_least: 0.9, margin: 0.1}", "good", 0),
        ("{metric: passed, at_least: 0.9}", "worse", 10),
        ("{metric: passed, at_least: 1, tags: [golden]}", "worse", 0),
        ("{metric: passed, at_least: 1}", "good", 10),
        ("{metric: infra_error, at_most: 0}", "good", 0),
        ("{metric: passed, at_least: 0.5, tags: [nowhere]}", "good", 3),
        ("{metric: R@5, at_least: 0.5}, {metric: passed, at_least: 0.8}", "good", 11),
        ("{metric: R@5, at_least: 0.5}, {metric: passed, at_least: 0.95}", "worse", 10),
        ("{metric: macro_f1, at_least: 0.5}", "good", 4),
        ("{metric: R@5, at_least: 0.5}", "good", 4),
    ],
)
def test_limits_of_the_suite(runs, limits, name, code):
    limited(runs, limits, name)
    assert _run(["gate", str(runs / "runs" / name)]) == code
    if code not in (3, 4):
        assert len(told(runs, name)["limits"]) == limits.count("metric")


def test_a_limit_on_a_cause_is_compared_with_the_baseline_too(runs, capsys):
    limits = "{metric: misinterpretation, at_most: 0.9}, {metric: infra_error, at_most: 0.5}"
    for name in ("good", "worse"):
        limited(runs, limits, name)
    verdict = gate(runs, "worse", "--baseline", runs / "runs" / "good", code=10)
    assert [line["metric"] for line in verdict["tests"]] == [
        "passed",
        "misinterpretation",
        "infra_error",
    ]


# --- what does not belong together ---------------------------------------------------------------


def test_3_another_suite_judge_or_damaged_file_is_refused_with_the_difference(runs, capsys):
    write_suite(runs / "suite", "{metric: passed, at_least: 0.8}")
    good = str(runs / "runs" / "good")
    with (runs / "suite" / "suite.yaml").open("a") as file:
        file.write("correct: {metric: equivalence, at_least: 0.4}\n")
    assert _run(["gate", good]) == 3
    said = capsys.readouterr().err
    assert "another state of the suite" in said
    assert "correct was nothing, now {metric: equivalence, at_least: 0.4}" in said
    assert f"`evalkit score {good}` renews the files" in said
    assert _run(["score", good]) == 0
    assert _run(["gate", good]) == 0
    manifest = runs / "runs" / "worse" / "manifest.json"
    changed = json.loads(manifest.read_text())
    changed["recipe"]["judge"] = "another/1"
    write_json(manifest, changed)
    note_digests(manifest.parent, answers_of(manifest.parent))
    arguments = ["gate", good, "--baseline", str(runs / "runs" / "worse")]
    assert _run(arguments) == 3
    assert "another judge: the baseline's is another/1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda run: (run / "verdict.json").unlink(), "not finished"),
        (shutil.rmtree, "no run"),
        (lambda run: write_json(run / "manifest.json", {}), "another shape"),
        (lambda run: (run / "scores.csv").write_text("a,b\n"), "header"),
        (lambda run: (run / "scores.csv").write_bytes(b"\xff"), "UTF-8"),
    ],
)
def test_3_an_unfinished_or_damaged_run(runs, capsys, damage, told):
    damage(runs / "runs" / "good")
    assert _run(["gate", str(runs / "runs" / "good"), "--aa", "2"]) == 3
    assert told in capsys.readouterr().err


def test_what_calls_that_broke_would_have_answered_is_known_to_nobody(runs):
    diagnosis = json.loads((runs / "runs" / "broken" / "diagnosis.json").read_text())
    gain = diagnosis["systems"]["rag"]["headroom"]["infra_error"]
    assert (gain["gain"], gain["low"]) == (6 / CASES, 0)
    assert gain_sentence({"infra_error": gain}).startswith(
        "Mending infra error alone would raise the pass rate by at most 5"
    )


@pytest.mark.parametrize(("line", "code"), [(0.8, 0), (0.99, 10)])
def test_limits_that_are_new_hold_without_another_run(runs, line, code):
    write_suite(runs / "suite", f"{{metric: passed, at_least: {line}}}")
    assert gate(runs, "good", code=code)["differences"] == []
    assert _run(["decide", str(runs / "runs" / "good")]) == 0


@pytest.mark.parametrize("how", ["edited", "edited and unnoted", "mended"])
def test_3_scores_that_were_edited_by_hand_never_pass(runs, capsys, how):
    limited(runs, "{metric: passed, at_least: 0.95}", "worse")
    run = runs / "runs" / "worse"
    gate(runs, "worse", code=10)
    scores = run / "scores.csv"
    lines = (
        scores.read_text().replace(",passed,0,", ",passed,1,").replace(",correct,0,", ",correct,1,")
    )
    scores.write_text(lines)
    if how == "edited and unnoted":
        (run / "digests.json").unlink()
    if how == "mended":
        assert _run(["score", str(run)]) == 0
        gate(runs, "worse", code=10)
        return
    capsys.readouterr()
    for command in (["gate", str(run)], ["baseline", "update", str(run), "--allow", "x"]):
        assert _run(command) == 3
        said = capsys.readouterr().err
        assert ("scores.csv: is not as evalkit wrote it" in said) == (how == "edited")
        assert f"`evalkit score {run}`" in said


def test_3_files_that_are_older_than_the_answers(runs, capsys):
    with Store(runs / "runs" / "good") as store:
        trace = next(store.traces("rag"))
        store.put_all([evalkit.Trace(system="rag", case_id=trace.case_id, repeat=7, response="x")])
    gate(runs, "good", "--aa", 2, code=3)
    assert "newer than the files" in capsys.readouterr().err


def test_3_a_system_must_be_chosen_where_there_are_several(runs, capsys):
    gate(runs, "two", "--aa", 2, code=3)
    assert "give --system with one of rag, new" in capsys.readouterr().err
    gate(runs, "two", "--system", "rga", "--aa", 2, code=3)
    assert "did you mean 'rag'" in capsys.readouterr().err


def test_two_systems_of_one_run_can_be_compared(runs):
    run = runs / "runs" / "two"
    gate(runs, "two", "--system", "new", "--baseline", run, "--baseline-system", "rag", code=10)
    gate(runs, "two", "--system", "rag", "--baseline", run, "--baseline-system", "rag", code=3)


def test_4_nothing_to_judge(runs, capsys):
    gate(runs, "good", code=4)
    assert "nothing to judge" in capsys.readouterr().err


def test_5_a_run_that_is_being_written(runs):
    with Store(runs / "runs" / "good"):
        gate(runs, "good", "--baseline", runs / "runs" / "worse", code=5)


@pytest.mark.parametrize("wrong", [["--margin", "x"], ["--margin", "-1"], ["--margin", "nan"], ["--margin", "inf"], ["--detect", "0"],
    ["--detect", "nan"], ["--detect", "inf"], ["--alpha", "nan"], ["--alpha", "inf"], ["--power", "nan"],
    ["--allow", ""], ["--allow", " \t"], ["--margin", "5"], ["--margin", "passed=1"], ["a"]])  # fmt: skip
def test_2_a_wrong_option(runs, wrong):
    gate(runs, "good", *wrong, code=2)


def test_a_margin_that_tolerates_anything_is_refused_with_what_a_point_is(runs, capsys):
    gate(runs, "good", "--baseline", runs / "runs" / "worse", "--margin", "5", code=2)
    assert "0.05 is five points" in capsys.readouterr().err


def test_3_a_metric_that_is_unknown_or_not_in_the_baseline(runs, capsys):
    good = runs / "runs" / "good"
    gate(runs, "worse", "--baseline", good, "--metric", "pased", code=3)
    assert "did you mean 'passed'" in capsys.readouterr().err
    file = runs / "b.json"
    assert _run(["baseline", "update", str(good), "--out", str(file)]) == 0
    gate(runs, "worse", "--baseline", file, "--metric", "token_f1", code=3)
    assert "holds no values of token_f1" in capsys.readouterr().err
    gate(runs, "worse", "--baseline", good, "--metric", "token_f1", code=10)


def test_the_suite_is_found_where_it_lay_when_the_run_was_made(runs, monkeypatch, capsys):
    monkeypatch.chdir(runs)
    assert _run(["gate", "runs/worse", "--baseline", "runs/good"]) == 10
    shutil.rmtree(runs / "suite")
    assert _run(["gate", "runs/worse", "--baseline", "runs/good"]) == 3
    assert "give --suite" in capsys.readouterr().err


# --- noise, attempts ------------------------------------------------------------------------------


def test_an_a_a_test_finds_equal_runs_beside_this_one(runs, capsys):
    shutil.copytree(runs / "runs" / "good", runs / "runs" / "again")
    verdict = gate(runs, "good", "--aa", 2, code=0)
    assert (verdict["verdict"], verdict["exit_code"]) == ("none", 0)
    assert verdict["noise"] | {"detectable": 0} == {
        "runs": 2,
        "cases": CASES,
        "pairs": 1,
        "flip_rate": 0.0,
        "low": 0.0,
        "high": pytest.approx(0.031, abs=1e-3),
        "detectable": 0,
        "false_alarms": 0,
        "cases_for": {"0.1": 54, "0.05": 110, "0.03": 183},
        "sources": ["good", "again"],
    }
    for name in ("again", "broken", "two", "worse"):
        shutil.rmtree(runs / "runs" / name)
    gate(runs, "good", "--aa", 2, code=3)
    assert "--repeats" in capsys.readouterr().err


def test_trying_until_it_passes_shows(runs, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", "3")
    good = runs / "runs" / "good"
    gate(runs, "worse", "--baseline", good, code=10)
    verdict = gate(runs, "worse", "--baseline", good, "--margin", "0.4", code=0)
    assert [entry["verdict"] for entry in verdict["earlier"]] == ["regression"]
    assert {run["run"]: run["verdict"] for run in verdict["runs"]} == {
        "broken": "incomplete",
        "good": "none",
        "two": "none",
        "worse": "regression",
    }
    assert verdict["attempt"] == 3
    out = capsys.readouterr().out
    assert "This run was judged before: regression" in out
    assert "Other runs of this suite and commit: broken (incomplete), good (none)" in out


# --- what CI reads -----------------------------------------------------------------------------


def test_junit_counts_what_the_verdict_counts(runs):
    verdict = gate(runs, "broken", "--baseline", runs / "runs" / "good", code=12)
    root = ET.parse(runs / "runs" / "broken" / "junit.xml").getroot()
    lines, cases = root
    assert lines.get("failures") == "1"
    counts = verdict["counts"]
    assert [int(cases.get(n)) for n in ("tests", "failures", "errors", "skipped")] == [
        CASES,
        counts["failed"],
        counts["errors"],
        counts["ungraded"],
    ]


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ((1.0, 1.0), "passed"),
        ((1.0, 0.0, "error"), "failed"),
        ((1.0, "error"), "errors"),
        ((1.0, "ungraded"), "ungraded"),
        ((None,), "ungraded"),
    ],
)
def test_a_case_ends_as_its_worst_repeat_does(row, wanted):
    assert how_it_ended(row) == wanted


HOSTILE = "c]]><x/>\x00\x1b[31m\u202e|`**&\n::error::no ##vso[task.x]"


def hostile_verdict(runs):
    verdict = gate(runs, "worse", "--baseline", runs / "runs" / "good", code=10)
    text = json.dumps(verdict).replace("passed", json.dumps(HOSTILE)[1:-1])
    found = json.loads(text)
    found["counts"] = verdict["counts"]
    return found


def test_hostile_names_stay_text_in_xml(runs):
    verdict = hostile_verdict(runs)
    found = snapshot_of(runs / "runs" / "worse", None, metrics=())
    rows = found.cells["passed"]
    rows |= {HOSTILE: (0.0,), HOSTILE.replace("\x00", "\x01"): (1.0,)}
    root = ET.fromstring(junit_xml(verdict, found))
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names) == CASES + 3
    assert root.find(".//x") is None


def test_hostile_names_stay_text_in_logs_and_markdown(runs, monkeypatch):
    verdict = hostile_verdict(runs)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    commands = list(workflow_commands(verdict))
    assert len(commands) == 1
    assert commands[0].startswith("::error title=evalkit%3A regression::")
    for text in (*commands, markdown(verdict)):
        assert not set(text) & {"\x00", "\x1b", "\u202e", "\r"}
        assert "##vso[" not in text
    assert not any(line.lstrip().startswith("::") for line in markdown(verdict).splitlines())
    assert "<x/>" not in markdown(verdict)


def test_text_in_any_script_is_shown_as_it_is():
    for text in ("Kündigung bis Monatsende", "営業時間は?", "Giờ mở cửa", "ساعات العمل", "می‌روم"):
        assert visible(text) == text
        assert inert(text) == text
    assert visible("::warning::x") == ": :warning::x"


def test_the_summary_of_the_job_is_added_to(runs, monkeypatch, tmp_path):
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    gate(runs, "worse", "--baseline", runs / "runs" / "good", code=10)
    text = file.read_text()
    assert text.startswith("before\n### evalkit: regression\n")
    assert "| regression | passed 91.7 % -&gt; 75.0 %" in text


def test_6_a_verdict_that_cannot_be_written_is_no_pass(runs, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(runs / "no" / "such" / "folder.md"))
    shutil.copytree(runs / "runs" / "good", runs / "runs" / "again")
    before = told(runs, "again")
    gate(runs, "again", "--baseline", runs / "runs" / "good", code=6)
    after = told(runs, "again")
    assert (before["exit_code"], after["exit_code"], after["exit_name"]) == (0, 6, "storage")


# --- baseline ------------------------------------------------------------------------------------


def test_a_baseline_can_be_shown(runs, capsys):
    file = runs / "b.json"
    update = ["baseline", "update", str(runs / "runs" / "good")]
    assert _run([*update, "--out", str(file), "--metric", "token_f1"]) == 0
    assert _run(["baseline", "show", str(file)]) == 0
    out = capsys.readouterr().out
    assert "110 passed, 10 failed, 0 errors, 0 ungraded" in out
    assert "passed, token_f1" in out
    assert "RIGHT" not in file.read_text()
    assert _run(["baseline", "show", str(runs / "suite" / "suite.yaml")]) == 3


# --- published shapes ------------------------------------------------------------------------------


def schema(name: str) -> dict:
    return json.loads(
        (Path(evalkit.__file__).parent / "schemas" / f"{name}.schema.json").read_text()
    )


def test_the_baseline_is_as_published(runs):
    file = runs / "b.json"
    update = ["baseline", "update", str(runs / "runs" / "broken")]
    assert _run([*update, "--out", str(file), "--metric", "token_f1", "--allow", "a test"]) == 0
    jsonschema.validate(json.loads(file.read_text()), schema("baseline"))


def test_the_verdict_is_as_published(runs):
    published = schema("verdict")
    if "differences" not in published["properties"]:
        pytest.skip("the published schema does not yet tell what was measured from what was not")
    limited(runs, "{metric: passed, at_least: 0.8}, {metric: infra_error, at_most: 0}", "good")
    limited(runs, "{metric: passed, at_least: 0.8}, {metric: infra_error, at_most: 0}", "worse")
    good = runs / "runs" / "good"
    shutil.copytree(runs / "runs" / "worse", runs / "runs" / "again")
    for options in ((), ("--aa", 2)):
        verdict = gate(runs, "worse", "--baseline", good, *options, code=10)
        jsonschema.validate(verdict, published)
    jsonschema.validate(gate(runs, "good", code=0), published)
    jsonschema.validate(gate(runs, "good", "--detect", "nan", code=2), published)


# --- all of the cases, and nothing but what was measured ------------------------------------------


def test_allow_takes_no_case_from_a_limit(runs):
    """A must-pass case that the baseline lacks is judged all the same; only the comparison leaves it out."""
    suite = runs / "suite"
    write_suite(suite, "{metric: passed, at_least: 1, tags: [first]}")
    rows = [json.loads(line) for line in (suite / "cases.jsonl").read_text().splitlines()]
    rows[0]["tags"], rows[1]["tags"] = ["first"], ["first"]
    for name, cases in (("before", rows[1:]), ("after", rows)):  # c000 fails, and is new
        (suite / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
        make_run(suite, runs / "runs" / name, {"rag": answering(1)})
    before = runs / "runs" / "before"
    verdict = gate(runs, "after", "--baseline", before, "--allow", "a new case", code=10)
    (limit,), (change,) = verdict["limits"], verdict["tests"]
    assert (limit["answer"], limit["n"]) == ("regression", 2)
    assert (change["answer"], change["n"]) == ("pass", CASES - 1)


def test_allow_does_not_make_up_for_cases_that_were_not_asked(runs, capsys):
    write_suite(runs / "suite", "{metric: passed, at_least: 0.8}")
    make_run(runs / "suite", runs / "runs" / "part", {"rag": answering(0)}, limit=60)
    for options in ((), ("--allow", "a smoke test")):
        verdict = gate(runs, "part", *options, code=12)
        (line,) = verdict["limits"]
        assert (line["value"], line["measured"], line["n"]) == (1, 60, 120)
        assert "passed 100.0 % of 60 cases of 120 (anything from 50.0 % to 100.0 %" in line["text"]
    gate(runs, "part", "--allow", " ", code=2)


def test_what_the_suite_no_longer_has_is_told_where_another_state_of_it_is_allowed(runs):
    write_suite(runs / "suite", "{metric: passed, at_least: 0.8}", cases=CASES - 1)
    verdict = gate(runs, "good", "--allow", "one case is gone", code=0)
    assert "the suite no longer has 1 cases of the run: c119" in verdict["differences"]


def test_no_gate_leaves_the_verdict_of_an_earlier_one(runs, monkeypatch):
    good = runs / "runs" / "good"
    gate(runs, "worse", "--baseline", good, "--margin", "0.4", code=0)
    verdict = gate(runs, "worse", "--baseline", runs / "nowhere", code=3)
    assert (verdict["verdict"], verdict["exit_code"]) == ("none", 3)
    assert [entry["verdict"] for entry in verdict["earlier"]] == ["pass"]
    assert not (runs / "runs" / "worse" / "junit.xml").exists()
    monkeypatch.setattr("evalkit.gating.release.judge", lambda *_, **__: 1 / 0)
    verdict = gate(runs, "worse", "--baseline", good, code=1)
    assert "did not come to an end" in verdict["reason"]
    monkeypatch.undo()
    verdict = gate(runs, "worse", "--baseline", good, code=10)
    assert [entry["verdict"] for entry in verdict["earlier"]] == ["pass"]


@pytest.mark.parametrize(("approach", "answer"), [("prompt", "n/a"), ("rag", "incomplete")])
def test_a_limit_that_this_approach_cannot_have_is_listed_and_blocks_nothing(
    tmp_path, capsys, approach, answer
):
    limits = "{metric: R@5, at_least: 0.9}, {metric: passed, at_least: 0.9}"
    suite = write_suite(tmp_path / "suite", limits)
    cases = (suite / "cases.jsonl").read_text().splitlines()
    rows = [json.dumps({**json.loads(line), "relevant": ["d"]}) for line in cases]
    (suite / "cases.jsonl").write_text("\n".join(rows))
    (suite / "corpus.jsonl").write_text(json.dumps({"_id": "d", "text": RIGHT}))
    (tmp_path / "gate_system.py").write_text(f"def answer(query):\n    return {RIGHT!r}\n")
    options = {"target": "gate_system:answer"}
    spec = SystemSpec("p", Approach(approach), "python", options, folder=tmp_path)
    run = make_run(suite, tmp_path / "run", [spec])
    assert _run(["gate", str(run)]) == (0 if approach == "prompt" else 12)
    lines = json.loads((run / "verdict.json").read_text())["limits"]
    assert {line["metric"]: line["answer"] for line in lines} == {"passed": "pass", "R@5": answer}
    root = ET.parse(run / "junit.xml").getroot()
    assert root[0].get("skipped") == str(int(approach == "prompt"))
    assert "not applicable" in capsys.readouterr().out or approach == "rag"


def test_a_run_of_nothing_but_errors_is_incomplete_and_not_empty(runs):
    limits = "{metric: macro_f1, at_least: 0.5}, {metric: seconds_total, at_most: 3}"
    write_suite(runs / "suite", limits)
    make_run(runs / "suite", runs / "runs" / "down", {"rag": answering(0, broken=CASES)})
    verdict = gate(runs, "down", code=12)
    assert {line["answer"] for line in verdict["limits"]} == {"incomplete"}
    assert {line["value"] for line in verdict["limits"]} == {None}
    assert "not measured (all its measurements are missing)" in verdict["limits"][0]["text"]
    good = runs / "runs" / "good"
    verdict = gate(runs, "down", "--baseline", good, "--allow", "limits are new", code=12)
    assert "measured in none of 120 cases" in verdict["tests"][0]["text"]


@pytest.mark.parametrize(
    ("limit", "hint"),
    [
        ("{metric: passed, at_least: 0.9, margin: 5}", "margin: is 5, outside 0..1; 0.05 is five"),
        ("{metric: passed, at_least: 0.9, margin: -0.1}", "margin: is -0.1"),
        ("{metric: passed, at_least: 1.5}", "at_least: is 1.5, outside 0..1"),
        ("{metric: infra_error, at_most: -1}", "at_most: is -1"),
        ("{metric: seconds_total, at_most: -1}", "at_most: is -1, outside 0..inf"),
        ("{metric: passed, at_least: 1, tags: [goldne]}", "'goldne'; did you mean 'golden'?"),
        ("{metric: passed, at_least: 1, tags: [golden, golden2]}", "'golden2'"),
    ],
)
def test_a_limit_that_can_guard_nothing_is_refused(runs, capsys, limit, hint):
    write_suite(runs / "suite", limit)
    gate(runs, "good", "--allow", "new limits", code=3)
    assert hint in capsys.readouterr().err


def test_a_wish_for_a_tag_that_no_case_has_is_refused(runs, capsys):
    good = runs / "runs" / "good"
    gate(runs, "worse", "--baseline", good, "--metric", "passed[goldne]", code=3)
    assert "did you mean 'golden'" in capsys.readouterr().err


def test_ten_cases_are_told_to_be_too_few_and_twelve_to_do(tmp_path, capsys):
    suite = write_suite(tmp_path / "small", cases=10)
    for name, wrong in (("a", 10), ("b", 0)):
        make_run(suite, tmp_path / name, {"rag": answering(wrong)})
    assert _run(["gate", str(tmp_path / "a"), "--baseline", str(tmp_path / "b")]) == 11
    out = capsys.readouterr().out
    assert "10 cases are too few (under 12 nothing is concluded); about 12 cases would tell" in out


@pytest.mark.parametrize("suite", [False, True])
@pytest.mark.parametrize("finished", [False, True])
def test_5_a_run_under_way_is_busy_with_and_without_its_suite(runs, suite, finished):
    run = runs / "runs" / "good"
    if not finished:
        for name in ("verdict.json", "scores.csv"):
            (run / name).unlink()
    given = ["--suite", str(runs / "suite")] if suite else []
    with Store(run):
        assert _run(["gate", str(run), *given]) == 5


def test_a_judge_that_was_not_shown_to_agree_with_people_cannot_gate(runs, capsys):
    limited(runs, "{metric: passed, at_least: 0.8}", "good")
    manifest = runs / "runs" / "good" / "manifest.json"
    changed = json.loads(manifest.read_text())
    changed["recipe"]["judge"] = "llm/1"
    write_json(manifest, changed)
    note_digests(manifest.parent, answers_of(manifest.parent))
    gate(runs, "good", code=3)
    assert "never held against people" in capsys.readouterr().err
    verdict = gate(runs, "good", "--allow", "checked by hand", code=0)
    assert "never held against people" in verdict["differences"][0]


# --- what a baseline may be -----------------------------------------------------------------------


def test_a_baseline_is_not_made_of_errors_or_of_some_of_the_cases(runs, capsys):
    make_run(runs / "suite", runs / "runs" / "part", {"rag": answering(0)}, limit=60)
    file = runs / "suite" / "baseline.json"
    for name, told in (("broken", "6 errors"), ("part", "60 not asked are 50.0 %")):
        update = ["baseline", "update", str(runs / "runs" / name)]
        assert _run(update) == 12
        assert told in capsys.readouterr().err
        assert not file.exists()
        assert _run([*update, "--allow", ""]) == 2
    assert _run([*update, "--allow", "a pilot"]) == 0
    assert file.exists()


# --- names of any length and kind -------------------------------------------------------------------


def test_a_case_id_of_any_length_does_not_flood_the_terminal(runs, capsys):
    file, good = runs / "b.json", runs / "runs" / "good"
    assert _run(["baseline", "update", str(good), "--out", str(file)]) == 0
    file.write_text(file.read_text().replace('"c119"', json.dumps("x" * 300_000)))
    assert _run(["gate", str(good), "--baseline", str(file)]) == 3
    assert _run(["gate", str(good), "--baseline", str(file), "--allow", "renamed"]) == 0
    file.write_text(file.read_text().replace('"passed": [1]}\n', '"passed": 1}\n'))
    assert _run(["gate", str(good), "--baseline", str(file)]) == 3
    told = capsys.readouterr()
    assert max(map(len, (told.out + told.err).splitlines())) < 2_000
    assert told.err.count("(300000 characters)") == 2
