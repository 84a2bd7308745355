"""The ragas judge against a server on this machine: its speed beside a bare loop, and its scores beside ragas's own.

speed: Faithfulness over 500 answers at 50 ms a call, 32 at a time, recording on; the ratio of its wall time to that of
a bare aiohttp loop that posts the very same requests in the same order. parity: ragas's metrics through its own client
and through ours, on samples that ragas ships in its prompts. Needs the extra `judge`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import math
import multiprocessing
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, Self

from evalkit.judge import judge_traces
from evalkit.judges.ragas.critics import Critic
from evalkit.judges.ragas.judge import RagasJudge
from evalkit.judges.ragas.measures import MEASURES, Measure, of_critic, samples_of
from evalkit.judges.ragas.record import FILE
from evalkit.judges.ragas.settings import Settings
from evalkit.pool import each
from evalkit.records import Case, Evidence, Passage, Trace

WORDS = re.compile(r"\w+")
INPUT = re.compile(r"with the following input\s*input: (\{.*\})\s*Output:", re.DOTALL)
SIZE = 24  # numbers of an embedding


# --- a judge that answers from what it reads ---------------------------------------------------


def words(text: str) -> set[str]:
    return {word.casefold() for word in WORDS.findall(text)}


def sentences(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<=[.!?。])\s*", text) if part.strip()]


def entailed(statement: str, text: str) -> int:
    wanted = words(statement)
    return int(bool(wanted) and len(wanted & words(text)) / len(wanted) >= 0.6)


def drawn(text: str, count: int) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % count


def schema_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of the answer: in the request, or in a message as ragas's own client puts it."""
    asked = request.get("response_format") or {}
    if "json_schema" in asked:
        return dict(asked["json_schema"]["schema"])
    system = [m["content"] for m in request["messages"] if m["role"] == "system"]
    told = system[0] if system else request["messages"][0]["content"].rpartition("JSON Schema:")[2]
    found, _ = json.JSONDecoder().raw_decode(told, told.index("{"))
    return dict(found)


def answer_to(request: Mapping[str, Any]) -> Any:
    """What this judge says, from the content of the prompt alone."""
    prompt = next(m["content"] for m in request["messages"] if m["role"] == "user")
    schema = schema_of(request)
    asked = INPUT.search(prompt)
    given = json.loads(asked[1]) if asked else {}
    names = frozenset(schema["properties"])
    return KINDS[names](given, schema, prompt)


def nli(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"statement": text, "reason": "words", "verdict": entailed(text, given["context"])}
        for text in given["statements"]
    ]


def statements(given: dict[str, Any], schema: dict[str, Any], _: str) -> Any:
    if "$defs" in schema:
        return {"statements": nli(given)}
    return {"statements": sentences(given["answer"])}


def sides(given: dict[str, Any], _: dict[str, Any], __: str) -> Any:
    ours, theirs = given["answer"], given["ground_truth"]

    def rows(texts: list[str]) -> list[dict[str, str]]:
        return [{"statement": text, "reason": "words"} for text in texts]

    return {
        "TP": rows([t for t in ours if entailed(t, " ".join(theirs))]),
        "FP": rows([t for t in ours if not entailed(t, " ".join(theirs))]),
        "FN": rows([t for t in theirs if not entailed(t, " ".join(ours))]),
    }


def critic(_: dict[str, Any], schema: dict[str, Any], prompt: str) -> Any:
    allowed = schema["properties"]["value"].get("enum")
    value = allowed[drawn(prompt, len(allowed))] if allowed else drawn(prompt, 101) / 100
    return {"reason": "drawn", "value": value}


def rating(_: dict[str, Any], __: dict[str, Any], prompt: str) -> Any:
    return {"rating": drawn(prompt, 3) * (2 if "0, 2, or 4" in prompt else 1)}


KINDS: Mapping[frozenset[str], Callable[[dict[str, Any], dict[str, Any], str], Any]] = {
    frozenset({"statements"}): statements,
    frozenset({"claims"}): lambda given, _, __: {"claims": sentences(given["response"])},
    frozenset({"classifications"}): lambda given, _, __: {
        "classifications": [
            {"statement": s, "reason": "words", "attributed": entailed(s, given["context"])}
            for s in sentences(given["answer"])
        ]
    },
    frozenset({"reason", "verdict"}): lambda given, _, __: {
        "reason": "words",
        "verdict": entailed(given["answer"], given["context"]),
    },
    frozenset({"TP", "FP", "FN"}): sides,
    frozenset({"question", "noncommittal"}): lambda given, _, __: {
        "question": f"What about {' '.join(sorted(words(given['response']))[:6])}?",
        "noncommittal": int(len(words(given["response"])) < 3),
    },
    frozenset({"rating"}): rating,
    frozenset({"entities"}): lambda given, _, __: {
        "entities": sorted(set(re.findall(r"\b[A-Z]\w+", given["text"])))
    },
    frozenset({"feedback", "score"}): lambda _, __, prompt: {
        "feedback": "drawn",
        "score": 1 + drawn(prompt, 5),
    },
    frozenset({"reason", "value"}): critic,
}


