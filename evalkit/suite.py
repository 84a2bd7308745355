"""Stage 1, files -> Suite: a suite folder read whole, checked strictly and joined into records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from evalkit import files
from evalkit.attachments import At, Attachments
from evalkit.cases import Defaults, read_cases, shape
from evalkit.errors import InvalidInput, NothingToDo
from evalkit.records import Approach, Case, CorrectRule, Document, Limit, Suite, SystemSpec
from evalkit.strict import YamlFile, read_jsonl, read_text, read_yaml
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
    _check_numbers(row, file, yaml)
    attachments = Attachments(folder)

    def attached(name: str | None, where: str) -> Path | None:
        return attachments.path(name, _at(file, yaml, where), where) if name else None

    defaults = Defaults(
        schema=attachments.schema(row.schema_, _at(file, yaml, "schema")),
        format=shape(row.format) if isinstance(row.format, files.FormatRow) else None,
        style=attachments.style(row.style, _at(file, yaml, "style")),
    )
    corpus_file = attached(row.corpus or _if_there(folder, "corpus.jsonl"), "corpus")
    cases_file = attachments.path(row.cases, _at(file, yaml, "cases"), "cases")
    suite = Suite(
        name=row.name,
        folder=folder,
        cases=tuple(read_cases(cases_file, attachments, defaults)),
        corpus=_corpus(corpus_file) if corpus_file else {},
        digest="",
        description=row.description,
        licence=row.licence,
        train=attached(row.train, "train"),
        k=row.k,
        pool=row.pool or 4 * row.k,
        repeats=row.repeats,
        correct=CorrectRule(row.correct.metric, row.correct.at_least) if row.correct else None,
        limits=tuple(
            Limit(limit.metric, limit.at_least, limit.at_most, limit.margin, tuple(limit.tags))
            for limit in row.limits
        ),
        max_error_rate=row.max_error_rate,
        profile=row.profile.model_dump(exclude_none=True),
    )
    if not suite.cases:
        raise NothingToDo(f"{cases_file}: holds no cases")
    return replace(suite, digest=_digest(file, attachments.read), warnings=_warnings(suite))


def _at(file: Path, yaml: YamlFile, *place: str | int) -> At:
    return At(file, yaml.lines.get(place))


def _if_there(folder: Path, name: str) -> str | None:
    return name if (folder / name).exists() else None


def _check_numbers(row: files.SuiteFile, file: Path, yaml: YamlFile) -> None:
    """What two fields say together."""
    if row.pool is not None and row.pool < row.k:
        raise _at(file, yaml, "pool").refuse(f"must be at least k, which is {row.k}", field="pool")
    for i, limit in enumerate(row.limits):
        if (limit.at_least is None) == (limit.at_most is None):
            message = "a limit needs at_least or at_most, and not both"
            raise _at(file, yaml, "limits", i).refuse(message, field=f"limits[{i}]")


def load_systems(path: str | Path) -> tuple[SystemSpec, ...]:
    """The systems of one systems.yaml; adapters check their own options when they are built."""
    file = Path(path)
    yaml = read_yaml(file)
    row = validate(files.SystemsFile, yaml.value, file=file, lines=yaml.lines)
    names = [system.name for system in row.systems]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise _at(file, yaml, "systems", i, "name").refuse(
                f"system {name!r} is given twice", field=f"systems[{i}].name"
            )
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
    return tuple(read_cases(suite.train, Attachments(suite.folder), Defaults()))


def _suite_file(path: Path) -> Path:
    file = path if path.suffix in (".yaml", ".yml") else path / "suite.yaml"
    if not file.exists():
        hint = f"`evalkit init {path}` starts a suite there"
        raise InvalidInput("there is no suite here", file=file, hint=hint)
    return file


def _corpus(file: Path) -> dict[str, Document]:
    checker = RowChecker(files.DocumentRow, file, "_id")
    found: dict[str, Document] = {}
    for row in read_jsonl(file):
        doc = checker.check(row.value, row.line)
        found[doc.id] = Document(
            doc.id, doc.text, doc.title, doc.valid_from, doc.superseded_by, doc.metadata
        )
    return found


def _digest(file: Path, attached: list[Path]) -> str:
    """Names the content of the files, whatever folder they lie in."""
    root = file.parent.resolve()
    names = {path.relative_to(root).as_posix(): path for path in attached} | {file.name: file}
    total = hashlib.sha256()
    for name, path in sorted(names.items()):
        total.update(name.encode() + b"\0")
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
