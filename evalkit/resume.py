"""Whether an earlier run may go on: what has changed since, told part by part, and which answers that touches."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.budget import money
from evalkit.errors import InvalidInput
from evalkit.fingerprints import (
    ALL,
    Parts,
    differences,
    suite_parts,
    system_parts,
    told_ids,
    told_part,
)
from evalkit.fingerprints.watched import HELD, NOT_ADOPTED, adopted_in
from evalkit.records import Suite, System
from evalkit.shards import Share
from evalkit.store import Store
from evalkit.store.accounts import Counts

Made = Sequence[tuple[System, Any]]  # systems, each with what it was made of
# No answer depends on these.
DERIVED = {"repeats", "correct", "limits", "max_error_rate", "profile"}
UNGRADED = {
    ("suite", name) for name in ("repeats", "limits", "max_error_rate", "profile")
}  # nor does any grade
MOST = 8  # changes that are told
SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was, and which answers it touches.

    ``system`` and ``cases`` are None where it touches all of them; with ``probes_only`` what was answered ``as_is``
    still stands; with ``derived`` nothing needs to be asked again; with ``gone`` its cases are in the suite no more.
    An empty ``text`` is told by another change.
    """

    text: str
    system: str | None = None
    cases: frozenset[str] | None = None
    probes_only: bool = False
    derived: bool = False
    gone: bool = False


def recipe_of(suite: Suite, systems: Iterable[System], seed: int) -> dict[str, Any]:
    """What the answers of a run depend on, in digests."""
    return {
        "suite": suite.digest,
        "seed": seed,
        **{f"system {s.name}": f"{s.approach.value} {s.fingerprint}" for s in systems},
    }


def agree(
    store: Store,
    suite: Suite,
    made: Made,
    seed: int,
    *,
    rerun: str | None = None,
    share: Share | None = None,
) -> list[str]:
    """Note what the run is made of; what is worth telling where it was made of something else.

    ``InvalidInput`` with the differences where answers depend on them; with ``rerun="changed"`` those answers are dropped
    instead, to be asked again, with ``rerun="adopt"`` a version stands for what a system held (see ``adopted_in``). The run of a ``share`` remembers the cases of that share only.
    """
    recipe = recipe_of(suite, [system for system, _ in made], seed)
    before, stored = store.recipe(), stored_parts(store)
    same_suite = before.get("suite") == suite.digest
    now: Parts = {} if same_suite else _suite_parts(suite, share)
    for system, given in made:
        now |= _settled_templates(system.name, system_parts(system, given), stored)
    names = {system.name for system, _ in made}
    compared = {p: v for p, v in stored.items() if _compared(p, names, same_suite=same_suite)}
    adopted = adopted_in(names, compared, now) if rerun == "adopt" else {}
    same = {p: v for p, v in compared.items() if p[:2] not in adopted or p[2] not in HELD}
    same |= {p: v for p, v in now.items() if p[:2] in adopted and p[2] in HELD}
    changes = _changes(before, recipe, same, now, suite) if before else []
    vain = [NOT_ADOPTED] if rerun == "adopt" and not adopted else []
    told = [*adopted.values(), *vain, *_settle(store, changes, rerun=rerun == "changed")]
    gone = [SEPARATOR.join(place) for place in compared if place not in now]
    fresh = {SEPARATOR.join(p): v for p, v in now.items() if stored.get(p) != v}
    store.note_recipe(recipe, fresh, instead_of=gone)
    return told


@dataclass(frozen=True, slots=True)
class Since:
    """What of a suite has changed since a run: ``told`` in words, empty where that is not known.

    ``derived`` says that no answer depends on it, ``graded`` that grades do, so that files are to be derived again.
    """

    told: tuple[str, ...]
    derived: bool
    graded: bool


def since(store: Store, suite: Suite) -> Since:
    """How the suite differs from the one that the answers in a store were given to."""
    stored = {p: v for p, v in stored_parts(store).items() if p[0] != "system"}
    if not stored:
        return Since((), derived=False, graded=True)
    now = suite_parts(suite)
    changes = _suite_changes(stored, now, suite)
    other = {place for place in differences(stored, now) if place[:2] not in UNGRADED}
    told = tuple(dict.fromkeys(change.text for change in changes if change.text))
    return Since(told, all(c.derived for c in changes), bool(other) or not changes)


def check_same_questions(store: Store, suite: Suite, before: str) -> None:
    """``InvalidInput`` where the answers in a store belong to another suite, or to another state of it."""
    found = since(store, suite)
    if not found.derived:
        said = f"the run is of another suite ({before}, not {suite.digest})"
        told = f": {'; '.join(found.told[:MOST])}" if found.told else ""
        hint = "`evalkit run` with the same --out and --rerun changed asks again what that touches"
        raise InvalidInput(f"{said}{told}", file=store.folder, hint=hint if told else None)


