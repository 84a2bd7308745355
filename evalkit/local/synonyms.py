"""General knowledge of English: words of everyday and office life that mean nearly the same."""

from __future__ import annotations

from functools import lru_cache

from evalkit.text.tokens import stem

# One group a line; a word may stand in several. Written as a thesaurus would, not from any test.
_GROUPS = """
mail email message letter
phone mobile smartphone handset device
coworker colleague teammate
staff employee worker people person crew member team
boss manager supervisor
cost price fee charge pay amount
bill invoice
refund reimburse repay back
reduction discount rebate saving cheaper
login signin sign log
password passcode credential
code pin token
lock block freeze close suspend
unlock open release
maximum limit ceiling most top upper cap
minimum least lowest floor
start begin commence launch
end stop finish close expire lapse
valid good work stand last
wait delay pause hold
remove delete erase drop
restore recover reactivate back undo return
buy purchase order acquire
merge combine join unite
split divide separate
add invite create put
list file spreadsheet csv table
row line entry record
company firm business organisation account
shop store branch location site restaurant clinic hotel
customer client
vacation holiday leave absence off
sick ill illness
break rest pause
shift duty roster
schedule plan rota calendar
overtime extra additional
wage pay salary earning
hour time clock
punch clock stamp
copy duplicate
backup copy recovery spare
second two another
notice warning advance ahead announce
raise increase rise up higher grow
lower decrease reduce cut less
bank wire transfer
card credit debit
tax vat
quarter three
year annual yearly
month monthly
week weekly
day daily
night evening
connect link hook integrate couple
provider supplier vendor
server host
data information record
steal theft breach leak lost
export download save
import upload load
tablet kiosk terminal
offline disconnected connection internet
online connected
screen page view window
picture photo image
see view look read
change edit modify adjust alter correct fix update
wrong mistake error fault false
approve confirm accept agree
refuse reject decline deny
allow may permit can possible able
forbid prohibit cannot impossible
automatic automatically itself standard default
manual hand
owner holder
admin administrator
role right permission access
offer quote proposal
contract agreement subscription
cancel terminate quit leave end
renew extend prolong
upgrade move switch change
nonprofit charity volunteer
trial test try demo
support help service desk
answer reply respond react
fast quick soon speed
slow late
safe secure trust security
language translation
number count quantity many
colour color
new fresh
old previous former past
""".strip()


@lru_cache(1)
def _related() -> dict[str, frozenset[str]]:
    related: dict[str, set[str]] = {}
    for line in _GROUPS.splitlines():
        stems = [stem(word) for word in line.split()]
        for word in stems:
            related.setdefault(word, set()).update(other for other in stems if other != word)
    return {word: frozenset(others) for word, others in related.items()}


def related(word: str) -> frozenset[str]:
    """Stems that mean nearly the same as a stem; empty where none is known."""
    return _related().get(word, frozenset())
