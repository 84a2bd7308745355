"""A run too large for one page: its cases on pages of their own beside the report, written one after the other."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from evalkit.artefacts import write_text
from evalkit.errors import StorageError
from evalkit.pages.case_pack import COLUMNS, PLAIN, compressed, dumped, pack
from evalkit.pages.case_view import CaseView, Setting
from evalkit.pages.engine import digest, environment, source

FOLDER = "cases"
PAGE = 3_000_000  # characters of data of a page
MOST_TAGS = 200  # tags that the index of the pages counts
STYLES = ("tokens.css", "page.css", "case_list.css", "case_page.css")
SCRIPTS = (
    *("case_text.js", "case_data.js", "case_list.js", "case_pages.js"),
    *("detail.js", "detail_passages.js", "detail_more.js", "cases.js"),
)


@dataclass(slots=True)
class PageIndex:
    """What the overview knows of the pages: how many answers of each kind are on which, and where a case is.

    ``pages`` has an entry a page: its answers counted by the words of ``counted``, its tags and symptoms counted,
    and three bytes of hash for each of its cases.
    """

    pages: list[dict[str, Any]] = field(default_factory=list)
    words: dict[Any, int] = field(default_factory=lambda: {None: 0})
    cases: int = 0
    answers: int = 0

    def add(self, name: str, views: Sequence[CaseView]) -> None:
        """Note what is on a page."""
        kinds: Counter[tuple[int, ...]] = Counter()
        tags: Counter[str] = Counter()
        symptoms: Counter[str] = Counter()
        for view in views:
            for row in view["rows"]:
                kinds[(row["s"], *(self._number(row.get(column)) for column in COLUMNS))] += 1
                tags.update(view["case"].get("tags", ()))
                symptoms.update(row.get("symptoms", ()))
        hashes = b"".join(case_hash(view["case"]["id"]) for view in views)
        rows = kinds.total()
        self.pages.append(
            {
                "file": name,
                "cases": len(views),
                "counts": [[*kind, n] for kind, n in kinds.items()],
                "tags": dict(tags.most_common(MOST_TAGS)),
                "symptoms": dict(symptoms),
                "hashes": base64.b64encode(hashes).decode(),
            }
        )
        self.cases += len(views)
        self.answers += rows

    def _number(self, word: str | None) -> int:
        return self.words.setdefault(word, len(self.words))


def case_hash(case_id: str) -> bytes:
    """Three bytes that say on which page a case may be: the upper ones of FNV-1a over the id in UTF-8."""
    found = 0x811C9DC5
    for byte in case_id.encode("utf-8", "replace"):
        found = ((found ^ byte) * 0x01000193) & 0xFFFFFFFF
    return (found >> 8).to_bytes(3)


def write_case_pages(
    folder: Path, parts: Iterable[Sequence[CaseView]], setting: Setting
) -> PageIndex:
    """Write ``cases/0001.html`` and so on below the run folder, one page a part; only one part is held at a time.

    Pages of an earlier report that are not written again are removed. A page makes no request, as the report.
    """
    target = folder / FOLDER
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(f"{target}: cannot be made: {error.strerror}") from error
    index = PageIndex()
    for number, views in enumerate(parts, 1):
        path = target / f"{number:04d}.html"
        write_text(path, case_page(views, setting, number))
        index.add(path.name, views)
    remove_pages(folder, keep=len(index.pages))
    return index


def remove_pages(folder: Path, keep: int = 0) -> None:
    """Remove the pages of an earlier report; ``keep`` of them are of this one."""
    kept = {f"{number:04d}.html" for number in range(1, keep + 1)}
    for stale in (folder / FOLDER).glob("[0-9]*.html"):
        if stale.name not in kept:
            stale.unlink(missing_ok=True)


def case_page(views: Sequence[CaseView], setting: Setting, number: int = 1) -> str:
    """One page of cases as a whole document."""
    packed = pack(views, setting, {"page": {"number": number}}, PAGE)
    style, script = source(STYLES), source(SCRIPTS)
    return (
        environment()
        .get_template("case_pages.html.j2")
        .render(
            suite=setting.legend.get("suite", ""),
            number=number,
            first=views[0]["case"]["id"] if views else "",
            last=views[-1]["case"]["id"] if views else "",
            style=Markup(style),  # noqa: S704 (our own file)
            script=Markup(script),  # noqa: S704 (our own file)
            style_digest=digest(style),
            script_digest=digest(script),
            encoding=packed.encoding,
            data=Markup(packed.text),  # noqa: S704 (holds no "<": escaped by the packing)
        )
    )


def island_of_pages(index: PageIndex, setting: Setting) -> tuple[str, str]:
    """The data that stands in a report for cases that are on pages of their own, as ``island`` gives it."""
    found = dumped(
        {
            "legend": setting.legend,
            "systems": list(setting.systems),
            "pages": index.pages,
            "folder": FOLDER,
            "words": list(index.words),
            "cases": index.cases,
            "answers": index.answers,
        }
    )
    return ("json", found) if len(found) <= PLAIN else ("gzip", compressed(found))


def in_parts(views: Iterable[CaseView], size: int = 2_000) -> Iterator[list[CaseView]]:
    """Views in lists of ``size`` cases, as ``write_case_pages`` takes them."""
    held: list[CaseView] = []
    for view in views:
        held.append(view)
        if len(held) >= size:
            yield held
            held = []
    if held:
        yield held
