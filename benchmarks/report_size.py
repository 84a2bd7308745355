"""How large the report of a large run is, how soon it can be read in Chromium, and how fast it filters.

    python benchmarks/report_size.py [--cases 10000] [--systems 2] [--keep FOLDER | --page FILE]

Cases, documents and answers are made of invented words that are as frequent as words are (Zipf), so that they
compress about as text does. Every case has five passages of about 600 characters; a third of the answers fail.
"""

from __future__ import annotations

import argparse
import itertools
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalkit.api import Run, from_traces
from evalkit.records import Case, Document, Expected, KeyPoint, Passage, Suite, Trace

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHUNK, DEPTH, CHUNKS = (
    600,
    5,
    3,
)  # characters of a passage, passages of an answer, passages of a document
READY = "() => document.body.dataset.ready === 'true' && document.querySelector('#rows li')"


class Writer:
    """Texts of invented words; the same seed writes the same texts."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        sounds = [a + b for a, b in itertools.product("bdfgklmnprstvz", "aeiou")]
        self.words = list(
            dict.fromkeys(
                "".join(self.random.choices(sounds, k=self.random.randint(1, 4)))
                for _ in range(12_000)
            )
        )
        self.weights = list(itertools.accumulate(1 / (n + 2.7) for n in range(len(self.words))))

    def sentence(self, about: list[str]) -> str:
        said = self.random.choices(
            self.words, cum_weights=self.weights, k=self.random.randint(7, 18)
        )
        said[self.random.randrange(len(said))] = self.random.choice(about)
        if self.random.random() < 0.3:
            said.append(str(self.random.randint(2, 900)))
        return f"{' '.join(said).capitalize()}."

    def passage(self, about: list[str]) -> str:
        text = ""
        while len(text) < CHUNK:
            text += " " + self.sentence(about)
        return text.strip()


def made(cases: int, systems: int, seed: int = 7) -> Run:
    """A graded run of that size."""
    write = Writer(seed)
    corpus, chunks = {}, []
    for d in range(max(20, cases // 2)):
        about = write.random.choices(write.words, k=4)
        parts = [write.passage(about) for _ in range(CHUNKS)]
        name = f"doc-{d:05d}"
        corpus[name] = Document(name, "\n".join(parts), title=" ".join(about[:3]).title())
        chunks += [
            Passage(name, f"{name}#{i}", part, corpus[name].title) for i, part in enumerate(parts)
        ]
    asked = [_case(write, n, chunks) for n in range(cases)]
    suite = Suite("size", Path(), tuple(case for case, _ in asked), corpus, "0")
    traces = {f"system-{s}": list(_traces(write, asked, chunks)) for s in range(systems)}
    return from_traces(suite, traces)


def _case(write: Writer, n: int, chunks: list[Passage]) -> tuple[Case, Passage]:
    gold = write.random.choice(chunks)
    point = write.random.choice(gold.text.split(". ")).rstrip(".")
    words = " ".join(write.random.choices(point.split(), k=6))
    case = Case(
        f"case-{n:05d}",
        f"What is said of {words}?",
        reference=(f"{point}.",),
        relevant={gold.doc_id: 1},
        key_points=(KeyPoint(point, (gold.doc_id,)),),
        expected=Expected.ANSWER,
        tags=(write.random.choice(("fact", "table", "policy")), f"topic {n % 40}"),
    )
    return case, gold


def _traces(
    write: Writer, asked: list[tuple[Case, Passage]], chunks: list[Passage]
) -> Iterator[Trace]:
    for case, gold in asked:
        found = [*write.random.choices(chunks, k=DEPTH - 1), gold]
        write.random.shuffle(found)
        fails = write.random.random() < 1 / 3
        text = (
            write.random.choice(found[0].text.split(". "))
            if fails
            else (case.reference or ("",))[0]
        )
        if fails and write.random.random() < 0.5:
            found = [p for p in found if p is not gold]
        yield Trace(text, tuple(found), tuple(found), (found[0].doc_id,), case_id=case.id)


def measured(page: Path) -> dict[str, Any]:
    """What a browser needs to open the page, to filter it by a cause, and to search it for a word."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        times: dict[str, list[float]] = {}
        for _ in range(5):
            tab = browser.new_context(offline=True).new_page()
            spent = processor_time(browser)
            began = time.perf_counter()
            tab.goto(page.as_uri() + "#cases", wait_until="commit")
            tab.wait_for_function(READY, polling="raf")
            times.setdefault("opened", []).append(time.perf_counter() - began)
            used = processor_time(browser) - spent
            times.setdefault("opened, processor time of all processes", []).append(used)
            for name, value in tab.evaluate(TIMES).items():
                times.setdefault(name, []).append(value / 1000)
            tab.context.close()
        browser.close()
    return {name: sorted(values)[len(values) // 2] for name, values in times.items()}


def processor_time(browser: Any) -> float:
    """Seconds that all processes of the browser have computed: unlike the clock, it is the same on a busy machine."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    return float(sum(process["cpuTime"] for process in told["processInfo"]))


TIMES = """async () => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN;
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const timed = async (change) => { const began = performance.now(); change(); await frame(); return performance.now() - began; };
  const ready = performance.getEntriesByName("evalkit-ready")[0]?.startTime ?? NaN;
  const word = document.querySelector("#rows .row-ask").textContent.split(" ")[4];
  const filter = await timed(() => { location.hash = "#cases?status=failing&tag=fact"; });
  const began = performance.now();
  location.hash = "#cases?q=" + encodeURIComponent(word);
  await frame();
  const first = performance.now() - began;
  while (/reading/.test(document.getElementById("count").textContent)) await frame();
  return { paint, ready, filter, "search, first answer": first, "search, all answers read": performance.now() - began };
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--systems", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--page", type=Path, help="measure this page again, make none")
    given = parser.parse_args()
    if given.page:
        return tell(given.page)
    began = time.perf_counter()
    run = made(given.cases, given.systems)
    print(
        f"graded {given.cases} cases x {given.systems} systems in {time.perf_counter() - began:.1f} s"
    )
    with tempfile.TemporaryDirectory() as folder:
        target = given.keep or Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        page = target / "report.html"
        summary, diagnosis = run.summary(), run.diagnosis()
        from evalkit.pages import html

        began = time.perf_counter()
        page.write_text(html(run, summary, diagnosis), encoding="utf-8")
        print(f"written in {time.perf_counter() - began:.1f} s")
        return tell(page)


def tell(page: Path) -> None:
    print(f"size: {page.stat().st_size / 1e6:.2f} MB (at most 6)")
    for name, value in measured(page.resolve()).items():
        print(f"{name}: {value:.3f} s")


if __name__ == "__main__":
    main()
