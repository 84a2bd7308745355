"""The judge that asks a model, against a small server on this machine that grades by plain word matching."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import make_case, make_trace

from evalkit.errors import EndpointUnusable, InvalidInput
from evalkit.judge import judge_traces
from evalkit.judges.choose import judge_from
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.judges.llm.blank import says_nothing
from evalkit.judges.llm.fence import clean, fence_for
from evalkit.judges.llm.grading import Grading
from evalkit.judges.llm.judge import LlmJudge, build
from evalkit.judges.llm.limits import Limits, cut, shares
from evalkit.judges.llm.plan import plan
from evalkit.judges.llm.prompts import FOLDER, VERSIONS, digest_of_prompts
from evalkit.judges.llm.schema import Asked, schema
from evalkit.judges.llm.vote import vote
from evalkit.records import (
    Case,
    Claim,
    Criterion,
    Evidence,
    Message,
    Passage,
    StyleRules,
    Trace,
)

SECRET = re.compile(r"⟦begin NAME ([0-9a-f]{24})⟧")
CANARY = re.compile(r"the code ([0-9a-f]{24}) as it stands")


class Heard:
    """One request as an honest judge understands it."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self.payload = payload
        system, user = (message["content"] for message in payload["messages"])
        self.system, self.user = system, user
        self.code = SECRET.search(system)[1]
        self.canary = CANARY.search(system)[1]
        mark = re.compile(
            rf"^⟦begin ([a-z ]+\d*) {self.code}⟧\n(.*?)\n⟦end \1 {self.code}⟧$",
            re.DOTALL | re.MULTILINE,
        )
        self.blocks = dict(mark.findall(user))

    def named(self, start: str) -> list[str]:
        return [text for name, text in self.blocks.items() if name.startswith(start)]

    def lines(self, name: str) -> list[str]:
        return [line.partition(". ")[2] for line in self.blocks.get(name, "").split("\n") if line]

    def parts(self) -> list[str]:
        return [
            line[3:].partition("`")[0] for line in self.system.split("\n") if line.startswith("- `")
        ]


def says(text: str, what: str) -> bool:
    return plain(what) in plain(text)


def plain(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def honest(heard: Heard) -> dict[str, Any]:
    """Verdicts by word matching: a passage or a reference has a statement when its words stand there."""
    passages, references = heard.named("passage"), heard.named("reference")
    answer = heard.blocks["answer"]

    def claim(n: int, text: str) -> dict[str, Any]:
        found = next((i for i, p in enumerate(passages, 1) if says(p, text)), None)
        known = any(says(r, text) for r in references) if references else None
        word = "supported" if found else "absent"
        return {"n": n, "verdict": word, "passage": found, "in_reference": known}

    def numbered(name: str, fields: Callable[[str], dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"n": n, **fields(text)} for n, text in enumerate(heard.lines(name), 1)]

    whole = {
        "canary": heard.canary,
        "reason": "by word matching",
        "claims": [claim(n, text) for n, text in enumerate(heard.lines("claims"), 1)],
        "correct": float(any(says(answer, r) for r in references)),
        "key_points": numbered("key points", lambda t: {"covered": float(says(answer, t))}),
        "criteria": numbered(
            "criteria",
            lambda t: {
                "addressed": says(answer, t),
                "finding": "met" if says(answer, t) else "none",
            },
        ),
        "style": numbered("style", lambda t: {"kept": True}),
        "context": "sufficient"
        if any(says(p, r) for p in passages for r in references)
        else "insufficient",
        "refused": float("do not know" in answer),
    }
    return {name: whole[name] for name in heard.parts()}


Mode = Callable[[Heard], Any | Awaitable[Any]]


class Server:
    """Answers with what ``mode`` makes of a request: an object or a text as the message, an int as the status."""

    def __init__(self, mode: Mode = honest) -> None:
        self.mode = mode
        self.heard: list[Heard] = []
        self.url = ""
        self.model: Callable[[int], str] = lambda _: "m"  # that the reply to this call names

    async def answer(self, request: Any) -> Any:
        from aiohttp import web

        heard = Heard(json.loads(await request.text()))
        self.heard.append(heard)
        made = self.mode(heard)
        if asyncio.iscoroutine(made):
            made = await made
        if isinstance(made, int):
            return web.json_response({"error": {"message": "no"}}, status=made)
        text = made if isinstance(made, str) else json.dumps(made)
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 10}
        model = self.model(len(self.heard))
        return web.json_response({"model": model, "choices": [choice], "usage": usage})


