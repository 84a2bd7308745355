"""Words that exclude each other: what turns a supported statement into a contradicted one."""

from __future__ import annotations

from evalkit.text.tokens import stem

# One pair a line; "/" separates words of the same side. Pairs that often stand together without
# excluding each other (man/woman, day/night, buy/sell) are left out on purpose.
_PAIRS = """
increase/rise/grow/raise/gain decrease/decline/fall/drop/reduce/lower/shrink/loss
higher/highest/high lower/lowest/low
more/most less/fewer/least
larger/largest/large/big/biggest/huge smaller/smallest/small/tiny
longer/longest/long shorter/shortest/short
earlier/earliest/early later/latest/late
before after
first last/final
faster/fastest/fast/quick slower/slowest/slow
stronger/strongest/strong weaker/weakest/weak
best/better/good/excellent worst/worse/bad/poor/mediocre/inferior
maximum/max minimum/min
above/over below/under
inside/indoor outside/outdoor
include/contain exclude/omit/lack
allow/permit/enable forbid/prohibit/ban/prevent/disallow
accept/approve/agree reject/refuse/decline/disapprove/disagree/deny
win/won/victory lose/lost/defeat
begin/began/start/open/launch end/ended/stop/finish/close/cease
succeed/success/successful fail/failure/unsuccessful
support/favour/favor oppose/against
rich/wealthy poor
cheap/inexpensive/affordable expensive/costly/overpriced
free/complimentary/gratis paid/fee/chargeable
public private
internal external
domestic foreign/international
local global/remote/worldwide
national regional
legal/lawful illegal/unlawful
possible/able impossible/unable
required/mandatory/compulsory/obligatory/must optional/voluntary
always/every never
all/every/everyone none/nobody
often/frequent/frequently/usually rarely/seldom/rare
many/several/multiple/numerous/various few/single/one/sole
some none
wide/broad/extensive/comprehensive narrow/limited/restricted/partial/basic
general/generic/standard specific/particular/personalized/personalised/individual/custom
simple/easy complex/complicated/difficult/hard
safe/secure unsafe/dangerous/insecure/risky
healthy unhealthy/sick
positive negative
active/actively inactive/passive
present absent
visible invisible/hidden
permanent/permanently temporary/temporarily
modern/new/latest/recent ancient/old/outdated/obsolete/old-fashioned
existing/current former/previous/new
hot/warm cold/cool
dry wet
hard soft
light heavy
full/entire/whole/complete/total partial/empty/incomplete
long-term short-term
online offline
ahead behind
advantage/benefit/strength disadvantage/drawback/weakness/shortcoming
help/assist/improve/enhance hinder/harm/impede/worsen/hurt
improve/better/upgrade worsen/deteriorate/degrade
interest/interested disinterest/uninterested/indifferent
happy/satisfied/pleased unhappy/dissatisfied/disappointed/upset
love/like/enjoy hate/dislike
true/correct/right/accurate false/incorrect/wrong/inaccurate
north/northern south/southern
east/eastern west/western
left right
upper lower
up down
import export
arrive depart/leave
born died/dead/death
alive/living dead/deceased
hire/employ/appoint fire/dismiss/lay
add/attach remove/delete/subtract
encourage/promote discourage/deter
attract repel
expand/expansion contract/contraction
flexible rigid/inflexible/strict
guarantee/certain/definitely uncertain/maybe/possibly
major/significant/important/considerable minor/insignificant/unimportant/negligible
primary/main secondary
majority minority
senior junior
teacher student
parent child
employer employee
landlord tenant
mother father
brother sister
son daughter
husband wife
king queen
his her
he she
mr mrs/ms/miss
monday/tuesday/wednesday/thursday/friday saturday/sunday
monthly/month weekly/week
month year
yearly/annual/annually/year monthly
daily weekly
hours days
morning evening/afternoon/night
spring autumn/fall
summer winter
steigen/steigt/zunehmen/erhöhen sinken/sinkt/abnehmen/senken
erlaubt/zulässig verboten/unzulässig
augmenter/hausse diminuer/baisse
aumentar/aumento disminuir/disminución
tăng giảm
nhiều ít
cao thấp
増加 減少
増え 減少
増加 下降
上昇 下降
上升 下降
增加 减少
زيادة انخفاض
ارتفع انخفض
"""


def _build() -> dict[str, frozenset[str]]:
    """Stem -> the stems that exclude it, in both directions."""
    table: dict[str, set[str]] = {}
    for line in _PAIRS.strip().split("\n"):
        left, right = ([stem(word) for word in side.split("/")] for side in line.split())
        for here, there in ((left, right), (right, left)):
            for word in here:
                table.setdefault(word, set()).update(there)
    return {word: frozenset(others - {word}) for word, others in table.items()}


OPPOSITES: dict[str, frozenset[str]] = _build()

# Words that narrow or turn a statement: harmless when the source has them, an invention when not.
_RESTRICTING = """
only solely merely exclusively never without lack limited restricted instead despite unless except excluding
exclude refuse decline deny reject unable fail barely hardly rarely unfortunately neither nor cannot
nur ausschließlich niemals ohne trotz außer seulement uniquement jamais sans sauf solo solamente nunca sin excepto
chỉ trừ だけ のみ 只 仅 فقط только
"""
RESTRICTIONS: frozenset[str] = frozenset(stem(word) for word in _RESTRICTING.split())