def embedding(text: str) -> list[float]:
    found = [0.1] * SIZE
    for word in words(text):
        found[drawn(word, SIZE)] += 1.0
    return found


@dataclass
class Server:
    """An OpenAI-compatible endpoint; ``faults`` names what happens to its next requests, one each.

    ``heard`` keeps the requests; a fault "slow" takes ``slow`` seconds.
    """

    latency: float = 0.0
    slow: float = 5.0
    faults: list[str] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    kept: bool = True
    url: str = ""

    async def __aenter__(self) -> Self:
        from aiohttp import web

        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/{kind:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: Any) -> Any:
        from aiohttp import web

        asked = json.loads(await request.read())
        if self.kept:
            self.heard.append(asked)
        fault = self.faults.pop(0) if self.faults else ""
        await asyncio.sleep(self.slow if fault == "slow" else self.latency)
        if fault in ("400", "401", "429", "500"):
            return web.json_response({"error": {"message": fault}}, status=int(fault))
        if request.match_info["kind"] == "embeddings":
            return web.json_response(embeddings_reply(asked, fault))
        text, ended = spoilt(json.dumps(answer_to(asked), ensure_ascii=False), fault)
        return web.json_response(chat_reply(text, ended))


def spoilt(text: str, fault: str) -> tuple[str, str]:
    """The reply as a fault leaves it, and why it is said to have ended."""
    cut = text[: len(text) // 2]
    return {
        "": (text, "stop"),
        "prose": (f"Here you are:\n{text}\nAnything else?", "stop"),
        "not json": ("I would rather not say.", "stop"),
        "cut off": (cut, "length"),
        "cut off unsaid": (cut, "stop"),
        "nan": (re.sub(r"(\"(?:value|score|verdict)\": )[-\d.]+", r"\1NaN", text), "stop"),
        "beyond": (re.sub(r"(\"(?:value|score)\": )[-\d.]+", r"\g<1>99", text), "stop"),
        "nothing found": (re.sub(r"\[.*\]", "[]", text), "stop"),
        "odd rating": (re.sub(r"\d", "7", text), "stop"),
        "empty": ("", "stop"),
        "wrong shape": ('{"other": 1}', "stop"),
    }.get(fault, (text, "stop"))


def chat_reply(text: str, ended: str) -> dict[str, Any]:
    said = {"role": "assistant", "content": text}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": said, "finish_reason": ended}],
        "usage": {"prompt_tokens": 700, "completion_tokens": 40, "total_tokens": 740},
    }


def embeddings_reply(asked: Mapping[str, Any], fault: str) -> dict[str, Any]:
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    vectors = [embedding(text) for text in texts]
    if fault == "zero":
        vectors[0] = [0.0] * SIZE
    if fault == "short":
        vectors.pop()
    rows = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
    usage = {"prompt_tokens": 9, "total_tokens": 9}
    return {"object": "list", "data": rows[::-1], "model": "e", "usage": usage}


# --- parity ------------------------------------------------------------------------------------

CRITICS = (
    Critic("polite", "Is this answer polite? {response}", {"yes": 1.0, "somewhat": 0.5, "no": 0.0}),
    Critic("clear", "How clear is {response} as an answer to {user_input}? From 0 to 1."),
)
EMBEDDED = "embed"


def ragas_samples() -> Iterator[tuple[Case, Trace]]:
    """Cases made of the examples that ragas's own prompts hold."""
    from ragas.metrics.collections.answer_correctness.util import CorrectnessClassifierPrompt
    from ragas.metrics.collections.context_precision.util import ContextPrecisionPrompt
    from ragas.metrics.collections.context_recall.util import ContextRecallPrompt
    from ragas.metrics.collections.faithfulness.util import NLIStatementPrompt

    rows = [
        (x.question, x.answer, x.answer, sentences(x.context))
        for prompt in (ContextRecallPrompt(), ContextPrecisionPrompt())
        for x, _ in prompt.examples
    ]
    rows += [
        (x.question, " ".join(x.answer), " ".join(x.ground_truth), x.ground_truth)
        for x, _ in CorrectnessClassifierPrompt().examples
    ]
    rows += [
        (f"What of this: {x.statements[0]}", " ".join(x.statements), x.context, [x.context])
        for x, _ in NLIStatementPrompt().examples
    ]
    for i, (query, answer, reference, context) in enumerate(rows):
        rubric = {f"score{n}_description": f"{n} of 5" for n in range(1, 6)}
        case = Case(f"c{i}", query, reference=(reference,), metadata={"rubrics": rubric})
        passages = tuple(Passage(f"d{n}", text=text) for n, text in enumerate(context))
        yield case, Trace(response=answer, context=passages, system="s", case_id=case.id)


