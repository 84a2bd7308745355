"""A judge that makes calls, in whole runs against a server on this machine: told, counted, limited, noted, corrected."""

import asyncio
import csv
import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_gate_command import RIGHT, WRONG, answering, write_suite
from test_llm_judge import Heard, Server, honest, serving

import evalkit
from evalkit.budget import Budget
from evalkit.cli import _run
from evalkit.errors import BudgetExceeded, InvalidInput
from evalkit.judges.llm.prompts import digest_of_prompts
from evalkit.judges.spending import Expected, Spending, tokens_of
from evalkit.merge import merge
from evalkit.records import Status
from evalkit.suite import load_systems
from evalkit.watch import Watcher

SCHEMAS = Path(evalkit.__file__).parent / "schemas"
PRICE = {"prompt_per_million": 1.0, "completion_per_million": 2.0}


@contextmanager
def endpoint(mode: Callable[[Heard], object] = honest) -> Iterator[Server]:
    """The judging server of the judge's own tests, in a loop of its own."""
    loop, ready, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    kept: list[Server] = []

    async def main() -> None:
        async with serving(mode) as server:
            kept.append(server)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    ready.wait(10)
    try:
        yield kept[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


def judge_file(folder: Path, server: Server, name: str = "judge.yaml", **options: object) -> str:
    given = {"kind": "llm", "base_url": server.url, "model": "m", "attempts": 1, "price": PRICE}
    given |= {"timeout": 5, "patience": 0, **options}
    (folder / name).write_text(json.dumps({n: v for n, v in given.items() if v is not None}))
    return f"llm:{folder / name}"


class Listener(Watcher):
    """Keeps what is said, each with what ``count`` gave at that moment."""

    def __init__(self, count: Callable[[], int] = lambda: 0) -> None:
        self.said: list[tuple[str, int]] = []
        self.count = count

    def say(self, text: str) -> None:
        self.said.append((text, self.count()))

    def one(self, start: str) -> tuple[str, int]:
        (found,) = (entry for entry in self.said if entry[0].startswith(start))
        return found


@pytest.fixture
def suite(tmp_path) -> Path:
    return write_suite(tmp_path / "suite", cases=12)


def summary(folder: Path) -> dict:
    found = json.loads((folder / "summary.json").read_text())
    schema = json.loads((SCHEMAS / "summary.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(found)
    return found


def grades(run) -> list[tuple[str, object]]:
    graded = run.systems["rag"].graded
    return [(t.case_id, v) for t, v in zip(graded.traces, graded.outcomes.right, strict=True)]


def once(suite: Path, out: Path, judge: str | None, system=None, **options):
    """A run without probes; every case is answered in its own words, so that no verdict is shared."""
    options = {"probes": "none", **options}
    return evalkit.run(suite, {"rag": system or worded}, out=out, judge=judge, **options)


def worded(query: str) -> str:
    number = query.split()[3]
    return f"{answering(3)(query)} Desk {number} has a bell."


def test_a_judge_that_says_nothing_readable_leaves_the_run_incomplete(suite, tmp_path, capsys):
    with endpoint(lambda heard: "no verdict of mine") as server:
        (suite / "systems.yaml").write_text(
            "systems: [{name: rag, approach: prompt, adapter: python, target: 'deaf:answer'}]\n"
        )
        (suite / "deaf.py").write_text(f"def answer(query):\n    return {RIGHT!r} + query\n")
        out = tmp_path / "run"
        judge = judge_file(tmp_path, server, unusable=0)  # ask to the end
        arguments = ["run", str(suite), "--out", str(out), "--judge", judge, "--in-process"]
        assert _run([*arguments, "--probes", "none"]) == 12
    said = capsys.readouterr().out
    assert said.startswith("Incomplete: rag: the judge gave no usable grade for 12 of 12")
    verdict = json.loads((out / "verdict.json").read_text())
    assert (verdict["exit_code"], verdict["exit_name"]) == (12, "incomplete")
    rows = list(csv.DictReader((out / "scores.csv").read_text().splitlines()))
    lost = [row for row in rows if row["status"] == "grader_error"]
    assert {"correct", "passed", "equivalence"} <= {row["metric"] for row in lost}
    assert all("judge output" in row["note"] for row in lost)
    report = (out / "report.md").read_text()
    assert "no gold documents are labelled" not in report + said
    assert "Give the cases a reference" not in report + said
    assert _run(["score", str(out)]) == 12


def test_cases_without_any_label_are_no_errors_of_the_judge(suite, tmp_path):
    rows = [{"id": f"c{i}", "query": f"When does desk {i} open?"} for i in range(5)]
    (suite / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)))
    run = once(suite, tmp_path / "run", None)
    run.write()
    assert run.systems["rag"].counts["ungraded"] == 5
    assert json.loads((tmp_path / "run" / "verdict.json").read_text())["exit_code"] == 0


def test_a_run_that_was_stopped_says_so_first(suite, tmp_path, capsys):
    (suite / "systems.yaml").write_text(
        "systems: [{name: rag, approach: prompt, adapter: python, target: 'good:answer'}]\n"
    )
    (suite / "good.py").write_text(f"def answer(query):\n    return {RIGHT!r}\n")
    out = tmp_path / "run"
    arguments = ["run", str(suite), "--out", str(out), "--in-process", "--probes", "none"]
    assert _run([*arguments, "--max-calls", "5"]) == 8
    assert capsys.readouterr().out.startswith("Incomplete: 5 of 12 cases asked.\n")
    assert "Incomplete: 5 of 12 cases asked. " in (out / "report.md").read_text().splitlines()[0]
    assert _run(arguments) == 0
    said = capsys.readouterr().out
    assert "Incomplete" not in said
    assert ".." not in said.replace("...", "")
    (first,) = [line for line in said.splitlines() if line.startswith("What to do first: ")]
    assert first.split(": ")[1][0].isalpha()


# --- known before, counted after -----------------------------------------------------------------


def test_calls_tokens_and_cost_are_told_before_the_first_call(suite, tmp_path):
    asked = []

    def system(query: str) -> str:
        asked.append(query)
        return worded(query)

    with endpoint() as server:
        watch = Listener(lambda: len(server.heard) + len(asked))
        once(suite, tmp_path / "run", judge_file(tmp_path, server), system, watch=watch)
        text, calls = watch.one("judge llm:m")
        assert calls == 0
        assert "12 answers take 12 to 24 calls, about " in text
        assert "tokens, cost about 0.0" in text
        assert len(server.heard) == 12
        watch = Listener(lambda: 0)
        once(suite, tmp_path / "run", None, system, watch=watch)
        assert not [text for text, _ in watch.said if text.startswith("judge")]


def test_spending_stands_beside_the_systems_and_outlives_the_session(suite, tmp_path):
    with endpoint() as server:
        run = once(suite, tmp_path / "run", judge_file(tmp_path, server))
        run.write()
        again = once(suite, tmp_path / "run", None)
        assert len(server.heard) == 12
    spent = summary(tmp_path / "run")["judge"]["spending"]
    assert (spent["calls"], spent["from_cache"]) == (12, 0)
    assert spent["prompt_tokens"] == {"total": 1200, "n": 12, "of": 12}
    assert spent["cost"]["total"] == pytest.approx(12 * (100 + 2 * 10) / 1e6)
    kept = again.summary()["judge"]["spending"]
    assert (kept["calls"], kept["from_cache"]) == (12, 12)
    opened = evalkit.open_run(suite, tmp_path / "run")
    assert opened.summary()["judge"]["spending"]["calls"] == 12
    assert grades(opened) == grades(run)


def test_a_limit_of_calls_holds_for_system_and_judge_together(suite, tmp_path):
    asked = []

    def system(query: str) -> str:
        asked.append(query)
        return worded(query)

    with endpoint() as server:
        judge = judge_file(tmp_path, server)
        with pytest.raises(BudgetExceeded) as stopped:
            once(suite, tmp_path / "run", judge, system, max_calls=9, concurrency=3)
        assert len(asked) + len(server.heard) <= 9
        assert len(server.heard) == len(asked) == 4
        rights = [right for _, right in grades(stopped.value.run)]
        assert None not in rights
        once(suite, tmp_path / "run", None, system)
        assert (len(asked), len(server.heard)) == (12, 12)


def test_what_a_limit_keeps_the_judge_from_is_a_grader_error_until_the_run_goes_on(suite, tmp_path):
    with endpoint() as server:
        once(suite, tmp_path / "first", "embedded").write()
        entry = {"name": "rag", "approach": "rag", "adapter": "recorded"}
        systems = tmp_path / "systems.yaml"
        entry["path"] = "first/traces.jsonl"
        systems.write_text(json.dumps({"systems": [entry]}))
        judge, out = judge_file(tmp_path, server), tmp_path / "run"
        specs = load_systems(systems)
        with pytest.raises(BudgetExceeded, match="the judge stopped at the limit of calls") as over:
            evalkit.run(suite, specs, out=out, judge=judge, max_calls=5)
        assert len(server.heard) == 5
        scores = over.value.run.systems["rag"].graded.scores
        states = [scores.status("equivalence", i) for i in range(12)]
        assert states.count(Status.GRADER_ERROR) == 7
        assert over.value.run.systems["rag"].counts["ungraded"] == 7
        run = evalkit.run(suite, specs, out=out)
        assert len(server.heard) == 12
        assert run.systems["rag"].counts["ungraded"] == 0


def test_a_limit_of_cost_counts_the_judge_and_wants_to_know_its_price(suite, tmp_path):
    with endpoint() as server:
        free = judge_file(tmp_path, server, "free.yaml", price=None)
        with pytest.raises(InvalidInput, match="has no price"):
            once(suite, tmp_path / "a", free, max_cost=1.0)
        dear = {"prompt_per_million": 10_000.0, "completion_per_million": 0.0}  # 1 a call
        once(suite, tmp_path / "first", "embedded").write()
        systems = tmp_path / "systems.yaml"
        entry = {"name": "rag", "approach": "rag", "adapter": "recorded"}
        systems.write_text(json.dumps({"systems": [{**entry, "path": "first/traces.jsonl"}]}))
        with pytest.raises(BudgetExceeded, match="limit of cost"):
            evalkit.run(
                suite,
                load_systems(systems),
                out=tmp_path / "b",
                judge=judge_file(tmp_path, server, price=dear, concurrency=1),
                max_cost=30.0,
            )
        assert 0 < len(server.heard) <= 30


# --- whose verdicts they are ---------------------------------------------------------------------


def test_the_recipe_and_every_verdict_name_the_prompts(suite, tmp_path):
    with endpoint() as server:
        run = once(suite, tmp_path / "run", judge_file(tmp_path, server, temperature=0.5))
    digest = digest_of_prompts()[:12]
    recipe = run.summary()["recipe"]
    assert recipe["judge name"] == "llm:m"
    assert recipe["judge model"] == "m"
    assert recipe["judge prompts"] == digest
    assert '"temperature": 0.5' in recipe["judge parameters"]
    evidence = run.systems["rag"].graded.evidence
    assert all(digest in found.judge for found in evidence)


def test_another_judge_grades_everything_again_and_says_so(suite, tmp_path):
    with endpoint() as server:
        first = once(suite, tmp_path / "run", judge_file(tmp_path, server))
        watch = Listener()
        other = judge_file(tmp_path, server, model="n")
        second = once(suite, tmp_path / "run", other, watch=watch)
        assert len(server.heard) == 24
        text, _ = watch.one("another judge")
        assert "model was m, now n" in text
        assert "graded again" in text
        assert first.recipe["judge"] != second.recipe["judge"]
        watch = Listener()
        third = once(suite, tmp_path / "run", "embedded", watch=watch)
        assert "name was llm:n, now embedded" in watch.one("another judge")[0]
        assert third.recipe["judge"].startswith("embedded/")
        block = third.summary()["judge"]  # it was spent on this run all the same
        assert block["spending"] is None
        spent = [(one["name"], one["spending"]["calls"]) for one in block["earlier"]]
        assert spent == [("llm:m", 12), ("llm:n", 12)]
        assert evalkit.open_run(suite, tmp_path / "run").recipe["judge"] == third.recipe["judge"]


def test_a_run_is_graded_again_where_neither_the_file_nor_the_key_nor_the_endpoint_is(
    suite, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with endpoint() as server:
        judge_file(tmp_path, server)
        run = once(suite, tmp_path / "run", "llm:judge.yaml")
    (tmp_path / "judge.yaml").unlink()
    monkeypatch.chdir("/")
    opened = evalkit.open_run(suite, tmp_path / "run")
    assert grades(opened) == grades(run)
    assert {value for _, value in grades(run)} == {True, False}


def test_a_reply_that_is_no_verdict_is_a_grader_error_and_in_no_mean(suite, tmp_path):
    def mode(heard: Heard) -> object:
        return honest(heard) if "Desk 7" in heard.user else "It is fine: 10/10"

    with endpoint(mode) as server:
        run = once(suite, tmp_path / "run", judge_file(tmp_path, server))
    run.write()
    cell = summary(tmp_path / "run")["systems"]["rag"]["metrics"]["equivalence"]
    assert (cell["mean"], cell["n"], cell["due"]) == (1.0, 1, 12)
    assert cell["not_scored"] == {"grader_error": 11}
    text = (tmp_path / "run" / "scores.csv").read_text()
    assert "nan" not in text.casefold().replace("unanswer", "")


def test_probes_are_judged_once_and_their_judging_is_told(tmp_path):
    suite = write_suite(tmp_path / "suite", cases=4)
    (suite / "corpus.jsonl").write_text(json.dumps({"_id": "d", "text": RIGHT}))
    rows = [json.loads(line) for line in (suite / "cases.jsonl").read_text().splitlines()]
    labelled = [json.dumps({**row, "relevant": ["d"]}) for row in rows]
    (suite / "cases.jsonl").write_text("\n".join(labelled))
    asked = []

    class System:
        def ask(self, query: str) -> dict:
            return {
                "response": f"{WRONG} {len(asked)}",
                "context": [{"doc_id": "d", "text": RIGHT}],
            }

        def generate(self, query: str, passages: list) -> str:
            asked.append(query)
            return f"{WRONG} {query} {len(asked)}"

    with endpoint() as server:
        watch = Listener(lambda: len(asked))
        judge, out = judge_file(tmp_path, server), tmp_path / "run"
        run = evalkit.run(suite, {"rag": System()}, out=out, judge=judge, watch=watch)
        text, before = watch.one("rag: 4 failing")
        assert before == 0
        assert "judging them" in text
        bodies = [(heard.user.split("⟧", 1)[0], heard.user) for heard in server.heard]
        assert (
            len({user for _, user in bodies})
            == len(bodies)
            <= len(run.systems["rag"].graded.traces)
        )


def test_a_panel_is_told_counted_and_noted_member_by_member(suite, tmp_path):
    with endpoint() as server:
        members = [{"model": "one"}, {"model": "two", "temperature": "default"}, "embedded"]
        judge = judge_file(tmp_path, server, model=None, panel=members)
        watch = Listener(lambda: len(server.heard))
        run = once(suite, tmp_path / "run", f"panel{judge[3:]}", watch=watch)
        text, before = watch.one("judge panel of llm:one")
        assert (before, len(server.heard)) == (0, 24)
        assert "12 answers take 24 to 48 calls" in text
        assert {heard.payload["model"] for heard in server.heard} == {"one", "two"}
    assert run.summary()["judge"]["spending"]["calls"] == 24
    assert run.recipe["judge member 1 model"] == "one"
    assert run.recipe["judge member 3 name"] == "embedded"
    opened = evalkit.open_run(suite, tmp_path / "run")
    assert grades(opened) == grades(run)


def test_a_judge_whose_replies_name_another_model_in_mid_run_is_told(suite, tmp_path):
    with endpoint() as server:
        server.model = lambda call: "m-2024" if call <= 8 else "m-small"
        run = once(suite, tmp_path / "run", judge_file(tmp_path, server))
        run.write()
        calls = (tmp_path / "run" / "judge-calls.jsonl").read_text("utf-8").splitlines()
        named = sorted(json.loads(line)["model"] for line in calls)
        assert named == ["m-2024"] * 8 + ["m-small"] * 4
        again = once(suite, tmp_path / "run", None)
    said = "replies name more than one model: m-2024 (8), m-small (4)"
    opened = evalkit.open_run(suite, tmp_path / "run")
    for told in (run, again, opened):
        (sentence,) = told.summary()["judge"]["troubles"]
        assert said in sentence
        assert "which asks for m:" in sentence
    assert said in (tmp_path / "run" / "report.md").read_text("utf-8")


def test_models_that_a_killed_session_or_shares_met_are_counted_too(suite, tmp_path):
    with endpoint() as server:
        judge = judge_file(tmp_path, server)
        for n, model in enumerate(("one", "two"), 1):
            server.model = lambda _, model=model: model
            once(suite, tmp_path / str(n), judge, shard=f"{n}/2")
        merged = merge(tmp_path / "out", [tmp_path / "1", tmp_path / "2"], suite=suite)
        assert "replies name more than one model" in merged.summary()["judge"]["troubles"][0]
    record = tmp_path / "1" / "judge-calls.jsonl"
    last = json.loads(record.read_text("utf-8").splitlines()[-1])
    with record.open("a", encoding="utf-8") as lines:  # a call of a session that was killed
        lines.write(json.dumps({**last, "model": "before"}) + "\n")
    opened = evalkit.open_run(suite, tmp_path / "1")
    (sentence,) = opened.summary()["judge"]["troubles"]
    assert "before (" in sentence
    assert "one (" in sentence


def test_a_judge_with_one_model_under_a_longer_name_is_no_trouble(suite, tmp_path):
    with endpoint() as server:
        server.model = lambda _: "m-2024-08-06"
        run = once(suite, tmp_path / "run", judge_file(tmp_path, server))
    assert "troubles" not in run.summary()["judge"]


@given(st.lists(st.floats(0, 0.02), min_size=1, max_size=60), st.randoms())
@settings(max_examples=50)
def test_a_cost_does_not_depend_on_the_order_or_the_groups_in_which_it_is_added(costs, random):
    def added(groups):
        books = (sum((Spending(1, cost=cost) for cost in group), Spending()) for group in groups)
        return sum(books, Spending())

    shuffled = random.sample(costs, len(costs))
    cut = random.randint(0, len(costs))
    whole = added([costs])
    assert whole == added([shuffled[:cut], shuffled[cut:]])
    assert whole.cost == pytest.approx(math.fsum(costs), abs=1e-8)


# --- people --------------------------------------------------------------------------------------


def reviewed_run(suite: Path, tmp_path: Path, server: Server, wrong_about: int):
    """A run with its review: people take the judge to be wrong about some of what it calls wrong."""
    out = tmp_path / "run"
    once(suite, out, judge_file(tmp_path, server)).write()
    file = tmp_path / "queue.csv"
    assert _run(["review", "export", str(out), "--out", str(file)]) == 0
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    doubted = [row for row in rows if row["judge"] == "wrong"][:wrong_about]
    for row in rows:
        right = row["judge"] == "right" or row in doubted
        row["human_correct"] = "yes" if right else "no"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert _run(["review", "import", str(out), str(file), "--reviewer", "Ana"]) == 0
    return out


def test_peoples_verdicts_replace_the_judges_and_are_told_with_their_file(tmp_path, capsys):
    suite = write_suite(tmp_path / "suite", cases=40)
    with endpoint() as server:
        out = reviewed_run(suite, tmp_path, server, wrong_about=2)
    plain = summary(out)["systems"]["rag"]["pass_rate"]["value"]
    file = out / "review.jsonl"
    assert _run(["diagnose", str(out), "--reviewed", str(file)]) == 0
    told = capsys.readouterr().out
    assert "rag: people graded 40 answers, 2 otherwise than the judge; review.jsonl (" in told
    assert "corrected for the judge's errors (Rogan-Gladen, 40 labels)" in told
    found = summary(out)
    assert found["systems"]["rag"]["pass_rate"]["value"] == pytest.approx(plain + 2 / 40)
    reviewed = found["judge"]["reviewed"]
    assert reviewed["systems"] == {"rag": {"answers": 40, "changed": 2}}
    assert reviewed["digest"] in found["recipe"]["reviewed"]
    (rate,) = found["judge"]["rates"]["rag"]
    assert (rate["raw"]["value"], rate["people"]["value"]) == pytest.approx((plain, plain + 2 / 40))
    assert rate["corrected"]["low"] < rate["people"]["value"] < rate["corrected"]["high"]
    assert _run(["score", str(out)]) == 0
    assert summary(out)["systems"]["rag"]["pass_rate"]["value"] == plain


def test_from_a_hundred_labels_on_rates_are_prediction_powered(tmp_path):
    suite = write_suite(tmp_path / "suite", cases=120)
    with endpoint() as server:
        out = reviewed_run(suite, tmp_path, server, wrong_about=1)
    run = evalkit.open_run(suite, out, reviewed=out / "review.jsonl")
    (rate,) = run.judged.rates["rag"]
    assert rate.method == "PPI++, 100 labels"
    assert rate.corrected.low <= rate.people.value <= rate.corrected.high


@pytest.mark.parametrize("wrong_about", [0, 12])
def test_a_judge_that_people_do_not_agree_with_cannot_gate(tmp_path, capsys, wrong_about):
    suite = write_suite(tmp_path / "suite", "{metric: passed, at_least: 0.05}", cases=48)

    def system(query: str) -> str:
        number = query.split()[3]
        return f"{answering(16)(query)} Desk {number} has a bell."

    with endpoint() as server:
        judge = judge_file(tmp_path, server)
        out = tmp_path / "run"
        once(suite, out, judge, system).write()
        assert _run(["gate", str(out)]) == 3
        assert "never held against people" in capsys.readouterr().err
        labels = tmp_path / "labels.jsonl"
        rows = []
        for number in range(48):
            right = number >= 16 or number < wrong_about
            asked = f"When does desk {number} open?"
            row = {"question": asked, "answer": system(asked), "reference": RIGHT, "correct": right}
            rows.append(json.dumps(row))
        labels.write_text("\n".join(rows))
        check = out / "judge-check.json"
        arguments = ["judge-check", str(labels), "--judge", judge, "--out", str(check)]
        assert _run([*arguments, "--no-probes"]) == 0
    told = json.loads(check.read_text())
    schema = json.loads((SCHEMAS / "judge-check.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(told)
    capsys.readouterr()
    code = _run(["gate", str(out)])
    said = capsys.readouterr()
    if wrong_about:
        assert code == 3
        assert "the judge may not gate on correct: kappa 0.31" in said.err
        assert "below 0.6" in said.err
    else:
        assert code == 0
    assert _run(["report", str(out)]) == 0
    (rate,) = (r for r in summary(out)["judge"]["rates"]["rag"] if r["quantity"] == "equivalence")
    assert rate["method"].endswith("48 labels of judge-check.json")
    assert rate["raw"]["value"] == pytest.approx(32 / 48)
    assert rate["corrected"]["value"] == pytest.approx((32 + wrong_about) / 48)


# --- the purse beside ----------------------------------------------------------------------------


def test_two_purses_share_the_limits_and_keep_their_own_prices():
    budget = Budget(max_calls=10, max_cost=1.0)
    judge = budget.beside()
    judge.assume(0.1)
    assert budget.take(1, aside=(2, 0.2))
    budget.settle(1, 0.05)
    assert (budget.left, judge.left) == (7, 7)
    assert not budget.take(4, aside=(4, 0.0))
    assert budget.refused == "calls"
    budget.put_aside(-2, -0.2)
    assert judge.take(2)
    judge.settle(2, 0.2)
    assert (budget.calls, judge.calls, budget.left) == (1, 2, 7)
    assert not judge.take(8)
    assert judge.take(7)  # at 0.1 each, with 0.25 spent
    judge.settle(7, 0.7)
    assert not budget.take(1)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3), st.integers(0, 3)), max_size=40))