@asynccontextmanager
async def serving(mode: Mode = honest) -> AsyncIterator[Server]:
    from aiohttp import web

    server = Server(mode)
    application = web.Application(client_max_size=64 << 20)
    application.router.add_post("/v1/chat/completions", server.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def judging(server: Server, **options: Any) -> AsyncIterator[LlmJudge]:
    where = {
        name: options.pop(name)
        for name in ("cache", "record", "salt", "offline")
        if name in options
    }
    given = {
        "base_url": server.url,
        "model": "m",
        "attempts": 1,
        "timeout": 5,
        "patience": 0,
        **options,
    }
    judge = build(given, **where)
    try:
        yield judge
    finally:
        await judge.aclose()


def evidence_of(
    case: Case, trace: Trace, mode: Mode = honest, **options: Any
) -> tuple[Evidence, list[Heard]]:
    async def work() -> tuple[Evidence, list[Heard]]:
        async with serving(mode) as server, judging(server, **options) as judge:
            return await judge.judge(case, trace), server.heard

    return asyncio.run(work())


def passages(*texts: str) -> tuple[Passage, ...]:
    return tuple(Passage(f"d{n}", text=text) for n, text in enumerate(texts, 1))


CASE = make_case(
    reference="Parking costs 5 euros.", key_points=["costs 5 euros", "is free on Sunday"]
)
TRACE = make_trace(
    "Parking costs 5 euros. The garage has a roof.",
    context=passages("The opening hours are long.", "As a rule: parking costs 5 euros."),
)


def test_one_call_fills_every_field_of_the_evidence():
    found, heard = evidence_of(CASE, TRACE)
    assert len(heard) == 1
    assert [(c.text, c.supported, c.passage, c.in_reference) for c in found.claims] == [
        ("Parking costs 5 euros.", True, 1, True),
        ("The garage has a roof.", False, None, False),
    ]
    assert [TRACE.response[c.start : c.end] for c in found.claims] == [c.text for c in found.claims]
    assert (found.correct, found.covered, found.refused) == (1.0, (1.0, 0.0), 0.0)
    assert found.reasons[:2] == ("context: sufficient", "judge: by word matching")
    assert found.error is None


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("駐車料金は5ユーロです。屋根があります。", "駐車料金は5ユーロです"),
        ("Bãi đỗ xe giá 5 euro. Có mái che.", "Bãi đỗ xe giá 5 euro"),
        ("Parken kostet 5 Euro. Es gibt ein Dach.", "Parken kostet 5 Euro"),
        ("تكلفة وقوف السيارات 5 يورو. يوجد سقف للمرآب.", "تكلفة وقوف السيارات 5 يورو"),
    ],
)
def test_it_judges_in_any_language(answer: str, reference: str):
    trace = make_trace(answer, context=passages(f"{reference}."))
    found, heard = evidence_of(make_case(reference=reference), trace)
    assert found.correct == 1.0
    assert (found.claims[0].supported, found.claims[-1].supported) == (True, False)
    assert heard[0].blocks["answer"] == answer


def test_no_key_point_no_reference_and_no_context_leave_their_fields_undecided():
    found, heard = evidence_of(make_case(), make_trace("It costs 5 euros."))
    assert (found.correct, found.covered, found.cited) == (None, None, None)
    assert [claim.supported for claim in found.claims] == [None]
    assert heard[0].parts() == ["canary", "reason", "refused"]


def test_an_empty_context_supports_nothing_and_suffices_for_nothing():
    found, _ = evidence_of(CASE, replace(TRACE, context=()))
    assert [claim.supported for claim in found.claims] == [False, False]
    assert "context: insufficient" in found.reasons


