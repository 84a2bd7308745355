"""From what a user writes to a judge: a name, a kind with its file, a mapping of options, or an object of their own."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput, did_you_mean
from evalkit.records import Judge
from evalkit.strict import contained, read_yaml

KINDS = ("embedded", "llm", "panel", "ragas")
MOST_MEMBERS = 9
RAGAS = "evalkit.judges.ragas"  # imported by name when it is asked for: it stands on an extra


@dataclass(frozen=True, slots=True)
class Where:
    """What a judge may use beside its options.

    ``folder`` is where the paths of judge files start; with ``confined`` none may lead out of it. ``cache`` and
    ``record`` are folders for verdicts and for the record of calls, ``None`` for neither; ``offline`` makes no
    call. ``named`` finds judges of other names.
    """

    folder: Path
    confined: bool = True
    cache: Path | None = None
    record: Path | None = None
    offline: bool = False
    named: Callable[[str], Any] | None = None


def judge_from(choice: str | Mapping[str, Any], folder: Path, **how: Any) -> Judge:
    """The judge that ``choice`` names: raises ``InvalidInput`` for what cannot be one, before any call.

    ``embedded`` | ``embedded:FILE.yaml`` | ``llm:FILE.yaml`` | ``ragas:FILE.yaml`` | ``panel:FILE.yaml`` | ``module:attribute`` | a mapping with
    a ``kind``. A ``panel`` in a mapping lists further choices; options beside it are those of all members that
    do not set them. ``how``: see ``Where``.
    """
    return _judge(choice, Where(Path(folder), **how), "judge")


def resolved(choice: str, folder: Path) -> str | Mapping[str, Any]:
    """What ``choice`` means apart from where it was written: a mapping of all options, or a name.

    Files below ``folder`` (or anywhere) and the environment are read now, so that the same judge can be made later
    where they are not. A key is never among the options, only the name of its variable.
    """
    kind, _, name = choice.partition(":")
    if kind == "ragas" and not name:
        return {
            "kind": "ragas",
            **_attribute(f"{RAGAS}.settings", "options_from_environment", "judge")(),
        }
    if kind not in KINDS or choice == "embedded":
        return choice
    if not name.strip():
        raise InvalidInput(f"{choice!r} needs its options", field="judge", hint=f"{kind}:FILE.yaml")
    file = folder / name
    return _settled(_options_in(file, kind), file.parent)


def _settled(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The options with what lies in other files in their place."""
    found = dict(values)
    if isinstance(found.get("critics"), str):
        read = _attribute(f"{RAGAS}.critics", "read_critics", "judge.critics")
        found["critics"] = read(folder / found["critics"])
    if found.get("embedder") is not None:
        from evalkit.embeddings.backends import settled

        found["embedder"] = settled(found["embedder"], folder, "judge.embedder")
    if isinstance(found.get("record"), str):
        found["record"] = str((folder / found["record"]).resolve())
    for name in ("inner", "panel"):
        given = found.get(name)
        if isinstance(given, list):
            found[name] = [_settled_member(member, folder) for member in given]
        elif given is not None:
            found[name] = _settled_member(given, folder)
    return found


def _settled_member(given: Any, folder: Path) -> Any:
    if isinstance(given, Mapping):
        return _settled(given, folder)
    return resolved(given, folder) if isinstance(given, str) else given


def _judge(choice: str | Mapping[str, Any], where: Where, place: str) -> Judge:
    if isinstance(choice, Mapping):
        return _from_mapping(choice, where, place)
    if not isinstance(choice, str) or not choice.strip():
        raise InvalidInput(f"expected a text or an object, got {choice!r}", field=place)
    kind, colon, rest = choice.partition(":")
    if not colon:
        return _named(choice, where, place)
    if kind not in KINDS:
        return _checked(_attribute(kind, rest, place), place)
    if not rest.strip():
        raise InvalidInput(f"{choice!r} names no judge", field=place, hint=f"{kind}:FILE.yaml")
    return _from_file(kind, rest, where, place)


def _named(name: str, where: Where, place: str) -> Judge:
    if name == "embedded":
        from evalkit.judges.embedded import EmbeddedJudge

        return EmbeddedJudge()
    if name == "ragas":
        return _judge(resolved(name, where.folder), where, place)
    if name in KINDS:
        raise InvalidInput(f"{name!r} needs its options", field=place, hint=f"{name}:FILE.yaml")
    if where.named is None:
        raise InvalidInput(
            f"there is no judge called {name!r}", field=place, hint=did_you_mean(name, KINDS)
        )
    return _checked(where.named(name), place)


def _from_file(kind: str, name: str, where: Where, place: str) -> Judge:
    file = _file(name, where, place)
    value = _options_in(file, kind)
    try:
        return _from_mapping(value, replace(where, folder=file.parent), "judge")
    except InvalidInput as error:
        if error.file is not None:
            raise
        raise InvalidInput(error.message, file=file, field=error.field, hint=error.hint) from None


