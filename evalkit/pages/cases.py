"""The cases of a run as the data of its page: every answer of every system, with the chain of evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.pages.case_legend import setting_of
from evalkit.pages.case_pack import pack
from evalkit.pages.case_pages import (
    PageIndex,
    in_parts,
    island_of_pages,
    remove_pages,
    write_case_pages,
    write_pages,
)
from evalkit.pages.case_view import CaseView, Setting, case_views

if TYPE_CHECKING:
    from evalkit.api import Run

ONE_PAGE = 50_000  # answers that the report itself holds; more lie on pages beside it
PART = 4_000  # answers of such a page


def island(
    run: Run, diagnosis: Mapping[str, Any], pages: PageIndex | None = None, **more: Any
) -> tuple[str, str]:
    """The data of the case browser as (encoding, text), safe inside a script element.

    With ``pages`` it holds what is on them in place of the cases. ``more`` are further fields of the setting,
    such as how earlier runs ended (``past``).
    """
    setting = setting_of(run, **more)
    if pages is not None:
        return island_of_pages(pages, setting)
    packed = pack(run_views(run, diagnosis, setting), setting)
    return packed.encoding, packed.text


def pages_beside(
    run: Run, diagnosis: Mapping[str, Any], folder: Path, **more: Any
) -> PageIndex | None:
    """Write the cases of a run that is too large for one page onto pages beside its report; None for any other."""
    if run.large is not None:
        setting = setting_of(run, **more)
        return write_pages(folder, run.large.pages(), setting, setting.systems)
    answers = sum(len(found.graded.cases) for found in run.systems.values())
    if answers <= ONE_PAGE:
        remove_pages(folder)
        return None
    setting = setting_of(run, **more)
    views = run_views(run, diagnosis, setting)
    return write_case_pages(folder, in_parts(views, max(1, PART // len(run.systems))), setting)


def run_views(run: Run, diagnosis: Mapping[str, Any], setting: Setting) -> Iterator[CaseView]:
    """The views of all cases of a run."""
    shown = {name: (found.graded, found.findings) for name, found in run.systems.items()}
    return case_views(setting, run.suite.cases, shown, symptoms_of(diagnosis), lost_of(diagnosis))


def lost_of(diagnosis: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The stage of the funnel that lost a case, by system and case."""
    return {
        system: {case_id: step["stage"] for step in told["funnel"] for case_id in step["case_ids"]}
        for system, told in diagnosis["systems"].items()
    }


def symptoms_of(diagnosis: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """The symptoms of every case that shows any, by system and case."""
    found: dict[str, dict[str, list[str]]] = {}
    for system, told in diagnosis["systems"].items():
        shown = found.setdefault(system, {})
        for symptom in told["symptoms"]:
            for case_id in symptom["case_ids"]:
                shown.setdefault(case_id, []).append(symptom["id"])
    return found
