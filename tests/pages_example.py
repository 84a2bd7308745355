"""A small run with two systems whose every text is hostile: markup, quotes, control and bidi characters."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from evalkit import plugins
from evalkit.api import Run, from_traces
from evalkit.grade import Graded, grade
from evalkit.pages.case_legend import explained
from evalkit.pages.case_view import CaseView, Setting, case_views
from evalkit.records import (
    Approach,
    Case,
    Certainty,
    CorrectRule,
    Document,
    Expected,
    Fact,
    Failure,
    Finding,
    KeyPoint,
    Message,
    Passage,
    Side,
    Stage,
    Suite,
    Trace,
    Usage,
)

SCRIPT = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
QUOTES = "\"'`;--> ]]> </style></script></title> {{ 7*7 }} {% raw %} &lt;b&gt;"
UNSEEN = "left\u202eright\u2066 nul\x00 bell\x07 next\x85 lone\udc80"
PIPES = "| a | b |\n|---|---|\n**bold** [link](https://evil.example) `code` @somebody ~~x~~ $x$"
OTHERS = "日本語の請求書 Hóa đơn tiếng Việt Prüfgröße العربية 👩‍💻"
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

CORPUS = {
    "fees": Document("fees", f"The annual fee is 84 euros. {SCRIPT}", title=f"Fees {SCRIPT}"),
    "hall": Document("hall", f"Rehearsals are on Tuesday at 19:30. {UNSEEN}", title=QUOTES),
    "tour": Document("tour", f"The tour costs 210 euros. {PIPES}", title=OTHERS),
}
CASES = (
    Case(
        id=f"fee {SCRIPT}",
        query=f"What does membership cost a year? {PIPES}",
        messages=(Message("user", SCRIPT), Message("assistant", QUOTES)),
        reference=(f"The annual fee is 84 euros. {QUOTES}",),
        relevant={"fees": 1},
        key_points=(KeyPoint("the annual fee is 84 euros", ("fees",)),),
        tags=("money", f"tag {QUOTES}"),
    ),
    Case(
        id="rehearsal",
        query=f"When are rehearsals? {UNSEEN}",
        reference=("Rehearsals are on Tuesday at 19:30.",),
        relevant={"hall": 1},
        key_points=(KeyPoint("rehearsals are on Tuesday at 19:30", ("hall",)),),
        tags=("time",),
    ),
    Case(
        id="tour",
        query=f"What does the tour cost? {OTHERS}",
        reference=("The tour costs 210 euros.",),
        relevant={"tour": 1},
        key_points=(KeyPoint("the tour costs 210 euros", ("tour",)),),
        tags=("money",),
    ),
    Case(
        id="secret",
        query=f"What did the board decide? {QUOTES}",
        relevant={},
        expected=Expected.REFUSE,
        tags=("refusal",),
    ),
    Case(id="broken", query="What breaks?", reference=("Nothing.",), relevant={"hall": 1}),
)
SYSTEM = f"rag {SCRIPT}"


def _trace(
    case: int, response: str | None, *context: str, repeat: int = 0, **more: object
) -> Trace:
    found = tuple(Passage(d, f"{d}#0", CORPUS[d].text, title=CORPUS[d].title) for d in context)
    given = {"retrieved": found, "context": found, "usage": Usage(11, 7), **more}
    return Trace(response=response, case_id=CASES[case].id, repeat=repeat, **given)  # type: ignore[arg-type]


def _rag() -> list[Trace]:
    error = Failure("exception", f"it broke: {SCRIPT} {UNSEEN}")
    return [
        _trace(0, f"The annual fee is 99 euros. {SCRIPT} {PIPES}", "fees", "hall"),
        _trace(0, "The annual fee is 84 euros.", "fees", "hall", repeat=1),
        _trace(1, f"On Friday. {QUOTES} {UNSEEN}", "fees", "tour"),
        _trace(1, "On Friday at noon.", "fees", "tour", repeat=1),
        _trace(2, "The tour costs 210 euros.", "tour", "fees"),
        _trace(2, "The tour costs 210 euros.", "tour", "fees", repeat=1),
        _trace(3, f"The board raised 500 euros. {OTHERS}", "hall"),
        _trace(3, "I am sorry, the documents do not say that.", "hall", repeat=1),
        _trace(4, None, error=error, retrieved=None, context=None),
    ]


def _plain() -> list[Trace]:
    said = (
        "It is 12 euros.",
        "On Monday.",
        "The tour costs 210 euros.",
        "I am sorry, I cannot say.",
    )
    nothing = {"retrieved": None, "context": None}
    return [_trace(i, text, **nothing) for i, text in enumerate(said)]


@cache
def hostile_run() -> Run:
    """The run, graded and diagnosed."""
    suite = Suite(
        f"choir {QUOTES}",
        Path(),
        CASES,
        CORPUS,
        "0123abcd",
        description=SCRIPT,
        warnings=(f"case 3: {SCRIPT} {PIPES}",),
    )
    traces = {SYSTEM: _rag(), "plain": _plain()}
    return from_traces(suite, traces, {SYSTEM: "rag", "plain": "prompt"})


class Page(HTMLParser):
    """The elements, attributes and texts of a page, and the inline code by element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[tuple[str, dict[str, str | None], str]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.inline.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem and self.inline:
            tag, attributes, text = self.inline[-1]
            self.inline[-1] = (tag, attributes, text + data)
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def links(self) -> list[str]:
        return [a["href"] or "" for tag, a in self.tags if tag == "a"]


STREETS = ("Hauptstraße", "Ωδός", "東京都千代田区", "Đường Trần Phú", "شارع الملك")
LED = ("retrieval_miss", "ranking_low", "misinterpretation")


def many_cases(n: int) -> tuple[Suite, Graded, list[Finding]]:
    """``n`` graded cases, three in four of them failing, each with five passages; quick to make."""
    exact = next(m for m in plugins.members("metrics") if m.name == "exact")
    chunks = [
        Passage(f"doc{d}", f"doc{d}#0", f"Passage {d} tells of {STREETS[d % 5]}. " * 12)
        for d in range(500)
    ]
    cases, traces, findings = [], [], []
    for i in range(n):
        found = tuple(chunks[(i * 7 + j * 13) % len(chunks)] for j in range(5))
        case = Case(
            f"c{i:05d}",
            f"Question {i} about {STREETS[i % 5]}?",
            reference=(f"Answer {i}.",),
            relevant={found[0].doc_id: 1},
            tags=(f"t{i % 8}",),
        )
        cases.append(case)
        traces.append(
            Trace(
                f"Answer {i}." if i % 4 == 3 else f"Reply number {i}.",
                found,
                found[:3],
                case_id=case.id,
                system="big",
            )
        )
        if i % 4 != 3:
            side = Side.GENERATION if i % 4 == 2 else Side.RETRIEVAL
            stage = (Stage.RETRIEVAL, Stage.RANKING, Stage.GENERATION)[i % 4]
            status = Certainty.SUSPECTED if i % 8 == 0 else Certainty.PROVEN
            findings.append(
                Finding(
                    case.id,
                    0,
                    "fail",
                    status,
                    LED[i % 4],
                    side,
                    stage,
                    0.9,
                    evidence=(Fact("fact", i, f"reason {i}"),),
                )
            )
    suite = Suite("large", Path(), tuple(cases), {}, "0", correct=CorrectRule("exact", 1.0))
    return suite, grade(suite, "big", Approach.RAG, traces, [None] * n, (exact,)), findings


def many_views(n: int) -> tuple[Setting, list[CaseView]]:
    """The views of ``many_cases``."""
    suite, graded, findings = many_cases(n)
    setting = Setting(
        ("big",), ("exact",), suite.k, {**explained(), "suite": suite.name, "k": suite.k}
    )
    return setting, list(case_views(setting, suite.cases, {"big": (graded, findings)}))