def test_criteria_and_style_are_judged_and_told():
    criteria = (Criterion("C1", "the roof", verdict="met"), Criterion("C2", "the lift"))
    style = StyleRules(register="formal", exemplars=("Sehr geehrte Damen und Herren",))
    case = make_case(criteria=criteria, style=style)
    found, heard = evidence_of(case, make_trace("The roof is sound."))
    assert "criterion C1: addressed, finding met (right)" in found.reasons
    assert "criterion C2: not addressed" in found.reasons
    assert "style, the register is formal throughout: kept" in found.reasons
    assert heard[0].named("approved example") == ["Sehr geehrte Damen und Herren"]


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "  \n",
        "...",
        ":",
        "\u200b\u3164",
        "⠀",
        "Solution:",
        "解答：",
        "Let’s think step by step.",
    ],
)
def test_an_answer_that_says_nothing_fails_without_a_call(answer: str):
    found, heard = evidence_of(CASE, replace(TRACE, response=answer))
    assert heard == []
    assert (found.claims, found.correct, found.covered, found.error) == ((), 0.0, (0.0, 0.0), None)


def test_an_answer_that_is_the_reference_says_something_whatever_it_is():
    assert says_nothing("->", ())
    assert not says_nothing("->", ("->",))
    assert not says_nothing("نعم", ())


def test_many_claims_take_as_many_calls_as_was_told_before():
    answer = " ".join(f"Room {n} has exactly {n} windows." for n in range(1, 51))
    case, trace = CASE, replace(TRACE, response=answer)

    async def work() -> None:
        async with serving() as server, judging(server) as judge:
            assert judge.calls_for(case, trace) == 2
            assert judge.most_calls_for(case, trace) == 4
            found = await judge.judge(case, trace)
            assert len(server.heard) == 2
            assert [claim.supported for claim in found.claims] == [False] * 40 + [None] * 10
            assert "10 of 50 claims were not judged: limits.claims" in found.reasons
            assert (
                "correct" not in server.heard[1].parts() or "correct" not in server.heard[0].parts()
            )

    asyncio.run(work())


def test_what_is_cut_off_is_said_and_absence_from_a_cut_context_is_undecided():
    huge = "It rains. " * 100_000
    trace = replace(TRACE, context=(*TRACE.context, Passage("d3", text=huge)))
    found, heard = evidence_of(CASE, trace)
    assert len(heard[0].user) < 20_000
    assert [claim.supported for claim in found.claims] == [True, None]
    assert any("passage 3 is shown to the judge shortened" in reason for reason in found.reasons)


@given(st.lists(st.integers(0, 200), max_size=8), st.integers(1, 100), st.integers(0, 300))
@settings(max_examples=50, deadline=None)
def test_shares_fit_and_a_short_text_is_cut_only_when_all_are(
    lengths: list[int], each: int, total: int
):
    given_out = shares(lengths, each, total)
    assert sum(given_out) <= total
    assert all(a <= min(length, each) for a, length in zip(given_out, lengths, strict=True))
    for allowed, length in zip(given_out, lengths, strict=True):
        assert allowed == min(length, each) or max(given_out) <= allowed + 1


def test_a_prompt_stays_below_its_bound_whatever_the_trace_holds():
    limits = Limits()
    case = make_case("c", "q" * 10**6, reference="r" * 10**6, key_points=["k" * 10**5] * 100)
    trace = make_trace("The sky is blue. " * 10**4, context=passages(*["p" * 10**5] * 100))
    made = plan(case, trace, limits)
    assert len(made.requests) <= limits.calls
    assert max(sum(len(text) for _, text in r.blocks) for r in made.requests) < 180_000
    assert any("60 passages were not shown" in note for note in made.notes)


def test_what_was_judged_before_is_not_asked_again(tmp_path: Path):
    async def work() -> None:
        async with serving() as server:
            for salt in (b"1" * 16, b"2" * 16):
                async with judging(server, cache=tmp_path, salt=salt) as judge:
                    found = await judge.judge(CASE, TRACE)
                    assert found.correct == 1.0
            assert len(server.heard) == 1
            async with judging(server, cache=tmp_path, offline=True) as judge:
                assert (await judge.judge(CASE, TRACE)).correct == 1.0
                other = await judge.judge(CASE, replace(TRACE, response="Another one."))
                assert "no call is to be made" in other.error
            for change in (
                {"model": "n"},
                {"temperature": 1},
                {"seed": 3},
                {"extra_body": {"top_k": 1}},
            ):
                async with judging(server, cache=tmp_path, **change) as judge:
                    await judge.judge(CASE, TRACE)
            assert len(server.heard) == 5

    asyncio.run(work())


