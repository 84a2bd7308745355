"""Frequent relations that every language says in several ways, each under one plain word: free of charge, at once, open until."""

from __future__ import annotations

import re
from functools import cache, lru_cache, partial

from evalkit.judges.irregular import key
from evalkit.text.alternation import any_of
from evalkit.text.gated import Gated
from evalkit.text.tokens import CACHE, SPACELESS, normalise

# plain word -> the ways to say it; a negation in a phrase is part of it and denies nothing any more.
_GRATIS = r"""
free of charge|free of cost|for free|at no (?:extra |additional )?(?:charge|cost)|(?:without|no) (?:any |extra |additional )?(?:charge|cost|fee)s?|for nothing|complimentary
(?:costs?|pays?|paying|charged?)((?: \w+){0,2}) nothing|nothing to pay|nothing at all(?= (?:if|for|when))
(?:do|does|did|will|need|have)(?:n['’]t| not)(?: (?:have|need))?(?: to)? (?:pay|cost)(?: (?:you|them|us|me))?(?: (?:anything|a thing|any money|for it|a fee))?(?! (?:more|less|until|before|after|extra|by|in|at|on|with|\d))
kostenlos\w*|kostenfrei\w*|gebührenfrei\w*|unentgeltlich\w*|umsonst|gratis|ohne (?:kosten|gebühr|aufpreis|aufschlag)|(?:kostet|zahlt|zahlen|bezahlt|bezahlen)((?: \w+){0,3}) nichts|keine (?:kosten|gebühr(?:en)?)\b
gratuit[oa]s?|gratuitamente|sin (?:coste|costo|cargo|pagar)(?: alguno| adicional)?|no (?:te |se |les? )?(?:cuesta|paga[ns]?)(?: \w+)? nada|no hay que pagar(?: nada)?
gratuite?s?|gratuitement|sans (?:frais|supplément)|(?:n['’]|ne )?(?:coûte|paie|paye|payez|paient|paye)(?: \w+){0,2} rien
(?:hoàn toàn )?miễn phí|không (?:mất|tốn|thu)(?: \w+)? (?:tiền|phí)(?: \w+)?|không (?:phải |cần )+(?:trả|đóng|nộp)(?: tiền| phí)?(?: \w+)?
無料|(?:料金|費用|お金)[はがも]*(?:かかり|掛かり)ません|(?:料金|費用|お金)[はがも]*(?:かから|掛から)ない|免费|免費|不(?:用|要|需要|需|必|必须|会)(?:再)?(?:付|交|花|收)?(?:钱|費|费用|费|款)|不收(?:取)?(?:任何)?(?:钱|费用|费)|무료
مجانا|مجانية|مجاني|مجانًا|(?:بدون|دون) (?:أي )?(?:رسوم|مقابل|تكلفة)|لا (?:تدفع|يدفع|تدفعون)(?: \w+)? شيئا|لا توجد رسوم|бесплатн\w+|gratuitament\w+|ücretsiz
"""
_CHARGEABLE = r"""
chargeable|subject to (?:a |an )?(?:extra )?(?:charge|fee)|kostenpflichtig\w*|gebührenpflichtig\w*|de pago|payante?s?|有料|收费|收費|(?:có|mất|tính|thu) phí|유료|платн\w+
"""
_AT_ONCE = r"""
at once|(?:straight|right) ?away|immediately|instantly|forthwith|without delay|on the spot|sofort|umgehend|unverzüglich|auf der stelle|de inmediato|inmediatamente|enseguida|en el acto|al instante
immédiatement|tout de suite|aussitôt|sur[- ]le[- ]champ|sans délai|ngay lập tức|lập tức|ngay|直ちに|すぐに?|即時に?|即座に|その場で|立即|立刻|马上|馬上|当场|當場|فورا|فورًا|على الفور|немедленно|сразу
"""
_OPEN_UNTIL = r"""
(?:clos|shut)(?:es|ing|e)?((?: \w+){0,3}) at|(?:is |are |stays? |remains? )?open((?: \w+){0,3}) (?:until|till|to)|runs? (?:until|till)|schließt|schließen|(?:hat |ist )?(?:geöffnet|offen|auf) bis|ferme|(?:est )?ouverte? jusqu['’]à
cierra|(?:está )?abiert[oa] hasta|đóng cửa(?: \w+)? lúc|mở(?: cửa)? đến|يغلق|مفتوح حتى|关门|關門|开到|閉館|閉店
"""
_HALF_PRICE = r"""
half[- ]price|half (?:of )?the (?:price|fare|fee)|halbe[nr]? preis|die hälfte(?: des preises)?|(?:a )?mitad de(?:l)? precio|(?:la )?moitié du prix|(?:à )?moitié prix|demi[- ]tarif|nửa giá|半額|半价|半價|نصف (?:السعر|القيمة|الثمن)
"""
_TOGETHER = r"""
at (?:a|the same|one) time|simultaneously|concurrently|in parallel|gleichzeitig|zugleich|al mismo tiempo|a la vez|simultáneamente|en même temps|simultanément|à la fois|cùng (?:một )?lúc|同時に|同时|同時|في (?:نفس الوقت|آن واحد)
"""
_BY_HAND = r"""
by hand|manually|von hand|manuell|à la main|manuellement|a mano|manualmente|bằng tay|thủ công|手動で|手作業で|手动|人工|يدويا|вручную
"""
_WEEKDAYS = r"""
mondays? (?:to|through|thru|till|until|-|–) fridays?|mon\.?\s?[-–]\s?fri\.?|on weekdays|weekdays|montags? bis freitags?|mo\.?\s?[-–]\s?fr\.?|de lunes a viernes|lunes a viernes|(?:du )?lundi (?:au|à) vendredi|(?:từ )?thứ hai đến (?:hết )?thứ sáu|月曜日?(?:から|~|〜|-)金曜日?|平日|周一[至到]周五|星期一[至到]星期五
"""
# What denies one verb and says what its opposite does; the words between stay.
_UNHINDERED = r"""
(?:do|does|did|will|would|to|can)(?:n['’]t| not) (?:block|obstruct|hinder|hold up|interrupt|lock out|get in the way of)|without (?:blocking|obstructing|hindering|interrupting)|non-blocking
lets?((?: \w+){1,5}) (?:carry on|continue|go on|proceed|keep going|keep running|work on)|allows?((?: \w+){1,5}) to (?:carry on|continue|go on|proceed|keep going|keep running)
(?:blockiert|behindert|unterbricht|stört)((?: \w+){0,4}) nicht|lässt((?: \w+){1,5}) weiter(?:laufen|arbeiten|machen)|ne (?:bloque|gêne|interrompt) pas|laisse((?: \w+){1,5}) continuer|no (?:bloquea|impide|interrumpe)|deja((?: \w+){1,4}) continuar
"""
_REMOVED = r"""
remov(?:es|ed|e|al|ing)|drop(?:s|ped|ping)?|discontinued?|eliminate[ds]?|withdraw[ns]?|withdrew|abolish(?:ed|es)?|t(?:ook|aken|akes) out|(?:is|are|was|were) gone|no longer (?:exists?|available|supported|there)
entfernt|abgeschafft|eingestellt|gestrichen|supprimée?s?|retirée?s?|eliminad[oa]s?|suprimid[oa]s?|bị (?:bỏ|xóa|loại bỏ)|gỡ bỏ|廃止|削除|删除|取消|移除
"""
_MARKED = r"""
mark(?:ed|s)?|flag(?:ged|s)?|label(?:led|ed|s)?|tag(?:ged|s)?|gekennzeichnet|markiert|marquée?s?|marcad[oa]s?|señalad[oa]s?|được đánh dấu
"""
_REMAINS = r"""
(?:stay|remain|sit|is|are|be)(?:s|ed)?(?: left)? behind|(?:is|are|be|was|were) left(?: over)?(?! out| to| up)|left over|remain(?:s|ed|ing)?|(?:do|does|did|will|would)(?:n['’]t| not) (?:go away|disappear|vanish)(?: on its own| by itself| by themselves)?|won['’]t (?:go away|disappear|vanish)(?: on its own| by itself| by themselves)?
bleib(?:t|en) (?:zurück|übrig)|verschwinde[nt]+ nicht|(?:reste|restent|queda|quedan)(?! \d)|(?:vẫn )?còn lại|残(?:る|り|って)\w*|留下
"""
_MULTIPLE = r"""
(?:several|many|multiple|a (?:number of|few)) times|a multiple|multiples|ein (?:vielfaches|mehrfaches)|mehrfach|plusieurs fois|varias veces|(?:gấp )?nhiều lần|何倍|数倍|好几倍
"""
_EACH = r"""
(?:an? |at (?:an )?|in )?intervals? of|(?:once |one )?(?:for|in) (?:each|every)|once per|every|each
(?:ein )?abstand von|im abstand von|(?:alle|jede[rsnm]?)(?= \d)|(?:un )?intervalle de|tou(?:s|tes) les|(?:un )?intervalo de|cada|(?:khoảng cách |cứ )?mỗi
"""
_TOO_LITTLE = r"""
(?:is|are|be)(?:n['’]t| not) (?:enough|sufficient)|(?:do|does|will|would)(?:n['’]t| not) (?:be enough|be sufficient|suffice)|won['’]t (?:be enough|suffice)|insufficient|alone (?:won['’]t|can['’]t|cannot|(?:do|does|is|are|will|would)(?:n['’]t| not))
(?:reicht|reichen|genügt|genügen)((?: \w+){0,3}) nicht(?: aus)?|ne suffi(?:t|sent) pas|insuffisante?s?|no (?:basta|alcanza|es suficiente)|insuficientes?|(?:là )?(?:không|chưa) đủ
"""
_HAPPEN = r"t(?:ak(?:es?|ing|en)|ook) place|occurs?|occurred|findet((?: \w+){0,4}) statt|stattfinden|a lieu|tiene lugar|diễn ra|xảy ra"
_SENSES = {"unhindered": _UNHINDERED, "removed": _REMOVED, "marked": _MARKED, "remaining": _REMAINS, "multiple": _MULTIPLE, "every": _EACH, "insufficient": _TOO_LITTLE, "happening": _HAPPEN, "simultaneously": _TOGETHER, "manually": _BY_HAND, "weekdays": _WEEKDAYS, "50%": _HALF_PRICE, "dưới": "\nchưa (?:đủ|đến|tới)\n", "gratis": _GRATIS, "chargeable": _CHARGEABLE, "immediately": _AT_ONCE, "open until": _OPEN_UNTIL}  # fmt: skip


