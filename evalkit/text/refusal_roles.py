"""The part each word plays in a refusal, by language: who speaks, which source, what is lacking.

A sentence becomes a string of letters, one a word that matters; ``refusal_rules`` reads it:

    s I   p we   y you   d a source   i information   u the question or topic   h this, that   w what, whether
    n not   N no, any   q nothing, nowhere   x cannot   l silent, unclear   j missing   b beyond   O open   z dunno
    k find, know   v answer, say   t mention, explain   T cover, contain   m possible   H have   D share, recommend   f I can, I have (in one word)
    e I know (in one word)   r about   I in, from   a sorry   g search   c any other content   , a pause
"""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.text.alternation import any_of
from evalkit.text.tokens import CACHE, is_content

# A star stands for any letters: "dokument*" is a beginning, "*artikel*" a part of a longer word.
_ENGLISH = {
    "s": "i me myself",
    "p": "we us",
    "y": "you your yours he she nobody anybody anyone people customers users",
    "d": """document documents docs documentation text texts passage passages context contexts article articles source sources
        material materials excerpt excerpts snippet snippets guide guides handbook handbooks manual manuals wiki faq faqs kb
        notes knowledge-base help-center help-centre help-page help-pages page pages paragraph paragraphs reference references
        records results search database evidence extracts section sections literature corpus files anything-provided""",
    "i": """information info details detail data clue clues idea entry entries word indication explanation description
        knowledge scope remit expertise specifics insight certainty record guidance hint trace facts figures""",
    "u": "question query request topic subject matter asked ask issue point enquiry inquiry",
    "h": "this that it they these those one such here there its thing something what-you",
    "w": "what who whom whose how when where why whether which if",
    "n": "not never neither nor hardly isnt doesnt didnt fails fail failed",
    "N": "no zero",
    "q": "nothing nowhere none neither naught",
    "x": "cannot unable impossible cant couldnt incapable",
    "l": """silent unclear unknown undocumented unanswered unanswerable unspecified unstated unmentioned inconclusive irrelevant
        unrelated insufficient inadequate mute""",
    "j": "missing absent unavailable lack lacks lacking lacked",
    "b": "beyond outside",
    "O": "open",
    "z": "dunno unanswerable no-idea no-clue empty-handed drawn-a-blank drew-a-blank up-empty",
    "k": "know known find found finding locate located see determine determined establish sure certain aware familiar identify confirm verify deduce infer conclude ascertain",
    "v": """answer answers answered answering say says saying said tell tells telling told help helps helpful assist respond
        resolve resolved speak speaks guess answerable""",
    "t": """mention mentions mentioned documented discusses discussed describe describes described explain explains
        explained address addresses addressed specify specifies specified state states stated go-into goes-into going-into touch
        touches touched deal deals talk talks indicate indicates indicated clarify clarifies clarified reveals
        refer refers referenced extend extends relate relates elaborates written recorded treat treats comprise
        suffice suffices detailed""",
    "T": """cover covers covered covering contain contains contained include includes included provide provides provided list
        lists listed show shows offer offers give gives given hold holds supply allow allows permit permits enough
        sufficient support supports present available report reports""",
    "m": "possible able position",
    "H": "have has got",
    "D": """share disclose comment draft compose recommend recommendation advise advice predict speculate assess judge elaborate
        promise write discuss reveal""",
    "r": "about on regarding concerning of to for towards like around",
    "I": "in from within by among part based anywhere with using",
    "a": """sorry apologies apology apologise apologize afraid unfortunately regrettably sadly regret alas unluckily hmm
        afraid wish""",
    "g": "look looked looking search searched searching checked check checking browsed went scanned consulted reviewed read going went",
    "": """am is are was were be been being do does did will would could can may might must should shall had having any a an the my our
        and or so as but than then just only really currently simply quite very much specific explicit direct relevant further
        clear enough single particular exact actually still yet also all both either else please accurately at moment right
        now able get come came up out into over off well time hand front given entirely requested needed useful thanks
        good great shown received retrieved following above below own other others more longer directly seems seem appears
        appear looks question's let however able like leave leaves remain remains stay stays returned turned anything everything
        exactly precise precisely certain different two three five way""",
}
_GERMAN_DUTCH = {
    "s": "ich mir mich ik mij",
    "p": "wir uns wij ons",
    "y": "sie du ihr man u jij je-kunt niemand",
    "d": """dokument* text texte texten textes kontext* *artikel* quelle* *unterlage* *anleitung* *handbuch* *handbüch*
        hilfeseite* *leitfaden* abschnitt* auszug* auszüge* passage* wissensdatenbank* *dokumentation* material* textstelle*
        document documenten tekst teksten bron bronnen *handleiding* kennisbank* context helppagina* gids gidsen""",
    "i": "information* angabe* auskunft auskünfte hinweis* daten einzelheiten ahnung wort rede eintrag informatie gegevens idee woord vermelding",
    "u": "frage thema punkt anfrage anliegen vraag onderwerp",
    "h": "das dies* dazu davon darüber hierzu hierüber danach da es dat dit daar hier daarover erover hierover er het deze dafür",
    "w": "ob was wer wie wann welche* of wat hoe",
    "n": "nicht niet nie niemals",
    "N": "kein keine keinen keinem keiner keinerlei geen",
    "q": "nichts nirgends nirgendwo niets nergens weder",
    "x": "unmöglich onmogelijk außerstande",
    "l": "unklar unbekannt offen unzureichend onduidelijk onbekend onvoldoende schweigen schweigt",
    "j": "fehlt fehlen ontbreekt ontbreken",
    "b": "außerhalb jenseits buiten",
    "z": "überfragt",
    "k": "weiß weiss wissen gefunden finden finde bestimmen feststellen ersehen erkennen entnehmen weet gevonden vinden terugvinden ableiten ersichtlich sicher",
    "v": "beantwort* antwort* sagen sage helfen weiterhelfen mitteilen beantwoord* antwoord* zeggen zegt helpen sagt",
    "t": "erwähn* behandel* beschr* erklär* erläutert* genannt nennt nennen steht stehen thematisier* hervor vermeld* beschreven staat staan vermeldt ingegaan geben gibt",
    "T": "enthält enthalten abgedeckt bevat bevatten vor bieten bietet macht liegen liegt",
    "m": "möglich mogelijk imstande lage",
    "r": "zu über zum zur für bezüglich over voor omtrent auf hinsichtlich op",
    "I": "in im aus anhand laut uit von aufgrund",
    "a": "leider tut bedauer* helaas entschuldig* verzeihung spijt jammer leid",
    "g": "gesucht nachgesehen durchsucht gezocht nachgeschaut",
    "": """der die den dem des ein eine einen einem einer ist sind war kann können könnte hat haben habe hatte unsere unserer unserem
        unseren unser mein meine meiner und mit gehen geht ein lässt lassen sich vorliegend* gefundenen verfügung heb heeft hebben
        kan kunnen de van onze een wordt gekregen ihre ihrer ihnen bei der-hand""",
}
_ROMANCE = {
    "s": "je moi yo me mi mim lhe",
    "p": "nous nosotros noi nós",
    "y": "vous usted tú lei você nadie personne nessuno ninguém",
    "d": """documento* documenti texte textes texto textos testo testi contexte contexto contesto article articles artículo* articulo*
        articoli articolo artigo* source* fuente* fonte* fonti guide guides guía* guia* guida guide manuel manual manuale manuales
        extrait* passage* pasaje* fragmento* base-de-conocimiento base-de-connaissances fiches materiales documentation
        documentación documentação documentazione aide-mémoire""",
    "i": "information* información informacion informaciones informação informações informazion* informações datos donnée* dati dados détail* detalle* dettagli* détails précision* idée idea ideia",
    "u": "question pregunta domanda pergunta sujet tema argomento assunto punto point cuestión consulta asunto demande proposito questão merito",
    "h": "ce cela ça ceci y là là-dessus eso esto ello ese esa este esta questo questa quello ciò isso isto esse essa nisso disso lo",
    "w": "si qui quoi quando qué quién cómo se chi cosa quem quel quelle",
    "n": "ne pas no non não jamais nunca mai ni",
    "N": "aucun aucune ningún ninguna ninguno nessun nessuna nenhum nenhuma",
    "q": "rien nada nulla niente nulle",
    "x": "impossible imposible impossibile impossível incapable incapaz",
    "l": "inconnu* desconocid* insuffisant* insuficiente* insufficient* muet muette* sconosciut* poco-claro",
    "j": "manque manquent falta faltan manca mancano ausente*",
    "b": "dépasse excede fuera fuori oltre fora au-delà supera esula",
    "z": "desconozco ignoro non-so non-lo-so não-sei",
    "k": "trouv* encontr* sais savons trovat* trovare trovo localizar localizado localizzare localiser hallad* hallar saber savoir saprei détermin*",
    "v": """répond* réponse* respond* respuesta* contestar contesta contesto rispond* risposta* resposta* dire decir dice dit dicono dicen diz dizem
        aider ayudar ayudarle aiutare ajudar indica indican indicano indique indiquent""",
    "t": """mención menção mentionn* mencion* menzion* explique expliquent explica* spiega* aborde* abord* tratt* trata* précise* especific*
        specifica specificato parla parlano parle parlent hablan habla fala falam figura figurent aparec* décri* descri* évoqu* traite traitent consta constan recoge recogen""",
    "T": "contien* contenir contiene* contém contêm conteng* conten* permet* permit* inclu* offr* ofrec* proporcion* fourni* couvr* cubre cubren copert* cobre",
    "m": "possible posible possibile possível",
    "r": "sur sobre su acerca concernant respecto riguardo à-propos en-cuanto à su-questo proposito quanto",
    "I": "dans en nei nelle nella nel nos nas no-manual no-documento em aux avec con con-las com selon según d'après",
    "a": "désolé* malheureusement siento lamento temo purtroppo spiace dispiace infelizmente desculp* perdón regrett* scusi lamentablemente desgraciadamente",
    "f": """tengo tenemos dispongo puedo podemos he hemos cuento logro logré consigo consegui tenho posso podemos temos ho abbiamo
        riuscito riesco dispongo peux pouvons dispose saurais disponho sono-riuscito""",
    "e": "sé sais encontrei encontré hallé trovo",
    "g": "cherché buscado revisado cercato procurei",
    "": """le la les l un une des du de d el los las uno una il i gli o os as um uma ai est sono es ha avons nos notre nuestro nuestros nuestra
        nuestras nostro nostri nostra que che ma a al del della delle dei degli dos das do da à et e ed possibilité parvenu
        peut suis facilitad* fourni* disponibl* propor* trova ninguna-parte ces cette su-consulta su para pour per par por""",
}
_SLAVIC_TURKISH = {
    "s": "mnie mi мне меня я bana benim",
    "p": "nam my нам нас мы bize biz",
    "y": "вы pan pani państwo никто nikt",
    "d": """dokument* artyku* źródł* zrodl* tekst* kontekst* podręcznik* materiał* instrukcj* документ* стать* источник* текст*
        контекст* руководств* справочник* инструкци* материал* отрывк* baz* belge* makale* kaynak* metin* metn* bağlam* kılavuz*
        doküman*""",
    "i": "informac* danych szczegół* информац* сведени* данных bilgi* detay* wzmianki упоминани*",
    "u": "pytani* temat temacie tematu kwesti* вопрос* тем* soru* konu*",
    "h": "to tym tego tę ten ta этом этого это этот эту тому bu bunu bununla bunun bunlar buna",
    "w": "czy jak kiedy kto ли как когда кто",
    "n": "nie не yok değil",
    "N": "żadn* ни нет никак* недостаточн* brak hiçbir",
    "q": "nic nigdzie ничего нигде",
    "x": "невозможн* niemożliw* нельзя imkansız nie-sposób",
    "l": "неясно неизвестно niejasn* belirsiz",
    "b": "poza выходит dışında",
    "k": "znale* wie wiadomo найти найден* найд* знает известно",
    "v": "odpow* powiedzieć pomóc ответ* отвеч* сказать помочь cevap* yanıt*",
    "t": "wspomina* mówi* opisuj* zawiera* упомина* говорит* сказано указан* описан* описыва* содерж* освещ* упомянут*",
    "T": "имеется есть",
    "m": "można możliw* возможн*",
    "r": "o na об о про ile-ilgili hakkında ilgili относительно по",
    "I": "w we z в во из с",
    "a": "niestety przykro przepraszam сожалени* увы извините простите maalesef üzgünüm",
    "f": "mogę mam udało могу могли удалось смог смогла располагаю имею",
    "e": "wiem znalazłem znalazłam znam знаю нашел нашла нашёл",
    "z": "bilmiyorum bilemiyorum",
    "snk": "bulamad* bulunamad* bulamıyor*",
    "snv": "yanıtlayam* cevaplayam* söyleyem*",
    "nt": "değinilm* içerm* bahsed*m* belirtilm* geçmiyor bulunm* yer-almıyor bahsedilm* açıklanm* verilm*",
    "": """się naszych у к на bir şey olarak göre verilen który otrzymałem podstawie jest есть был этот yardım наших том которые
        который этот-у нам-в""",
}
_WIDE = {
    "s": "我们 我 저는 제가 저희 나는 tôi mình em-không 私",
    "p": "chúng-tôi 弊社 نحن",
    "d": """文書 資料 资料 文章 記事 本文 文脈 コンテキスト テキスト ドキュメント 出典 マニュアル 説明書 ガイド 手册 手冊 文档 文件
        上下文 段落 材料 来源 知识库 帮助中心 原文 문서 자료 본문 문맥 설명서 기사 매뉴얼 안내서 도움말 지식 tài-liệu văn-bản đoạn-văn
        ngữ-cảnh bài-viết nguồn sách-hướng-dẫn hướng-dẫn bài-trợ-giúp cơ-sở-tri-thức trợ-giúp الوثيقة الوثائق المستند مستند النص السياق
        المقال مقالات المصادر المصدر الدليل الأدلة दस्तावेज़ दस्तावेज पाठ संदर्भ""",
    "i": """情報 記載 記述 言及 データ 信息 資訊 内容 內容 数据 정보 내용 언급 데이터 thông-tin nội-dung dữ-liệu chi-tiết معلومات
        تفاصيل जानकारी""",
    "u": "質問 问题 問題 话题 主题 点 点について 질문 주제 câu-hỏi vấn-đề chủ-đề chuyện السؤال سؤال الموضوع सवाल",
    "h": "その この これ それ 这 那 此 该 그 이 해당 này đó đấy هذا هذه ذلك",
    "n": """ません ない ございません ありません なく ず 没有 沒有 没 未 不 无 없 않 못 không chưa chẳng لا لم لن ليس ليست ليست नहीं
        なかった おりません 아니""",
    "q": "何も شيئا شيء gì",
    "x": """できません できない できず できかね しかね いたしかね 无法 無法 不能 没办法 沒辦法 수-없 không-thể أستطيع-لا لا-أستطيع
        لا-يمكن لا-يمكنني لا-نستطيع لم-أتمكن لا-يمكننا""",
    "l": "不明 不足 부족 不清楚 không-rõ غير-واضح غير-معروف غير-مذكور",
    "b": "超出 範囲外 범위 vượt-quá خارج",
    "z": """わかりません 分かりません わからない 分からない 存じません 我不知道 我不清楚 我不确定 모르겠 모릅니다 tôi-không-biết mình-không-biết
        لا-أعرف لا-أعلم لا-أدري 알-수-없 承知しておりません""",
    "k": "見つか 見当た 找到 确定 得知 判断 判斷 查到 찾 확인 tìm-thấy tìm-được tìm xác-định أجد أعثر تحديد 特定 断定 biết",
    "v": "お答え 回答 お伝え 答え ご案内 告诉 답변 대답 답할 답을 답 trả-lời kết-luận الإجابة إجابة أجيب उत्तर",
    "t": """触れ 書かれ 述べ 説明され 記され 含まれ 載って 提到 提及 说明 說明 涉及 提供 包含 指出 나와 언급되 포함되 설명되 đề-cập nói nhắc nêu
        يذكر تذكر يتطرق تتطرق يحتوي تحتوي تتضمن يتضمن يرد يتناول تتناول""",
    "T": "chứa có توجد يوجد 足够 足以",
    "r": "について 関する 关于 關於 대한 대해 về عن حول إلى 이라는",
    "I": "には 中に から だけでは 里 中 根据 에서 만으로는 trong dựa-trên theo từ với في من",
    "a": """申し訳 すみません 恐れ入り あいにく 残念 抱歉 对不起 很遗憾 遗憾 죄송 안타깝 유감 xin-lỗi rất-tiếc tiếc عذرا آسف للأسف
        أعتذر माफ़ क्षमा""",
    "f": "لدي لدى لدينا 持って đủ أملك أمتلك",
    "": """て た り でした ました する こと している 있지 있 되 습니다 니다 입니다 ですが ご いただいた 手元の の は が を に で も と い お る 的 了 在 有 关 相关 任何 得到 手头 范围
        được các cung-cấp những một bạn cho 그리고 는 은 이 가 을 를 에 도 제 받은 들 하 지 ました されて しており おり ため そ いて へ
        المساعدة المتاحة أي 这个 那个 一 帮助 ヘルプ tôi-được vào nào""",
}
_LATIN = (_ENGLISH, _GERMAN_DUTCH, _ROMANCE, _SLAVIC_TURKISH)
_PHRASES = sorted(
    {w for lexicon in _LATIN for ws in lexicon.values() for w in ws.split() if "-" in w}
)