def _options_in(file: Path, kind: str) -> Mapping[str, Any]:
    """The options in a judge's file, its kind among them; that of a panel may be its members'."""
    value = read_yaml(file).value
    if not isinstance(value, Mapping):
        raise InvalidInput("expected an object with the judge's options", file=file)
    if kind == "panel" and value.get("panel") is not None:
        return {"kind": kind, **value}
    if value.get("kind", kind) != kind:
        raise InvalidInput(f"is of kind {value['kind']!r}, not {kind!r}", file=file, field="kind")
    return {**value, "kind": kind}


def _file(name: str, where: Where, place: str) -> Path:
    if not where.confined:
        return where.folder / name
    return contained(where.folder, name, file=where.folder, where=place)


def _from_mapping(values: Mapping[str, Any], where: Where, place: str) -> Judge:
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        hint = did_you_mean(str(kind), KINDS)
        raise InvalidInput(f"{kind!r} is no kind of judge", field=f"{place}.kind", hint=hint)
    if values.get("embedder") is not None:
        return _described(values, where, place)
    if values.get("panel") is not None or kind == "panel":
        return _panel(values, where, place)
    if kind == "embedded":
        other = [name for name in values if name != "kind"]
        if other:
            message = "the embedded judge has no options but embedder"
            raise InvalidInput(message, field=f"{place}.{other[0]}")
        return _named(kind, where, place)
    if kind == "ragas":
        return _ragas(values, where, place)
    from evalkit.judges.llm.judge import build

    return build(values, place, cache=where.cache, record=where.record, offline=where.offline)


def _described(values: Mapping[str, Any], where: Where, place: str) -> Judge:
    """The judge without ``embedder``, and beside it the metric that this brings."""
    if place != "judge":
        message = "belongs to the whole judge, not to one of its parts"
        raise InvalidInput(message, field=f"{place}.embedder")
    from evalkit.judges.described import described

    judge = _from_mapping({n: v for n, v in values.items() if n != "embedder"}, where, place)
    return described(
        judge,
        values["embedder"],
        folder=where.folder,
        cache=where.cache,
        offline=where.offline,
        place=f"{place}.embedder",
    )


def _ragas(values: Mapping[str, Any], where: Where, place: str) -> Judge:
    """The judge of ragas's metrics around ``inner``, the embedded judge where there is none."""
    options = {name: value for name, value in values.items() if name not in ("kind", "inner")}
    for name in ("critics", "record"):
        if isinstance(options.get(name), str):
            options[name] = str(_file(options[name], where, f"{place}.{name}"))
    settings = _attribute(f"{RAGAS}.settings", "settings_from", place)(options, place)
    inner = _judge(values.get("inner") or "embedded", where, f"{place}.inner")
    made = _attribute(f"{RAGAS}.judge", "RagasJudge", place)
    # The record is the cache as well: one file of all calls, in the folder of the run.
    own = {"record": where.record or where.cache, "offline": where.offline}
    return _checked(made(settings, inner=inner, **own), place)


def _panel(values: Mapping[str, Any], where: Where, place: str) -> Judge:
    from evalkit.judges.llm.panel import PanelJudge

    given = values.get("panel")
    if not isinstance(given, list) or not 2 <= len(given) <= MOST_MEMBERS:
        message = f"expected a list of 2 to {MOST_MEMBERS} judges"
        raise InvalidInput(
            message, field=f"{place}.panel", hint="three, so that there is a majority"
        )
    shared = {name: value for name, value in values.items() if name != "panel"}
    if shared["kind"] == "panel":
        shared["kind"] = "llm"
    members = []
    for i, member in enumerate(given):
        merged = {**_fitting(shared, member), **member} if isinstance(member, Mapping) else member
        members.append(_judge(merged, where, f"{place}.panel[{i}]"))
    return PanelJudge(members)


def _fitting(shared: Mapping[str, Any], member: Mapping[str, Any]) -> Mapping[str, Any]:
    """The panel's options, for members of its own kind; one of another kind takes none of them."""
    return shared if member.get("kind", shared["kind"]) == shared["kind"] else {}


def _attribute(module: str, attribute: str, place: str) -> Any:
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        message = f"{module!r} cannot be imported: {error}"
        raise InvalidInput(message, field=place, hint=_extra(module)) from error
    except (TypeError, ValueError):
        raise InvalidInput(f"{module!r} is no module", field=place) from None
    try:
        return getattr(found, attribute)
    except AttributeError:
        raise InvalidInput(f"module {module!r} has no {attribute!r}", field=place) from None


def _extra(module: str) -> str | None:
    ours = module.startswith(RAGAS)
    return "pip install 'evalkit[judge]'" if ours else "module:attribute, or KIND:FILE.yaml"


def _checked(found: Any, place: str) -> Judge:
    """A judge from a class or an object that has what a judge needs."""
    made = found() if isinstance(found, type) else found
    missing = [name for name in ("name", "fingerprint", "judge") if not hasattr(made, name)]
    if missing:
        raise InvalidInput(f"{made!r} is no judge: it has no {missing[0]!r}"[:200], field=place)
    judge: Judge = made
    return judge
