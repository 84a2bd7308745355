"""Addresses inside the report: the cases behind a claim, one case, one system, one word."""

from __future__ import annotations

from urllib.parse import quote, urlencode


def cases_link(**filters: str | None) -> str:
    """The list of cases, narrowed: ``system``, ``cause``, ``stage``, ``status``, ``symptom``, ``tag``, ``q``."""
    given = {name: value for name, value in filters.items() if value}
    return f"#cases?{urlencode(given, quote_via=quote)}"


def case_link(case_id: str, system: str | None) -> str:
    """One case as one system answered it."""
    return "#" + urlencode({"case": case_id, "system": system or ""}, quote_via=quote)


def system_link(system: str) -> str:
    """One system in "Where it goes wrong"."""
    return f"#systems?{urlencode({'show': system}, quote_via=quote)}"
