"""The embedded systems: four honest stand-ins that need no key, no network and no labels.

They see the suite's corpus, its train file and, where all cases share one, its form (the JSON Schema).
Options in systems.yaml, all optional:

- ``kind`` (the approach unless given): ``prompt`` answers from a partly outdated memory; ``rag`` retrieves
  and extracts; ``finetuned`` knows its training examples; ``hybrid`` retrieves and answers as trained.
- ``retriever``: options of ``evalkit.retrievers``, laid over those of the kind; paths start at the systems file.
- ``temperature``: 0 always takes the best sentence; higher varies between repeats.
- ``max_sentences`` in an answer; trained kinds write as many as they learned, if that is more.
- ``refuse_below``: confidence (about -0.6..1) under which it declines; hybrid learns it unless given.
- ``guess``: the probability that it answers from memory all the same.
- ``memory``: share (0..1) of the documents the model picked up before; an old version more likely.
- ``budget``: characters of context that fit the prompt; what is over is cut.
- ``seed``: of every choice. ``enforce_access``: retrieve only what the principal may see.
- ``train``: a train file beside the systems file instead of the suite's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.adapters.options import Options, digest, inside, read_options
from evalkit.adapters.python import wrap
from evalkit.local.fields import FieldSkill
from evalkit.local.form_training import Retrieve
from evalkit.local.learning import Learned, learn
from evalkit.local.memory import build_memory
from evalkit.local.papers import LabelFormSkill, TrainedFormSkill
from evalkit.local.reader import Reader
from evalkit.local.reviews import QuotingReview, TrainedReview, VagueReview, learn_reviews
from evalkit.local.skills import Skill, Skills
from evalkit.local.systems import Model, ModelAlone, RetrievingModel
from evalkit.local.thresholds import learn_threshold
from evalkit.local.writer import Habits, Writer
from evalkit.records import JsonObject, Suite, System, SystemSpec
from evalkit.retrievers import Retriever, build_retriever

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
    "prompt": Defaults(0.7, 2, 0.35, 0.45, 0.35, None, None),
    "rag": Defaults(0.3, 2, 0.12, 0.0, 0.0, {"kind": "bm25", "chunk": _CHUNKS}, 3000),
    "finetuned": Defaults(0.1, 2, 0.20, 0.0, 0.0, None, None),
    "hybrid": Defaults(
        0.1,
        3,
        0.15,
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
    """One of the four embedded systems, over the suite's corpus and train file; see the module's text."""
    options = read_options(spec, KNOWN)
    kind = options.choice("kind", KINDS, spec.approach.value)
    train = options.text("train")
    path = inside(spec.folder, train, options, "train") if train else suite.train
    defaults = _DEFAULTS[kind]
    found = _retriever(options, defaults, suite, spec.folder) if kind in RETRIEVING else None
    learned = Learned()
    if kind in TRAINED:
        key = digest(dict(options.values), suite.digest) if found else ""
        learned = learn(path, key, _as_asked(*found, suite.k) if found else None)
    seed = options.count("seed", 0, low=0) or 0
    reader = Reader(f"{document.title}\n{document.text}" for document in suite.corpus.values())
    cut = learn_threshold(learned.examples, _as_asked(*found, suite.k), reader) if found else None
    habits = _habits(kind, options, defaults, learned, cut)
    skills = _skills(kind, options, habits, suite, learned, reader)
    model = Model(skills, seed, options.count("budget", defaults.budget))
    made = wrap(
        RetrievingModel(model, found[0], k=found[1], usual_k=suite.k)
        if found
        else ModelAlone(model),
        name=spec.name,
        approach=spec.approach,
        fingerprint=_fingerprint(kind, options, suite, path, found[0] if found else None),
        threads=THREADS,
        owned=found[0] if found else None,
    )
    made.free = True
    return made


def _retriever(
    options: Options, defaults: Defaults, suite: Suite, folder: Path
) -> tuple[Retriever, int | None]:
    """The index, and the system's own number of passages if it has one."""
    given = {**(defaults.retriever or {}), **(options.mapping("retriever") or {})}
    if "enforce_access" in options.values:
        given["enforce_access"] = options.flag("enforce_access", default=False)
    return build_retriever(given, suite.corpus, folder=folder), given.get("k")


def _as_asked(retriever: Retriever, k: int | None, usual_k: int) -> Retrieve:
    """The retriever as it will be asked later, so that training sees the same passages."""
    return lambda query: retriever.retrieve(query, k or usual_k)


def _habits(
    kind: str, options: Options, defaults: Defaults, learned: Learned, cut: float | None
) -> Habits:
    length = max(defaults.max_sentences, learned.voice.body)
    return Habits(
        temperature=_given(options.number("temperature"), defaults.temperature),
        max_sentences=options.count("max_sentences", length) or length,
        refuse_below=_given(
            options.number("refuse_below", low=-1), _given(cut, defaults.refuse_below)
        ),
        guess=_given(options.number("guess"), defaults.guess),
        history=kind != "rag",
        cites=kind in RETRIEVING,
        decompose=kind == "hybrid",
    )


def _skills(
    kind: str, options: Options, habits: Habits, suite: Suite, learned: Learned, reader: Reader
) -> Skills:
    share = options.number("memory", _DEFAULTS[kind].memory) or 0.0
    seed = options.count("seed", 0, low=0) or 0
    memory = build_memory(suite.corpus, share, seed) if share else None
    neighbours = learned.neighbours if kind == "finetuned" else None
    writer = Writer(
        reader,
        habits,
        memory=memory,
        neighbours=neighbours,
        voice=learned.voice,
        refusals=learned.refusals,
    )
    recall = memory.retrieve if memory else neighbours.recall if neighbours else None
    special: list[Skill] = []
    form = common_schema(suite)
    if learned.form is not None:
        special.append(
            TrainedFormSkill(learned.form, learned.form_refusals, habits.temperature, habits.cites)
        )
    elif form is not None:
        special.append(LabelFormSkill(form, habits.cites))
    special.append(_review(kind, habits, reader, learned))
    special.append(FieldSkill(reader, kind in TRAINED, habits.cites, recall))
    names = learned.form.names if learned.form else ()
    return Skills(writer, tuple(special), names)


def _review(kind: str, habits: Habits, reader: Reader, learned: Learned) -> Skill:
    verdicts = learn_reviews(learned.examples, reader)
    if verdicts is not None:
        return TrainedReview(reader, verdicts, habits.cites)
    return QuotingReview(reader) if kind in RETRIEVING else VagueReview(habits.temperature)


def common_schema(suite: Suite) -> JsonObject | None:
    """The schema that all cases with one share: the task's form, which any prompt would spell out."""
    schemas = [case.schema for case in suite.cases if case.schema is not None]
    same = schemas and all(schema == schemas[0] for schema in schemas)
    return schemas[0] if same and len(schemas) > len(suite.cases) / 2 else None


def _given(value: float | None, default: float) -> float:
    return default if value is None else value


def _fingerprint(
    kind: str, options: Options, suite: Suite, train: Path | None, retriever: Retriever | None
) -> str:
    learned_from = train.read_text(encoding="utf-8") if train and kind in TRAINED else ""
    embedder = [retriever.fingerprint] if retriever is not None and retriever.fingerprint else []
    return digest("local", 1, kind, dict(options.values), suite.digest, learned_from, *embedder)
