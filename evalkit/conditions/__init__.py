"""The shelf of conditions, in the order of the table: every way in which a case can be asked again."""

from evalkit.conditions import context, contract, retrieval, room, wording

CONDITIONS = (
    *context.CONDITIONS,
    *retrieval.CONDITIONS,
    *room.CONDITIONS,
    *wording.CONDITIONS,
    *contract.CONDITIONS,
)