@asynccontextmanager
async def own_client(url: str) -> AsyncIterator[dict[str, Any]]:
    """The model and the embeddings as ragas makes them."""
    from openai import AsyncOpenAI
    from ragas.embeddings.base import embedding_factory
    from ragas.llms import llm_factory

    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
        embeddings = embedding_factory("openai", model=EMBEDDED, client=client)
        yield {"llm": llm_factory("m", client=client), "embeddings": embeddings, "url": url}


async def by_ragas(
    own: Mapping[str, Any], measure: Measure, case: Case, trace: Trace
) -> float | None:
    """The score through ragas's own client; None for NaN."""
    from ragas.metrics import DiscreteMetric, NumericMetric, collections

    samples = samples_of(measure, case, trace)
    assert not isinstance(samples, str), samples
    fields, one = samples[0], measure.critic
    if measure.embedded:
        return await asyncio.to_thread(blocking, own["url"], measure, fields)
    llm = own["llm"]
    if one is not None and one.labels:
        made = DiscreteMetric("x", allowed_values=list(one.labels), prompt=one.prompt)
        return one.labels[(await made.ascore(llm=llm, **fields)).value]
    if one is not None:
        number = NumericMetric("x", allowed_values=one.bounds(), prompt=one.prompt)
        return float((await number.ascore(llm=llm, **fields)).value)
    options: dict[str, Any] = {"llm": llm, **measure.settings}
    if measure.needs_embeddings:
        options["embeddings"] = own["embeddings"]
    metric = getattr(collections, measure.library)(**options)
    value = float((await metric.ascore(**fields)).value)
    return None if math.isnan(value) else value


def blocking(url: str, measure: Measure, fields: Mapping[str, Any]) -> float:
    """The score of a metric that asks for embeddings in blocking code: ragas's way works outside of a loop only."""
    from openai import OpenAI
    from ragas.embeddings.base import embedding_factory
    from ragas.metrics import collections

    with OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        embeddings = embedding_factory("openai", model=EMBEDDED, client=client)
        metric = getattr(collections, measure.library)(embeddings=embeddings)
        return float(asyncio.run(metric.ascore(**fields)).value)


async def compared() -> list[tuple[str, int, int, float]]:
    """For each metric: its name, the samples, those without a score on both sides, the largest difference."""
    rows = []
    async with Server() as server, own_client(server.url) as own:
        settings = Settings(
            server.url, "m", embedding_model=EMBEDDED, metrics=tuple(MEASURES), critics=CRITICS
        )
        judge = RagasJudge(settings)
        measures = [*MEASURES.values(), *map(of_critic, CRITICS)]
        samples = list(ragas_samples())
        ours = [await judge.judge(case, trace) for case, trace in samples]
        for measure in measures:
            largest, blank = 0.0, 0
            for (case, trace), evidence in zip(samples, ours, strict=True):
                theirs = await by_ragas(own, measure, case, trace)
                value = value_of(evidence, measure.metric)
                assert (value is None) == (theirs is None), (measure.name, case, theirs, evidence)
                blank += value is None
                largest = max(largest, abs((value or 0.0) - (theirs or 0.0)))
            rows.append((measure.metric, len(samples), blank, largest))
        await judge.aclose()
    return rows


def value_of(evidence: Evidence, metric: str) -> float | None:
    (grade,) = (g for g in getattr(evidence, "grades") if g.metric == metric)  # noqa: B009
    assert grade.error is None, grade
    return grade.value


def parity() -> None:
    os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()  # ragas's own prompts write a file there
    print("parity: ragas's own client and ours, on samples from ragas's prompts")
    print(f"{'metric':<42} {'samples':>7} {'undefined':>9} {'largest difference':>18}")
    for name, samples, blank, largest in asyncio.run(compared()):
        print(f"{name:<42} {samples:>7} {blank:>9} {largest:>18.1e}")


# --- speed -------------------------------------------------------------------------------------


def serve(latency: float, told: Connection) -> None:
    """Serve until killed; sends the URL."""

    async def main() -> None:
        async with Server(latency=latency, kept=False) as server:
            told.send(server.url)
            await asyncio.Event().wait()

    asyncio.run(main())


