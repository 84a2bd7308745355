"""A record that is left empty, one that invents, and one that is wrapped: told apart by the fields alone."""

from __future__ import annotations

import pytest

from evalkit.fields import invented, left_empty, row_of, wrong_fields
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
