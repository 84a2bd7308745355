"""``evalkit faults``: what a suite can tell, for the known-good system and for a team's own."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from evalkit.cli import _run, group
from evalkit.faults import BY_ID, FAULTS
from evalkit.faults.bench import Verdict
from evalkit.faults.power import MOST_ROUNDS, Power, Trial, all_named, plan_rounds
from evalkit.faults.power_report import both, detected, named, rows, taken_for
from evalkit.faults.reasons import reason_of
from evalkit.suite import load_suite

FACTS = {
    "hire": ("A rowing boat may be hired for 12 euros an hour.", "What does it cost to hire a rowing boat?"),
    "course": ("A rowing course has ten evenings and costs 95 euros.", "What is the price of a rowing course?"),
    "cafe": ("The café by the pier opens at 11:30 in summer.", "When does the café by the pier open?"),
    "key": ("A lost shed key costs 40 euros.", "What must be paid for a lost shed key?"),
    "parking": ("Anhänger dürfen 48 Stunden am Steg parken.", "Wie lange dürfen Anhänger am Steg parken?"),
    "lesson": ("スキー教室は毎週土曜日の朝8時に始まります。", "スキー教室は何時に始まりますか。"),
    "sauna": ("The sauna is heated on Thursdays from 17 to 22 hours.", "On which day is the sauna heated?"),
    "locker": ("A locker can be rented for 6 months at a time.", "For how long can a locker be rented?"),
}  # fmt: skip
NOTES = {
    f"note-{i}": f"Minutes of meeting {i}: the roof, the flags and a new anchor were discussed for {i + 20} minutes."
    for i in range(26)
}
SYSTEMS = """\
systems:
  - {name: mine, approach: rag, adapter: python, target: 'my_system:System'}
  - {name: whole, approach: prompt, adapter: python, target: 'my_system:answer'}
  - {name: embedded, approach: rag, adapter: local, kind: rag}
  - {name: earlier, approach: rag, adapter: recorded, path: traces.jsonl}
