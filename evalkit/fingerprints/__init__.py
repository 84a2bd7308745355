"""What the answers of a run depend on, part by part, so that a resumed run can say what has changed since."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

from evalkit import __version__
from evalkit.adapters.secrets import variables_of
from evalkit.case_file import long_file
from evalkit.fingerprints.imports import Followed, of_modules, of_target
from evalkit.fingerprints.loaded import edited
from evalkit.records import Case, Suite, System, SystemSpec

Parts = dict[
    tuple[str, ...], str
]  # a place such as ("system", "mine", "option", "model"), and what stands there

# How hard a system is tried, by which key, and at what price: no answer depends on it.
EFFORT = {
    *("timeout", "attempts", "concurrency", "threads", "processes", "workers", "transport"),
    *("api_key_env", "price", "in_process", "isolation"),
}
SECRET = re.compile(
    r"(^|[_ -])(key|token|secret|password|authorization|cookie)$|headers", re.IGNORECASE
)
PROSE = re.compile(r"\.(md|j2|jinja2?|tmpl|prompt|ya?ml|toml|txt)$", re.IGNORECASE)
WHOLE = (
    16 << 20
)  # bytes up to which all of a file that code names is read; of a larger one its ends
END = 1 << 20  # bytes of such an end
DIGEST_ONLY = 4 << 20  # bytes from which a file is known by its digest alone
KEPT_TEXT = 20_000  # characters of a prompt that are kept to show a difference
ALL = "(all)"  # stands for cases, or documents, that are too many to be told apart
DOCUMENTS = 50_000  # of a corpus that are told apart


def digest(*values: Any) -> str:
    """A short name for values: 16 hexadecimal digits of SHA-256."""
    return hashlib.sha256("\x1f".join(map(str, values)).encode("utf-8", "replace")).hexdigest()[:16]


# --- the suite ---------------------------------------------------------------------------------


def suite_parts(suite: Suite) -> Parts:
    """Every case, document and setting of a suite; a case as the question it asks and its labels."""
    if long_file(suite.cases) is not None:
        found: Parts = {("case", ALL): suite.digest}
    else:
        found = {("case", case.id): _case(case) for case in suite.cases}
        found["suite", "schemas"] = digest(*sorted({repr(case.schema) for case in suite.cases}))
    documents = list(suite.corpus.values())
    if len(documents) <= DOCUMENTS:
        found |= {("document", d.doc_id): digest(repr(d)) for d in documents}
    else:
        found["document", ALL] = digest(*map(repr, documents))
    settings = ("k", "pool", "repeats", "correct", "limits", "max_error_rate", "profile")
    found |= {("suite", name): repr(getattr(suite, name)) for name in settings}
    if suite.train is not None:
        found["suite", "train"] = digest(_bytes(suite.train))
    return found


def _case(case: Case) -> str:
    asked = (case.query, case.messages, case.inputs, case.principal)
    return f"{digest(*map(repr, asked))} {digest(repr(case))}"


def world_of(parts: Parts) -> str:
    """A digest of what a system may read of a suite beside the question: corpus, depth, schemas, training data."""
    read = {("suite", name) for name in ("k", "pool", "schemas", "train")}
    return digest(*sorted((p, v) for p, v in parts.items() if p[0] == "document" or p in read))


# --- the systems -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Looked:
    """What a system is made of; ``unwatched`` says in words what of it nobody can compare.

    ``edited`` are files that are no longer what this process has imported.
    """

    parts: Parts
    unwatched: tuple[str, ...]
    edited: tuple[str, ...] = ()
    hint: bool = False  # whether a version would help


def look_at(system: System, given: Any) -> Looked:
    """Options, files and code of a system; ``given`` is its entry in systems.yaml, or the object it was made of."""
    found = {"approach": system.approach.value, "fingerprint": system.fingerprint}
    parts: Parts = {("system", system.name, name): value for name, value in found.items()}
    inner, code, unwatched = (
        _of_spec(given) if isinstance(given, SystemSpec) else _of_object(system, given)
    )
    parts |= {("system", system.name, *place): value for place, value in inner.items()}
    return Looked(parts, tuple(unwatched), tuple(edited(code.files)), hint=hasattr(system, "held"))


def system_parts(system: System, given: Any) -> Parts:
    """The parts of ``look_at``; ``given`` may be what that has found already."""
    return given.parts if isinstance(given, Looked) else look_at(system, given).parts


Inner = dict[tuple[str, ...], str]  # parts of one system


def _of_spec(spec: SystemSpec) -> tuple[Inner, Followed, list[str]]:
    found = dict(_settings_of(spec))
    target = spec.options.get("target")
    if not isinstance(target, str):
        return found, Followed(), []
    code = of_target(target.partition(":")[0], spec.folder)
    return found | dict(_code(code)), code, code.unwatched


def _settings_of(spec: SystemSpec) -> Iterator[tuple[tuple[str, ...], str]]:
    yield ("adapter",), f"{spec.adapter} {_adapter_code(spec)}"
    for path, value in _leaves(spec.options):
        if path[0] in EFFORT:
            continue
        yield ("option", " ".join(path)), _told(path, value)
        if isinstance(value, str) and spec.adapter != "recorded":
            yield from _option_file(spec.folder, value)
    for name, value in variables_of(spec.options).items() if spec.adapter == "http" else ():
        yield ("variable", name), value


def _of_object(system: System, given: Any) -> tuple[Inner, Followed, list[str]]:
    """The code and the values of a function or object, and the files of its modules and of what they import."""
    held = getattr(system, "held", None)
    if held is None:
        code = of_modules([name for name in [type(given).__module__] if _foreign(name)])
        return dict(_code(code)), code, code.unwatched
    found: Inner = {("code", place): text for place, text in held.code.items()}
    found |= {("held", place): text for place, text in held.values.items()}
    code = of_modules(filter(_foreign, held.modules))
    unwatched = [*code.unwatched, *(f"what {place} holds" for place in held.opaque)]
    return found | dict(_code(code)), code, unwatched


def _foreign(module: str) -> bool:
    return module.partition(".")[0] != "evalkit"


def _code(found: Followed) -> Iterator[tuple[tuple[str, ...], str]]:
    for package, version in found.packages.items():
        yield ("package", package), version
    for name, file in found.files.items():
        kind = "file" if file.suffix in (".py", *EXTENSION_SUFFIXES) else "template"
        told = _large(file) or file_part(file, keep=PROSE.search(name) is not None)
        yield (kind, name), told


def _large(file: Path) -> str | None:
    """A large file that code names, such as weights: its digest, or of a very large one that of its size and ends."""
    try:
        size = file.stat().st_size
        if size <= DIGEST_ONLY:
            return None
        with file.open("rb") as data:
            if size <= WHOLE:
                found = hashlib.file_digest(data, "sha256").hexdigest()
                return json.dumps({"digest": found[:16]})
            first = hashlib.sha256(data.read(END)).hexdigest()
            data.seek(size - END)
            last = hashlib.sha256(data.read(END)).hexdigest()
            return json.dumps({"digest": digest(size, first, last)})
    except OSError:
        return None


def _option_file(folder: Path, value: str) -> Iterator[tuple[tuple[str, ...], str]]:
    if len(value) > 500 or "\0" in value or "\n" in value:
        return
    file = (folder / value).resolve()
    if file.is_file() and file.is_relative_to(folder.resolve()):
        yield ("file", value), file_part(file, keep=True)


def _adapter_code(spec: SystemSpec) -> str:
    """Names the adapter's code: evalkit's version for one of ours, else its source."""
    from evalkit import plugins

    made = plugins.resolve("adapters", spec.adapter)
    name = str(getattr(made, "__module__", ""))
    if name.partition(".")[0] == "evalkit":
        return f"evalkit {__version__}"
    file = getattr(sys.modules.get(name), "__file__", None)
    return digest(_bytes(Path(file))) if file else name


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _leaves(item, (*path, str(name)))
    else:
        yield path or ("",), value


def _told(path: tuple[str, ...], value: Any) -> str:
    """An option as JSON; what may be a secret as its digest."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    secret = any(SECRET.search(name) for name in path) and not path[-1].endswith("_env")
    return f"#{digest(text)}" if secret else text


