"""A record that is left empty, one that invents, and one that is wrapped: told apart by the fields alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.fields import invented, left_empty, row_of, wrong_fields
from evalkit.records import Case, Document, Finding, Passage, Suite, Trace
from evalkit.summarise import unreported_citations
from evalkit.text.field_match import field_credit

WANTED = {"no": "BX-77", "weight": 6825, "remark": None, "note": "Held until the papers are shown."}


def silent(_: str) -> bool:
    return False


@pytest.mark.parametrize(
    "response",
    [
        '[{"no": "BX-77", "weight": 6825, "remark": null, "note": "Held until the papers are shown."}]',
        '{"record": {"no": "BX-77", "weight": 6825, "remark": null, "note": "Held until the papers are shown."}}',
        '"{\\"no\\": \\"BX-77\\", \\"weight\\": 6825, \\"remark\\": null, \\"note\\": \\"Held until the papers are shown.\\"}"',
    ],
)
def test_a_wrapped_record_is_read_by_what_it_holds(response: str):
    assert wrong_fields(WANTED, response) == []
    assert wrong_fields(WANTED, response.replace("6825", "6285")) == [("weight", "6825", "6285")]


def test_an_array_of_two_records_is_none():
    wrong = wrong_fields(WANTED, '[{"no": "BX-77"}, {"no": "BX-78"}]')
    assert {"no", "weight", "note"} == {path for path, _, _ in wrong}


def test_a_field_without_its_value_is_left_empty_and_not_misread():
    wrong = wrong_fields(WANTED, '{"no": "BX-77", "weight": null, "remark": null, "note": ""}')
    assert left_empty(WANTED, wrong)
    assert invented(wrong, silent) == ()


@pytest.mark.parametrize(
    "response",
    [
        '{"no": "BX-77", "weight": 5, "remark": null, "note": ""}',  # another value, too
        '{"no": null, "weight": null, "remark": null, "note": null}',  # nothing at all is no record
        '{"no": "BX-77", "weight": 6825, "remark": null, "note": "Held until the papers are shown."}',
    ],
)
def test_other_wrong_records_are_not_left_empty(response: str):
    assert not left_empty(WANTED, wrong_fields(WANTED, response))


def test_a_value_that_nothing_wants_and_no_source_tells_is_invented():
    response = '{"no": "BX-77", "weight": 6825, "remark": "Call first", "note": "Held until the papers are shown."}'
    wrong = wrong_fields(WANTED, response)
    assert invented(wrong, silent) == ("remark = Call first",)
    assert invented(wrong, "Call first".__eq__) == ()
    assert invented(wrong_fields(WANTED, response.replace("6825", "5")), silent) == ()


def test_a_full_stop_at_the_end_is_no_other_text():
    assert field_credit({"name": "Quay four"}, {"name": "Quay four."}) == 1
    assert field_credit({"name": "Quay four"}, {"name": "Quay five."}) == 0


def test_the_row_asked_about_is_the_one_with_its_name():
    table = "Test | Result | Unit\nFerritin | 18 | ug/L\nSodium | 140 | mmol/L"
    asked = "Give the record of Ferritin."
    assert row_of(table, {"name": "Ferritin", "value": 140}, asked) == "Ferritin | 18 | ug/L"
    assert row_of("Ferritin is 18.", {"name": "Ferritin"}, asked) == ""


# --- the causes that follow ----------------------------------------------------------------------

NOTICE = {
    "bx-77": Document(
        "bx-77", "Notice BX-77. Weight: 6,825 kg. Note: held until the papers are shown."
    )
}
FIELDS: dict[str, Any] = {"no": "BX-77", "weight": 6825, "remark": None}
RECORD = Case("c1", "Give the record of BX-77.", reference_object=FIELDS, relevant={"bx-77": 1})
SCHEMA = {"type": "object", "required": ["no"]}


def named(case: Case, approach: str = "rag", **fields: Any) -> Finding:
    """The finding for a record that is wrong as is, and with its document alone."""
    shown = (Passage("bx-77", text=NOTICE["bx-77"].text),) if case.relevant else None
    said = json.dumps({**FIELDS, **fields})
    as_is = Trace(response=said, retrieved=shown, context=shown, system="s", case_id="c1")
    alone = [replace(as_is, condition="oracle_context")] if case.relevant else []
    suite = Suite("notices", Path(), (case,), NOTICE, "digest")
    run = evalkit.from_traces(suite, {"s": [as_is, *alone]}, {"s": approach})
    (found,) = run.systems["s"].findings
    return found


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"weight": None}, "incomplete_answer"),
        ({"remark": "Call the broker first"}, "ungrounded_content"),
        ({"weight": 7715}, "misinterpretation"),
    ],
)
def test_what_is_wrong_with_a_record_names_its_cause(fields: dict[str, Any], cause: str):
    found = named(RECORD, **fields)
    assert (found.cause, found.status) == (cause, "proven")


def test_no_probe_is_missed_that_cannot_be_asked():
    found = named(replace(RECORD, relevant=None), "prompt", weight=7715)
    assert {"oracle_context", "closed_book", "edited_context"}.isdisjoint(found.missing)


def test_a_record_in_an_array_is_wrong_in_form_alone():
    case = replace(RECORD, schema=SCHEMA)
    suite = Suite("notices", Path(), (case,), NOTICE, "digest")
    trace = Trace(response=json.dumps([FIELDS]), system="s", case_id="c1")
    run = evalkit.from_traces(suite, {"s": [trace]}, {"s": "prompt"})
    (found,) = run.systems["s"].findings
    assert (found.cause, found.also) == ("format_violation", ())


def test_a_system_that_reports_no_citations_is_told_of_where_they_are_due():
    case = Case("c1", "What is the weight?", reference=("6,825 kg",), relevant={"bx-77": 1})
    shown = (Passage("bx-77", text=NOTICE["bx-77"].text),)
    trace = Trace(response="6,825 kg [1]", retrieved=shown, context=shown, system="s", case_id="c1")
    for cited, told in ((None, 1), (("bx-77",), 0)):
        suite = Suite("n", Path(), (case,), NOTICE, "digest", profile={"citations": True})
        run = evalkit.from_traces(suite, {"s": [replace(trace, citations=cited)]}, {"s": "rag"})
        assert len(unreported_citations(run.suite, run.systems)) == told
