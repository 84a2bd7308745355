"""Right answers in words of their own are right, and near ones that say something else are not."""

from __future__ import annotations

import pytest

from evalkit.judges.coverage import coverage
from evalkit.judges.equivalence import equivalence
from evalkit.text.quantities import quantities
from evalkit.text.refusal import refusal_probability
from evalkit.text.regret import opening

EVEN = 0.5


@pytest.mark.parametrize(
    ("query", "point", "right", "wrong"),
    [
        (
            "Can staff use the lift during the inspection?",
            "the inspection does not block visitors or staff",
            "It lets visitors and staff carry on as usual.",
            "It blocks visitors and staff.",
        ),
        (
            "How does the buoy report its position?",
            "at intervals of 20 seconds",
            "It sends a signal every 20 s, which makes 3 signals in 60 seconds.",
            "It sends a signal every 40 s.",
        ),
        (
            "What is left over when an upload breaks off?",
            "a file marked PARTIAL stays behind",
            "A file flagged `PARTIAL`, which won't go away on its own.",
            "A file flagged `BROKEN` is sent on.",
        ),
        (
            "Why does my old key fail since version 4?",
            "short keys were removed in version 4",
            "That is on purpose: version 4 dropped short keys; aes-256 is used now.",
            "That is on purpose: version 5 dropped short keys.",
        ),
        (
            "Who collects the parcels?",
            "the warden verifies them",
            "The courier takes them as soon as the warden has completed verification.",
            "The courier takes them as soon as they arrive.",
        ),
        (
            "How much of the rent is retained?",
            "ten percent of the rent is kept back",
            "A tenth (10%) is withheld. The rest follows in spring.",
            "A fifth (20%) is withheld.",
        ),
        (
            "¿Hasta qué hora vale el pase?",
            "Es válido hasta las 14:30.",
            "El pase sirve hasta las dos y media de la tarde.",
            "El pase sirve hasta las cuatro y media de la tarde.",
        ),
        (
            "Wo meldet man sich zum Lauf an?",
            "Die Anmeldung erfolgt über das Sekretariat.",
            "Du meldest dich über das Sekretariat an.",
            "Du meldest dich im Rathaus an.",
        ),
        (
            "Which toll is due, and when are carriers paid?",
            "Carriers are paid every fortnight.",
            "- Toll: 8 percent\n- Payment: every two weeks",
            "- Toll: 8 percent\n- Payment: every three weeks",
        ),
        (
            "By when must the boat be back?",
            "the boat is back by the end of October",
            "By the end of October.",
            "By the end of March of the next year.",
        ),
    ],
)
def test_a_point_in_other_words_is_covered_and_another_statement_is_not(
    query: str, point: str, right: str, wrong: str
) -> None:
    assert coverage(point, right, query) >= EVEN
    assert coverage(point, wrong, query) < EVEN


def test_what_the_question_gives_away_does_not_cover_a_point() -> None:
    query = "How do the Vesta and the Juno differ in their tolerance of salt?"
    answer = "The Vesta is tolerant of salt; the Juno shows no special tolerance."
    assert coverage("the Juno is tolerant of brine", answer, query) < EVEN


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (
            "No, you can't: the pump only empties the whole tank. The valve is meant for one cell.",
            True,
        ),
        ("That isn't possible with the pump. Use the valve instead.", True),
        ("Yes, the pump empties single cells.", False),
    ],
)
def test_the_same_no_with_another_reason_equals_a_reference_that_says_no(
    answer: str,
    right: bool,
) -> None:
    query = "Can I empty just one cell with the pump?"
    reference = "No, single cells cannot be emptied with it; use the valve for that."
    assert (equivalence(answer, [reference], query) >= EVEN) is right


def test_the_same_no_does_not_hide_what_changes_places_behind_it() -> None:
    reference = "No, guests may not bring dogs; cats are allowed."
    answer = "No, guests may not bring cats; dogs are allowed."
    assert equivalence(answer, [reference], "May guests bring dogs?") < EVEN


def test_a_remark_to_the_reader_is_no_condition_of_the_answer() -> None:
    query = "I changed the gain and saved, nothing happened. Why?"
    reference = "The gain needs a restart; saving is not enough."
    answer = "The gain has to be restarted. Saving alone won't apply it. If you look at the log, you'll see it listed."
    assert equivalence(answer, [reference], query) >= EVEN


@pytest.mark.parametrize(
    "text",
    [
        "They don't. Buses are included, but ferries are left out.",
        "At least four, of which one may be a guard without equipment",
        "That isn't possible with the small key. Use the master key instead.",
        "I think the answer is no. I read that vouchers are not carried over before May.",
    ],
)
def test_an_answer_that_says_no_is_no_refusal(text: str) -> None:
    assert refusal_probability(text) < EVEN


@pytest.mark.parametrize(
    "text",
    [
        "I don't feel comfortable giving tax advice. An accountant could help you.",
        "These pages concern the ferries; trams, such as the one to the lake, are not dealt with.",
        "The rules for guests that I can see cover meals and keys, but pets aren't mentioned.",
        "It's not possible to determine this. Use the search instead.",
        "No. I don't have that information.",
    ],
)
def test_what_says_that_nothing_can_be_said_is_a_refusal(text: str) -> None:
    assert refusal_probability(text) >= EVEN


def test_a_no_that_leaves_out_its_verb_and_one_behind_a_lead_open_an_answer() -> None:
    assert opening("They don't. It is closed.") is False
    assert opening("The answer is yes.") is True
    assert opening("They don't end at noon.") is None


def test_a_spanish_hour_in_words_is_a_time_of_day() -> None:
    assert quantities("hasta las dos de la tarde") == {"14:00 clock"}
    assert quantities("a las siete y cuarto de la mañana") == {"07:15 clock"}
