"""A run too large for one page: its cases on pages of their own beside the report, written one after the other."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from evalkit.artefacts import write_text
from evalkit.errors import StorageError
from evalkit.pages.case_pack import COLUMNS, PLAIN, Packed, compressed, dumped, pack
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


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases on their way to a page: their data packed, and what the index is told of them.

    ``told`` counts the answers (``counts``: system, then the columns of the index, then how many), tags and symptoms,
    and holds three bytes of hash for each case; ``first`` and ``last`` are ids.
    """

    number: int
    first: str
    last: str
    told: dict[str, Any]
    packed: Packed

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.number:04d}.html"


@dataclass(slots=True)
class PageIndex:
    """What the overview knows of the pages: how many answers of each kind are on which, and where a case is.

    ``pages`` has an entry a page, which is what ``Page.told`` holds with numbers in place of names: of systems by their
    place in the setting, of everything else by that in ``words``.
    """

    pages: list[dict[str, Any]] = field(default_factory=list)
    words: dict[Any, int] = field(default_factory=lambda: {None: 0})
    cases: int = 0
    answers: int = 0

    def add(self, page: Page, systems: Sequence[str]) -> None:
        """Note what is on a page."""
        counts = [
            [systems.index(system), *map(self._number, kind), n]
            for system, *kind, n in page.told["counts"]
        ]
        self.pages.append({"file": page.name, **page.told, "counts": counts})
        self.cases += page.told["cases"]
        self.answers += sum(row[-1] for row in counts)

    def _number(self, word: str | None) -> int:
        return self.words.setdefault(word, len(self.words))


def _told(views: Sequence[CaseView], systems: Sequence[str]) -> dict[str, Any]:
    """What the index is told of these cases."""
    kinds: Counter[tuple[Any, ...]] = Counter()
    tags: Counter[str] = Counter()
    symptoms: Counter[str] = Counter()
    for view in views:
        for row in view["rows"]:
            kinds[(systems[row["s"]], *map(row.get, COLUMNS))] += 1
            tags.update(view["case"].get("tags", ()))
            symptoms.update(row.get("symptoms", ()))
    hashes = b"".join(case_hash(view["case"]["id"]) for view in views)
    return {
        "cases": len(views),
        "counts": [[*kind, n] for kind, n in kinds.items()],
        "tags": dict(tags.most_common(MOST_TAGS)),
        "symptoms": dict(symptoms),
        "hashes": base64.b64encode(hashes).decode(),
    }


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
    pages = (packed_page(views, setting, number) for number, views in enumerate(parts, 1))
    return write_pages(folder, pages, setting, setting.systems)


def write_pages(
    folder: Path, pages: Iterable[Page], setting: Setting, systems: Sequence[str]
) -> PageIndex:
    """Write pages that were packed before; ``systems`` are those that the index counts, in their order."""
    target = folder / FOLDER
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(f"{target}: cannot be made: {error.strerror}") from error
    index = PageIndex()
    for page in pages:
        write_text(target / page.name, document(page, setting))
        index.add(page, systems)
    remove_pages(folder, keep={page["file"] for page in index.pages})
    return index


def remove_pages(folder: Path, keep: Collection[str] = ()) -> None:
    """Remove the pages of an earlier report; those named ``keep`` are of this one."""
    for stale in (folder / FOLDER).glob("[0-9]*.html"):
        if stale.name not in keep:
            stale.unlink(missing_ok=True)


def packed_page(views: Sequence[CaseView], setting: Setting, number: int = 1) -> Page:
    """The cases of one page, packed."""
    packed = pack(views, setting, {"page": {"number": number}}, PAGE)
    first, last = (views[0], views[-1]) if views else ({"case": {"id": ""}},) * 2
    told = _told(views, setting.systems)
    return Page(number, first["case"]["id"], last["case"]["id"], told, packed)


def case_page(views: Sequence[CaseView], setting: Setting, number: int = 1) -> str:
    """One page of cases as a whole document."""
    return document(packed_page(views, setting, number), setting)


def document(page: Page, setting: Setting) -> str:
    """A page as a whole document."""
    style, script = source(STYLES), source(SCRIPTS)
    return (
        environment()
        .get_template("case_pages.html.j2")
        .render(
            suite=setting.legend.get("suite", ""),
            number=page.number,
            first=page.first,
            last=page.last,
            style=Markup(style),  # noqa: S704 (our own file)
            script=Markup(script),  # noqa: S704 (our own file)
            style_digest=digest(style),
            script_digest=digest(script),
            encoding=page.packed.encoding,
            data=Markup(page.packed.text),  # noqa: S704 (holds no "<": escaped by the packing)
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
