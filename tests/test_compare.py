"""Systems compared on the cases they share: denominators, units, tests, causes, cost, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from support import make_case, make_suite, make_trace

import evalkit
from evalkit.api import Run, from_traces
from evalkit.commands.compare_command import command
from evalkit.compare import compare
from evalkit.comparison.cause_shift import cause_shift, states
from evalkit.comparison.entrants import entrants
from evalkit.comparison.shape import comparison_json
from evalkit.comparison.standing import median_interval
from evalkit.comparison.tables import comparison_markdown
from evalkit.diagnosis import pass_rate_of
from evalkit.errors import InvalidInput, NothingToDo
from evalkit.records import Seconds, Usage

SCHEMA = json.loads(
    (Path(evalkit.__file__).parent / "schemas" / "comparison.schema.json").read_text()
)
RIGHT, WRONG = "We are open on Monday from 9 to 17.", "I think the train leaves at noon."
LANGUAGES = ("営業時間", "giờ mở cửa", "Öffnungszeiten", "ساعات العمل")
CASES = 24


def cases(n: int = CASES, *, per_group: int | None = None):
    return [
        make_case(
            f"{LANGUAGES[i % 4]} {i}",
            "When are you open?",
            reference=RIGHT,
            relevant=["hours"],
            tags=("even" if i % 2 == 0 else "odd",),
            group=None if per_group is None else f"g{i // per_group}",
        )
        for i in range(n)
    ]


def answers(suite, right, *, tokens=100, repeats=1, errors=(), retrieved=("hours",)):
    """One trace a case and repeat: right where ``right(i)`` says so, an error where ``errors`` does."""
    return [
        make_trace(
            RIGHT if right(i) else WRONG,
            case.id,
            repeat=repeat,
            retrieved=retrieved,
            context=retrieved,
            error="timeout" if i in errors else None,
            usage=Usage(tokens + i, 10),
        )
        for i, case in enumerate(suite.cases)
        for repeat in range(repeats)
    ]


def run_of(suite, approaches=None, **systems) -> Run:
    return from_traces(suite, systems, approaches)


@pytest.fixture(scope="module")
def suite():
    return make_suite(cases())


@pytest.fixture(scope="module")
def run(suite):
    """``strong`` is right wherever ``weak`` is, and on eight cases more."""
    return run_of(
        suite,
        weak=answers(suite, lambda i: i < 12),
        strong=answers(suite, lambda i: i < 20, tokens=300),
    )


def metric(comparison, name="passed", pair=0):
    return next(m for m in comparison.pairs[pair].metrics if m.metric == name)


def test_a_difference_comes_with_its_test_its_cases_and_its_denominators(run, suite):
    passed = metric(compare(suite, run.systems))
    assert (passed.a.mean, passed.b.mean, passed.n) == (0.5, pytest.approx(20 / 24), 24)
    assert (passed.a.scored, passed.a.due, passed.b.due) == (24, 24, 24)
    assert passed.difference.value == pytest.approx(1 / 3)
    assert passed.test == "mcnemar"
    assert passed.p == pytest.approx(0.5**8)  # mid-p of 8 repairs and no harm
    assert passed.p <= passed.p_adjusted <= 1
    assert (passed.wins, passed.ties, passed.losses) == (8, 16, 0)
    assert set(passed.win_ids) == {c.id for c in suite.cases[12:20]}
    assert passed.verdict == "better"
    assert 0.2 < passed.detectable < 0.5


def test_the_other_way_round_it_is_worse(run, suite):
    turned = {name: run.systems[name] for name in ("strong", "weak")}
    passed = metric(compare(suite, turned))
    assert (passed.verdict, passed.losses) == ("worse", 8)
    assert passed.difference.value == pytest.approx(-1 / 3)


def test_what_a_prompt_only_system_has_none_of_is_not_zero(suite):
    run = run_of(
        suite,
        {"plain": "prompt"},
        plain=answers(suite, lambda i: True, retrieved=()),
        rag=answers(suite, lambda i: True),
    )
    plain = [replace(t, retrieved=None, context=None) for t in run.systems["plain"].graded.traces]
    run = run_of(suite, {"plain": "prompt"}, plain=plain, rag=run.systems["rag"].graded.traces)
    recall = metric(compare(suite, run.systems, metrics=["R@5"]), "R@5")
    assert (recall.a.mean, recall.a.due, recall.b.mean) == (None, 0, 1.0)
    assert recall.difference is None
    assert recall.p is None
    assert recall.not_compared.startswith("plain: n/a, a prompt system")


def test_errors_count_as_failures_and_not_against_a_stage(suite):
    run = run_of(
        suite,
        sound=answers(suite, lambda i: True),
        shaky=answers(suite, lambda i: True, errors=range(6)),
    )
    found = compare(suite, run.systems, metrics=["passed", "R@5"])
    assert metric(found).b.mean == pytest.approx(18 / 24)
    recall = metric(found, "R@5")
    assert (recall.n, recall.b.scored, recall.b.due) == (18, 18, 24)


def test_repeats_are_averaged_within_the_case(suite):
    run = run_of(
        suite,
        once=answers(suite, lambda i: i < 12),
        often=answers(suite, lambda i: i < 20, repeats=5),
    )
    found = compare(suite, run.systems)
    alone = compare(
        suite,
        run_of(
            suite, once=answers(suite, lambda i: i < 12), often=answers(suite, lambda i: i < 20)
        ).systems,
    )
    assert metric(found).p == metric(alone).p
    assert "repeats differ (once 1, often 5)" in found.notes[0]


def test_cases_of_one_group_are_one_unit(suite):
    grouped = make_suite(cases(per_group=8))
    run = run_of(
        grouped,
        weak=answers(grouped, lambda i: i < 8),
        strong=answers(grouped, lambda i: i < 16),
    )
    found = compare(grouped, run.systems)
    assert found.pairs[0].groups == 3
    assert metric(found).test == "sign_flip"
    assert metric(found).p == 1  # one group of three changed: that is nothing


def test_only_common_cases_are_compared(suite):
    run = run_of(
        suite,
        all=answers(suite, lambda i: True),
        half=answers(suite, lambda i: i % 2 == 0)[:10],
    )
    pair = compare(suite, run.systems).pairs[0]
    assert (pair.cases, pair.only_a, pair.only_b) == (10, 14, 0)


def test_an_interrupted_run_says_how_many_cases_were_asked_and_which_are_left_out(suite):
    run = run_of(
        suite, all=answers(suite, lambda i: True), part=answers(suite, lambda i: True)[:16]
    )
    found = compare(suite, run.systems)
    assert "part: 16 of 24 cases asked" in found.notes
    assert "- part: 16 of 24 cases asked" in comparison_markdown(found)
    left = [case.id for case in suite.cases[16:]]
    assert f"Asked of all alone, and not compared: 8 cases: {', '.join(left)}." in (
        comparison_markdown(found)
    )
    told = comparison_json(found)
    jsonschema.validate(json.loads(json.dumps(told)), SCHEMA)
    assert told["notes"][-1] == f"asked of all alone: {', '.join(left)}"
    uneven = answers(suite, lambda i: True, repeats=2)[:-3]
    run = run_of(suite, all=answers(suite, lambda i: True, repeats=2), part=uneven)
    notes = compare(suite, run.systems).notes
    assert notes == ("part: 23 of 24 cases asked", "part: 1 of 23 cases asked fewer than 2 times")


def test_tags_are_compared_with_the_false_discovery_rate_held(run, suite):
    slices = compare(suite, run.systems).pairs[0].slices
    assert [s.tag for s in slices] == ["even", "odd"]
    assert all(s.n == 12 and s.p <= s.p_adjusted for s in slices)
    assert slices[0].b - slices[0].a == pytest.approx(4 / 12)


def test_holm_is_over_the_metrics_shown(run, suite):
    one = metric(compare(suite, run.systems, metrics=["passed"]))
    assert one.p_adjusted == one.p
    many = compare(suite, run.systems, metrics=["all"]).pairs[0].metrics
    tested = [m for m in many if m.p is not None]
    assert len(tested) > 5
    assert next(m for m in tested if m.metric == "passed").p_adjusted > one.p_adjusted


def test_tokens_at_equal_quality(suite):
    run = run_of(
        suite,
        dear=answers(suite, lambda i: i < 21, tokens=900),
        thrifty=answers(suite, lambda i: i < 20, tokens=100),
        bad=answers(suite, lambda i: False, tokens=10),
    )
    found = compare(suite, run.systems)
    assert found.economy.leader == "dear"
    assert {p.system for p in found.economy.peers} == {"dear", "thrifty"}
    assert found.economy.fewest == "thrifty"
    assert found.economy.saving.value == pytest.approx(-800)
    assert {s.system for s in found.systems if s.on_front} == {"dear", "thrifty", "bad"}


def test_who_is_no_better_in_anything_is_off_the_front(suite):
    run = run_of(
        suite,
        good=answers(suite, lambda i: i < 21, tokens=100),
        waste=answers(suite, lambda i: i < 20, tokens=900),
    )
    waste = compare(suite, run.systems).systems[1]
    assert (waste.on_front, waste.dominated_by) == (False, ("good",))
    assert waste.prompt_tokens.value == pytest.approx(911.5)


def test_two_equal_runs_are_both_on_the_front(suite):
    def timed(total):
        traces = answers(suite, lambda i: i < 12)
        return [replace(t, seconds=Seconds(total=total)) for t in traces]

    for one, other in ((3e-6, 5e-6), (2.0, 2.1)):  # apart beyond any interval, and nobody notices
        found = compare(suite, run_of(suite, a=timed(one), b=timed(other)).systems)
        assert all(s.on_front for s in found.systems)
    found = compare(suite, run_of(suite, a=timed(1.0), b=timed(2.0)).systems)
    assert [s.dominated_by for s in found.systems] == [(), ("a",)]


def test_a_pass_rate_that_is_higher_within_noise_beats_nobody(suite):
    run = run_of(suite, good=answers(suite, lambda i: i < 14), bad=answers(suite, lambda i: i < 12))
    assert all(s.on_front for s in compare(suite, run.systems).systems)
    worse = run_of(
        suite, good=answers(suite, lambda i: i < 22), bad=answers(suite, lambda i: i < 4)
    )
    assert compare(suite, worse.systems).systems[1].dominated_by == ("good",)


def test_a_comparison_tells_the_pass_rate_that_the_run_tells():
    grouped = make_suite(cases(per_group=4))
    run = run_of(
        grouped,
        weak=answers(grouped, lambda i: i < 9, repeats=2),
        strong=answers(grouped, lambda i: i < 21, errors=(1,)),
    )
    found = {s.system: s.passed for s in compare(grouped, run.systems).systems}
    summary = run.summary()["systems"]
    for name, system in run.systems.items():
        assert found[name] == system.pass_rate
        assert summary[name]["pass_rate"]["low"] == found[name].low
    alone = pass_rate_of(grouped.cases, run.systems["weak"].graded.cases)
    split = [replace(case, group=None) for case in grouped.cases]
    assert alone.high - alone.low > 1.2 * _width(split, run.systems["weak"].graded.cases)


def _width(cases, outcomes) -> float:
    found = pass_rate_of(cases, outcomes)
    return found.high - found.low


def test_one_group_alone_says_next_to_nothing_of_the_pass_rate():
    grouped = make_suite(cases(per_group=CASES))
    run = run_of(grouped, s=answers(grouped, lambda i: i < 12))
    assert run.systems["s"].pass_rate.value == 0.5
    assert _width(grouped.cases, run.systems["s"].graded.cases) > 0.9


def test_the_median_of_ten_lies_between_the_second_and_the_ninth():
    import numpy as np

    found = median_interval(np.arange(10.0))
    assert (found.value, found.low, found.high) == (4.5, 1, 8)
    assert median_interval(np.arange(3.0)).high == 2
    assert median_interval(np.empty(0)) is None


# --- causes ------------------------------------------------------------------------------------


def test_causes_before_and_after_add_up(run, suite):
    shift = compare(suite, run.systems).pairs[0].causes
    assert (shift.repairs, shift.harms, shift.cases) == (8, 0, 24)
    assert sum(n for row in shift.matrix.values() for n in row.values()) == 24
    assert sum(len(c.repaired) for c in shift.causes) == 8
    for cause in shift.causes:
        arrived = sum(row.get(cause.cause, 0) for row in shift.matrix.values())
        assert cause.before == sum(shift.matrix.get(cause.cause, {}).values())
        assert cause.after == arrived


def test_a_cause_that_nobody_knows_still_has_a_name(run, suite):
    silent = replace(run.systems["weak"], findings=())
    assert set(states(silent).values()) == {"passed", "undetermined"}
    shift = cause_shift(silent, run.systems["strong"], [c.id for c in suite.cases])
    assert shift.matrix["undetermined"]["passed"] == 8


def test_one_pass_rate_is_told_everywhere():
    """Where repeats vary, the comparison, decision, causes, tags and the run itself count the same cases as passed."""
    suite = make_suite(cases())

    def varying(right, wavers):
        """Right where ``right`` says so; cases in ``wavers`` are wrong in the second of three repeats."""
        return [
            make_trace(
                RIGHT if right(i) and not (i in wavers and repeat == 1) else WRONG,
                case.id, repeat=repeat, retrieved=("hours",), context=("hours",),
            )
            for i, case in enumerate(suite.cases)
            for repeat in range(3)
        ]  # fmt: skip

    run = run_of(
        suite,
        {"old": "prompt", "new": "rag"},
        old=varying(lambda i: i < 16, range(4, 14)),
        new=varying(lambda i: i < 20, (18, 19)),
    )
    found = compare(suite, run.systems)
    passed, pair, gain = metric(found), found.pairs[0], run.decision().options
    rates = {name: one.pass_rate.value for name, one in run.systems.items()}
    assert rates == {"old": 6 / 24, "new": 18 / 24}
    assert (passed.a.mean, passed.b.mean) == (rates["old"], rates["new"])
    assert passed.difference.value == pytest.approx(0.5)
    assert passed.test == "mcnemar"
    measured = next(o.gain for o in gain if o.gain.measured)
    assert measured.interval.value == pytest.approx(passed.difference.value)
    assert set(measured.cases) == set(passed.win_ids)
    assert (pair.causes.repairs, pair.causes.harms) == (passed.wins, passed.losses) == (12, 0)
    assert [s.passed.value for s in found.systems] == [6 / 24, 18 / 24]
    summary = run.summary()
    for one in pair.slices:
        of_run = [summary["systems"][n]["slices"][one.tag]["pass_rate"]["value"] for n in rates]
        assert of_run == pytest.approx([one.a, one.b])
    # The metric of the same name keeps its contract: the mean over repeats.
    assert summary["systems"]["old"]["metrics"]["passed"]["mean"] > rates["old"]
    assert sum(half.mean * half.due for half in (passed.a, passed.b)) == 24


def test_causes_found_with_and_without_probes_are_not_tested_against_each_other(run, suite):
    weak = run.systems["weak"]
    probed = replace(
        weak, findings=tuple(replace(f, probes={"oracle_context": "fail"}) for f in weak.findings)
    )
    strong = run.systems["strong"]
    found = compare(suite, {"weak": probed, "strong": strong})
    assert any("not tested" in note for note in found.notes)
    assert all(
        (c.p, c.p_adjusted, c.difference) == (None,) * 3 for c in found.pairs[0].causes.causes
    )
    assert metric(found).p is not None
    jsonschema.validate(json.loads(json.dumps(comparison_json(found))), SCHEMA)
    assert not any("not tested" in note for note in compare(suite, run.systems).notes)


# --- what is refused ---------------------------------------------------------------------------


def test_nothing_in_common_is_nothing_to_do(suite, run):
    with pytest.raises(NothingToDo):
        compare(suite, {"weak": run.systems["weak"]})
    halves = run_of(
        suite,
        first=answers(suite, lambda i: True)[:10],
        second=answers(suite, lambda i: True)[10:],
    )
    with pytest.raises(NothingToDo, match="first, second have no case in common"):
        compare(suite, halves.systems)


def test_unknown_metrics_and_systems_are_named(suite, run):
    with pytest.raises(InvalidInput, match="did you mean 'passed'"):
        compare(suite, run.systems, metrics=["pased"])
    with pytest.raises(InvalidInput, match="did you mean 'weak'"):
        entrants({"today": run}, ["waek"])


def test_other_suites_and_judges_are_refused_unless_allowed(suite, run):
    other = replace(run, suite=replace(suite, digest="another"))
    with pytest.raises(InvalidInput, match="the suite differs: old digest, new another"):
        entrants({"old": run, "new": other})
    judged = replace(run, recipe={**run.recipe, "judge": "other/1"})
    with pytest.raises(InvalidInput, match="the judge differs"):
        entrants({"old": run, "new": judged})
    allowed = entrants({"old": run, "new": judged}, allow_different=True)
    assert "the judge differs" in allowed.notes[0]


def test_systems_of_two_runs_bear_the_runs_name(run):
    taking = entrants({"monday": run, "tuesday": run}, ["weak"])
    assert list(taking.systems) == ["weak (monday)", "weak (tuesday)"]
    assert taking.origin["weak (tuesday)"] == ("tuesday", "weak")


# --- what comes out ----------------------------------------------------------------------------


def test_the_same_comparison_is_the_same_file_and_fits_its_schema(run, suite):
    found = comparison_json(compare(suite, run.systems, judge="embedded/2"))
    text = json.dumps(found, allow_nan=False)
    jsonschema.validate(json.loads(text), SCHEMA)
    assert text == json.dumps(comparison_json(compare(suite, run.systems, judge="embedded/2")))


def test_hostile_names_stay_text_in_markdown(suite, run):
    hostile = "| x | <script>alert(1)</script>\n# title \u202e"
    named = {hostile: run.systems["weak"], "b": run.systems["strong"]}
    text = comparison_markdown(compare(suite, named))
    assert "<script>" not in text
    assert "\u202e" not in text
    assert not any(line.startswith("# title") for line in text.splitlines())


def code_of(result) -> int:
    return getattr(result.exception, "exit_code", result.exit_code)


@pytest.fixture
def folder(tmp_path):
    """A finished run of two systems on the suite that ``start_suite`` makes."""
    from evalkit.start import start_suite

    start_suite(tmp_path / "suite")
    loaded = evalkit.load_suite(tmp_path / "suite")
    systems = {"weak": lambda query: "I do not know.", "strong": lambda query: "Within 30 days."}
    evalkit.run(loaded, systems, out=tmp_path / "run", probes="none").write()
    return tmp_path


def test_the_command_writes_both_files_and_shows_a_table(folder):
    done = CliRunner().invoke(command, [str(folder / "run")], standalone_mode=False)
    assert done.exception is None
    assert "weak -> strong" in done.output
    found = json.loads((folder / "run" / "comparison.json").read_text())
    jsonschema.validate(found, SCHEMA)
    assert (folder / "run" / "comparison.md").read_text().startswith("# ")
    elsewhere = folder / "new" / "mine.json"
    CliRunner().invoke(command, [str(folder / "run"), "--out", str(elsewhere)])
    assert json.loads(elsewhere.read_text()) == found
    assert elsewhere.with_suffix(".md").exists()


def test_the_command_refuses_with_the_exit_codes_of_the_house(folder):
    def code(*arguments):
        return code_of(CliRunner().invoke(command, [*map(str, arguments)], standalone_mode=False))

    run = folder / "run"
    assert code(folder / "nowhere") == 3
    assert code(run, "--system", "stong") == 3
    assert code(run, "--metric", "nonsense") == 3
    assert code(run, "--system", "weak") == 4


def test_runs_without_a_common_case_are_told_so(folder):
    other = folder / "other"
    other.mkdir()
    (other / "suite.yaml").write_text("format: 1\nname: other\n")
    (other / "cases.jsonl").write_text('{"id": "zz", "query": "Who?", "reference": "Me."}\n')
    evalkit.run(other, {"s": lambda query: "Me."}, out=folder / "second", probes="none")
    arguments = [str(folder / "run"), str(folder / "second"), "--allow-different"]
    done = CliRunner().invoke(command, arguments, standalone_mode=False)
    assert code_of(done) == 4
    assert "second has no case in common with suite" in str(done.exception)


def test_a_changed_suite_is_refused_unless_allowed(folder):
    file = folder / "suite" / "cases.jsonl"
    file.write_text("\n".join(file.read_text().splitlines()[:2]) + "\n")
    arguments = [str(folder / "run"), "--suite", str(folder / "suite")]
    refused = CliRunner().invoke(command, arguments, standalone_mode=False)
    assert code_of(refused) == 3
    assert "the suite differs" in str(refused.exception)
    allowed = CliRunner().invoke(command, [*arguments, "--allow-different"], standalone_mode=False)
    assert allowed.exception is None
    found = json.loads((folder / "run" / "comparison.json").read_text())
    assert found["pairs"][0]["cases"] == 2
    assert "the suite differs" in found["notes"][0]
