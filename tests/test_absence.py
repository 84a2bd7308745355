"""To say that the source lacks what is asked is to decline; to deny the thing itself is to answer."""

from __future__ import annotations

import pytest
from support import make_case, make_trace

from evalkit.judges.embedded import EmbeddedJudge
from evalkit.text.absence import says_absent

SILENT = (
    ("Ferritin was not measured in this report.", "Extract the ferritin from this report."),
    ("The report contains no ferritin result.", "Extract the ferritin from this report."),
    (
        "There is no plumber among the adverts, so no wage can be given.",
        "What does the plumber earn?",
    ),
    (
        "The documents do not mention BX-77. Please check the number.",
        "Give me the record of BX-77.",
    ),
    (
        "Ferritin wurde in diesem Bericht nicht gemessen.",
        "Wie hoch ist Ferritin in diesem Bericht?",
    ),
    ("El informe no contiene ningún resultado de ferritina.", "Extrae la ferritina del informe."),
    ("Báo cáo không có kết quả ferritin.", "Trích ferritin từ báo cáo."),
    ("フェリチンはこの報告書に記載されていません。", "この報告書のフェリチンを抽出して。"),
)
SAYING = (
    ("There is no fee.", "What is the fee?"),
    ("The warranty does not include batteries.", "What does the warranty cover?"),
    ("No documents are required for a refund.", "Which documents are required for a refund?"),
    ("Late reports are not given a mark.", "What mark do late reports get?"),
    ("The report does not contain ferritin.", "Does the report contain ferritin?"),
    (
        "The report does not mention the delay, but the ship came two days late.",
        "When did the ship come?",
    ),
    ("The report has no value for ferritin under 30.", "What is the ferritin in the report?"),
)


@pytest.mark.parametrize(("answer", "query"), SILENT)
def test_a_source_without_what_is_asked_declines(answer: str, query: str):
    assert says_absent(answer, query)
    assert EmbeddedJudge().judge(
        make_case(query=query), make_trace(answer)
    ).refused == pytest.approx(0.93, abs=0.04)


@pytest.mark.parametrize(("answer", "query"), SAYING)
def test_a_denial_that_answers_does_not(answer: str, query: str):
    assert not says_absent(answer, query)


def test_an_absence_that_is_labelled_is_an_answer():
    answer = "Ferritin was not measured in this report."
    case = make_case(query="What was left out of the ferritin test?", reference=answer)
    evidence = EmbeddedJudge().judge(case, make_trace(answer))
    assert evidence.refused is not None
    assert evidence.refused < 0.5
