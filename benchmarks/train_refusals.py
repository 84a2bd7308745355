"""Trains the weights by which ``evalkit.text.refusal_model`` tells sentences that decline, and tests them held out.

Run: python benchmarks/train_refusals.py [DATA] [--held-out]   (DATA defaults to ../shared/data beside the repository)
Without ``--held-out`` the weights are fitted on everything and written. A refusal's label belongs to its
text: of a longer one only the likeliest sentence counts as declining, and what an answer's sentences deny
while the text goes on to answer counts little.
"""

from __future__ import annotations

import argparse
import json
import runpy
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from refusals import ROOT, load, refuses, sets

from evalkit.text import refusal_model
from evalkit.text.refusal import denying_parts, refusal_probability, sentence_kind
from evalkit.text.refusal_model import BIAS, WEIGHTS, features, without_lead_in
from evalkit.text.refusal_roles import roles
from evalkit.text.sentences import spans
from evalkit.text.tokens import normalise

CORPUS = Path(__file__).with_name("refusal_corpus.jsonl")
TESTS = tuple(ROOT / "tests" / name for name in ("test_refusals.py", "test_text.py"))
# Authors whose texts are never trained on, by any run: what they write measures the weights that are shipped.
HELD_OUT = ("hotel reception", "pharmacy counter")
INVERSE_PENALTY = 0.3
SELDOM = 2  # features of fewer sentences are left out
KEPT = 1400  # weights that remain, the largest
# Features of words are smaller than those of letters, so their weights are punished more.
WORD_VALUE = 0.7
MARKED = 3.0  # weight of a text that a test names
BULK = 0.2  # weight of one of the thousands of answers
# Added to the score; chosen for at most one real answer in a hundred taken for a refusal.
SHIFT = 0.4
# Answers are also shown behind such openings, which speak of sources and deny nothing.
OPENINGS = (
    "According to the documents, ",
    "Based on the information I have, ",
    "As far as I can see in the articles, ",
    "From what our guides say, ",
    "As the manual explains, ",
    "I checked our pages for you, and ",
    "Looking at the sources I was given, ",
    "To answer your question, ",
)
ROUNDS = 3
MOST = 2500  # texts of one source


class Text(NamedTuple):
    text: str
    refuses: bool  # as a whole
    source: str
    language: str = ""
    weight: float = 1.0


@lru_cache(None)
def known(part: str) -> frozenset[str]:
    plain = without_lead_in(normalise(part))
    return frozenset(features(plain, roles(plain)))


def corpus(*, unseen: bool) -> list[Text]:
    """The texts of the corpus by the authors that are held out, or by all others."""
    rows = [Text(r["text"], r["refusal"], r["author"], r["language"]) for r in load(CORPUS)]
    return [row for row in rows if (row.source in HELD_OUT) is unseen]


def written() -> list[Text]:
    """The corpus, without the authors that are held out, and the texts of the tests."""
    rows = corpus(unseen=False)
    for path in TESTS:
        texts = runpy.run_path(str(path))
        rows += [
            Text(text, refuses=True, source="tests", weight=MARKED) for text in texts["REFUSALS"]
        ]
        rows += [
            Text(text, refuses=False, source="tests", weight=MARKED) for text in texts["ANSWERS"]
        ]
    return rows


