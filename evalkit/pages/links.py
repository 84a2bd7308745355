"""Addresses inside the report: the cases behind a claim, one case, one system."""

from __future__ import annotations

from urllib.parse import quote, urlencode

NAMELESS = ("undetermined", "unexplained")  # findings that name no cause, and so no side


def cases_link(**filters: str | tuple[str, ...] | None) -> str:
    """The list of cases, narrowed: ``system``, ``cause``, ``side``, ``stage``, ``status``, ``symptom``, ``tag``, ``lost``, ``q``."""
    given = {name: value for name, value in filters.items() if value}
    return f"#cases?{urlencode(given, doseq=True, quote_via=quote)}"


def cause_link(system: str | None, cause: str) -> str:
    """The failing cases of a cause; where ``cause`` is a finding's status instead, those that have it."""
    if cause in NAMELESS:
        return cases_link(system=system, status=cause)
    return cases_link(system=system, cause=cause, status="failing")


def side_link(system: str, side: str) -> str:
    """The failing cases that a side has lost; without a side those of which no cause is named."""
    if side in NAMELESS:
        return cases_link(system=system, status=NAMELESS)
    return cases_link(system=system, side=side, status="failing")


def case_link(case_id: str, system: str | None) -> str:
    """One case as one system answered it."""
    return "#" + urlencode({"case": case_id, "system": system or ""}, quote_via=quote)


def system_link(system: str) -> str:
    """One system in "Where it goes wrong"."""
    return f"#systems?{urlencode({'show': system}, quote_via=quote)}"
