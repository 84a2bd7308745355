"""Stage 1, files -> Suite: a suite folder read whole, checked strictly and joined into records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from evalkit import files
from evalkit.errors import InvalidInput, NothingToDo
from evalkit.records import (
    Approach,
    Case,
    CorrectRule,
    Criterion,
    Document,
    Expected,
    Format,
    JsonObject,
    KeyPoint,
    Limit,
    Message,
    StyleRules,
    Suite,
    SystemSpec,
)
from evalkit.strict import (
    YamlFile,
    contained,
    read_csv,
    read_json,
    read_jsonl,
    read_text,
    read_yaml,
)
from evalkit.validation import RowChecker, validate


def load_suite(path: str | Path) -> Suite:
    """Read the suite in folder ``path`` (or the suite.yaml given).

    Raises ``InvalidInput`` naming file, line and field for anything that is wrong or unclear.
    What is only doubtful (a gold document that the corpus lacks) is listed in ``Suite.warnings``.
    """
    file = _suite_file(Path(path))
    folder = file.parent
    yaml = read_yaml(file)
    row = validate(files.SuiteFile, yaml.value, file=file, lines=yaml.lines)
    shelf = _Shelf(folder, file, yaml)
    defaults = _Defaults(
        schema=shelf.schema(row.schema_, "schema"),
        format=_format(row.format) if isinstance(row.format, files.FormatRow) else None,
        style=shelf.style(row.style),
    )
    corpus_name = row.corpus or ("corpus.jsonl" if (folder / "corpus.jsonl").exists() else None)
    corpus = _corpus(shelf.path(corpus_name, "corpus")) if corpus_name else {}
    cases_file = shelf.path(row.cases, "cases")
    cases = tuple(_cases(cases_file, shelf, defaults))
    if not cases:
        raise NothingToDo(f"{cases_file}: holds no cases")
    train = shelf.path(row.train, "train") if row.train else None
    suite = Suite(
        name=row.name,
        folder=folder,
        cases=cases,
        corpus=corpus,
        digest="",
        description=row.description,
        licence=row.licence,
        train=train,
        k=row.k,
        pool=row.pool or 4 * row.k,
        repeats=row.repeats,
        correct=CorrectRule(row.correct.metric, row.correct.at_least) if row.correct else None,
        limits=tuple(_limit(limit, i, shelf) for i, limit in enumerate(row.limits)),
        max_error_rate=row.max_error_rate,
        profile=row.profile.model_dump(exclude_none=True),
    )
    read = [file, *shelf.read, cases_file, *([shelf.path(corpus_name, "")] if corpus_name else [])]
    return replace(
        suite, digest=_digest([*read, *([train] if train else [])]), warnings=_warnings(suite)
    )


def load_systems(path: str | Path) -> tuple[SystemSpec, ...]:
    """The systems of one systems.yaml; adapters check their own options when they are built."""
    file = Path(path)
    yaml = read_yaml(file)
    row = validate(files.SystemsFile, yaml.value, file=file, lines=yaml.lines)
    names = [system.name for system in row.systems]
    for i, name in enumerate(names):
        if name in names[:i]:
            line = yaml.lines.get(("systems", i, "name"))
            raise InvalidInput(f"system {name!r} is given twice", file=file, line=line)
    return tuple(
        SystemSpec(
            name=system.name,
            approach=Approach(system.approach),
            adapter=system.adapter,
            options=dict(system.model_extra or {}),
            folder=file.resolve().parent,
        )
        for system in row.systems
    )


def train_cases(suite: Suite) -> tuple[Case, ...]:
    """The training examples of a suite, read when asked for; empty without a train file."""
    if suite.train is None:
        return ()
    file = suite.folder / "suite.yaml"
    return tuple(_cases(suite.train, _Shelf(suite.folder, file, YamlFile(None)), _Defaults()))


@dataclass(frozen=True, slots=True)
class _Defaults:
    schema: JsonObject | None = None
    format: Format | None = None
    style: StyleRules | None = None


@dataclass(slots=True)
class _Shelf:
    """The files a suite refers to, each read once."""

    folder: Path
    file: Path
    yaml: YamlFile
    read: list[Path] = field(default_factory=list)
    schemas: dict[str, JsonObject] = field(default_factory=dict)
    exemplars: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def path(self, name: str, where: str) -> Path:
        return contained(self.folder, name, file=self.file, where=where)

    def schema(self, given: str | JsonObject | None, where: str) -> JsonObject | None:
        if given is None:
            return None
        key = given if isinstance(given, str) else json.dumps(given, sort_keys=True)
        if key not in self.schemas:
            if isinstance(given, str):
                path = self.path(given, where)
                self.read.append(path)
                given = read_json(path)
            _check_schema(given, self.file, where)
            self.schemas[key] = given
        return self.schemas[key]

    def style(self, given: str | files.StyleRow | None) -> StyleRules | None:
        if isinstance(given, str):
            path = self.path(given, "style")
            self.read.append(path)
            yaml = read_yaml(path)
            given = validate(files.StyleRow, yaml.value, file=path, lines=yaml.lines)
        if given is None:
            return None
        found = {
            k: _frozen(v) for k, v in given.model_dump(exclude_none=True, by_alias=True).items()
        }
        name = found.pop("exemplars", None)
        return StyleRules(**found, exemplars=self.read_exemplars(name) if name else ())

    def read_exemplars(self, name: str) -> tuple[str, ...]:
        if name not in self.exemplars:
            path = self.path(name, "style.exemplars")
            self.read.append(path)
            rows = list(read_jsonl(path))
            for row in rows:
                if not isinstance(row.value.get("text"), str):
                    raise InvalidInput("each exemplar needs a text", file=path, line=row.line)
            self.exemplars[name] = tuple(row.value["text"] for row in rows)
        return self.exemplars[name]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _suite_file(path: Path) -> Path:
    file = path / "suite.yaml" if path.is_dir() else path
    if not file.exists():
        hint = f"`evalkit init {path}` starts a suite there"
        raise InvalidInput("there is no suite.yaml", file=path, hint=hint)
    return file


def _check_schema(schema: Any, file: Path, where: str) -> None:
    from jsonschema import Draft202012Validator, SchemaError

    if not isinstance(schema, Mapping):
        raise InvalidInput("is not a JSON Schema object", file=file, field=where)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidInput(
            f"is not a valid JSON Schema: {error.message}",
            file=file,
            field=f"{where}{error.json_path[1:]}",
        ) from None


def _cases(file: Path, shelf: _Shelf, defaults: _Defaults) -> Iterator[Case]:
    rows = read_csv(file) if file.suffix.lower() == ".csv" else read_jsonl(file)
    adjust = _spread_csv if file.suffix.lower() == ".csv" else None
    checker = RowChecker(files.CaseRow, file, "id")
    for row in rows:
        value = adjust(row.value) if adjust else row.value
        checked = checker.check(value, row.line)
        yield _case(
            checked, value, shelf, defaults, partial(InvalidInput, file=file, line=row.line)
        )


_LISTS = ("tags", "paraphrases", "leading", "forbidden")


def _spread_csv(value: JsonObject) -> dict[str, Any]:
    """Cells of a spreadsheet as the JSON fields they stand for: ``a; b`` is a list, ``d1; d2`` gold."""
    found = dict(value)
    for name in (*_LISTS, "relevant", "reference", "key_points"):
        if isinstance(found.get(name), str) and name not in ("reference", "key_points"):
            found[name] = [part.strip() for part in found[name].split(";") if part.strip()]
        elif isinstance(found.get(name), str) and name == "key_points":
            found[name] = [
                {"text": part.strip()} for part in found[name].split(";") if part.strip()
            ]
    return found


def _case(
    row: files.CaseRow,
    given: JsonObject,
    shelf: _Shelf,
    defaults: _Defaults,
    refuse: Callable[..., InvalidInput],
) -> Case:
    reference, reference_object = _reference(row, refuse)
    return Case(
        id=row.id,
        query=_query(row, refuse),
        messages=tuple(Message(m.role, m.content) for m in row.messages) if row.messages else None,
        reference=reference,
        reference_object=reference_object,
        relevant=_grades(row.relevant),
        key_points=_points(row.key_points),
        expected=Expected(row.expected),
        expected_action=row.expected_action,
        schema=shelf.schema(row.schema_, "schema") if "schema" in given else defaults.schema,
        format=_format(row.format) if row.format else defaults.format,
        style=shelf.style(row.style) if row.style else defaults.style,
        criteria=_criteria(row.criteria),
        paraphrases=tuple(row.paraphrases),
        leading=tuple(row.leading),
        clarified=row.clarified,
        principal=row.principal,
        forbidden=None if row.forbidden is None else tuple(row.forbidden),
        inputs=row.inputs,
        group=row.group,
        tags=tuple(row.tags),
        split=row.split,
        metadata=row.metadata,
    )


def _query(row: files.CaseRow, refuse: Callable[..., InvalidInput]) -> str:
    if row.messages and row.query is not None:
        raise refuse("give either query or messages, not both", field="messages")
    if row.messages:
        if row.messages[-1].role != "user":
            raise refuse("the last message must be the user's", field="messages")
        return row.messages[-1].content
    if row.query is None:
        raise refuse("a case needs a query (or messages)", field="query")
    if not row.query.strip():
        raise refuse("the query is empty", field="query")
    return row.query


def _reference(
    row: files.CaseRow, refuse: Callable[..., InvalidInput]
) -> tuple[tuple[str, ...] | None, JsonObject | None]:
    given = row.reference
    if given is None or isinstance(given, dict):
        return None, given
    texts = (given,) if isinstance(given, str) else tuple(given)
    if not texts or not all(text.strip() for text in texts):
        raise refuse(
            "a reference is empty", field="reference", hint="leave it out, or give an answer"
        )
    return texts, None


def _grades(given: dict[str, int] | list[str] | None) -> Mapping[str, int] | None:
    return dict.fromkeys(given, 1) if isinstance(given, list) else given


def _points(given: list[files.KeyPointRow] | None) -> tuple[KeyPoint, ...] | None:
    return tuple(KeyPoint(p.text, tuple(p.evidence)) for p in given) if given else None


def _criteria(given: list[files.CriterionRow] | None) -> tuple[Criterion, ...] | None:
    if not given:
        return None
    return tuple(Criterion(c.id, c.text, tuple(c.any_of), c.verdict) for c in given)


def _format(row: files.FormatRow) -> Format:
    return Format(row.kind, tuple(row.columns), tuple(row.headings), tuple(row.labels))


def _limit(row: files.LimitRow, index: int, shelf: _Shelf) -> Limit:
    if (row.at_least is None) == (row.at_most is None):
        line = shelf.yaml.lines.get(("limits", index))
        raise InvalidInput(
            "a limit needs at_least or at_most, and not both",
            file=shelf.file,
            line=line,
            field="limits",
        )
    return Limit(row.metric, row.at_least, row.at_most, row.margin, tuple(row.tags))


def _corpus(file: Path) -> dict[str, Document]:
    checker = RowChecker(files.DocumentRow, file, "_id")
    found: dict[str, Document] = {}
    for row in read_jsonl(file):
        doc = checker.check(row.value, row.line)
        found[doc.id] = Document(
            doc.id, doc.text, doc.title, doc.valid_from, doc.superseded_by, doc.metadata
        )
    return found


def _digest(paths: list[Path]) -> str:
    """Names the content of the files, whatever folder they lie in."""
    total = hashlib.sha256()
    for path in sorted(set(paths)):
        total.update(path.name.encode() + b"\0")
        total.update(hashlib.sha256(read_text(path).encode()).digest())
    return total.hexdigest()[:16]


def _warnings(suite: Suite) -> tuple[str, ...]:
    return (*_absent(suite), *_dangling(suite)) if suite.corpus else ()


def _absent(suite: Suite) -> Iterator[str]:
    """Gold documents that the corpus lacks; chunk ids (``doc#n``) count as their document."""
    for case in suite.cases:
        named = set(case.relevant or ()) | {d for p in case.key_points or () for d in p.evidence}
        gone = sorted(d for d in named if not _known(d, suite.corpus))
        if gone:
            yield f"case {case.id}: the corpus lacks {', '.join(gone[:3])}" + (
                f" and {len(gone) - 3} more" if len(gone) > 3 else ""
            )


def _known(name: str, corpus: Mapping[str, Document]) -> bool:
    return name in corpus or name.rpartition("#")[0] in corpus


def _dangling(suite: Suite) -> Iterator[str]:
    for doc in suite.corpus.values():
        if doc.superseded_by and doc.superseded_by not in suite.corpus:
            yield f"document {doc.doc_id}: superseded_by names {doc.superseded_by}, which the corpus lacks"
