"""Words that carry no content of their own, by language, and the words that negate."""

from __future__ import annotations

_ENGLISH = """
a about above after again all also am an and any are aren't as at be because been before being below
between both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each
either else etc even ever few for from further had hadn't has hasn't have haven't having he her here hers
herself him himself his how however i if in into is isn't it its itself just let may me might more most
must my myself neither no nor not of off on once only onto or other our ours ourselves out over own per
rather same shall shan't she should shouldn't so some such than that the their theirs them themselves then
there therefore these they this those though through thus to too under until up upon very via was wasn't we
were weren't what when where whether which while who whom whose why will with within without won't would
wouldn't yet you your yours yourself yourselves
"""
_GERMAN = """
aber alle allem allen aller alles als also am an auch auf aus bei beim bis bin bist da dabei dadurch daher
damit dann das dass dein dem den denn der deren des dessen die dies diese diesem diesen dieser dieses doch
dort du durch ein eine einem einen einer eines er es euch für gegen hat hatte hatten haben habe ich ihm ihn
ihnen ihr ihre ihrem ihren ihrer im in ins ist ja jede jedem jeden jeder jedes kann können könnte mein mit
muss müssen nach nicht nichts noch nun nur ob oder ohne sehr sein seine seinem seinen seiner seit sich sie
sind so soll sollte sondern über um und uns unser unter vom von vor war waren weil wenn werden wird wurde
wurden was welche welcher welches wer wie wir wo zu zum zur zwar zwischen kein keine keinem keinen keiner
"""
_FRENCH = """
à au aux avec ce ceci cela ces cet cette ceux chez comme dans de des donc dont du elle elles en entre est
et était étaient être eu fait il ils je la le les leur leurs lui ma mais me mes mon même ne ni nos notre
nous on ont ou où par pas peut plus pour pourquoi quand que quel quelle quels quelles qui sa sans se ses
si son sont sous sur ta te tes toi ton tous tout toute toutes très tu un une vers vos votre vous y c'est
d'un d'une l'un qu'il qu'elle n'est a
"""
_SPANISH = """
al algo algunos ante antes como con contra cual cuando de del desde donde durante el ella ellas ellos en
entre era eran es esa esas ese eso esos esta estas este esto estos está están fue fueron ha han hasta hay la
las le les lo los más me mi mientras muy nada ni no nos nosotros o os otra otro para pero por porque que
quien qué se sea ser si sí sin sobre son su sus también te tiene tienen todo todos tu un una uno unos y ya yo
"""
_ITALIAN_PORTUGUESE = """
il lo gli i uno della dello delle degli dei del nel nella nelle nei con su per tra fra che chi non è sono era
erano come più ma anche se questo questa questi queste quello quella di da o os as um uma uns umas do dos das
no na nos nas ao aos pelo pela com por para não são foi foram como mais mas também este esta isso ele ela
eles elas seu sua seus suas em e
"""
_DUTCH = """
de het een en van is dat die in te met op voor zijn er aan niet ook als bij maar om door over ze zij hij was
waren wordt werd worden naar uit dan nog wel geen deze dit heeft hebben kan tot of
"""
_VIETNAMESE = """
và là của có cho các những một được trong với này đó khi không thì mà ở từ đến về như để bởi do vì nếu
nhưng cũng đã đang sẽ rất hay hoặc tại trên dưới ra vào lại còn nên theo bị bằng sau trước giữa cùng gì nào
"""
_ARABIC = """
في من على إلى الى عن مع هذا هذه ذلك تلك التي الذي الذين هو هي هم كان كانت يكون أن ان إن أو او و ثم لا لم
لن ما قد كل بعض غير بين عند حتى اذا إذا كما أي اي بعد قبل هناك لكن منذ أيضا ايضا
"""
_RUSSIAN = """
и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было вот от
меня еще нет о из ему когда даже ну ли если уже или ни быть был него до вас они тут где есть для мы их чем
была сам чтоб без будто этот это эта эти который которая которые при также
"""
_HINDI = "का के की है हैं में से को पर और यह वह ने हो था थी थे कि एक इस उस भी नहीं तो या लिए"
_TURKISH = "ve bir bu da de için ile mi ne o olarak çok daha gibi kadar ama en her olan değil"

_BY_LANGUAGE = (
    _ENGLISH,
    _GERMAN,
    _FRENCH,
    _SPANISH,
    _ITALIAN_PORTUGUESE,
    _DUTCH,
    _VIETNAMESE,
    _ARABIC,
    _RUSSIAN,
    _HINDI,
    _TURKISH,
)
# Words of one language that carry content in English, where they are common.
_CONTENT_ELSEWHERE = frozenset(
    {
        "die",
        "war",
        "me",
        "son",
        "den",
        "ton",
        "sole",
        "dies",
        "sea",
        "once",
        "sin",
        "pour",
        "fait",
        "das",
    }
)

STOP_WORDS: frozenset[str] = frozenset(" ".join(_BY_LANGUAGE).split()) - (
    _CONTENT_ELSEWHERE - frozenset(_ENGLISH.split())
)

_NEGATIONS = """
no not never none neither nor cannot nobody nothing nowhere without unable lacks lack fails failed
nicht kein keine keinen keinem keiner nie niemals ohne nichts weder
ne pas jamais aucun aucune sans rien nunca ningún ninguna ninguno sin non nessun mai não nenhum
niet geen nooit không chưa chẳng لا لم لن ليس ليست غير بدون не нет никогда без नहीं değil
"""
NEGATIONS: frozenset[str] = frozenset(_NEGATIONS.split())