def in_words(value: str | None) -> str:
    """A setting as it would stand in YAML, of the text that Python has for it; what is not given is left out."""
    try:
        return "nothing" if value is None else _yaml(ast.parse(value, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError):
        return str(value)


def _yaml(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        given = [(k.arg, _yaml(k.value)) for k in node.keywords]
        return "{" + ", ".join(f"{name}: {v}" for name, v in given if v != "nothing") + "}"
    if isinstance(node, ast.Tuple | ast.List):
        return "[" + ", ".join(map(_yaml, node.elts)) + "]" if node.elts else "nothing"
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return "{" + ", ".join(f"{_yaml(k)}: {_yaml(v)}" for k, v in pairs if k) + "}"
    if isinstance(node, ast.Constant):
        return "nothing" if node.value is None else str(node.value)
    return ast.unparse(node)


def _suite_parts(suite: Suite, share: Share | None) -> Parts:
    found = suite_parts(suite)
    if share is None:
        return found
    elsewhere = {c.id for c in suite.cases if not share.holds(c)}
    return {
        place: v for place, v in found.items() if place[0] != "case" or place[1] not in elsewhere
    }


def left_open(store: Store, jobs: int) -> list[str]:
    """What to say, where something is asked, of calls whose end nobody saw."""
    counts = store.counts()
    if not counts.unknown or not jobs:
        return []
    were = "call was" if counts.unknown == 1 else "calls were"
    text = f"{counts.unknown} earlier {were} sent, and the answer never came: {_charged(counts)}"
    return [f"{text}; what has no answer yet is asked again"]


def accounted(store: Store) -> list[str]:
    """What to say at the end of calls whose end nobody saw, and of those that failed."""
    counts = store.counts()
    erred = store.errors() if counts.failed or counts.unknown else 0
    told = [_unanswered(store, counts)] if counts.unknown else []
    if erred:
        failed, them = ("1 question", "it") if erred == 1 else (f"{erred} questions", "them")
        how = f"--retry-errors with --out {store.folder} asks {them} again"
        told.append(f"{failed} ended in an error: {how}")
    return told


def _unanswered(store: Store, counts: Counts) -> str:
    text = (
        f"calls made: {counts.done} answered, {counts.failed} failed, {counts.unknown} sent without an answer "
        f"coming back, {_charged(counts)}"
    )
    left = len(store.unknown())
    if not left:
        return text
    of_them = "1 of them still lacks" if left == 1 else f"{left} of them still lack"
    again = "it" if left == 1 else "them"
    hint = f"the same command with --out {store.folder} asks {again} again"
    return f"{text}; {of_them} one: {hint}"


def _charged(counts: Counts) -> str:
    cost = "unknown" if counts.possible_cost is None else f"up to {money(counts.possible_cost)}"
    return f"perhaps carried out and charged (possible cost {cost})"


def stored_parts(store: Store) -> Parts:
    """What a run was made of, part by part, as it was noted."""
    return _parsed(store.details())


def _parsed(details: Mapping[str, str]) -> Parts:
    return {tuple(name.split(SEPARATOR)): value for name, value in details.items()}


def _settled_templates(name: str, now: Parts, stored: Parts) -> Parts:
    """The parts of a system, without templates that were not there when the run began and code names all the same.

    As long as the code is what it was, such a file is something it writes.
    """
    before = {p: v for p, v in stored.items() if p[:2] == ("system", name)}
    code = {p for p in {*before, *now} if p[2] == "file" and before.get(p) != now.get(p)}
    if not before or code:
        return now
    return {p: v for p, v in now.items() if p[2] != "template" or p in before}


def _compared(place: tuple[str, ...], names: set[str], *, same_suite: bool) -> bool:
    return place[1] in names if place[0] == "system" else not same_suite


def _settle(store: Store, changes: Sequence[Change], *, rerun: bool) -> list[str]:
    told = list(dict.fromkeys(c.text for c in changes if c.text))
    if not any(not change.derived for change in changes):
        return told
    shown = "; ".join(told[:MOST]) + (f"; and {len(told) - MOST} more" if len(told) > MOST else "")
    if not rerun:
        raise InvalidInput(
            f"this run was started with something else: {shown}",
            file=store.folder,
            hint="give another --out, or --rerun changed to ask again only what that touches",
        )
    gone = sum(_drop(store, change) for change in changes if change.gone)
    again = sum(_drop(store, change) for change in changes if not change.derived)
    what = [f"{_answers(gone)} left out, since the suite has the question no more"] * bool(gone)
    what += [f"{_answers(again)} asked again"] * bool(again)
    return [*told, f"{'; '.join(what)}; the others stand" if what else "the earlier answers stand"]


def _answers(count: int) -> str:
    return "1 earlier answer is" if count == 1 else f"{count} earlier answers are"


def _drop(store: Store, change: Change) -> int:
    systems = [change.system] if change.system else store.systems()
    return sum(store.drop(s, change.cases, as_is=not change.probes_only) for s in systems)


def _changes(
    before: Mapping[str, Any], recipe: Mapping[str, Any], stored: Parts, now: Parts, suite: Suite
) -> list[Change]:
    found = []
    if before.get("seed", recipe["seed"]) != recipe["seed"]:
        found.append(Change(f"seed was {before['seed']}, now {recipe['seed']}"))
    known = {name.removeprefix("system ") for name in before if name.startswith("system ")}
    found += _suite_changes(stored, now, suite)
    other_suite = before.get("suite") != recipe["suite"]
    of_systems = [p for p in differences(stored, now) if p[0] == "system" and p[1] in known]
    for name in dict.fromkeys(place[1] for place in of_systems):
        mine = [place for place in of_systems if place[1] == name]
        found += _system_changes(name, mine, stored, now, other_suite=other_suite)
    return found


def _suite_changes(stored: Parts, now: Parts, suite: Suite) -> list[Change]:
    found = []
    places = [p for p in differences(stored, now) if p[0] != "system"]
    settings = [p for p in places if p[0] == "suite" and p[1] not in ("schemas", "train")]
    for place in settings:
        was, is_ = in_words(stored.get(place)), in_words(now.get(place))
        text = f"suite.yaml: {place[1]} was {was}, now {is_}"
        found.append(Change(text, derived=place[1] in DERIVED))
    if ("suite", "train") in places:
        found.append(Change("the train file changed"))
    if ("suite", "schemas") in places:
        found.append(Change("an output schema changed"))
    if any(place[0] == "document" for place in places):
        text = told_ids("document", _of("document", stored), _of("document", now))
        found.append(Change(f"{_file(suite, 'corpus.jsonl', 'the corpus')}: {text}"))
    return found + _case_changes(_of("case", stored), _of("case", now), suite)


def _case_changes(stored: dict[str, str], now: dict[str, str], suite: Suite) -> list[Change]:
    changed = {i for i in {*stored, *now} if stored.get(i) != now.get(i)}
    if not changed:
        return []
    if ALL in changed:
        return [Change(f"{_file(suite, 'cases.jsonl', 'the cases')}: something in it changed")]
    labels = {i for i in changed if _question(stored.get(i)) == _question(now.get(i))}
    text = f"{_file(suite, 'cases.jsonl', 'the cases')}: {told_ids('case', stored, now)}"
    if labels == changed:
        text += " (their labels only)" if len(labels) > 1 else " (its labels only)"
    gone = changed - now.keys()
    return [
        Change(text, cases=frozenset(changed - labels - gone)),
        Change("", cases=frozenset(gone), gone=True),
        Change("", cases=frozenset(labels), probes_only=True),
    ]


def _system_changes(
    name: str, places: Sequence[tuple[str, ...]], stored: Parts, now: Parts, *, other_suite: bool
) -> list[Change]:
    """What changed in one system; its fingerprint alone is told where nothing else says why it differs.

    Fingerprints of embedded systems hold the suite's digest; what of the suite they depend on is compared by itself.
    """
    told = []
    for place in places:
        was, is_ = stored.get(place), now.get(place)
        if place[2] != "fingerprint":
            told.append(told_part(place[2:], was, is_))
    versioned = ("system", name, "held", "version") in stored
    if not versioned and any(place[2] == "held" for place in places):
        told.append(
            "(what every process makes anew: `evalkit.system(..., version=...)` stands for it, "
            'with rerun="adopt" for what was answered before too)'
        )
    if told:
        return [Change(f"{name}: {', '.join(told)}", system=name)]
    if other_suite and now.get(("system", name, "adapter"), "").startswith("local evalkit "):
        return []
    place = ("system", name, "fingerprint")
    return [Change(f"{name}: its fingerprint was {stored.get(place)}, now {now.get(place)}", name)]


def _question(value: str | None) -> str | None:
    return value.partition(" ")[0] if value else None


def _of(kind: str, parts: Parts) -> dict[str, str]:
    return {place[1]: value for place, value in parts.items() if place[0] == kind}


def _file(suite: Suite, name: str, otherwise: str) -> str:
    return name if (suite.folder / name).exists() else otherwise
