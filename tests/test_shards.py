"""A suite run in shares and merged is the suite run at once; what cannot be merged is refused and named."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evalkit
from evalkit.errors import InvalidInput
from evalkit.faults import FAULTS, OracleSystem, inject, plan_faults
from evalkit.merge import merge
from evalkit.records import Outcome, Passage, Question, Suite, System
from evalkit.shards import Share, cases_of, read_share
from evalkit.store import Store
from evalkit.suite import load_suite
from tests.support import make_case
from tests.test_llm_judge import Server, serving

HELPDESK = Path(__file__).parents[1] / "datasets" / "helpdesk"
DERIVED = (
    *("traces.jsonl", "scores.csv", "summary.json", "diagnosis.json", "manifest.json"),
    *("report.md", "report.html", "verdict.json"),
)


@pytest.fixture(scope="module")
def suite() -> Suite:
    whole = load_suite(HELPDESK)
    cases = (
        replace(c, group=f"g{i // 2}" if i < 20 else None) for i, c in enumerate(whole.cases[:48])
    )
    return replace(whole, cases=tuple(cases))


class Steady:
    """A system that words an answer the same every time; how long it takes is not said."""

    def __init__(self, inner: System) -> None:
        self.inner = inner
        self.name, self.approach = inner.name, inner.approach
        self.capabilities, self.fingerprint = inner.capabilities, inner.fingerprint

    async def ask(self, question: Question) -> Outcome:
        return await self.inner.ask(replace(question, repeat=0))

    async def retrieve(self, question: Question) -> tuple[Passage, ...]:
        return await self.inner.retrieve(question)

    async def generate(self, question: Question, passages: Sequence[Passage]) -> Outcome:
        return await self.inner.generate(replace(question, repeat=0), passages)

    async def lookup(self, doc_id: str) -> bool:
        return await self.inner.lookup(doc_id)

    async def aclose(self) -> None:
        await self.inner.aclose()


def faulty(suite: Suite, rate: float = 0.5) -> list[System]:
    """A steady system that is wrong in a share ``rate`` of the cases.

    Without faults that raise: how long an exception took is measured, and differs.
    """
    timeless = [fault for fault in FAULTS if fault.cause != "infra_error"]
    return [Steady(inject(OracleSystem(suite), suite, plan_faults(suite, timeless, rate)))]


def ask(suite: Suite, out: Path, **options: object) -> evalkit.Run:
    run = evalkit.run(suite, faulty(suite), out=out, **{"repeats": 1, **options})
    run.write()
    return run


@pytest.fixture(scope="module")
def shares(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("shares")
    for number in (1, 2, 3):
        ask(suite, folder / str(number), shard=f"{number}/3")
    return [folder / str(number) for number in (1, 2, 3)]


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in DERIVED}


def probes(folder: Path) -> list[tuple[str, str, int]]:
    with Store(folder, reading=True) as store:
        return sorted(key[1:] for key in store.done() if key[2] != "as_is")


# --- shares --------------------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.text(min_size=1), st.none() | st.text(max_size=2)), unique_by=lambda c: c[0]
    ),
    st.integers(1, 7),
)
@settings(max_examples=50)
def test_every_case_has_one_share_and_a_group_is_never_torn_apart(named, of):
    cases = [make_case(name, group=group) for name, group in named]
    shares = [cases_of(cases, Share(n + 1, of)) for n in range(of)]
    assert sorted(c.id for share in shares for c in share) == sorted(c.id for c in cases)
    for group in {c.group for c in cases if c.group}:
        assert sum(any(c.group == group for c in share) for share in shares) == 1


def test_a_case_keeps_its_share_when_others_come():
    cases = [make_case(f"営業{i}") for i in range(200)]
    before = cases_of(cases[:100], Share(2, 4))
    assert before == [c for c in cases_of(cases, Share(2, 4)) if c in cases[:100]]
    assert 10 <= len(before) <= 45


@pytest.mark.parametrize("text", ["", "0/4", "5/4", "1", "1/0", "a/b", "-1/4", "1/4/2", "٣/4"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(InvalidInput, match="no share"):
        read_share(text)
    assert read_share(" 2/4 ") == Share(2, 4)


# --- merged runs ---------------------------------------------------------------------------------


def test_merged_shares_are_byte_for_byte_the_run_of_the_whole(suite, shares, tmp_path):
    ask(suite, tmp_path / "whole")
    merge(tmp_path / "merged", shares, suite=suite).write()
    assert len(probes(tmp_path / "whole")) > 40
    assert probes(tmp_path / "merged") == probes(tmp_path / "whole")
    found, wanted = files(tmp_path / "merged"), files(tmp_path / "whole")
    assert [name for name in DERIVED if found[name] != wanted[name]] == []


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_so_are_shares_where_nothing_or_everything_fails(suite, tmp_path, rate):
    few = replace(suite, cases=suite.cases[:24])
    system = faulty(few, rate)
    evalkit.run(few, system, out=tmp_path / "whole", repeats=1).write()
    parts = [tmp_path / str(n) for n in (1, 2)]
    for n, part in enumerate(parts, 1):
        evalkit.run(few, system, out=part, repeats=1, shard=f"{n}/2")
    merge(tmp_path / "merged", parts, suite=few).write()
    assert files(tmp_path / "merged") == files(tmp_path / "whole")


def test_derived_files_say_which_share_they_are_of(shares):
    assert b'"shard": "2/3"' in (shares[1] / "summary.json").read_bytes()
    assert b'"shard": "2/3"' in (shares[1] / "manifest.json").read_bytes()
    assert b"2/3" in (shares[1] / "report.md").read_bytes()


def test_the_calls_of_all_shares_are_accounted_for(suite, shares, tmp_path):
    merge(tmp_path / "merged", shares, suite=suite)
    counts = []
    for folder in shares:
        with Store(folder, reading=True) as store:
            counts.append(store.counts().done)
    with Store(tmp_path / "merged") as store:  # for writing: every row is checked
        assert store.healed == []
        assert store.counts().done == sum(counts)


def test_a_merged_run_goes_on_without_asking_anything(suite, shares, tmp_path):
    merge(tmp_path / "merged", shares, suite=suite).write()
    before = files(tmp_path / "merged")
    ask(suite, tmp_path / "merged")
    assert files(tmp_path / "merged") == before


def test_a_share_without_a_case_is_merged_like_any_other(suite, tmp_path):
    few = replace(suite, cases=suite.cases[:2])  # one group
    folders = [tmp_path / str(n) for n in (1, 2)]
    refused = []
    for n, folder in enumerate(folders, 1):
        try:
            ask(few, folder, shard=f"{n}/2")
        except evalkit.EvalkitError as error:
            refused.append((error.exit_code, f"the share {n}/2 holds no case" in str(error)))
    assert refused == [(4, True)]
    assert len(merge(tmp_path / "out", folders, suite=few).systems["oracle"].graded.cases) == 2


def judged(suite: Suite, out: Path, server: Server, **options: object) -> None:
    file = out.parent / "judge.yaml"
    file.write_text(f"{{base_url: '{server.url}', model: m, attempts: 1, timeout: 5}}", "utf-8")
    choice = f"llm:{file}"
    ask(suite, out, **{"probes": "none", "judge": choice, **options})


def test_shares_that_a_model_graded_are_merged_without_asking_it_again(suite, tmp_path):
    few = replace(suite, cases=suite.cases[20:32])
    merged: dict[str, bytes] = {}

    async def work() -> None:
        async with serving() as server:
            for n in (1, 2):
                await asyncio.to_thread(judged, few, tmp_path / str(n), server, shard=f"{n}/2")
            await asyncio.to_thread(judged, few, tmp_path / "whole", server)
            asked = len(server.heard)
            run = await asyncio.to_thread(
                merge, tmp_path / "merged", [tmp_path / "1", tmp_path / "2"], suite=few
            )
            run.write()
            assert len(server.heard) == asked > 8
            merged.update(files(tmp_path / "merged"))
            await asyncio.to_thread(judged, few, tmp_path / "merged", server)  # it goes on
            assert len(server.heard) == asked

    asyncio.run(work())
    wanted = files(tmp_path / "whole")
    assert [name for name in DERIVED if merged[name] != wanted[name]] == []
    calls = [(tmp_path / name / "judge-calls.jsonl").read_bytes() for name in ("1", "2", "merged")]
    assert calls[2] == calls[0] + calls[1]


def test_shares_that_different_judges_graded_are_refused(suite, tmp_path):
    few = replace(suite, cases=suite.cases[20:32])

    async def work() -> None:
        async with serving() as server:
            await asyncio.to_thread(judged, few, tmp_path / "1", server, shard="1/2")
            await asyncio.to_thread(
                judged, few, tmp_path / "2", server, shard="2/2", judge="embedded"
            )

    asyncio.run(work())
    with pytest.raises(InvalidInput, match="graded by embedded, not by llm"):
        merge(tmp_path / "out", [tmp_path / "1", tmp_path / "2"], suite=few)


# --- what is refused -----------------------------------------------------------------------------


def test_a_missing_share_is_named(suite, shares, tmp_path):
    with pytest.raises(InvalidInput, match="2/3 is missing"):
        merge(tmp_path / "out", [shares[0], shares[2]], suite=suite)
    assert not any(tmp_path.iterdir())


def test_a_share_made_of_something_else_is_refused_and_the_difference_named(
    suite, shares, tmp_path
):
    ask(suite, tmp_path / "3", shard="3/3", seed=5)
    with pytest.raises(InvalidInput, match="seed was 0, now 5"):
        merge(tmp_path / "out", [*shares[:2], tmp_path / "3"], suite=suite)


def test_a_folder_twice_is_once_but_another_answer_is_refused(suite, shares, tmp_path):
    again = merge(tmp_path / "out", [*shares, shares[0]], suite=suite)
    assert len(again.systems) == 1
    ask(suite, tmp_path / "1", shard="1/3")
    with Store(tmp_path / "1") as store:
        first = next(store.traces("oracle"))
        store.put_all([replace(first, response="Etwas anderes.")])
    with pytest.raises(InvalidInput, match=f"otherwise.*{first.case_id}"):
        merge(tmp_path / "other", [*shares, tmp_path / "1"], suite=suite)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (ask, "whole suite"),
        (lambda suite, out: ask(suite, out, shard="2/2"), "different splits"),
        (lambda suite, out: out.mkdir(), "there is no run"),
    ],
)
def test_what_is_no_share_of_the_split_is_refused(
    suite, shares, tmp_path, spoil: Callable[[Suite, Path], object], told
):
    few = replace(suite, cases=suite.cases[:12])
    spoil(few, tmp_path / "in")
    with pytest.raises(InvalidInput, match=told):
        merge(tmp_path / "out", [*shares, tmp_path / "in"], suite=suite)


def test_a_folder_goes_on_with_its_own_share_only(suite, shares):
    with pytest.raises(InvalidInput, match="of shard 1/3, now of the whole suite"):
        ask(suite, shares[0])
    with pytest.raises(InvalidInput, match="of shard 1/3, now of shard 2/3"):
        ask(suite, shares[0], shard="2/3")


def test_nothing_is_merged_into_a_folder_that_holds_something(suite, shares, tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="not empty"):
        merge(tmp_path, shares, suite=suite)
    assert (tmp_path / "note.txt").read_text() == "mine"


def test_an_unfinished_share_is_told(suite, tmp_path):
    few = replace(suite, cases=suite.cases[:12])
    options = {"repeats": 1, "probes": "none", "concurrency": 1}
    told: list[str] = []
    watch = evalkit.api.Watcher()
    watch.say = told.append  # type: ignore[method-assign]
    with pytest.raises(evalkit.EvalkitError):
        evalkit.run(
            few, {"s": lambda query: "42"}, out=tmp_path / "1", shard="1/1", max_calls=2, **options
        )
    merge(tmp_path / "out", [tmp_path / "1"], suite=few, watch=watch)
    assert any("shard 1/1 was not finished: 10 questions" in text for text in told)


# --- the command line ----------------------------------------------------------------------------


def test_the_command_line_splits_and_merges(tmp_path):
    suite = tmp_path / "suite"
    evalkit_ = [sys.executable, "-m", "evalkit"]
    done = subprocess.run(
        [*evalkit_, "init", str(suite)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for number in (1, 2):
        command = [
            *evalkit_,
            "run",
            str(suite),
            "--shard",
            f"{number}/2",
            "--out",
            str(tmp_path / str(number)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 12), done.stderr
    command = [*evalkit_, "merge", str(tmp_path / "out"), str(tmp_path / "1")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "2/2 is missing" in done.stderr) == (3, True), done.stderr
    done = subprocess.run(
        [*command, str(tmp_path / "2")], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 12), done.stderr
    assert (tmp_path / "out" / "report.html").exists()