@settings(max_examples=50)
def test_no_order_of_calls_exceeds_a_limit_of_calls(steps):
    budget = Budget(max_calls=20)
    judge, kept = budget.beside(), 0
    for by_judge, calls, aside in steps:
        if by_judge:
            budget.put_aside(-kept, 0.0)
            kept = 0
            judge.take(calls)
        elif budget.take(calls, aside=(aside, 0.0)):
            kept += aside
        assert budget.calls + judge.calls + kept <= 20
        assert budget.left == judge.left == 20 - budget.calls - judge.calls - kept


def test_an_interrupt_stops_both():
    budget = Budget()
    judge = budget.beside()
    judge.stop()
    assert not budget.take(1)
    assert budget.refused == "interrupt"


# --- what the command line lets through ----------------------------------------------------------


@pytest.mark.parametrize("number", ["nan", "inf", "-1"])
@pytest.mark.parametrize(
    "command",
    [
        ["run", "suite", "--max-cost"],
        ["run", "suite", "--max-time"],
        ["faults", "suite", "--rate"],
        ["judge-check", "labels", "--grounded-at"],
    ],
)
def test_numbers_that_are_none_are_misuse(command, number, capsys):
    assert _run([*command, number]) == 2
    assert number in capsys.readouterr().err


def test_foreign_text_does_nothing_to_the_terminal(tmp_path, capsys):
    file = tmp_path / "labels.jsonl"
    bad = {"question": "?", "answer": "a", "corr\x1b[2Ject\u202e\nevalkit: fine": True}
    file.write_text(json.dumps(bad))
    assert _run(["judge-check", str(file)]) == 3
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "\\x1b[2J" in told


def test_a_check_names_a_judge_without_its_colours(tmp_path, capsys):
    file = tmp_path / "labels.jsonl"
    rows = [{"question": "?", "answer": "a", "reference": "a", "correct": True}] * 3
    file.write_text("\n".join(map(json.dumps, rows)))
    with endpoint() as server:
        judge = judge_file(tmp_path, server, name="judge.yaml", model="m\x1b[31m")
        out = tmp_path / "check.json"
        assert _run(["judge-check", str(file), "--judge", judge, "--out", str(out)]) == 0
    assert "\x1b" not in capsys.readouterr().out


# --- figures of the account ----------------------------------------------------------------------


def test_the_estimate_of_tokens_grows_with_bytes_not_with_letters():
    assert tokens_of("") == 0
    assert tokens_of("a" * 400) == 100
    assert tokens_of("日" * 400) == 300


def test_an_unknown_cost_stays_unknown_in_a_sum():
    known = Expected(1, 2, 10, 5, 0.5)
    assert (known + known).cost == 1.0
    assert (known + Expected(1, 1, cost=None)).cost is None
    assert known.times(3) == Expected(3, 6, 30, 15, 1.5)
