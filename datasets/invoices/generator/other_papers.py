"""Papers that reach the same inbox and are no invoices."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from generator.vendors import Vendor
from generator.wording import money

REFUSALS = (
    "I am sorry, but this text is not an invoice, so there is no invoice record to fill in.",
    "Sorry, this looks like {kind} rather than an invoice, so I cannot extract a record from it.",
    "This is {kind} and not an invoice, so I have not made a record; please send the invoice itself.",
)
LANGUAGES = {"lieferschein": "de", "mahnung": "de", "devis": "fr"}  # the others are in English
KINDS = {
    "delivery_note": "a delivery note",
    "reminder": "a payment reminder",
    "advertisement": "an advertisement",
    "quotation": "a quotation",
    "order_confirmation": "an order confirmation",
    "statement": "a statement of account",
    "lieferschein": "a delivery note",
    "mahnung": "a payment reminder",
    "devis": "a quotation",
    "notice": "a notice about changed opening hours",
}
TEXTS = {
    "delivery_note": """{name}
{street}, {city}

DELIVERY NOTE {serial}
Date of dispatch: {day}
To: Kestrelmoor Instruments, goods-in, gate {gate}
Your order: PO-25-{order}

Pos  Goods                           Qty   Parcels
1    as per order line 10            {a}    2
2    as per order line 20            {b}     1

Goods received in good order: ______________________
This note travels with the goods. The bill follows by separate post.""",
    "reminder": """From: ledger@{domain}
Subject: Friendly reminder

Dear accounts team,

our books show that invoice {y}-{serial} of {earlier} over {currency} {sum} is still open. It fell due some
weeks ago. Should your payment have crossed with this message, please ignore it; otherwise we
would be glad to receive the amount by {day}.

Kind regards
Credit control, {name}""",
    "advertisement": """{name} -- SAVING WEEKS

Only until {day}: {percent}% off everything in the new catalogue.
   * from {currency} {small} apiece, free delivery above {currency} {sum}
   * order line open from 7 to 19
   * quote code HELLO{gate} when you order

Prices without tax, while stocks last. You get this leaflet because you are a customer of ours.""",
    "quotation": """{name}, {city}
QUOTATION no. {serial}            Date: {day}
Valid for {gate} days

For Kestrelmoor Instruments, as discussed with your purchasing department:

  {a} units at {currency} {small}
  fitting and travel at cost
  estimated total without tax: {currency} {sum}

We would start two weeks after your written order. No payment is due on this offer.""",
    "order_confirmation": """Order confirmation {serial}
{name}

Thank you for order PO-25-{order} of {earlier}. We have booked {a} units for delivery in the week
of {day}, unloading gate {gate}. Expected value {currency} {sum} plus tax. You will be billed
when the goods leave our yard.""",
    "statement": """STATEMENT OF ACCOUNT                       {name}
as of {day}

Opened      Document        Debit          Credit
{earlier}  {y}-{serial}     {sum}
{earlier}  payment                         {sum}
Balance carried forward                    0.00

For your information only. Nothing is to be paid on this sheet.""",
    "lieferschein": """LIEFERSCHEIN Nr. {serial}
{name} | {street} | {city}

Lieferdatum: {day}       Empfänger: Kestrelmoor, Wareneingang Tor {gate}
Ihre Bestellung: 45000{order}

Menge   Bezeichnung
{a}      laut Bestellung Pos. 10
{b}      laut Bestellung Pos. 20
1       Leergut, wird getauscht

Ware vollständig erhalten: ____________________   Die Rechnung geht Ihnen getrennt zu.""",
    "mahnung": """{name}
ZAHLUNGSERINNERUNG

Sehr geehrte Damen und Herren,
zu unserer Rechnung {y}/{serial} vom {earlier} über {sum} {currency} konnten wir noch keinen Eingang
feststellen. Bitte überweisen Sie den Betrag bis {day}. Eine Mahngebühr erheben wir heute nicht.
Sollten Sie schon gezahlt haben, betrachten Sie dieses Schreiben als gegenstandslos.""",
    "devis": """DEVIS n° {serial}                         {name}
Le {day}, valable {gate} jours

Objet : demande de prix de la société Kestrelmoor
  {a} pièces, prix unitaire indicatif {small} {currency}
  transport en sus
  Total estimatif HT : {sum} {currency}

Bon pour accord, date et signature : ______________""",
    "notice": """To all customers of {name}

From {day} our counter in {city} opens at 8 and closes at 16. Deliveries go to gate {gate} as before.
Orders placed before noon still leave on the same day. Our bank account does not change.""",
}


def other_paper(kind: str, vendor: Vendor, rng: Random) -> tuple[str, str]:
    """The text of such a paper, and a polite sentence that declines it."""
    day = date(2025, 1, 10) + timedelta(days=rng.randrange(300))
    count, price = rng.randrange(10, 60), rng.randrange(300, 6000)
    text = TEXTS[kind].format(
        name=vendor.name,
        street=vendor.street,
        city=vendor.city,
        domain=vendor.domain,
        currency=vendor.currency,
        order=rng.randrange(10000, 99999),
        serial=rng.randrange(10000, 99999),
        day=day.isoformat(),
        earlier=(day - timedelta(days=rng.randrange(30, 70))).isoformat(),
        y=day.year,
        gate=rng.randrange(10, 40),
        a=count,
        b=rng.randrange(10, 60),
        sum=money(count * price + rng.randrange(50, 400) * 100, 2, vendor.country),
        small=money(price, 2, vendor.country),
        percent=rng.choice((10, 15, 20)),
    )
    return text, rng.choice(REFUSALS).format(kind=KINDS[kind])