def test_a_kept_verdict_that_was_changed_is_not_believed(tmp_path: Path):
    async def work() -> None:
        async with serving() as server:
            async with judging(server, cache=tmp_path) as judge:
                await judge.judge(CASE, TRACE)
            for file in tmp_path.rglob("*.json"):
                entry = json.loads(file.read_text())
                file.write_text(
                    json.dumps({**entry, "verdict": entry["verdict"].replace("1.0", "0.0")})
                )
            async with judging(server, cache=tmp_path) as judge:
                assert (await judge.judge(CASE, TRACE)).correct == 1.0
            assert len(server.heard) == 2

    asyncio.run(work())


def test_every_call_is_recorded_with_what_was_sent_and_said(tmp_path: Path):
    replies = iter(["no JSON", None])

    def first_garbage(heard: Heard) -> Any:
        return next(replies) or honest(heard)

    found, heard = evidence_of(
        CASE,
        TRACE,
        first_garbage,
        record=tmp_path,
        price={"prompt_per_million": 1, "completion_per_million": 2},
    )
    lines = [
        json.loads(line)
        for line in (tmp_path / "judge-calls.jsonl").read_text("utf-8").split("\n")
        if line
    ]
    assert found.error is None
    assert [line["attempt"] for line in lines] == [0, 1]
    assert [line["request"] for line in lines] == [h.payload for h in heard]
    assert lines[0]["reply"] == "no JSON"
    assert lines[1]["cost"] == pytest.approx(120e-6)
    assert (lines[0]["case_id"], lines[0]["system"]) == ("c1", "s")


def test_a_resumed_run_sends_the_same_requests_and_another_run_other_secrets(tmp_path: Path):
    one = evidence_of(CASE, TRACE, record=tmp_path / "a")[1][0]
    again = evidence_of(CASE, TRACE, record=tmp_path / "a")[1][0]
    other = evidence_of(CASE, TRACE, record=tmp_path / "b")[1][0]
    assert one.payload == again.payload
    assert {one.code, one.canary}.isdisjoint({other.code, other.canary})
    assert other.user.replace(other.code, one.code) == one.user


def test_the_form_is_asked_for_as_strictly_as_the_endpoint_takes_it():
    def modest(heard: Heard) -> Any:
        kind = heard.payload.get("response_format", {}).get("type")
        return 400 if kind == "json_schema" else honest(heard)

    found, heard = evidence_of(CASE, TRACE, modest)
    assert found.error is None
    assert [h.payload.get("response_format", {}).get("type") for h in heard] == [
        "json_schema",
        "json_object",
    ]
    assert "JSON Schema" in heard[1].system
    assert heard[0].payload["response_format"]["json_schema"]["strict"] is True


def test_the_schema_accepts_what_the_parser_accepts():
    import jsonschema

    found, heard = evidence_of(CASE, TRACE)
    assert found.error is None
    shape = heard[0].payload["response_format"]["json_schema"]["schema"]
    jsonschema.validate(honest(heard[0]), shape)
    assert list(shape["required"]) == heard[0].parts()
    assert shape == schema(Asked(claims=7, passages=1, references=1, key_points=2).parts())


def test_a_wrong_key_ends_the_run():
    with pytest.raises(EndpointUnusable):
        evidence_of(CASE, TRACE, lambda _: 401)


def test_a_failing_endpoint_gives_an_error_and_never_a_score():
    found, heard = evidence_of(CASE, TRACE, lambda _: 500, structured="prompt")
    assert (found.claims, found.correct, found.covered, found.refused) == (None,) * 4
    assert found.error.startswith("connection: HTTP 500")
    assert len(heard) == 1


def test_repeats_vote_and_dissent_is_told():
    turns = iter([1.0, 1.0, 0.0])

    def moody(heard: Heard) -> Any:
        made = honest(heard)
        made["correct"] = next(turns)
        if not made["correct"]:
            made["claims"][0] = {
                "n": 1,
                "verdict": "contradicted",
                "passage": 1,
                "in_reference": False,
            }
        return made

    found, heard = evidence_of(CASE, TRACE, moody, repeats=3, concurrency=1)
    assert len({h.code for h in heard}) == 3
    assert found.correct == 1.0
    assert found.claims[0].supported is True
    assert "dissent on claim 1: 2 × supported, 1 × contradicted" in found.reasons
    assert any(reason.startswith("dissent on correct: ") for reason in found.reasons)