def _pattern(listed: str) -> Gated:
    ways = "|".join(line for line in listed.strip().split("\n"))
    return Gated(rf"(?:(?<![^\W_])|(?<=[{SPACELESS}])|(?=[{SPACELESS}]))(?:{ways})(?:(?!\w)|(?<=[{SPACELESS}]))")  # fmt: skip


_PATTERNS = {plain: _pattern(listed) for plain, listed in _SENSES.items()}
# What carries nothing beside a value or a consequence: to cost, pay, get, need, lead to, come to.
_LIGHT_WORDS = """
per percent prozent still cent taking getting giving making paying costing within dafür man die das innerhalb binnen uhr dort hier there here pm am heure heures dafür dann then thus also
cost costs pay pays paid charge charges charged price priced fee rate amount amounts get gets got receive receives give gives given take takes need needs
required require apply applies come comes last lasts make makes lose loses result results lead leads mean means cause causes allowed permitted possible apiece happening valid during remains stays maximum minimum max min
kosten kostet zahlen zahlt bezahlen gebühr preis beträgt betragen bekommen bekommt erhalten erhält brauchen braucht dauert gilt bedeutet führt folgt zeit erlaubt verboten möglich gültig erfolgt erfolgen geschieht gilt während über maximal minimal mindestalter mindestens höchstens spätestens wenigstens fällig nötig notwendig
costar cuesta cuestan pagar paga pagas pagan cobra cobran cobrar vale valen precio tarifa recibe recibes recibir dura durar supone suponen suponer conlleva conllevan implica hay puede puedes pueden tienes necesita necesitas necesario posible quedas queda sale sirve válido válida válidos válidas vigente durante mínimo máximo mínima máxima menos como
coûte coûtent coûter paie payer payez prix tarif reçoit recevez recevoir dure durer entraîne entraînent implique faut devez doit doivent avez avoir peut pouvez valable valables vaut reste pendant durant possible minimum maximum minimale maximale moins
phí giá tiền trả nộp đóng mất phải cần nhận được bạn tối thiểu đa ít nhất không quá
تدفع يدفع رسوم تكلفة سعر تبلغ يجب يمكن يؤدي تحصل لديك غضون خلال
"""
LIGHT = frozenset(key(word) for word in normalise(_LIGHT_WORDS).split())