"""
MY_SYSTEM = '''
import json
from pathlib import Path

DOCUMENTS = [json.loads(line) for line in (Path(__file__).parent / "corpus.jsonl").read_text("utf-8").splitlines()]


class System:
    """Finds by shared letters in threes; says the first sentence of the best passage."""

    def retrieve(self, query, k):
        def shared(document):
            text = document["text"].lower()
            return sum(query.lower()[i : i + 3] in text for i in range(len(query) - 2))

        ranked = sorted(DOCUMENTS, key=shared, reverse=True)[:k]
        return [{"doc_id": d["_id"], "text": d["text"], "title": d["title"]} for d in ranked]

    def generate(self, query, passages):
        if not passages:
            return "I cannot answer this."
        return {"response": passages[0].text, "citations": [passages[0].doc_id]}


def answer(query):
    return "Open on Mondays."
'''


@pytest.fixture(scope="module")
def suite(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("club")
    corpus = {name: text for name, (text, _) in FACTS.items()} | NOTES
    cases = [
        {"id": f"c-{name}", "query": query, "reference": text, "relevant": [name],
         "key_points": [{"text": text.rstrip(".。"), "evidence": [name]}]}
        for name, (text, query) in FACTS.items()
    ]  # fmt: skip
    refuse = {"id": "c-moon", "query": "Who owns the moon?", "relevant": {}, "expected": "refuse"}
    cases.append(refuse)
    traces = [
        {"system": "earlier", "case_id": case["id"], "response": "Open on Mondays."}
        for case in cases
    ]
    files = {
        "suite.yaml": "format: 1\nname: club\nk: 3\npool: 8\n",
        "cases.jsonl": lines(cases),
        "corpus.jsonl": lines({"_id": i, "title": i, "text": t} for i, t in corpus.items()),
        "systems.yaml": SYSTEMS,
        "my_system.py": MY_SYSTEM,
        "traces.jsonl": lines(traces),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def lines(items) -> str:
    return "\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n"


@pytest.fixture(scope="module")
def oracle(suite, tmp_path_factory):
    """One finished bench of the known-good system: its folder and what was printed."""
    out = tmp_path_factory.mktemp("oracle")
    result = CliRunner().invoke(group, ["faults", str(suite), "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out, result


def content(out: Path) -> dict:
    def refuse(name: str) -> None:
        pytest.fail(f"{name} in faults.json")

    return json.loads((out / "faults.json").read_text("utf-8"), parse_constant=refuse)


def test_the_known_good_system_is_taken_and_said_so(oracle):
    out, result = oracle
    assert "known-good system" in result.stderr
    assert str((out / "faults.md").resolve()) in result.stdout
    found = content(out)
    assert (found["suite"], found["system"]) == ("club", "oracle")
    assert found["clean"] == {"cases": 9, "failing": []}


def test_every_fault_is_either_injected_or_accounted_for(oracle):
    found = content(oracle[0])
    injected = {fault for row in found["verdicts"] for fault in row["faults"]}
    absent = {row["fault"] for row in found["not_injected"]}
    assert injected | absent == set(BY_ID)
    assert not injected & absent
    assert {"miss_criteria", "leak_restricted", "serve_superseded", "json_truncated"} <= absent
    assert {"drop_gold", "hide_from_index", "contradict", "refuse"} <= injected


def test_the_figures_of_the_file_agree_with_its_verdicts(oracle):
    found = content(oracle[0])
    faulty = [row for row in found["verdicts"] if row["faults"]]
    right = sum(row["truth"] == row["given"] for row in faulty)
    assert found["cases"] == {"faulty": len(faulty), "all": len(found["verdicts"])}
    assert math.isclose(found["exact"]["value"], right / len(faulty))
    assert sum(cell["cases"] for cell in found["confusion"]) == len(found["verdicts"])
    assert len({row["case_id"] for row in found["verdicts"]}) == len(found["verdicts"])
    for name, share in found["faults"].items():
        alone = [row for row in faulty if row["faults"] == [name]]
        assert share["n"] == len(alone)
        assert share["value"] <= found["noticed"][name]["value"]


def test_most_causes_are_named_blind(oracle):
    assert content(oracle[0])["exact"]["value"] > 0.7


def test_the_page_says_what_cannot_be_told_and_why(oracle):
    page = (oracle[0] / "faults.md").read_text("utf-8")
    missing = page.split("## What this suite cannot tell")[1]
    assert "`missing_criteria` by `miss_criteria`: no case has `criteria`" in missing
    assert page.count("\n# ") == 0
    for line in page.splitlines():
        assert line.count("|") in (0, *range(4, 12))


def test_the_same_call_again_asks_nothing_and_says_the_same(suite, oracle):
    out, before = oracle
    written = (out / "faults.json").read_bytes()
    again = CliRunner().invoke(group, ["faults", str(suite), "--out", str(out)])
    assert again.stdout == before.stdout
    assert (out / "faults.json").read_bytes() == written


@pytest.mark.parametrize("name", ["mine", "embedded"])
def test_faults_go_into_the_cases_that_a_system_passes(suite, tmp_path, name):
    arguments = ["faults", str(suite), "--system", name, "--out", str(tmp_path), "--seed", "3"]
    result = CliRunner().invoke(group, arguments)
    assert result.exit_code == 0, result.output
    found = content(tmp_path)
    failing = set(found["clean"]["failing"])
    assert "c-moon" in failing or name == "embedded"
    assert failing < {f"c-{i}" for i in (*FACTS, "moon")}
    used = {row["case_id"].partition("@")[0] for row in found["verdicts"]}
    assert not used & failing
    assert f"{9 - len(failing)} of 9 cases pass without a fault" in result.stdout
    assert found["detected"]["value"] > 0.6


def test_limit_and_rate_bound_what_is_asked(suite, tmp_path):
    arguments = ["faults", str(suite), "--out", str(tmp_path), "--limit", "4", "--rate", "0.5"]
    assert CliRunner().invoke(group, arguments).exit_code == 0
    found = content(tmp_path)
    assert found["clean"]["cases"] == 4
    first = [row for row in found["verdicts"] if "@" not in row["case_id"]]
    assert sum(bool(row["faults"]) for row in first) == 2


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--system", "earlier"], 3, "recorded"),
        (["--system", "whole"], 3, "no generate and no retrieve"),
        (["--system", "nobody"], 3, "no system called 'nobody'"),
        (["--systems", "absent.yaml"], 3, "absent.yaml"),
        (["--rate", "0"], 2, "--rate"),
        (["--rate", "1.5"], 2, "--rate"),
        (["--limit", "0"], 2, "--limit"),
        (["--seed", "-1"], 2, "--seed"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(suite, tmp_path, capsys, options, code, said):
    assert _run(["faults", str(suite), "--out", str(tmp_path / "out"), *options]) == code
    told = capsys.readouterr().err.strip()
    assert said in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "out" / "faults.json").exists()


def test_of_several_systems_one_must_be_named(suite, tmp_path, capsys):
    file = str(suite / "systems.yaml")
    assert _run(["faults", str(suite), "--systems", file, "--out", str(tmp_path)]) == 3
    assert "give --system with one of mine, whole, embedded, earlier" in capsys.readouterr().err


def test_a_system_that_passes_nothing_leaves_nothing_to_do(suite, tmp_path, capsys):
    file = suite / "useless.yaml"
    file.write_text("systems: [{name: u, approach: rag, adapter: python, target: 'useless:U'}]\n")
    code = "class U:\n    def retrieve(self, query, k):\n        return []\n\n    def generate(self, query, passages):\n        return 'Blue.'\n"
    (suite / "useless.py").write_text(code)
    assert _run(["faults", str(suite), "--systems", str(file), "--out", str(tmp_path)]) == 4
    assert "no case passes without a fault" in capsys.readouterr().err


# --- planning and counting -------------------------------------------------------------------


def test_rounds_go_on_until_every_fault_had_its_turn(suite):
    loaded = load_suite(suite)
    rounds = plan_rounds(loaded, 0.8, 0)
    assert [one.number for one in rounds] == list(range(1, len(rounds) + 1))
    assert len(rounds) <= MOST_ROUNDS
    assert rounds[0].cases == loaded.cases
    for one in rounds:
        assert set(one.plan) <= {case.id for case in one.cases}
    assert plan_rounds(loaded, 0.8, 0) == rounds


def test_a_reason_tells_apart_what_is_lacking_and_what_fails(suite):
    from dataclasses import replace

    loaded = load_suite(suite)
    empty = replace(loaded, cases=())
    for fault in FAULTS:
        fitting = sum(fault.needs(loaded, case) for case in loaded.cases)
        found = reason_of(fault, loaded, empty)
        assert (f"fits {fitting} case" in found) == (fitting > 0)
        assert found[0].islower()
    assert "other faults were drawn" in reason_of(BY_ID["refuse"], loaded, loaded)


def trial(
    *faults: str, cause: str | None = None, also: tuple[str, ...] = (), number: int = 1
) -> Trial:
    truth = BY_ID[faults[0]].cause if faults else None
    outcome = "fail" if cause else None
    verdict = Verdict("c", truth, outcome=outcome, cause=cause, also=frozenset(also))
    return Trial(number, faults, verdict)


def test_shares_are_of_faults_injected_alone_and_mixtures_need_all_named():
    trials = (
        trial("refuse", cause="over_refusal"),
        trial("refuse", cause="parametric_override", number=2),
        trial("refuse", number=3),
        trial("contradict", "cite_unread", cause="misinterpretation", also=("citation_error",)),
        trial("contradict", "cite_unread", cause="misinterpretation", number=2),
        trial(),
    )
    power = Power("s", "m", 6, (), trials, {})
    assert named(power)["refuse"].value == pytest.approx(1 / 3)
    assert detected(power)["refuse"].value == pytest.approx(2 / 3)
    assert [row[0] for row in rows(power)] == ["refuse"]
    assert taken_for(trials[:3]) == "parametric_override 1, unnoticed 1"
    assert [all_named(one) for one in trials[3:5]] == [True, False]
    mixtures = both(power)
    assert mixtures is not None
    assert (mixtures.value, mixtures.n) == (0.5, 2)
    assert both(Power("s", "m", 1, (), (trial(),), {})) is None
    assert len({verdict.case_id for verdict in power.verdicts}) == 3