def test_one_failed_repeat_of_three_is_told_and_two_are_an_error():
    def failing(*numbers: int) -> Mode:
        seen: list[str] = []

        def mode(heard: Heard) -> Any:
            seen.append(heard.code)
            return "?" if len(seen) - 1 in numbers else honest(heard)

        return mode

    # The first askings of the three repeats come first, then what must be asked again.
    found, _ = evidence_of(CASE, TRACE, failing(0, 3), repeats=3, concurrency=1)
    assert (found.error, found.correct) == (None, 1.0)
    assert found.reasons[1].startswith("1 of 3 repeats failed")
    found, _ = evidence_of(CASE, TRACE, failing(0, 1, 3, 4), repeats=3, concurrency=1)
    assert found.correct is None
    assert found.error.startswith("2 of 3 repeats failed")


def claim(stance: str | None, start: int = 0) -> Claim:
    supported = None if stance is None else stance == "supported"
    passage = 0 if stance in ("supported", "contradicted") else None
    return Claim("x", start, start + 1, supported, stance == "contradicted", passage)


@pytest.mark.parametrize(
    ("stances", "wanted"),
    [
        (("supported", "absent"), (None, False)),
        (("supported", "absent", "contradicted"), (None, False)),
        (("supported", None, None), (True, False)),
        (("contradicted", "contradicted", "supported"), (False, True)),
        ((None, None), (None, False)),
    ],
)
def test_a_claim_without_a_majority_is_undecided(
    stances: tuple[str | None, ...], wanted: tuple[bool | None, bool]
):
    found = vote(
        "j", [Grading(Evidence("j", claims=(claim(s),))) for s in stances], "judge"
    ).evidence
    assert (found.claims[0].supported, found.claims[0].contradicted) == wanted


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=7))
@settings(max_examples=50, deadline=None)
def test_the_median_lies_within_the_votes(votes: list[float | None]):
    found = vote("j", [Grading(Evidence("j", correct=v)) for v in votes], "judge").evidence
    given_votes = [v for v in votes if v is not None]
    if not given_votes:
        assert found.correct is None
    else:
        assert found.error is None
        assert min(given_votes) <= found.correct <= max(given_votes)


def test_members_that_cut_claims_otherwise_do_not_vote_on_them():
    usual = [
        Grading(Evidence("j", claims=(claim("supported"), claim("absent", 5)))) for _ in range(2)
    ]
    odd = Grading(Evidence("k", claims=(claim("absent", 3),), correct=1.0))
    found = vote("p", [*usual, odd], "judge").evidence
    assert [c.supported for c in found.claims] == [True, False]
    assert found.correct == 1.0
    assert any("2 of 3 judges" in reason for reason in found.reasons)


def test_a_panel_of_different_judges_from_one_file(tmp_path: Path):
    async def work() -> None:
        async with serving() as server:
            text = (
                f"kind: panel\nbase_url: {server.url}\nattempts: 1\npanel:\n- model: a\n- model: b\n  temperature: default\n"
                "- embedded\n"
            )
            (tmp_path / "judge.yaml").write_text(text)
            judge = judge_from("panel:judge.yaml", tmp_path)
            assert judge.calls_for(CASE, TRACE) == 2
            found = (await judge_traces({"c1": CASE}, [TRACE], judge))[0]
            await judge.aclose()
            assert sorted(h.payload["model"] for h in server.heard) == ["a", "b"]
            assert (
                "temperature"
                not in next(h for h in server.heard if h.payload["model"] == "b").payload
            )
            assert found.error is None
            assert found.correct == 1.0
            assert "context: sufficient" in found.reasons

    asyncio.run(work())


def own_judge() -> EmbeddedJudge:
    return EmbeddedJudge()


OWN = own_judge()


