"""Stage 1, files -> Suite: a suite folder read whole, checked strictly and joined into records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from evalkit import files
from evalkit.attachments import At, Attachments
from evalkit.case_file import LARGE, CaseFile, Places, index_cases
from evalkit.cases import CaseReader, Defaults, read_cases, shape
from evalkit.errors import InvalidInput, NothingToDo
from evalkit.records import Approach, Case, CorrectRule, Document, Limit, Suite, SystemSpec
from evalkit.strict import YamlFile, read_jsonl, read_yaml
from evalkit.strict.line_file import count_lines, text_digest
from evalkit.validation import RowChecker, validate


def load_suite(path: str | Path, *, large: int | None = None, known: Known | None = None) -> Suite:
    """Read the suite in folder ``path`` (or the suite.yaml given).

    Raises ``InvalidInput`` naming file, line and field for anything that is wrong or unclear.
    What is only doubtful (a gold document that the corpus lacks) is listed in ``Suite.warnings``. Of a JSON Lines
    file with more than ``large`` lines (``case_file.LARGE`` if None) the cases are not held, but read when asked for;
    where they stand is ``known`` when another process has read them through.
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
    corpus = _corpus(corpus_file) if corpus_file else {}
    reader = CaseReader(cases_file, file, attachments, defaults)
    cases, absent = _cases(reader, corpus, LARGE if large is None else large, known)
    suite = Suite(
        folder=folder,
        cases=cases,
        corpus=corpus,
        digest="",
        train=attached(row.train, "train"),
        **_settings(row),
    )
    if not suite.cases:
        raise NothingToDo(f"{cases_file}: holds no cases")
    if known is not None:
        return replace(suite, digest=known.digest)
    warnings = (*absent, *_dangling(corpus))
    return replace(suite, digest=_digest(file, attachments.read), warnings=warnings)


def _settings(row: files.SuiteFile) -> dict[str, Any]:
    """What suite.yaml says itself."""
    return {
        "name": row.name,
        "description": row.description,
        "licence": row.licence,
        "k": row.k,
        "pool": row.pool or 4 * row.k,
        "repeats": row.repeats,
        "correct": CorrectRule(row.correct.metric, row.correct.at_least) if row.correct else None,
        "limits": tuple(
            Limit(limit.metric, limit.at_least, limit.at_most, limit.margin, tuple(limit.tags))
            for limit in row.limits
            if not _coverage_alone(limit)
        ),
        "max_error_rate": row.max_error_rate,
        "profile": row.profile.model_dump(exclude_none=True),
    }


@dataclass(frozen=True, slots=True)
class Known:
    """What another process has found out of a suite: where its cases stand, and its digest."""

    places: Places
    digest: str


def _cases(
    reader: CaseReader, corpus: Mapping[str, Document], large: int, known: Known | None
) -> tuple[tuple[Case, ...], list[str]]:
    """The cases, and what is doubtful about them."""
    absent: list[str] = []

    def look(case: Case) -> None:
        absent.extend(_absent(case, corpus))

    if known is not None:
        # Whoever reads cases by number, in turn or in slices need not know that they are read from the file.
        return cast("tuple[Case, ...]", CaseFile(reader, known.places)), absent
    if reader.file.suffix.lower() != ".csv" and count_lines(reader.file, large + 1) > large:
        return cast("tuple[Case, ...]", index_cases(reader, look)), absent
    cases = tuple(reader.all())
    for case in cases:
        look(case)
    return cases, absent


def _at(file: Path, yaml: YamlFile, *place: str | int) -> At:
    return At(file, yaml.lines.get(place))


def _if_there(folder: Path, name: str) -> str | None:
    return name if (folder / name).exists() else None


def _check_numbers(row: files.SuiteFile, file: Path, yaml: YamlFile) -> None:
    """What two fields say together."""
    if row.pool is not None and row.pool < row.k:
        raise _at(file, yaml, "pool").refuse(f"must be at least k, which is {row.k}", field="pool")
    for i, limit in enumerate(row.limits):
        message = None
        if _coverage_alone(limit):
            if limit.margin:
                message = "margin goes with at_least or at_most; coverage counts these very cases"
        elif (limit.at_least is None) == (limit.at_most is None):
            message = "a limit needs at_least or at_most, and not both; or coverage"
        if message is not None:
            raise _at(file, yaml, "limits", i).refuse(message, field=f"limits[{i}]")


def _coverage_alone(limit: files.LimitRow) -> bool:
    """Whether a limit says only how much must be measured; the gate reads that from the file itself."""
    return limit.coverage is not None and limit.at_least is None and limit.at_most is None


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
        total.update(text_digest(path))
    return total.hexdigest()[:16]


def _absent(case: Case, corpus: Mapping[str, Document]) -> Iterator[str]:
    """Gold documents that the corpus lacks; chunk ids (``doc#n``) count as their document."""
    named = set(case.relevant or ()) | {d for p in case.key_points or () for d in p.evidence}
    gone = sorted(d for d in named if not _known(d, corpus))
    if gone and corpus:
        more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
        yield f"case {case.id}: the corpus lacks {', '.join(gone[:3])}{more}"


def _known(name: str, corpus: Mapping[str, Document]) -> bool:
    return name in corpus or name.rpartition("#")[0] in corpus


def _dangling(corpus: Mapping[str, Document]) -> Iterator[str]:
    for doc in corpus.values():
        if doc.superseded_by and doc.superseded_by not in corpus:
            yield f"document {doc.doc_id}: superseded_by names {doc.superseded_by}, which the corpus lacks"
