"""What a worker process costs: its start, and the parent's CPU and wall time for each question.

Run: python benchmarks/workers.py [QUESTIONS]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from evalkit import workers
from evalkit.adapters import python
from evalkit.records import Approach, Document, Question, Suite, System, SystemSpec

FEATURE = """
TEXT = "Refunds are paid within fourteen days. " * 20
def passages(k):
    return [{"doc_id": f"d{i}", "chunk_id": f"d{i}#0", "text": TEXT, "score": 1.0 / (i + 1)} for i in range(k)]
async def short(query):
    return "x"
def blocking(query):
    return "x"
async def rag(query, *, k=5):
    found = passages(k)
    return {"response": TEXT, "retrieved": found, "context": found, "citations": ["d0"]}
"""
STARTS, TOGETHER = 5, 8


def spec_of(folder: Path, target: str) -> SystemSpec:
    return SystemSpec("s", Approach.RAG, "python", {"target": f"feature:{target}"}, folder)


async def asked(system: System, questions: int) -> tuple[float, float]:
    """CPU of this process and wall time a question, in ms, after a warm-up."""
    left = iter(range(questions))

    async def work() -> None:
        for i in left:
            outcome = await system.ask(Question(f"question {i}"))
            assert outcome.error is None, outcome.error

    await system.ask(Question("warm-up"))
    cpu, wall = time.process_time(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(TOGETHER):
            group.create_task(work())
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    await system.aclose()
    return 1000 * cpu / questions, 1000 * wall / questions


def main() -> None:
    questions = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "feature.py").write_text(FEATURE, "utf-8")
        suite = Suite("s", folder, (), {"d0": Document("d0", "x")}, "x")
        taken = []
        for _ in range(STARTS):
            started = time.perf_counter()
            system = workers.build(spec_of(folder, "short"), suite)
            taken.append(time.perf_counter() - started)
            asyncio.run(system.aclose())
        print(
            f"start of a worker: median {statistics.median(taken):.3f} s, worst {max(taken):.3f} s of {STARTS}"
        )
        print(
            f"{questions} questions, {TOGETHER} at a time; ms a question (CPU of the parent, wall)"
        )
        for target in ("short", "blocking", "rag"):
            spec = spec_of(folder, target)
            here = asyncio.run(asked(python.build(spec, suite), questions))
            there = asyncio.run(asked(workers.build(spec, suite), questions))
            print(
                f"  {target:9} in process {here[0]:.3f} {here[1]:.3f}   worker {there[0]:.3f} {there[1]:.3f}"
                f"   overhead {there[0] - here[0]:+.3f} CPU"
            )


if __name__ == "__main__":
    main()