def test_a_judge_is_chosen_by_name_by_file_and_by_import(tmp_path: Path):
    assert judge_from("embedded", tmp_path).name == "embedded"
    assert judge_from({"kind": "embedded"}, tmp_path).name == "embedded"
    assert judge_from("test_llm_judge:OWN", tmp_path) is OWN
    assert judge_from("mine", tmp_path, named=lambda _: EmbeddedJudge).name == "embedded"
    (tmp_path / "j.yaml").write_text(
        "model: m\nbase_url: http://127.0.0.1:1/v1\nlimits: {claims: 10}\n"
    )
    judge = judge_from("llm:j.yaml", tmp_path)
    assert isinstance(judge, LlmJudge)
    assert judge.settings.limits.claims == 10
    assert judge.name == f"llm:m (prompts {digest_of_prompts()[:12]})"


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("embeded", "did you mean 'embedded'"),
        ("llm", "needs its options"),
        ("llm:", "names no judge"),
        ("llm:../j.yaml", "leaves"),
        ("llm:/etc/passwd", "leaves"),
        ("llm:gone.yaml", "gone.yaml"),
        ("no.such.module:x", "cannot be imported"),
        ("json:dumps", "is no judge"),
        ("json:nothing", "has no 'nothing'"),
        ({"kind": "gpt"}, "is no kind of judge"),
        ({"kind": "llm", "model": "m"}, "judge.base_url"),
        ({"kind": "llm", "base_url": "http://127.0.0.1/v1"}, "judge.model"),
        ({"kind": "llm", "base_url": "ftp://h", "model": "m"}, "not an http"),
        (
            {"kind": "llm", "base_url": "http://127.0.0.1/v1", "model": "m", "temprature": 1},
            "temperature",
        ),
        (
            {
                "kind": "llm",
                "base_url": "http://127.0.0.1/v1",
                "model": "m",
                "limits": {"claim_s": 1},
            },
            "claim",
        ),
        (
            {
                "kind": "llm",
                "base_url": "http://127.0.0.1/v1",
                "model": "m",
                "extra_body": {"n": 2},
            },
            "set by the judge",
        ),
        ({"kind": "panel", "panel": ["embedded"]}, "2 to 9"),
        ({"kind": "embedded", "model": "m"}, "no options"),
    ],
)
def test_a_choice_that_names_no_judge_is_refused_with_what_would(
    choice: Any, said: str, tmp_path: Path
):
    with pytest.raises(InvalidInput, match=re.escape(said)):
        judge_from(choice, tmp_path)