def file_part(file: Path, *, keep: bool) -> str:
    """A file as JSON: its digest, and its lines (their text with ``keep``) so that a difference can be shown."""
    data = _bytes(file)
    if len(data) > DIGEST_ONLY:
        return json.dumps({"digest": digest(data)})
    lines = data.decode("utf-8", "replace").splitlines()
    if not keep or len(data) > KEPT_TEXT:
        lines = [hashlib.sha256(line.encode()).hexdigest()[:8] for line in lines]
        return json.dumps({"digest": digest(data), "code": lines})
    return json.dumps({"digest": digest(data), "text": lines}, ensure_ascii=False)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


# --- differences, in words ---------------------------------------------------------------------


def differences(before: Parts, now: Parts) -> list[tuple[str, ...]]:
    """The places where two sets of parts differ, in order."""
    return sorted(p for p in {*before, *now} if before.get(p) != now.get(p))


def told_file(name: str, before: str | None, now: str | None) -> str:
    """What changed in a file: the line where it is one of a prompt, else how many."""
    if before is None or now is None:
        return f"{name} is {'new' if before is None else 'gone'}"
    old, new = json.loads(before), json.loads(now)
    if "text" in old and "text" in new:
        return f"{name} {_told_lines(old['text'], new['text'])}"
    if "code" in old and "code" in new:
        changed = sum(n for *_, n in _blocks(old["code"], new["code"]))
        return f"{name} changed ({changed} line{'s' if changed != 1 else ''})"
    return f"{name} changed"