def gathered(data: Path) -> list[Text]:
    """What ``refusals.py`` measures on, and the sentences of the shipped documents."""
    found: list[Text] = []
    for name, rows in sets(data).items():
        bulk = 1.0 if name.startswith("stock") else BULK
        few = rows if len(rows) <= MOST else rows[:: len(rows) // MOST + 1]
        found += [Text(t, label, name, weight=1.0 if label else bulk) for t, label in few]
    answers = [row for row in found if row.source == "helpdesk answers"]
    for i, row in enumerate(answers):
        opened = OPENINGS[i % len(OPENINGS)] + row.text[:1].lower() + row.text[1:]
        found.append(row._replace(text=opened, source="helpdesk answers, opened"))
    for suite in ("helpdesk", "invoices"):
        texts = [str(d.get("text") or "") for d in load(ROOT / "datasets" / suite / "corpus.jsonl")]
        said = sorted({text[a:b] for text in texts for a, b in spans(text)})
        found += [
            Text(text, refuses=False, source=f"{suite} documents", weight=BULK)
            for text in said[:MOST]
        ]
    return found


def fitted(rows: Sequence[Text]) -> dict[str, float]:
    """Weights fitted to labelled texts: first with every feature, then with the largest alone."""
    pieces = [(i, part) for i, row in enumerate(rows) for part in denying_parts(row.text)]
    counts = Counter(name for _, part in pieces for name in known(part))
    chosen = {name for name, count in counts.items() if count >= SELDOM}
    first = _regression(rows, pieces, chosen)
    largest = sorted((n for n in first if n != BIAS), key=lambda name: -abs(first[name]))
    found = _regression(rows, pieces, set(largest[:KEPT]))
    return {**found, BIAS: found[BIAS] + SHIFT}


def _regression(
    rows: Sequence[Text], pieces: list[tuple[int, str]], chosen: set[str]
) -> dict[str, float]:
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    owner = np.array([i for i, _ in pieces])
    wanted = np.array([rows[i].refuses for i, _ in pieces])
    base = np.array([rows[i].weight for i, _ in pieces])
    several = np.bincount(owner, minlength=len(rows))[owner] > 1
    vectors = DictVectorizer()
    table = vectors.fit_transform(
        [{name: _value(name) for name in sorted(known(part) & chosen)} for _, part in pieces]
    )
    model = LogisticRegression(C=INVERSE_PENALTY, solver="liblinear", random_state=0)
    weight = np.where(several, np.where(wanted, base / 2, base / 10), base)
    for _ in range(ROUNDS):
        used = weight > 0
        model.fit(table[used], wanted[used], sample_weight=weight[used])
        score = model.decision_function(table)
        best = np.full(len(rows), -np.inf)
        np.maximum.at(best, owner, score)
        weight = np.where(wanted & several & (score < best[owner]), 0.0, base)
        weight = np.where(~wanted & several & (score > 0), base / 10, weight)
    found = {
        name: float(model.coef_[0][i]) * _value(name) for name, i in vectors.vocabulary_.items()
    }
    return {BIAS: float(model.intercept_[0]), **found}


def _value(name: str) -> float:
    return WORD_VALUE if name.startswith("=") else 1.0


def verdicts(learned: dict[str, float], rows: Sequence[Text]) -> list[tuple[bool, bool]]:
    """Wanted and given verdict of each text under other weights than those of the package."""
    for cached in (sentence_kind, refusal_probability):
        cached.cache_clear()
    with patch.object(refusal_model, "weights", lambda: learned):
        given = [(row.refuses, refuses(row.text)) for row in rows]
    for cached in (sentence_kind, refusal_probability):
        cached.cache_clear()
    return given


def told(name: str, pairs: Sequence[tuple[bool, bool]]) -> str:
    found = [given for wanted, given in pairs if wanted]
    false = [given for wanted, given in pairs if not wanted]
    cells = [
        f"{np.mean(x):8.3f} of {len(x):<5}" if x else f"{'-':>8}{'':9}" for x in (found, false)
    ]
    return f"{name:46}{cells[0]}{cells[1]}"


def folds(rows: list[Text], key: Callable[[Text], str], rest: list[Text], count: int) -> list[Any]:
    """Verdicts on every text by weights that saw none of its group."""
    groups = sorted({key(row) for row in rows})
    pairs = []
    for i in range(count):
        out = set(groups[i::count])
        learned = fitted([row for row in rows if key(row) not in out] + rest)
        pairs += verdicts(learned, [row for row in rows if key(row) in out])
    return pairs


def held_out(data: Path, say: Callable[[str], None]) -> None:
    say(f"{'held out':46}{'refusals found':>17}{'answers taken for one':>24}")
    own, others = written(), gathered(data)
    listed = corpus(unseen=False)
    english = [row for row in listed if row.language == "en"]
    foreign = [row for row in listed if row.language != "en"]
    tests = [row for row in own if row.source == "tests"]
    pairs = folds(english, lambda r: r.source, foreign + tests + others, 5)
    say(told("English, personas unseen", pairs))
    pairs = folds(foreign, lambda r: r.source, english + tests + others, 5)
    say(told("other languages, personas unseen", pairs))
    pairs = folds(foreign, lambda r: r.language, english + tests + others, 5)
    say(told("other languages, languages unseen", pairs))
    learned = fitted(listed)
    for name in ("tests", *dict.fromkeys(row.source for row in others)):
        some = [row for row in (*tests, *others) if row.source == name]
        say(told(f"corpus alone -> {name}", verdicts(learned, some)))
    say(told("all but the corpus -> corpus", verdicts(fitted(tests + others), listed)))
    sources = [row for row in others if not row.refuses]
    pairs = folds(sources, lambda r: r.text[-9:], own, 5)
    say(told("answers and documents, texts unseen", pairs))
    unseen = corpus(unseen=True)
    learned = fitted(own + others)
    for author in HELD_OUT:
        some = [row for row in unseen if row.source == author]
        say(told(f"all -> held out: {author}", verdicts(learned, some)))


def main(say: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--held-out", action="store_true", help="measure, and write nothing")
    given = parser.parse_args()
    if given.held_out:
        held_out(given.data, say)
        return
    learned = fitted([*written(), *gathered(given.data)])
    kept = {name: round(value, 3) for name, value in learned.items() if abs(value) >= 0.0005}
    ordered = dict(sorted(kept.items(), key=lambda item: (item[0] != BIAS, -item[1], item[0])))
    WEIGHTS.write_text(json.dumps(ordered, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    say(f"{len(ordered)} weights written to {WEIGHTS.name}")


if __name__ == "__main__":
    main()
