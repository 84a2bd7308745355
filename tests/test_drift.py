"""Drift of unlabelled traffic: what is found, what is no alarm, what is too little to tell."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from support import make_case, make_suite

from evalkit import plugins
from evalkit.commands.drift_command import command
from evalkit.drift.check import EXITS, Drift, Plan, compare, drift
from evalkit.drift.compare import Said
from evalkit.drift.observe import Nearest, Table, one_a_unit
from evalkit.drift.report import drift_json, drift_markdown, headline
from evalkit.drift.signals import SIGNALS
from evalkit.errors import InvalidInput, NothingToDo
from evalkit.records import Failure, Passage, Seconds, Trace, Usage
from evalkit.stats.two_sample import (
    cliffs_delta,
    fisher_mid_p,
    mix_test,
    needed,
    quantile_ratio,
    rank_test,
    share_difference,
)
from evalkit.traces import write_traces

PASSAGE = Passage(
    "leave", text="Staff may take 30 days of leave a year. Unused days expire in March."
)
OTHER = Passage("parking", text="The car park opens at six; badges open the gate.")
REFUSAL = "I am sorry, I cannot find that in the documents."
QUERIES = (
    "How many days of leave do I get?", "When does unused leave expire?", "Can I carry leave over?",
    "Wie viele Tage Urlaub bekomme ich?", "休暇は何日もらえますか", "Tôi được nghỉ phép bao nhiêu ngày?",
    "كم يوم إجازة لدي؟",
)  # fmt: skip


def traffic(
    n: int, seed: int, *, refusals: float = 0.2, slow: float = 1.0, errors: float = 0.02
) -> list[Trace]:
    """Made-up traffic of a help desk for staff."""
    random = np.random.default_rng(seed)
    found = []
    for i in range(n):
        score = float(random.normal(10, 2))
        answer = "You get 30 days of leave a year." + " Unused days expire in March." * int(
            random.integers(0, 3)
        )
        found.append(
            Trace(
                response=REFUSAL if random.random() < refusals else answer,
                retrieved=(replace(PASSAGE, score=score), replace(OTHER, score=score - 1)),
                context=(PASSAGE, OTHER),
                citations=("leave",) if random.random() < 0.9 else (),
                action=str(random.choice(["answer", "tool:calendar"])),
                error=Failure("timeout", "60 s") if random.random() < errors else None,
                seconds=Seconds(total=float(slow * np.exp(random.normal(0, 0.5)))),
                usage=Usage(prompt_tokens=int(random.integers(500, 900)), completion_tokens=20),
                meta={"query": str(random.choice(QUERIES)), "session": f"{seed}-{i}"},
                case_id=f"q{i}",
            )
        )  # fmt: skip
    return found


def said(found: Drift) -> dict[str, Said]:
    return {one.signal.name: one.said for one in found.compared}


# --- what is found ---------------------------------------------------------------------------------


def test_the_same_traffic_is_no_drift():
    found = drift(traffic(500, 1), traffic(500, 2))
    assert found.said is Said.NONE
    assert found.drifted == ()


def test_more_refusals_and_slower_answers_are_found_and_explained():
    found = drift(traffic(400, 1), traffic(400, 2, refusals=0.45, slow=1.6))
    assert {one.signal.name for one in found.drifted} >= {"refusal_rate", "seconds"}
    one = next(one for one in found.drifted if one.signal.name == "refusal_rate")
    assert one.effect is not None
    assert one.effect.low < 0.25 < one.effect.high
    assert one.hint[0][0] == "over_refusal"
    refused = {t.case_id for t in traffic(400, 2, refusals=0.45, slow=1.6) if t.response == REFUSAL}
    assert set(one.examples) <= refused
    assert len(one.examples) == 5
    slow = next(one for one in found.drifted if one.signal.name == "seconds")
    assert 1.3 < slow.effect.value < 2.0


@pytest.mark.parametrize(
    ("change", "signal", "cause"),
    [
        ({"response": "The bridge opened in 1871 and carries trams."}, "groundedness", "ungrounded_content"),
        ({"citations": ()}, "cites", "citation_error"),
        ({"retrieved": ()}, "nothing_found", "retrieval_miss"),
        ({"context": (PASSAGE, PASSAGE, PASSAGE)}, "redundancy", "ranking_low"),
        ({"action": "refuse"}, "action", "over_refusal"),
        ({"error": Failure("rate_limit", "429")}, "error:rate_limit", "infra_error"),
        ({"response": '{"days": 30}'}, "json_answers", "format_violation"),
        ({"response": "Man bekommt 30 Tage Urlaub und die Reste verfallen im März."}, "answer_language", "style_violation"),
        ({"usage": Usage(prompt_tokens=2000)}, "prompt_tokens", "context_truncated"),
        ({"meta": {"query": "Which tyres does the forklift need in winter?"}}, "novel_queries", "corpus_gap"),
    ],
)  # fmt: skip
def test_each_part_of_the_way_has_a_signal_that_names_its_causes(change, signal, cause):
    now = [replace(t, **change) if i % 3 == 0 else t for i, t in enumerate(traffic(300, 2))]
    found = {one.signal.name: one for one in drift(traffic(300, 1), now).drifted}
    assert cause in found[signal].hint[0]


def test_the_earliest_part_that_drifted_comes_first():
    now = [
        replace(t, meta={"query": f"Tyres {t.case_id}"}, response=REFUSAL) for t in traffic(300, 2)
    ]
    found = drift(traffic(300, 1), now)
    assert found.drifted[0].signal.part == "traffic"
    assert "traffic" in headline(found)


def test_every_cause_that_a_signal_points_to_exists():
    known = {cause.id for cause in plugins.members("causes")}
    named = {c for signal in SIGNALS for c in (*signal.up[0], *signal.down[0])}
    assert named <= known


def test_a_schema_of_the_suite_is_held_against_answers_to_new_queries():
    schema = {"type": "object", "required": ["days"]}
    suite = make_suite([make_case("a", schema=schema), make_case("b", "Other?", schema=schema)])
    good = [replace(t, response='{"days": 30}', error=None) for t in traffic(200, 1)]
    bad = [replace(t, response="[]") if i % 4 == 0 else t for i, t in enumerate(good)]
    assert said(drift(good, bad, suite=suite))["invalid_format"] is Said.DRIFT


def shorter(traces: list[Trace], queries: tuple[str, ...]) -> list[Trace]:
    return [
        replace(t, meta={**t.meta, "query": queries[i % len(queries)]})
        for i, t in enumerate(traces)
    ]


def test_shorter_queries_of_the_same_language_are_no_other_language():
    long = (
        "How can I return the lamp that I have bought from you?",
        "Where is the parcel that was sent to me?",
    )
    short = ("How do I pay?", "What do I do", "Do I pay?", "Reset password", "Who do I call?")
    before, now = shorter(traffic(300, 1), long), shorter(traffic(300, 2), short)
    assert said(drift(before, now))["query_language"] is Said.NONE
    german = ("Wie kann ich bezahlen?", "Wo ist mein Paket?", "Wie viel kostet das?")
    assert said(drift(before, shorter(now, german)))["query_language"] is Said.DRIFT


def test_a_figure_of_the_baseline_is_the_same_in_every_report():
    before = traffic(400, 1)
    tail = [
        replace(t, seconds=Seconds(total=9 * t.seconds.total)) if i % 6 == 0 else t
        for i, t in enumerate(traffic(400, 2))
    ]
    told = [drift_json(drift(before, now), ("a", "b")) for now in (traffic(400, 3), tail)]
    found = [next(s for s in one["signals"] if s["name"] == "seconds") for one in told]
    assert {one["statistic"] for one in found} == {"median"}
    assert found[0]["baseline"] == found[1]["baseline"]
    assert found[0]["tail"]["baseline"] == found[1]["tail"]["baseline"] > found[0]["baseline"]
    assert [one["verdict"] for one in found] == ["none", "drift"]


def test_tables_say_which_statistic_they_show():
    page = drift_markdown(drift(traffic(300, 1), traffic(300, 2, slow=1.6)), ("a", "b"))
    assert "| seconds | cost | median |" in page
    assert "| seconds | cost | 90th percentile |" in page
    assert "| refusal\\_rate | generation | share |" in page
    assert "- Seconds to an answer: median " in page


# --- what is no alarm --------------------------------------------------------------------------------


def test_a_change_too_small_to_matter_is_told_and_is_no_drift():
    before, now = traffic(3000, 1), traffic(3000, 2)
    now = [
        replace(t, usage=replace(t.usage, prompt_tokens=t.usage.prompt_tokens + 30)) for t in now
    ]
    found = drift(before, now)
    assert said(found)["prompt_tokens"] is Said.SMALL
    assert found.said is Said.NONE


def test_false_alarms_stay_below_alpha_when_halves_of_one_sample_are_compared():
    found = drift(traffic(400, 1), traffic(2, 2))
    columns = {n: np.array(v, dtype=object) for n, v in found.baseline.columns.items()}
    random = np.random.default_rng(0)
    alarms = 0
    for _ in range(120):
        order = random.permutation(400)
        halves = [_table(columns, rows) for rows in (order[:200], order[200:])]
        compared = compare(*halves, Plan()).compared
        alarms += any(one.said in (Said.DRIFT, Said.SMALL) for one in compared)
    assert alarms / 120 <= 0.05 + 2.33 * (0.05 * 0.95 / 120) ** 0.5


def _table(columns: dict[str, np.ndarray], rows: np.ndarray) -> Table:
    picked = {name: list(values[rows]) for name, values in columns.items()}
    return Table(tuple(map(str, rows)), picked, traces=len(rows), units=len(rows))


def test_a_session_counts_once_however_many_traces_it_has():
    now = traffic(300, 2)
    stuck = [replace(now[0], response=REFUSAL, case_id=f"again{i}") for i in range(200)]
    found = drift(traffic(300, 1), [*now, *stuck])
    assert found.production.units == 300
    assert found.production.traces == 500
    assert said(found)["refusal_rate"] is Said.NONE


def test_the_order_of_the_traces_does_not_matter():
    now = traffic(120, 2)
    one, two = (drift(traffic(120, 1), traces) for traces in (now, now[::-1]))
    assert drift_json(one, ("a", "b")) == drift_json(two, ("a", "b"))


def test_looks_share_the_false_alarms():
    before, now = traffic(400, 1), traffic(400, 2, refusals=0.38)
    assert said(drift(before, now))["refusal_rate"] is Said.DRIFT
    p = next(o.adjusted for o in drift(before, now).compared if o.signal.name == "refusal_rate")
    looks = int(0.05 / p) + 1
    assert said(drift(before, now, plan=Plan(0.05, 1, looks)))["refusal_rate"] is not Said.DRIFT
    assert said(drift(before, now, plan=Plan(0.05, 1, looks - 1)))["refusal_rate"] is Said.DRIFT


# --- too little to tell ------------------------------------------------------------------------------


def test_few_traces_are_inconclusive_and_the_number_needed_is_enough():
    before = traffic(3000, 1)
    found = drift(before, traffic(40, 2))
    assert found.said is Said.TOO_FEW
    assert str(found.needed) in headline(found)
    assert drift(before, traffic(round(1.3 * found.needed), 3)).said is Said.NONE


def test_a_baseline_that_is_too_small_is_named():
    found = drift(traffic(40, 1), traffic(2000, 2))
    assert found.said is Said.TOO_FEW
    assert found.needed is None
    assert "the baseline has" in headline(found)


def test_what_a_side_does_not_show_is_not_measured():
    now = [replace(t, citations=None) for t in traffic(300, 2)]
    one = next(o for o in drift(traffic(300, 1), now).compared if o.signal.name == "cites")
    assert one.said is Said.NOT_MEASURED
    assert one.reason == "production does not show it"


def test_nothing_is_said_of_nothing():
    with pytest.raises(NothingToDo):
        drift(traffic(10, 1), [])


# --- likeness ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", QUERIES)
def test_a_known_query_is_like_itself_in_any_language_and_not_counted_for_its_owner(query):
    nearest = Nearest([(f"s{i}", known) for i, known in enumerate(QUERIES)])
    assert nearest.similarity(query, "somebody") == pytest.approx(1)
    assert nearest.similarity(query, f"s{QUERIES.index(query)}") < 0.9
    assert nearest.similarity("qwertz asdfgh", "somebody") == 0


def test_a_unit_keeps_its_trace_when_others_join():
    traces = traffic(50, 1)
    alone, _ = one_a_unit(traces)
    joined, units = one_a_unit([*traces, *traffic(50, 2)])
    assert {t.meta["session"] for t in alone} <= {t.meta["session"] for t in joined}
    assert units == 100
    assert len(one_a_unit(traces, most=7)[0]) == 7


# --- the tests themselves ------------------------------------------------------------------------------


def test_tests_agree_with_scipy():
    from scipy import stats

    random = np.random.default_rng(0)
    x, y = random.normal(size=80), random.normal(0.6, 1, size=60)
    expected = min(
        stats.mannwhitneyu(y, x, method="asymptotic").pvalue,
        stats.ks_2samp(x, y, method="asymp").pvalue,
    )
    assert rank_test(x, y) == pytest.approx(2 * expected, rel=0.15)
    exact = stats.hypergeom(100, 30, 40)
    tail = exact.pmf(np.arange(31))
    assert fisher_mid_p(12, 60, 18, 40, greater=True) == pytest.approx(
        tail[19:].sum() + tail[18] / 2
    )
    assert mix_test([300, 200, 100], [250, 230, 120]) == pytest.approx(
        stats.chi2_contingency([[300, 200, 100], [250, 230, 120]]).pvalue, abs=0.01
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 20), st.integers(0, 20))
def test_shares_are_treated_alike_from_both_sides(a, b, more_a, more_b):
    n, m = a + more_a, b + more_b
    if n and m:
        assert fisher_mid_p(a, n, b, m) == pytest.approx(fisher_mid_p(b, m, a, n))
        assert 0 < fisher_mid_p(a, n, b, m) <= 1
        value, low, high = share_difference(a, n, b, m)
        assert -1 <= low <= value <= high <= 1


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=30),
    st.lists(st.integers(1, 9), min_size=2, max_size=30),
)
def test_ranks_are_treated_alike_from_both_sides(one, two):
    x, y = np.array(one, float), np.array(two, float)
    assert rank_test(x, y) == pytest.approx(rank_test(y, x))
    assert cliffs_delta(x, y)[0] == pytest.approx(-cliffs_delta(y, x)[0])
    value, low, high = quantile_ratio(x, y, 0.5)
    assert low <= value <= high


def test_a_quantile_of_zero_has_no_ratio_and_no_number_is_enough_beside_too_few():
    assert quantile_ratio(np.zeros(9), np.ones(9), 0.5) is None
    assert needed(0.1, (0.25, 0.25), 20, alpha=0.01, power=0.8) is None


# --- the command ---------------------------------------------------------------------------------------


def written(path: Path, traces: list[Trace]) -> Path:
    with path.open("w") as stream:
        write_traces(traces, stream)
    return path


def invoked(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(command, [*map(str, arguments)], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.return_value, result.output


def test_the_command_says_drift_with_exit_code_and_files(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    written(run / "traces.jsonl", traffic(600, 1))
    good, bad = (
        written(tmp_path / name, traces)
        for name, traces in (
            ("good.jsonl", traffic(600, 2)),
            ("bad.jsonl", traffic(300, 3, refusals=0.6)),
        )
    )
    out = tmp_path / "new" / "drift.json"
    code, output = invoked(run, bad, "--out", out)
    assert code == 10
    assert "refusal_rate" in output
    told = json.loads(out.read_text())
    assert (told["verdict"], told["exit_code"], told["first"]) == ("drift", 10, "generation")
    page = out.with_suffix(".md").read_text()
    assert "## refusal\\_rate" in page
    assert "`over_refusal`" in page
    assert invoked(run / "traces.jsonl", good, "--out", out, "--look", "2/5")[0] == 0
    assert json.loads(out.read_text())["look"] == {"number": 2, "of": 5, "level": 0.01}
    few = written(tmp_path / "few.jsonl", traffic(20, 4))
    assert invoked(run, few, "--out", out)[0] == 11


def test_what_a_model_wrote_stays_text_on_the_page(tmp_path):
    now = [replace(t, action="<script>|x") for t in traffic(300, 2)]
    page = drift_markdown(drift(traffic(300, 1), now), ("a", "b"))
    assert "<script>" not in page
    assert "&lt;script&gt;\\|x" in page


def test_faults_of_a_file_are_named_with_their_line(tmp_path):
    good = written(tmp_path / "good.jsonl", traffic(3, 1))
    for line, field in (
        ('{"case_id": "a", "response": "x", "query": "y"}', "query"),
        ('{"case_id": "a", "response": "x", "meta": {"session": 1.5}}', "meta.session"),
        ('{"case_id": "a", "response": "x", "meta": {"query": 3}}', "meta.query"),
    ):
        bad = tmp_path / "bad.jsonl"
        bad.write_text('{"case_id": "ok", "response": "x"}\n' + line + "\n")
        with pytest.raises(InvalidInput) as caught:
            invoked(good, bad)
        assert (caught.value.line, caught.value.field) == (2, field)


def test_several_systems_need_a_name(tmp_path):
    two = [replace(t, system=name) for name in ("rag", "prompt") for t in traffic(5, 1)]
    file = written(tmp_path / "two.jsonl", two)
    now = written(tmp_path / "now.jsonl", traffic(5, 2))
    with pytest.raises(InvalidInput, match="traces of 2 systems"):
        invoked(file, now)
    assert invoked(file, now, "--system", "rag", "--out", tmp_path / "d.json")[0] == 11
    with pytest.raises(InvalidInput, match="rga"):
        invoked(file, now, "--system", "rga")


def test_an_empty_file_is_nothing_to_do_and_an_unplanned_look_is_refused(tmp_path):
    good, empty = written(tmp_path / "g.jsonl", traffic(3, 1)), written(tmp_path / "e.jsonl", [])
    with pytest.raises(NothingToDo):
        invoked(good, empty)
    result = CliRunner().invoke(command, [str(good), str(empty), "--look", "6/5"])
    assert result.exit_code == 2
    assert "was not planned" in result.output


@pytest.mark.parametrize("alpha", ["nan", "inf", "-inf", "-1", "0"])
def test_a_false_alarm_rate_that_is_none_is_a_usage_error(alpha, tmp_path):
    file = written(tmp_path / "a.jsonl", traffic(3, 1))
    result = CliRunner().invoke(command, [str(file), str(file), f"--alpha={alpha}"])
    assert result.exit_code == 2
    with pytest.raises(ValueError, match="no plan"):
        Plan(float(alpha))


def test_every_answer_has_its_exit_code():
    assert {said.value: code for said, (code, _) in EXITS.items()} == {
        "none": 0,
        "drift": 10,
        "inconclusive": 11,
    }