def pairs(count: int) -> list[tuple[Case, Trace]]:
    found = []
    for i in range(count):
        text = f"Region {i} grew in the third quarter. Costs fell. Two one-off items were booked."
        passages = (Passage("a", text="Filler about the year. " * 20), Passage("b", text=text))
        answer = f"Region {i} grew. Costs fell by half. Two items were booked."
        case = Case(f"c{i}", f"What did the third quarter show for region {i}?")
        found.append((case, Trace(response=answer, context=passages, system="s", case_id=case.id)))
    return found


async def ours(
    url: str, record: Path, count: int, workers: int
) -> tuple[float, float, Counter[Any]]:
    """Wall and CPU seconds of the judge, and its grades."""
    settings = Settings(url, "m", metrics=("faithfulness",), concurrency=workers)
    judge = RagasJudge(settings, inner=Nothing(), cache=record)
    data = pairs(count)
    cases = {case.id: case for case, _ in data}
    await judge_traces(cases, [t for _, t in pairs(1)], judge)  # connections and imports
    began, spent = time.perf_counter(), time.process_time()
    found = await judge_traces(cases, [t for _, t in data], judge, concurrency=workers)
    taken = time.perf_counter() - began, time.process_time() - spent
    await judge.aclose()
    return *taken, Counter(value_of(e, "ragas_faithfulness") for e in found if e is not None)


class Nothing:
    """A judge without an opinion, so that only ragas's part is timed."""

    name = fingerprint = "nothing"

    def judge(self, case: Case, trace: Trace) -> Evidence:
        return Evidence(self.name)


def requests_of(record: Path) -> list[tuple[bytes, bytes]]:
    """The two requests of each answer as they were sent, from the record."""
    import sqlite3

    base = sqlite3.connect(record / FILE)
    by_case: dict[str, list[bytes]] = {}
    for subject, request in base.execute("SELECT subject, request FROM calls ORDER BY id"):
        by_case.setdefault(subject, []).append(request.encode())
    base.close()
    return [(first, second) for first, second in by_case.values()]


async def bare(url: str, asked: list[tuple[bytes, bytes]], workers: int) -> tuple[float, float]:
    """The same requests, one after the other for each answer, by nothing but aiohttp and json."""
    import aiohttp

    headers = {"content-type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:

        async def one(pair: tuple[bytes, bytes]) -> None:
            for body in pair:
                async with client.post(
                    f"{url}/chat/completions", data=body, headers=headers
                ) as got:
                    json.loads(json.loads(await got.read())["choices"][0]["message"]["content"])

        await one(asked[0])
        began, spent = time.perf_counter(), time.process_time()
        await each(asked, one, workers)
        return time.perf_counter() - began, time.process_time() - spent


def against(latency: float, do: Callable[[str], Awaitable[Any]]) -> Any:
    """What ``do(base URL)`` returns while a server runs in a process of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(latency, there))
    process.start()
    try:
        return asyncio.run(do(here.recv()))
    finally:
        process.kill()
        process.join()


def speed(count: int, workers: int, rounds: int) -> None:
    """Rounds of both ways in turn: their wall times, and the median ratio."""

    async def measure(url: str) -> list[tuple[float, float, float, float]]:
        rows = []
        for number in range(rounds):
            record = Path(folder) / str(number)
            wall, cpu, grades = await ours(url, record, count, workers)
            assert sum(grades.values()) == count, grades
            floor, floor_cpu = await bare(url, requests_of(record), workers)
            rows.append((wall, cpu, floor, floor_cpu))
        return rows

    with tempfile.TemporaryDirectory() as folder:
        rows = against(0.05, measure)
    ideal = 2 * count * 0.05 / workers
    print(f"speed: Faithfulness, {count} answers, 2 calls of 50 ms each, {workers} at a time")
    print(
        f"{'judge s':>8} {'bare s':>8} {'ratio':>6} {'judge/ideal':>11} {'CPU ms/call':>11} {'bare':>6}"
    )
    for wall, cpu, floor, floor_cpu in rows:
        costs = f"{cpu / count * 500:>11.2f} {floor_cpu / count * 500:>6.2f}"
        print(f"{wall:>8.3f} {floor:>8.3f} {wall / floor:>6.3f} {wall / ideal:>11.2f} {costs}")
    wall, cpu, floor, floor_cpu = map(min, zip(*rows, strict=True))
    print(
        f"least of each: {wall:.3f} s / {floor:.3f} s = {wall / floor:.3f} (at most 1.15), CPU a case "
        f"{cpu / count * 1000:.2f} ms beside {floor_cpu / count * 1000:.2f}; median ratio "
        f"{median(w / f for w, _, f, _ in rows):.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["speed", "parity"])
    parser.add_argument("--answers", type=int, default=500)
    parser.add_argument("--workers", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    if "speed" in args.parts:
        speed(args.answers, args.workers, args.rounds)
    if "parity" in args.parts:
        parity()


if __name__ == "__main__":
    main()