def _put(word: str, match: re.Match[str]) -> str:
    """The plain word, with the words that stood within the phrase."""
    return " ".join(("", word, *filter(None, match.groups()), ""))


_SAID = tuple((pattern, partial(_put, word)) for word, pattern in _PATTERNS.items())


@cache
def _hint() -> re.Pattern[str]:
    """One of the literals that the patterns need: most texts have none, which one look tells."""
    return re.compile(
        any_of([literal for pattern, _ in _SAID for literal in pattern.needed or ("",)])
    )


@lru_cache(CACHE)
def plainly(text: str) -> str:
    """``text`` normalised, frequent relations by their plain words: "costs nothing" is "gratis"."""
    plain = normalise(text)
    if not _hint().search(plain):
        return plain
    for pattern, put in _SAID:
        plain = pattern.sub(put, plain)
    return plain


# What speaks against a plain word: what blocks does not leave unhindered.
_CONTRARY = {
    "unhindered": r"block|obstruct|hinder|interrupt|lock|bloqu|behinder|stör|gên",
    "remaining": r"go(?:es)? away|disappear|vanish|verschwind|dispara",
    "insufficient": r"enough|sufficient|suffic|suffit|suffis|reich|genüg|basta|alcanza|đủ",
}
_CONTRARIES = {word: Gated(rf"(?<!\w)(?:{ways})") for word, ways in _CONTRARY.items()}


def contrary(one: str, other: str) -> bool:
    """Whether one of two plain texts has a plain word that the other lacks, which has the contrary."""
    return any(
        (word in one) is not (word in other) and ways.search(other if word in one else one)
        for word, ways in _CONTRARIES.items()
    )
