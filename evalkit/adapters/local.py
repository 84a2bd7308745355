"""The embedded systems: four honest stand-ins that need no key, no network and no labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.adapters.options import Options, digest, inside, read_options
from evalkit.adapters.python import wrap
from evalkit.local.learning import Learned, learn
from evalkit.local.memory import build_memory
from evalkit.local.reader import Reader
from evalkit.local.skills import Skills
from evalkit.local.systems import Model, ModelAlone, RetrievingModel
from evalkit.local.writer import Habits, Writer
from evalkit.records import Suite, System, SystemSpec
from evalkit.retrievers import build_retriever

KINDS = ("prompt", "rag", "finetuned", "hybrid")
KNOWN = (
    "kind",
    "retriever",
    "temperature",
    "max_sentences",
    "refuse_below",
    "guess",
    "memory",
    "budget",
    "seed",
    "enforce_access",
    "train",
)
THREADS = 2  # the systems compute; more threads would only take turns


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a kind does unless its options say otherwise."""

    temperature: float
    max_sentences: int
    refuse_below: float
    guess: float
    memory: float
    retriever: Mapping[str, Any] | None
    budget: int | None


_CHUNKS = {"words": 120, "overlap": 30, "by": "words"}
_DEFAULTS = {
    "prompt": Defaults(0.7, 2, 0.62, 0.45, 0.35, None, None),
    "rag": Defaults(0.3, 2, 0.40, 0.0, 0.0, {"kind": "bm25", "chunk": _CHUNKS}, 3000),
    "finetuned": Defaults(0.1, 2, 0.40, 0.0, 0.0, None, None),
    "hybrid": Defaults(
        0.1,
        3,
        0.40,
        0.0,
        0.0,
        {
            "kind": "hybrid",
            "analyzer": "stems",
            "chunk": {"words": 160, "overlap": 0, "by": "paragraph"},
            "current_only": True,
            "enforce_access": True,
        },
        6000,
    ),
}

TRAINED = ("finetuned", "hybrid")
RETRIEVING = ("rag", "hybrid")


def build(spec: SystemSpec, suite: Suite) -> System:
    """One of four embedded systems over the suite's corpus and train file, never its labels.

    Options (all optional but ``kind``, which is the approach unless given):

    - ``kind``: ``prompt`` answers from a partly outdated memory; ``rag`` retrieves and extracts;
      ``finetuned`` knows its training examples; ``hybrid`` retrieves and answers as trained.
    - ``retriever``: options of ``evalkit.retrievers`` laid over those of the kind.
    - ``temperature``: 0 always takes the best sentence; higher varies between repeats.
    - ``max_sentences`` in an answer; trained kinds use the length they learned.
    - ``refuse_below``: score (about 0..1) under which it declines; ``guess``: the probability that it
      answers all the same.
    - ``memory``: share of the documents the model picked up in its own training (kind prompt).
    - ``budget``: characters of context that fit the prompt; what is over is cut.
    - ``seed``: of every choice; ``enforce_access``: retrieve only what the principal may see.
    - ``train``: a train file beside the systems file instead of the suite's.
    """
    options = read_options(spec, KNOWN)
    kind = options.choice("kind", KINDS, spec.approach.value)
    train = options.text("train")
    path = inside(spec.folder, train, options, "train") if train else suite.train
    learned = learn(path if kind in TRAINED else None)
    defaults = _DEFAULTS[kind]
    seed = options.count("seed", 0, low=0) or 0
    model = Model(
        _skills(kind, options, defaults, suite, learned, seed),
        seed,
        options.count("budget", defaults.budget),
    )
    return wrap(
        _retrieving(model, options, defaults, suite) if kind in RETRIEVING else ModelAlone(model),
        name=spec.name,
        approach=spec.approach,
        fingerprint=_fingerprint(kind, options, suite, path),
        threads=THREADS,
    )


def _skills(
    kind: str, options: Options, defaults: Defaults, suite: Suite, learned: Learned, seed: int
) -> Skills:
    length = learned.voice.body if kind in TRAINED else defaults.max_sentences
    share = options.number("memory", defaults.memory) or 0.0
    habits = Habits(
        temperature=_given(options.number("temperature"), defaults.temperature),
        max_sentences=options.count("max_sentences", length) or length,
        refuse_below=_given(options.number("refuse_below"), defaults.refuse_below),
        guess=_given(options.number("guess"), defaults.guess),
        history=kind != "rag",
        cites=kind in RETRIEVING,
    )
    writer = Writer(
        Reader(f"{document.title}\n{document.text}" for document in suite.corpus.values()),
        habits,
        memory=build_memory(suite.corpus, share, seed) if share else None,
        neighbours=learned.neighbours if kind == "finetuned" else None,
        voice=learned.voice,
        refusals=learned.refusals,
    )
    return Skills(writer)


def _retrieving(
    model: Model, options: Options, defaults: Defaults, suite: Suite
) -> RetrievingModel:
    given = {**(defaults.retriever or {}), **(options.mapping("retriever") or {})}
    if "enforce_access" in options.values:
        given["enforce_access"] = options.flag("enforce_access", default=False)
    return RetrievingModel(
        model, build_retriever(given, suite.corpus), k=given.get("k"), usual_k=suite.k
    )


def _given(value: float | None, default: float) -> float:
    return default if value is None else value


def _fingerprint(kind: str, options: Options, suite: Suite, train: Path | None) -> str:
    learned_from = train.read_text(encoding="utf-8") if train and kind in TRAINED else ""
    return digest("local", 1, kind, dict(options.values), suite.digest, learned_from)
