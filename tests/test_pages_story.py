"""The words of the report say neither more nor less than the figures do."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evalkit import plugins
from evalkit.api import Run, from_traces
from evalkit.comparison.shape import Comparison, Half, MetricDifference
from evalkit.pages.comparing import instead, measured_gain, ties
from evalkit.pages.headline import headline
from evalkit.pages.links import case_link, cases_link, cause_link, side_link
from evalkit.pages.remedies import first_fix
from evalkit.pages.sums import FindingSums
from evalkit.pages.verdicts import entangled, fixes, next_step, promise, step_of, wrong
from evalkit.pages.wording import listed, signed_points
from evalkit.records import Case, Interval, Suite, Trace
from evalkit.text.sentences import breaks_off

NBSP = "\N{NO-BREAK SPACE}"
KNOWN = {cause.id: cause for cause in plugins.members("causes")}


def system(passed: int, of: int, low: float, high: float) -> dict[str, Any]:
    cases = {"due": of, "passed": passed, "failed": of - passed, "errors": 0, "ungraded": 0}
    rate = {"value": passed / of, "low": low, "high": high, "n": of}
    return {"cases": cases, "pass_rate": rate, "approach": "rag"}


def own(sides: dict[str, tuple[int, float]], failed: int, **more: Any) -> dict[str, Any]:
    told = {
        s: {"cases": n, "share": n / failed, "low": low, "high": 1.0}
        for s, (n, low) in sides.items()
    }
    advice = {"approach": "rag", "reasons": [], "against": [], "headroom": {}}
    return {
        "cases": {"failed": failed, "errors": 0},
        "sides": told,
        "causes": {},
        "headroom": {},
        "decomposition": {},
        "recommendation": advice,
        **more,
    }


def title(of_systems: int, sides: dict[str, tuple[int, float]]) -> str:
    names = [f"s{i}" for i in range(of_systems)]
    summary = {"systems": {n: system(20 - i, 100, 0.1, 0.3) for i, n in enumerate(names)}}
    mine = own(sides, 80)
    diagnosis = {
        "systems": dict.fromkeys(names, mine),
        "recommendation": mine["recommendation"],
    }
    found = headline(summary, diagnosis, {n: FindingSums() for n in names})
    return str(found["title"]).replace(NBSP, " ")


def test_the_title_names_a_side_only_where_it_is_more_than_half_beyond_chance():
    assert "Generation, not retrieval" in title(
        2, {"generation": (60, 0.64), "retrieval": (20, 0.1)}
    )
    assert title(2, {"generation": (42, 0.42), "retrieval": (38, 0.4)}).endswith("of 2 systems.")
    assert title(1, {"retrieval": (70, 0.8)}).startswith("s0 passes 20 % of 100 cases. Retrieval")


def test_what_is_wrong_tells_n_and_intervals():
    mine = own({}, 80, decomposition={"generation": {"loss": 0.8, "low": 0.7, "high": 0.9}})
    said = wrong(system(20, 100, 0.13, 0.29), mine).replace(NBSP, " ")
    assert said == "80 of 100 cases fail: 80 % [71, 87]. Lost to generation 80 points [70, 90]."


def test_a_cause_that_turns_no_case_alone_is_told_as_such():
    gains = {"misinterpretation": {"gain": 0.0, "low": 0.0, "high": 0.1}}
    mine = own({}, 80, causes={"misinterpretation": {"cases": 70}}, headroom=gains)
    assert fixes(mine, KNOWN) == []
    told = entangled(mine, KNOWN)
    assert told is not None
    assert "no case turns" in told["gain"]
    gains["misinterpretation"]["gain"] = 0.2
    assert entangled(mine, KNOWN) is None
    assert [fix["cause"] for fix in fixes(mine, KNOWN)] == ["misinterpretation"]


def test_a_promise_that_may_be_nothing_says_so():
    sure, unsure = Interval(0.2, 0.1, 0.3, 50), Interval(0.2, 0.0, 0.3, 50)
    assert "may bring nothing" not in promise(sure, measured=True, base="rag")
    assert promise(unsure, measured=False, base="rag").endswith("it may bring nothing")
    assert promise(Interval(0.0, 0.0, 0.1, 50), measured=False, base="rag") == ""


def test_a_step_fits_the_system_it_is_for():
    advice = {"approach": "rag", "reasons": []}
    assert step_of(advice, "prompt") == "Add retrieval"
    assert step_of(advice, "rag") == "Work on retrieval"
    idle = {"approach": "no_change", "reasons": ["no_change: label more cases"]}
    assert step_of(idle, "rag") == "Label more cases"


# --- pairs ---------------------------------------------------------------------------------------


def measured(right: int, n: int = 60) -> Run:
    """A run of two systems: old is never right, new so many times."""
    cases = tuple(Case(f"c{i:02}", "How many?", reference=("Four.",)) for i in range(n))
    suite = Suite("s", Path(), cases, {}, "0")
    answers = {"old": 0, "new": right}
    traces = {
        name: [
            Trace(response="Four." if i < most else "Nine.", system=name, case_id=c.id)
            for i, c in enumerate(cases)
        ]
        for name, most in answers.items()
    }
    return from_traces(suite, traces, dict.fromkeys(answers, "prompt"))


MEASURED = measured(20)


def compared(difference: Interval, p: float) -> Comparison:
    half = Half(0.5, 50, 50)
    metric = MetricDifference(
        "passed", "outcome", "", higher_is_better=True, a=half, b=half, n=50,
        difference=difference, p=p, p_adjusted=p,
    )  # fmt: skip
    from evalkit.comparison.shape import CauseShift, Pair

    shift = CauseShift(50, 0, 0, (), {})
    pair = Pair("old", "new", 50, 0, 0, None, (metric,), (), shift)
    return Comparison("s", "0", None, 50, (), (pair,), None)


def test_a_change_is_advised_only_beyond_chance_and_towards_the_best():
    apart = compared(Interval(0.2, 0.1, 0.3, 50), 0.001)
    assert instead(MEASURED, apart, "old", "new").startswith(
        f"Change to new: +20{NBSP}points [+10,{NBSP}+30]"
    )
    assert instead(MEASURED, apart, "new", "new") == ""
    assert ties(apart, "new") == []
    level = compared(Interval(0.02, -0.1, 0.14, 50), 0.7)
    assert instead(MEASURED, level, "old", "new") == ""
    assert ties(level, "new") == [
        f"old is not told apart from it: +2{NBSP}points [{chr(8722)}10,{NBSP}+14]."
    ]


def test_a_difference_is_turned_towards_the_best_system():
    worse = compared(Interval(-0.2, -0.3, -0.1, 50), 0.001)
    assert f"+20{NBSP}points [+10,{NBSP}+30]" in instead(MEASURED, worse, "new", "old")


def test_a_run_too_large_for_pairs_is_advised_by_how_its_cases_ended():
    assert "+33" in (told := instead(MEASURED, None, "old", "new"))
    assert told.endswith(f"measured on the same 60{NBSP}cases.")
    gain = measured_gain(MEASURED, None, "old", "prompt")
    assert gain is not None
    assert (round(gain.value, 3), gain.n) == (0.333, 60)
    assert instead(measured(1), None, "old", "new") == ""  # no more than chance
    assert measured_gain(MEASURED, None, "old", "rag") is None


# --- addresses and words -------------------------------------------------------------------------


def test_addresses_carry_any_name():
    name = 'a&b=c #"<é>'
    assert cases_link(system=name, cause=None) == "#cases?system=a%26b%3Dc%20%23%22%3C%C3%A9%3E"
    assert case_link("x/1", None) == "#case=x%2F1&system="
    assert cause_link("s", "ranking_low") == "#cases?system=s&cause=ranking_low&status=failing"
    assert cause_link("s", "unexplained") == "#cases?system=s&status=unexplained"
    assert side_link("s", "undetermined").count("status=") == 2


@pytest.mark.parametrize(
    ("parts", "said"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_a_list_reads_as_a_sentence(parts: list[str], said: str):
    assert listed(parts) == said


def test_differences_show_their_signs():
    assert signed_points(Interval(0.01, -0.004, 0.02, 9)) == f"+1{NBSP}point [0,{NBSP}+2]"


# --- remedies ------------------------------------------------------------------------------------


def tried(cause: str, *outcomes: tuple[str, str, int]) -> FindingSums:
    return FindingSums(tried=Counter({(cause, probe, read): n for probe, read, n in outcomes}))


def test_a_remedy_that_was_tried_in_vain_is_not_the_first_fix():
    cause = "missing_criteria"
    own_fix = KNOWN[cause].first_fix
    assert first_fix(cause, KNOWN) == first_fix(cause, KNOWN, FindingSums()) == own_fix
    worked = first_fix(cause, KNOWN, tried(cause, ("criteria_prompted", "pass", 3)))
    assert worked == f"{own_fix} (mended 3 of 3 tried)"
    one = first_fix(cause, KNOWN, tried(cause, ("criteria_prompted", "fail", 14)))
    assert one.startswith("examples in the prompt")
    assert one.endswith("(explicit criteria in the prompt mended 0 of 14 tried)")
    both = tried(cause, ("criteria_prompted", "fail", 14), ("few_shot", "fail", 14))
    assert first_fix(cause, KNOWN, both).startswith("one question for each criterion")


def test_the_token_limit_is_named_only_where_answers_are_cut_off():
    cause = "incomplete_answer"
    assert "token limit" not in first_fix(cause, KNOWN, FindingSums())
    cut = FindingSums(facts=Counter({(cause, "cut_off"): 2}))
    assert first_fix(cause, KNOWN, cut).startswith("the token limit (2 of the answers")


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("We open at nine. On Sundays we", True),
        ("Wir öffnen um neun, z. B. montags. Am Sonntag sind", True),
        ("九時に開きます。日曜日は", True),
        ("نفتح في التاسعة. ويوم الأحد", True),
        ("Chúng tôi mở cửa lúc chín giờ. Chủ nhật thì", True),
        ("We open at nine. We close at five.", False),
        ("九時に開きます。五時に閉まります。", False),
        ("From nine to five", False),
        ("We open at nine. Source: opening hours", False),
        ("We open at nine [hours].", False),
        ("We open at nine. See [hours]", False),
        ("", False),
    ],
)
def test_a_text_breaks_off_where_a_sentence_is_not_finished(text: str, cut: bool):
    assert breaks_off(text) is cut


def test_a_system_that_stays_with_its_approach_gets_one_action_with_its_number():
    gains = {
        "retrieval_miss": {"gain": 0.3, "low": 0.01, "high": 0.5},
        "over_refusal": {"gain": 0.1, "low": 0.06, "high": 0.15},
    }
    advice = {"approach": "hybrid", "reasons": [], "against": [], "headroom": gains}
    mine = own({"generation": (60, 0.64)}, 80, headroom=gains, recommendation=advice)
    step = next_step(mine, "hybrid", KNOWN, FindingSums()).replace(NBSP, " ")
    assert step == "Mend over refusal: refusal threshold, prompt, +10 points [6, 15]"
    summary = {"systems": {n: system(20, 100, 0.1, 0.3) for n in ("a", "b")}}
    for one in summary["systems"].values():
        one["approach"] = "hybrid"
    diagnosis = {"systems": {"a": mine, "b": mine}, "recommendation": advice}
    found = headline(summary, diagnosis, {n: FindingSums() for n in ("a", "b")})
    assert step[5:] in found["first"].replace(NBSP, " ")


def test_a_cause_of_form_is_mended_before_the_approach_is_changed():
    advice = {"approach": "hybrid", "reasons": [], "against": [], "headroom": {}}
    for cause, first in (
        ("format_violation", "Mend format violation"),
        ("misinterpretation", "Keep"),
    ):
        gains = {cause: {"gain": 0.2, "low": 0.1, "high": 0.3}}
        mine = own({"contract": (60, 0.64)}, 80, headroom=gains, recommendation=advice)
        step = next_step(mine, "rag", KNOWN, FindingSums())
        assert step.startswith(first)
        assert step.casefold().endswith("keep retrieval, and tune the model or its prompt")
