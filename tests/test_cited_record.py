"""Which document a record was read from: by the values that the question does not give away."""

from __future__ import annotations

from evalkit.judges.cited import cited_by_record
from evalkit.records import Passage

VENDORS = (
    Passage("v1", text="V-1001 Nordwind Logistics GmbH, Hamburg, net 30 days"),
    Passage("v2", text="V-2002 Blue Finch Paper, Leeds, net 14 days"),
)


def test_the_document_that_holds_the_values_supports_the_record():
    assert cited_by_record(["v1"], VENDORS, ["V-1001", "Nordwind Logistics GmbH"]) == (True,)


def test_another_document_does_not():
    assert cited_by_record(["v2"], VENDORS, ["V-1001", "Nordwind Logistics GmbH"]) == (False,)


def test_nothing_is_said_where_no_document_holds_a_value():
    assert cited_by_record(["v1"], VENDORS, ["17.50"]) == (None,)


def test_two_sources_cited_together_both_stand():
    values = ["V-1001", "Blue Finch Paper"]
    assert cited_by_record(["v1", "v2"], VENDORS, values) == (True, True)


def test_without_citations_or_a_prompt_to_see_there_is_nothing_to_say():
    assert cited_by_record(None, VENDORS, ["V-1001"]) is None
    assert cited_by_record(["v1"], None, ["V-1001"]) is None