def _told_lines(old: list[str], new: list[str]) -> str:
    blocks = list(_blocks(old, new))
    if not blocks:
        return "changed (line ends)"
    line, was, is_, _ = blocks[0]
    more = sum(n for *_, n in blocks) - 1
    rest = f" and {more} more line{'s' if more != 1 else ''}" if more else ""
    return f"line {line}: {_short(was)} -> {_short(is_)}{rest}"


def _blocks(old: list[str], new: list[str]) -> Iterator[tuple[int, str | None, str | None, int]]:
    """Every run of changed lines: its number, what its first line was and is, how many lines it has."""
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            was, is_ = (old[a] if a < b else None), (new[c] if c < d else None)
            yield c + 1, was, is_, max(b - a, d - c)


def _short(line: str | None) -> str:
    if line is None:
        return "nothing"
    return repr(line if len(line) <= 60 else line[:57] + "...")


def told_part(place: tuple[str, ...], before: str | None, now: str | None) -> str:
    """How one part of a system changed, in words; ``place`` is its kind and its name."""
    kind, name = place[0], place[-1]
    if kind in ("file", "template"):
        return told_file(name, before, now)
    if kind == "variable":
        return f"the variable {name} of the environment has another value"
    if kind in ("option", "held", "code"):
        return told_option(f"the code of {name}" if kind == "code" else name, before, now)
    return f"{name} was {before or 'not there'}, now {now or 'not there'}"


def told_option(name: str, before: str | None, now: str | None) -> str:
    """What an option was and is; of a secret only that it changed."""
    if any((v or "").startswith("#") for v in (before, now)):
        return f"{name} changed"
    texts = [json.loads(v) for v in (before, now) if v is not None]
    if len(texts) == 2 and all(isinstance(v, str) and "\n" in v for v in texts):
        return f"{name} {_told_lines(texts[0].splitlines(), texts[1].splitlines())}"
    was, is_ = ("not given" if v is None else _cut(v) for v in (before, now))
    return f"{name} was {was}, now {is_}"


def _cut(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def told_ids(what: str, before: Mapping[str, str], now: Mapping[str, str], most: int = 10) -> str:
    """Which cases or documents changed, came or went."""
    groups = {
        "changed": [i for i in now if i in before and before[i] != now[i]],
        "new": [i for i in now if i not in before],
        "gone": [i for i in before if i not in now],
    }
    return "; ".join(_told_group(what, how, ids, most) for how, ids in groups.items() if ids)


def _told_group(what: str, how: str, ids: Iterable[str], most: int) -> str:
    known = list(ids)
    noun = what if len(known) == 1 else f"{what}s"
    verb = "" if how == "changed" else ("is " if len(known) == 1 else "are ")
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return f"{len(known)} {noun} {verb}{how}: {', '.join(known[:most])}{more}"