def _exact() -> dict[str, str]:
    """The letters of every whole word; where languages disagree the letter that says most wins."""
    found: dict[str, str] = {}
    for lexicon in _LATIN:
        for letters, listed in lexicon.items():
            for word in listed.split():
                if "*" not in word and (word not in found or not found[word]):
                    found[word] = letters
    return found


def _starred() -> list[tuple[str, re.Pattern[str]]]:
    """For each letter a pattern of the beginnings and parts that stand for it."""
    made: dict[str, list[str]] = {}
    for lexicon in _LATIN:
        for letters, listed in lexicon.items():
            made.setdefault(letters, []).extend(
                re.escape(word).replace(r"\*", ".*") for word in listed.split() if "*" in word
            )
    by_length = sorted(made.items(), key=lambda item: -len(item[0]))  # "nt" before "t"
    return [(letters, re.compile("|".join(parts))) for letters, parts in by_length if parts]


_EXACT = _exact()
_STARRED = _starred()
_JOINED = re.compile(rf"\b{any_of(phrase.replace('-', ' ') for phrase in _PHRASES)}\b")
_WIDE_LETTERS = {
    word.replace("-", " "): letters for letters, listed in _WIDE.items() for word in listed.split()
}
_SPACED = "[^\\W\\d_\u0e00-\u9fff\uac00-\ud7af]+"
_WIDE_PIECE = re.compile(
    rf"(?P<known>{any_of(_WIDE_LETTERS, lambda word: r'(?![a-zà-ỹđ])' if word[:1] < chr(0x250) or chr(0x1E00) <= word[:1] <= chr(0x1EFF) else '')})"
    rf"|(?P<pause>[，、,;:؛،：；])|(?P<word>{_SPACED})|(?P<char>\w)"
)
_WIDE_TEXT = re.compile(
    "[\u0600-\u06ff\u0900-\u097f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[ăđơư\u1ea0-\u1ef9]"
)
_PIECE = re.compile(r"\w+(?:['-]\w+)*|[,;:()]| [–—-] ")
_MARKS = re.compile("[\u064b-\u0652\u0640]")
_QUOTED = re.compile(
    '“[^”]{0,40}”|„[^“”]{0,40}[“”]|«[^»]{0,40}»|「[^」]{0,40}」|‘[^’]{0,40}’|"[^"]{0,40}"'
)
_QUOTES = re.compile('[“„«「‘"]')
_CANNOT = frozenset({"can't", "couldn't", "won't"})
_ELIDED = frozenset(
    {"l", "d", "n", "j", "qu", "s", "c", "m", "t", "dell", "nell", "all", "un", "dall", "sull"}
)