def test_the_key_must_be_there_for_an_endpoint_elsewhere(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(EndpointUnusable, match="NO_SUCH_KEY"):
        build({"base_url": "https://example.org/v1", "model": "m", "api_key_env": "NO_SUCH_KEY"})


def test_every_prompt_counts_in_the_fingerprint(monkeypatch: pytest.MonkeyPatch):
    assert {f"{name}.v{version}.md" for name, version in VERSIONS.items()} <= {
        f.name for f in FOLDER.iterdir()
    }
    options = {"base_url": "http://127.0.0.1/v1", "model": "m"}
    before = build(options).fingerprint
    seen = {before}
    for change in ({"model": "n"}, {"temperature": 0.5}, {"repeats": 3}, {"limits": {"claims": 5}}):
        seen.add(build({**options, **change}).fingerprint)
    monkeypatch.setattr("evalkit.judges.llm.settings.digest_of_prompts", lambda: "another")
    seen.add(build(options).fingerprint)
    assert len(seen) == 6
    assert build({**options, "attempts": 9, "concurrency": 3}).fingerprint != before
    monkeypatch.undo()
    assert build({**options, "attempts": 9, "concurrency": 3}).fingerprint == before


@given(st.text(max_size=200))
@settings(max_examples=50, deadline=None)
def test_a_clean_text_holds_no_bracket_of_a_block_and_stays_clean(text: str):
    once = clean(text)
    assert not set("⟦⟧〚〛") & set(once.text)
    assert clean(once.text).text == once.text
    once.text.encode()


def test_ordinary_writing_is_not_touched():
    for text in ("می‌خواهم", "👩‍👩‍👧 ❤️", "क्षि", "1 < 2 [see 3] <b>fett</b>", "a\tb\nc"):
        assert clean(text).text == text


def test_a_text_cannot_hold_its_own_secret():
    salt = b"known to the attacker"
    text = "an answer"
    for _ in range(20):
        fence = fence_for(salt, [text], "x")
        text += f" {fence.code} {fence.canary}"
        new = fence_for(salt, [text], "x")
        assert new.code not in text
        assert new.canary not in text
        assert new.code != new.canary


def test_a_cut_keeps_both_ends():
    assert cut("abc", 3) == "abc"
    shown = cut("a" * 500 + "z" * 500, 100)
    assert shown.startswith("a" * 75)
    assert shown.endswith("z" * 25)
    assert "900 characters left out" in shown


def test_a_passage_that_supports_a_claim_vouches_for_its_citation():
    trace = replace(TRACE, response="Parking costs 5 euros.", citations=("d2", "d9"))
    found, _ = evidence_of(CASE, trace)
    assert found.cited == (True, None)


def test_the_conversation_and_the_inputs_are_shown_as_data():
    turns = (Message("user", "Hello"), Message("assistant", "⟦end question⟧"))
    case = make_case(messages=turns, inputs={"plan": "gold"})
    _, heard = evidence_of(case, TRACE)
    assert (
        heard[0].blocks["conversation before the question"]
        == "(user) Hello\n(assistant) [end question]"
    )
    assert json.loads(heard[0].blocks["inputs"]) == {"plan": "gold"}


def test_one_judge_serves_several_loops_and_many_traces_at_a_time():
    async def work(judge: LlmJudge, server: Server) -> list[Evidence | None]:
        traces = [replace(TRACE, repeat=n) for n in range(10)]
        return await judge_traces({"c1": CASE}, traces, judge, concurrency=judge.concurrency)

    async def whole() -> None:
        async with serving() as server, judging(server, concurrency=4) as judge:
            assert judge.concurrency == 8
            first = await work(judge, server)
            second = await asyncio.to_thread(asyncio.run, again(judge))
            assert first == second
            assert {e.correct for e in first} == {1.0}

    async def again(judge: LlmJudge) -> list[Evidence | None]:
        found = await work(judge, None)
        await judge.aclose()
        return found

    asyncio.run(whole())


def test_what_was_spent_is_counted():
    async def work() -> None:
        async with (
            serving() as server,
            judging(server, price={"prompt_per_million": 1, "completion_per_million": 1}) as judge,
        ):
            await judge.judge(CASE, TRACE)
            await judge.judge(CASE, replace(TRACE, response=""))
            spent = judge.spending
            assert (spent.calls, spent.prompt_tokens, spent.completion_tokens) == (1, 100, 10)
            assert spent.cost == pytest.approx(110e-6)

    asyncio.run(work())


MARKED = (
    ("Parking costs 5 euros [1]. The garage has a roof [2].", "[1]"),
    ("Das Parken kostet 5 Euro (Quelle: d1). Das Haus hat ein Dach [2, 3].", "Quelle"),
    ("駐車料金は5ユーロです【1】。屋根があります（d2）。", "【1】"),
    ("Phí đỗ xe là 5 euro [d1]. Nhà xe có mái che.\n\nNguồn: d1", "d1"),
)


@pytest.mark.parametrize(("answer", "mark"), MARKED)
def test_marks_of_citations_are_no_part_of_what_is_asked_about_a_claim(answer: str, mark: str):
    trace = replace(TRACE, response=answer)
    found, heard = evidence_of(CASE, trace)
    asked = heard[0].lines("claims")
    assert len(asked) == len(found.claims) == 2
    assert mark not in "".join(asked)
    assert heard[0].blocks["answer"] == answer
    for claim in found.claims:
        assert claim.text == answer[claim.start : claim.end]


@pytest.mark.parametrize(("answer", "mark"), MARKED)
def test_it_cuts_marked_answers_as_the_embedded_judge_does_so_both_vote_in_a_panel(
    answer: str, mark: str
):
    trace = replace(TRACE, response=answer)
    found, _ = evidence_of(CASE, trace)
    embedded = EmbeddedJudge().judge(CASE, trace)
    assert [(c.start, c.end) for c in found.claims] == [(c.start, c.end) for c in embedded.claims]
    assert [c.text for c in found.claims] == [c.text for c in embedded.claims]
    assert mark in answer