def is_wide(plain: str) -> bool:
    """Whether a text is read by known pieces of any length, rather than word by word."""
    return not plain.isascii() and _WIDE_TEXT.search(plain) is not None


def roles(plain: str) -> str:
    """The letters of a normalised sentence, in order; what is quoted is left out."""
    if _QUOTES.search(plain):
        plain = _QUOTED.sub(" ", plain)
    if is_wide(plain):
        return _wide_roles(_MARKS.sub("", plain))
    plain = _JOINED.sub(lambda match: match.group().replace(" ", "-"), plain)
    return "".join([role(piece) for piece in _PIECE.findall(plain)])


def _wide_roles(plain: str) -> str:
    letters: list[str] = []
    loose = 0
    for match in _WIDE_PIECE.finditer(plain):
        kind = match.lastgroup
        if kind == "char":
            loose += 1
            letters.append("c" if loose % 2 else "")
            continue
        loose = 0
        if kind == "known":
            letters.append(_WIDE_LETTERS[match.group()])
        else:
            letters.append("," if kind == "pause" else "c")
    return "".join(letters)


@lru_cache(CACHE * 4)
def role(word: str) -> str:
    """The letters of one word; empty for a word of grammar alone."""
    found = _EXACT.get(word)
    if found is not None:
        return found
    if not word[0].isalnum():
        return ","
    if "'" in word:
        return _elided(word)
    for letters, pattern in _STARRED:
        if pattern.fullmatch(word):
            return letters
    return "c" if is_content(word) else ""


def _elided(word: str) -> str:
    """The letters of "don't", "I'm", "n'ai", "d'information": of both sides of the apostrophe."""
    if word.endswith("n't"):
        return "x" if word in _CANNOT else "n"
    head, _, rest = word.partition("'")
    if head in _ELIDED:
        return {"n": "n", "j": "s"}.get(head, "") + role(rest)
    return role(head)
