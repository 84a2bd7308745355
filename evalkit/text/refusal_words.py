"""Words of refusals in fifteen languages, by the part they play; the letters are explained in ``refusal_roles``."""

from __future__ import annotations

# A star stands for any letters: "dokument*" is a beginning, "*artikel*" a part of a longer word; a hyphen joins words.
ENGLISH: dict[str, str] = {
    "s": "i me myself",
    "p": "we us",
    "y": "you your yours he she anybody anyone people customers users",
    "d": """document documents docs documentation text texts passage passages context contexts article articles source sources material materials excerpt
        excerpts snippet snippets guide guides handbook handbooks manual manuals wiki faq faqs kb notes knowledge-base help-center help-centre help-page
        help-pages page pages paragraph paragraphs reference references records results search database extracts section sections literature corpus files
        anything-provided""",
    "i": """information info detail data clue clues idea entry word indication explanation description knowledge scope remit expertise insight certainty record
        hint trace facts figures hits hit matches basis details particulars statistics answerable evidence findings specifics docs-on info-on""",
    "u": "question query request topic subject matter asked ask issue point enquiry inquiry",
    "h": "this that it they these those one such here there its thing something what-you",
    "w": "what who whom whose how when where why whether which if",
    "n": "not never neither nor hardly isnt doesnt didnt fails-to fail-to failed-to failing-to",
    "N": "no zero",
    "q": "nothing nowhere none neither nada zilch nil nought naught",
    "x": "cannot unable impossible cant couldnt incapable",
    "l": """unclear unknown undocumented unanswerable unspecified unmentioned inconclusive undisclosed unstated undetermined n/a not-applicable unrecorded
        uncertain""",
    "j": """missing absent unavailable lack lacks lacking lacked gap gaps omit omits omitted skip skips skipped leaves-out leave-out left-out leaves-this-out
        leaves-that-out leaves-it-out without""",
    "b": "beyond outside exceeds exceed out-of-reach above-my",
    "O": """remains-open remain-open stays-open stay-open stayed-open left-open leaves-open leave-open leaving-open leaves-it-open leave-it-open
        leaves-this-open leave-this-open leaves-that-open leave-that-open leaving-it-open leaving-that-open silent inadequate mute vague thin cloudy hazy
        obscure stop-short stops-short stopped-short too-little unanswered insufficient not-enough quiet-on quiet-about quiet-as-to quiet-regarding
        stays-quiet keeps-quiet blank-at blank-on is-empty are-empty was-empty returned-empty bare-on is-bare end-before ends-before stop-before
        stops-before irrelevant-to unrelated-to is-irrelevant are-irrelevant is-unrelated are-unrelated""",
    "z": """dunno unanswerable no-idea no-clue empty-handed drawn-a-blank drew-a-blank up-empty guesswork clueless stumped no-luck out-of-luck drawing-a-blank
        draw-a-blank draws-a-blank drawing-blanks came-up-empty come-up-empty came-back-empty comes-up-empty no-way-to-know no-way-of-knowing no-way-to-tell
        foggiest rather-not-guess make-something-up making-it-up drawn-blank draw-blank drew-blank draws-blank drawing-blank came-back-blank faintest
        be-guessing only-guessing just-guessing i'm-guessing rather-not-speculate be-speculating mystery-to-me mystery-to-us that's-a-mystery it's-a-mystery
        remains-a-mystery stays-a-mystery am-in-the-dark i'm-in-the-dark me-in-the-dark us-in-the-dark am-at-a-loss i'm-at-a-loss at-a-loss-to
        have-to-make-it-up not-make-it-up won't-make-it-up decline-to-answer declines-to-answer declining-to-answer decline-to-respond declining-to-respond
        decline-to-say must-decline have-to-decline abstain-from-answering i-abstain must-abstain no-telling""",
    "k": """know known find found finding locate see determine determined sure certain aware familiar identify confirm verify deduce infer conclude ascertain
        retrieve retrieved retrievable traced derive derived detect detected inferred gather gathered match matched matching spot spotted surfaced unearthed
        verified confirmed establish obtain obtained access accessed identified located resolved settle settled decide decided apparent evident clear
        figure-out make-out dig-up dig-anything-up turned-up turn-up turns-up came-up""",
    "v": """answer answers answered answering say says saying said tell tells telling told help helps helpful assist respond resolve speak speaks guess furnish
        comment enlighten reply advise""",
    "t": """mention mentions mentioned documented discusses discussed describe describes described explain explains explained address addresses addressed
        specify specifies specified states stated go-into goes-into going-into touch touches touched deal deals talk talks indicate indicates indicated
        clarify clarifies clarified reveals refer refers referenced extend extends relate relates written treat treats comprise suffice suffices detailed
        names named define defines defined identifies govern governs governed disclosed noted outline outlines concern concerns pertain pertains shed-light
        sheds-light bear-on bears-on stipulate stipulates regulates prescribes prescribe discussing mentioning describing published issued listed explicit
        speak-to speaks-to get-into gets-into go-far touches-on touch-on supplied state elaborate elaborates recorded reported record-of""",
    "T": """cover covers covered contain contains contained include includes included provide provides provided list lists show shows offer offers give gives
        given supply allow allows permit permits enough sufficient support supports present reports supplies features feature carries carry covering yield
        yields yielded returned available""",
    "m": "possible able position",
    "H": "have has got possess possesses hold holds",
    "D": "share disclose draft compose recommend recommendation advice predict assess judge promise write discuss reveal",
    "r": "about on regarding concerning of to for towards like around",
    "I": "in from within by among part based with using",
    "a": "sorry apologies apology apologise apologize afraid unfortunately regrettably sadly regret alas unluckily hmm wish",
    "g": """look looked looking search searched checked check checking browsed went scanned read going searching reviewed examined consulted combed rummaged
        scoured dug tried having-examined""",
    "": """am is are was were be being do does did would could can may might must should shall had having any a an the my our and or so as but than then just
        only really currently simply quite very much specific direct relevant further enough single particular exact actually still yet also all both either
        else please accurately at moment right now able get come came up out into over off well time hand front given entirely requested needed useful
        thanks good great shown received following above below own other others more longer directly seems seem appears appear looks question's let however
        like leave leaves remain remains stay stays turned anything everything exactly precise precisely certain different two three five way been anywhere
        whatsoever at-all sadly-not""",
    "B": """catalogue catalog leaflet brochure pamphlet policy policies contract contracts lease register registry report chart charts letter statute act
        agreement terms conditions schedule papers filing filings minutes memo slides deck decks story chapter lesson syllabus unit textbook handout
        handouts transcript table tables dataset sample survey study studies collection collections holdings archive archives library index directory
        inventory ledger bundle clause clauses provision provisions regulations regulation guidance guideline guidelines circular circulars protocol spec
        specification readme changelog repo repository runbook runbooks folder book books newspapers magazine label judgment judgement ruling will deed
        pleadings prospectus statement summary appendix annex annexes sheet spreadsheet calendar instructions bulletin gazette formulary form blog site
        website chunk chunks entries tariff treaty case-file worksheet worksheets""",
    "A": "assistant service office bot chatbot",
    "qy": "nobody no-one",
    "uO": "question-open questions-open matter-open issue-open point-open question-remains-open question-stays-open question-remains-unanswered open-question",
    "bi": "out-of-scope",
    "c": """report-found report-finds study-found study-finds studies-found survey-found survey-finds
        the-missing a-missing the-unknown an-unknown the-empty an-empty the-unanswered an-unanswered a-vague the-vague a-thin the-thin the-silent a-silent
        an-obscure the-obscure the-absent an-unclear the-unclear an-uncertain the-uncertain the-unavailable the-skipped any-missing your-missing
        permitted""",
}
GERMAN_DUTCH: dict[str, str] = {
    "s": "ich mir mich ik mij",
    "p": "wir uns wij ons",
    "y": "sie du ihr man u jij je-kunt niemand",
    "d": """dokument* text texte texten textes kontext* *artikel* quelle* *unterlage* *anleitung* *handbuch* *handbüch* hilfeseite* *leitfaden* abschnitt*
        auszug* auszüge* passage* wissensdatenbank* *dokumentation* material* textstelle* document documenten tekst teksten bron bronnen *handleiding*
        kennisbank* context helppagina* gids gidsen *fragment* uittreksel*""",
    "i": "information* angabe* auskunft auskünfte hinweis* daten einzelheiten ahnung wort rede eintrag informatie gegevens idee woord",
    "u": "frage thema punkt anfrage anliegen vraag onderwerp",
    "h": "das dies* dazu davon darüber hierzu hierüber danach da es dat dit daar hier daarover erover hierover er het deze dafür",
    "w": "ob was wer wie wann welche* of wat hoe",
    "n": "nicht niet nie niemals",
    "N": "kein keine keinen keinem keiner keinerlei geen nul zero",
    "q": "nichts nirgends nirgendwo niets nergens weder nix niks",
    "x": "unmöglich außerstande onmogelijk nicht-möglich",
    "l": "unklar unbekannt onduidelijk onbekend ungewiss ungeklärt unbeantwortet onbeantwoord",
    "j": "fehlt fehlen ontbreekt ontbreken fehlte mangelt mangels lücke ontbrak zonder ohne",
    "b": "außerhalb jenseits buiten",
    "z": """überfragt keinen-schimmer keine-ahnung geen-idee geen-flauw-idee schuldig-bleiben keinen-blassen nur-raten nur-geraten müsste-raten müssten-raten
        raten-müssen raten-müsste rate-ich muss-passen müssen-passen passen-muss zou-gokken moeten-gokken alleen-gokken moet-gokken muss-ich-passen
        passe-ich""",
    "k": """weiß weiss wissen gefunden finden finde bestimmen feststellen ersehen erkennen entnehmen weet gevonden vinden terugvinden ableiten ersichtlich
        sicher ermitteln ermittelt feststellbar bekannt bekend blijkt aangetroffen achterhalen erschließt ableitbar herauslesen vindbaar opgezocht
        auffindbar zu-entnehmen treffer""",
    "v": "beantwort* antwort* sagen sage helfen weiterhelfen mitteilen beantwoord* antwoord* zeggen zegt helpen sagt",
    "t": """erwähn* behandel* beschr* erklär* erläutert* genannt nennt nennen steht stehen thematisier* hervor vermeld* beschreven staat staan vermeldt ingegaan
        geben gibt hinterlegt verzeichnet aufgeführt gelistet dokumentiert erwähnung eingegangen aufgeschlüsselt ausgewiesen rept verteld vertelt vermelding
        genoemd noemt opgenomen behandeld gedocumenteerd komt-voor voorkomt geregelt angesprochen""",
    "T": """enthält enthalten abgedeckt bevat bevatten vor bieten bietet macht liegen liegt reicht reichen vorhanden vorliegen verfügbar beschikbaar beschikken
        beschikt verfüge verfügen hergeben hergibt""",
    "m": "möglich mogelijk imstande lage",
    "r": "zu über zum zur für bezüglich over voor omtrent auf hinsichtlich op",
    "I": "in im aus anhand laut uit von aufgrund",
    "a": "leider tut bedauer* helaas entschuldig* verzeihung spijt jammer leid",
    "g": "gesucht nachgesehen durchsucht gezocht nachgeschaut",
    "": """der die den dem des ein eine einen einem einer ist sind war kann können könnte hat haben habe hatte unsere unserer unserem unseren unser mein meine
        meiner und mit gehen geht lässt lassen sich vorliegend* gefundenen verfügung heb heeft hebben kan kunnen de van onze een wordt gekregen ihre ihrer
        ihnen bei der-hand""",
    "B": """*katalog* *verzeichnis* *bericht* broschüre* *merkblatt* beipackzettel* vertrag* verträge* satzung* richtlinie* *akte* *protokoll* *lehrbuch*
        kapitel* archiv* bestand bestände* verordnung* vorschrift* prospekt* skript* folien* geschichte* folder hoofdstuk verhaal stukken contract dossier
        catalogus verslag reglement brochure bijsluiter archief regeling""",
    "A": "assistent* dienst bot behörde",
    "O": """bleibt-offen bleiben-offen offen-bleibt offenbleibt offen-gelassen offengelassen offen-geblieben lässt-offen lässt-das-offen lässt-es-offen
        lässt-dies-offen lassen-offen blijft-open laat-open opengelaten stumm dürftig te-weinig zu-wenig unzureichend onvoldoende schweigen schweigt
        lückenhaft reicht-nicht""",
    "uO": "frage-offen punkt-offen thema-offen vraag-open punt-open offene-frage offen-frage open-vraag",
    "Nk": "null-treffer",
}
ROMANCE: dict[str, str] = {
    "s": "je moi yo me mi mim lhe",
    "p": "nous nosotros noi nós",
    "y": "vous usted tú lei você nadie personne nessuno ninguém",
    "d": """documento* documenti texte textes texto textos testo testi contexte contexto contesto article articles artículo* articulo* articoli articolo artigo*
        source* fuente* fonte* fonti guide guides guía* guia* guida manuel manual manuale manuales extrait* passage* pasaje* fragmento* base-de-conocimiento
        base-de-connaissances fiches materiales documentation documentación documentação documentazione aide-mémoire doc docs résultat* resultado* risultat*
        estratt* trecho* extract*""",
    "i": """information* información informacion informaciones informação informações informazion* datos donnée* dati dados détail* detalle* dettagli* détails
        précision* idée idea ideia""",
    "u": "question pregunta domanda pergunta sujet tema argomento assunto punto point cuestión consulta asunto demande proposito questão merito",
    "h": "ce cela ça ceci y là là-dessus eso esto ello ese esa este esta questo questa quello ciò isso isto esse essa nisso disso lo",
    "w": "si quoi quando qué quién cómo se chi cosa quem quel quelle",
    "n": "ne pas no non não jamais nunca mai ni",
    "N": "ninguno nemmeno neppure aucune aucun zéro cero zero ningún ninguna nessun nessuna nenhum nenhuma ni-una pas-de",
    "q": "nulle rien nada nulla niente nullement nulle-part ningún-lado ninguna-parte nessuna-parte lado-nenhum nenhum-lado",
    "x": "impossible imposible impossibile impossível incapable incapaz",
    "l": "poco-claro inconnu* sconosciut* desconocid* desconhecid* sans-réponse",
    "j": """manque manquent ausente* manque* absent* falta faltan faltam falta-me manca mancano mancante lagun* lacune* omet omite omiten omettono sem sin sans
        senza""",
    "b": "dépasse excede fuera fuori oltre fora au-delà supera esula",
    "z": """desconozco ignoro non-so non-lo-so não-sei chou-blanc bredouille ni-idea boh sem-ideia aucune-idée nessuna-idea ni-pío langue-au-chat une-colle
        pas-inventer rien-inventer no-adivinar sin-adivinar solo-adivinar un-mystère-pour un-mistero-per un-misterio-para um-mistério-para mystère-et-boule""",
    "k": """trouv* encontr* savons trovat* trovare trovo localizar localizado localizzare localiser hallad* hallar saber savoir détermin* localiz* identifi*
        établi* établir relev* constat* determinar determinare risulta risulte risultano ressort résulte ricavare ricavabile dedurre deducir deduzir déduire
        desprende afferma encontrado hallado trouvé sabe sabría sait connaît veo vedo vejo vois""",
    "v": """répond* réponse* respond* respuesta* contestar contesta contesto rispond* risposta* resposta* dire decir dice dit dicono dicen diz dizem aider
        ayudar ayudarle aiutare ajudar indica indican indicano indique indiquent""",
    "t": """mención menção mentionn* mencion* menzion* explique expliquent explica* spiega* aborde* abord* tratt* trata* précise* especific* specifica
        specificato parla parlano parle parlent hablan habla fala falam figura figurent aparec* décri* descri* évoqu* traite traitent constan recoge recogen
        corrig* figur* compare compaiono compaia scritto écrit escrito aclara aclaran cuenta cuentan viene consta constam riporta riportano prevede nombra
        nomme nomment revela* révèle* contempla contemplan mencionad* detalla* documentat* documentad* documenté* legge cite citent registrado registrata""",
    "T": """contien* contenir contiene* contém contêm conteng* conten* permet* permit* inclu* offr* ofrec* proporcion* fourni* couvr* cubre cubren copert* cobre
        dispone dispõe disponen possediamo possède possédons posee poseemos detiene disponible disponibles disponibile disponibili disponível""",
    "m": "possible posible possibile possível",
    "r": "sur sobre su acerca concernant respecto riguardo à-propos en-cuanto à su-questo proposito quanto",
    "I": "dans en nei nelle nella nel nos nas no-manual no-documento em aux avec con con-las com selon según d'après",
    "a": "désolé* malheureusement siento lamento temo purtroppo spiace dispiace infelizmente desculp* perdón regrett* scusi lamentablemente desgraciadamente",
    "f": """tengo tenemos puedo podemos he hemos cuento logré consigo consegui tenho posso temos ho abbiamo riuscito riesco peux pouvons dispose disponho
        sono-riuscito saurais saprei dispongo localizei encuentro trouve logro""",
    "e": "sé encontrei encontré hallé trovo localicé sais",
    "g": "cherché buscado revisado cercato procurei",
    "": """le la les l un une des du de d el los las uno una il i gli o os as um uma ai est sono es ha avons nos notre nuestro nuestros nuestra nuestras nostro
        nostri nostra que che ma a al del della delle dei degli dos das do da à et e ed possibilité parvenu peut suis facilitad* fourni* disponibl* propor*
        trova ces cette su-consulta su para pour per par por même proprio qui aquí ici lí""",
    "B": """catalogue ouvrage archives contrat contrats règlement* notice livret brochure rapport dossier chapitre cours pièces acte actes folleto prospecto
        catálogo contrato reglamento normativa ordenanza* informe expediente capítulo lectura apuntes temario archivo archivos historia regolamento
        relazione catalogo opuscolo foglio foglietto contratto verbali capitolo racconto indici regulamento bula prontuário autos apostila relatório ata
        conto historial acta fichier fichiers biografia registro registros registre""",
    "A": "assistant asistente assistente servicio servizio serviço",
    "O": """muet muette muets muettes insuffisant* insuficiente* insufficient* tace tacciono omisso omissa silencio silencieu* calla callan imprécis* incierto
        incerto reste-ouverte reste-ouvert demeure-ouverte demeure-ouvert laisse-ouverte queda-abierta queda-abierto deja-abierta resta-aperta resta-aperto
        rimane-aperta fica-em-aberto""",
    "uO": """question-ouverte question-reste-ouverte question-demeure-ouverte cuestión-abierta cuestión-queda-abierta pregunta-abierta questione-aperta
        questione-resta-aperta domanda-aperta questão-em-aberto questão-fica-em-aberto questão-aberta pergunta-em-aberto point-ouvert""",
    "lr": "muet-sur muette-sur muets-sur muettes-sur",
    "nd": "introuvable introuvables introvabile introvabili",
}
SLAVIC_TURKISH: dict[str, str] = {
    "s": "mnie mi мне меня я bana benim",
    "p": "nam my нам нас мы bize biz",
    "y": "вы pan pani państwo никто nikt",
    "d": """dokument* artyku* źródł* zrodl* tekst* kontekst* podręcznik* materiał* instrukcj* документ* стать* источник* текст* контекст* руководств*
        справочник* инструкци* материал* отрывк* baz* belge* makale* kaynak* metin* metn* bağlam* kılavuz* doküman* доках доки fragment*""",
    "i": """informac* danych szczegół* информац* bilgi* detay* упоминани* сведени* запис* положени* данных совпаден* trafień wzmianki wiadomości słowa слова
        слов bilgiye bilgisi kayıt kayd* veri sonuç erişim* hükm* regulacj* wzmiank*""",
    "u": "pytani* temat temacie tematu kwesti* вопрос* тем* soru* konu*",
    "h": "to tym tego tę ten ta этом этого это этот эту тому bu bunu bununla bunun bunlar buna",
    "w": "czy jak kiedy kto ли как когда кто",
    "n": "nie не yok değil *mıyor* *miyor* *muyor* *müyor* *mamakta* *memekte* *mamış* *memiş* *ılamad* değildir yoktur",
    "N": "żadn* ни нет никак* недостаточн* hiçbir zero ноль нуль sıfır",
    "q": "nic nigdzie ничего нигде niczego ничто hiçbir-yerde",
    "x": "невозможн* niemożliw* нельзя imkansız nie-sposób trudno trudne невозможно затрудн*",
    "l": "неясно неизвестно niejasn* belirsiz nieznan* неизвестен bilinmiyor",
    "b": "poza выходит dışında",
    "k": """znale* wie wiadomo найти найден* найд* знает известно odnaleziono znaleziono znalezion* wynika ustalić określić обнаружен* обнаружить следует
        установить определить оказалось видно выяснить tespit ulaş* widzę widać вижу""",
    "v": "odpow* powiedzieć pomóc ответ* отвеч* сказать помочь cevap* yanıt*",
    "t": """wspomina* mówi* opisuj* zawiera* упомина* говорит* сказано указан* описан* описыва* содерж* освещ* упомянут* podaje podają wspomnian* odnotowan*
        ujawnion* wymieni* отмечен* отмечает раскрыва* рассматрива* сообщает сообщается указыва* отражен* описани*""",
    "T": "имеется есть posiada posiadamy obejmuj* obejmie располага* содержится dysponuj*",
    "m": "można możliw* возможн*",
    "r": "o na об о про ile-ilgili hakkında ilgili относительно по",
    "I": "w we z в во из с",
    "a": "niestety przykro przepraszam сожалени* увы извините простите maalesef üzgünüm",
    "f": "mogę mam udało могу могли удалось смог смогла располагаю имею potrafię umiem",
    "e": "wiem znalazłem znalazłam znam знаю нашел нашла нашёл",
    "z": """bilmiyorum bilemiyorum без-понятия bez-pojęcia pojęcia понятия fikrim bilemeyiz bilmiyoruz nie-mam-pojęcia trudno-powiedzieć я-пас тут-я-пас
        загадка-для""",
    "snk": "bulamad* bulunamad* bulamıyor*",
    "snv": "cevaplayam* söyleyem*",
    "nt": "değinilm* içerm* bahsed*m* belirtilm* geçmiyor bulunm* yer-almıyor bahsedilm* açıklanm* verilm*",
    "": "się naszych у к на bir şey olarak göre verilen który otrzymałem podstawie jest есть был этот yardım наших том которые который этот-у нам-в",
    "B": """broszur* ulotk* raport* akt umow* regulamin* rozdzia* wypis* katalog* przepis* opowiada* sprawozda* lektur* отчёт* отчет* договор* брошюр* карте
        выписк* глав* учебник* архив* каталог* акт* закон* рассказ* протокол* broşür* rapor* sözleşme* yönetmeli* bölüm* hikâye* tutanak* dosya* ders*""",
    "j": "отсутств* не-хватает хватает нехватка eksik brak bez без",
    "nk": "rastlanma* ulaşılama* edileme* bulama* erişeme* saptanama* belirleneme* göremi*",
    "nv": "verilemem* vereme* yanıtlayam* söyleneme* cevaplanama* yanıtlanama*",
    "A": "serwis ассистент asistan kurum urząd",
    "O": """milczy milczą za-mało niewystarczając* пусто молчит молчат недостаточно yetersiz недостает pozostaje-otwarta pozostaje-otwarte pozostaje-otwartą
        остаётся-открытым остается-открытым açık-bırakıyor açık-kalıyor açıkta-kalıyor""",
    "uO": """kwestia-otwarta kwestię-otwartą pytanie-otwarte kwestia-pozostaje-otwarta pytanie-pozostaje-otwarte вопрос-открытым вопрос-остаётся-открытым
        вопрос-остается-открытым soruyu-açık soru-açık""",
}
WIDE: dict[str, str] = {
    "s": "我们 我 저는 저희 나는 tôi mình em-không 私 cô thầy tớ chúng-tôi 저로서 제가 我这里 我这 您 こちら 当庁 弊館",
    "p": "弊社 نحن",
    "d": """文書 資料 文章 記事 本文 文脈 コンテキスト テキスト ドキュメント 出典 マニュアル 説明書 ガイド 手册 手冊 文档 文件 上下文 段落 材料 来源 知识库 帮助中心 原文 문서 자료 본문 문맥 설명서 기사 매뉴얼 안내서 도움말 지식 tài-liệu văn-bản
        đoạn-văn ngữ-cảnh bài-viết nguồn sách-hướng-dẫn hướng-dẫn bài-trợ-giúp cơ-sở-tri-thức trợ-giúp الوثيقة الوثائق المستند مستند النص السياق المقال
        مقالات المصادر المصدر الدليل الأدلة दस्तावेज़ दस्तावेज पाठ संदर्भ مصادري مصادرنا المستندات المقالات 컨텍스트 抜粋 片段 卷宗 발췌문 발췌 đoạn-trích الأوراق
        المقتطفات مقتطفات التوثيق""",
    "i": """情報 記載 記述 言及 データ 信息 資訊 内容 內容 数据 정보 내용 언급 데이터 thông-tin nội-dung dữ-liệu chi-tiết معلومات تفاصيل जानकारी 根拠 該当 資料が 结果 命中 资料 依据 근거 자료가 결과 quy-định-nào
        kết-quả căn-cứ hồ-sơ-nào نتائج سجلات بيانات البيانات المعلومات معلومة""",
    "u": "質問 问题 問題 话题 主题 点 点について 질문 주제 câu-hỏi vấn-đề chủ-đề chuyện السؤال سؤال الموضوع सवाल お問い合わせ 咨询 문의 câu-này استفسار استفساركم الأمر بسؤالك سؤالك",
    "h": "その この これ それ 这 那 此 该 그 이 해당 này đó đấy هذا هذه ذلك",
    "n": "ません ない ございません ありません なく ず 没有 沒有 没 未 不 无 없 않 못 không chưa chẳng لا لم لن ليست नहीं おりません 아니 なし なくて なかった 없음 غير ليس 无任何 未见 未能 非",
    "q": "何も شيئا شيء gì 어디에도 どこにも 哪里都",
    "x": """できません できない できず いたしかね 无法 不能 没办法 沒辦法 수-없 không-thể أستطيع-لا لا-أستطيع لا-يمكن لا-يمكنني لا-نستطيع لم-أتمكن لا-يمكننا 불가 어렵 어려 難しい できかね しかね khó 难以 無法
        يتعذر تعذر يصعب đành""",
    "l": "不明 không-rõ غير-واضح غير-معروف غير-مذكور مجهول",
    "b": "超出 範囲外 범위 vượt-quá nằm-ngoài ngoài 范围外 範囲を超え 범위를-벗어 خارج",
    "z": """わかりません 分かりません わからない 分からない 存じません 我不知道 我不清楚 我不确定 모르겠 모릅니다 tôi-không-biết mình-không-biết لا-أعرف لا-أعلم لا-أدري 알-수-없 承知しておりません わかりかね 分かりかね 存じ上げ 모름
        몰라 难住 難住 不知道 不清楚 不确定 khó-nói بصراحة-لا xin-chịu em-chịu mình-chịu tôi-chịu đành-chịu chịu-thôi""",
    "k": """見つか 見当た 找到 确定 得知 判斷 찾 확인 tìm-thấy tìm-được tìm xác-định أجد أعثر تحديد 特定 断定 biết 見つから 判断 読み取れ 求め 出て わかり 찾았 찾을 알-수 판단 계산 thấy tính-được 查到 查 检索到 检索
        得出 推断 看出 推算 يعثر عثر العثور استنتاج الجزم عثرنا يستدل يتبين 看到 보이""",
    "v": "お答え 回答 お伝え 答え ご案内 告诉 답변 대답 답할 답을 답 trả-lời kết-luận الإجابة إجابة أجيب उत्तर 申し上げ 알려 말씀 說 説明でき 告知 回复 答案 答复 コメント جواب الجواب الرد 안내가 안내는",
    "t": """触れ 述べ 説明され 記され 含まれ 載って 提到 提及 說明 涉及 提供 包含 指出 나와 언급되 포함되 설명되 đề-cập nói nhắc nêu تذكر يتطرق تتطرق يحتوي تحتوي تتضمن يتضمن يتناول تتناول 示され 示して 書い 書かれ
        開示 明示 記録 注明 写 披露 记录 记载 명시 공개 기록 적혀 ghi nhắc-đến kể công-bố nêu-rõ يشير تشير يحدد تحدد تتحدث يتحدث يرد مسجل مسجلة مذكور مذكورة يذكر ينص تنص يوضح توضح
        語られ 밝혀 تخبرنا وارد""",
    "T": "chứa có توجد يوجد 足以 保有 所蔵 持ち合わせ 보유 가지고 متوفر متوفرة تتوفر يتوفر موجود موجودة كاف كافية يكفي 足够 持有 lưu-giữ",
    "r": "について 関する 关于 關於 대한 대해 về عن حول إلى 이라는",
    "I": "には 中に から だけでは 里 中 根据 에서 만으로는 trong dựa-trên theo từ với في من",
    "a": "申し訳 すみません 恐れ入り あいにく 残念 抱歉 对不起 很遗憾 遗憾 죄송 안타깝 유감 xin-lỗi rất-tiếc tiếc عذرا آسف للأسف أعتذر माफ़ क्षमा",
    "f": "لدي لدى لدينا 持って đủ أملك أمتلك",
    "": """て た り でした ました する こと している 있지 있 되 습니다 니다 입니다 ですが ご いただいた 手元の の は が を に で も と い お る 的 了 在 有 关 相关 任何 得到 范围 được các cung-cấp những một bạn cho 그리고 는 은 이
        가 을 를 에 도 제 받은 들 하 지 されて しており おり ため そ いて へ المساعدة المتاحة أي 这个 那个 一 帮助 ヘルプ tôi-được vào nào""",
    "B": """条例 規定 報告書 カルテ 契約書 目録 パンフレット 添付文書 議事録 教科書 章 规定 报告 病历 合同 目录 说明 课文 纪要 条款 判决书 조례 규정 보고서 계약서 목록 단원 차트 회의록 quy-định báo-cáo truyện bài-đọc hồ-sơ hợp-đồng
        danh-mục chương biên-bản sổ اللوائح لائحة تقرير التقرير العقد الملف المحضر الفصل الكتيب النشرة الفهرس السجل العروض 物語 이야기에 이야기에는 القصة câu-chuyện""",
    "N": "0件 ゼロ 零 0건 0-kết-quả صفر",
    "O": "不足 乏し 부족 存疑 thiếu 沉默 침묵 ناقص không-đủ chưa-đủ bỏ-ngỏ 无定论 未定论 悬而未决 مفتوحا",
    "j": "بلا دون بدون",
    "nk": "tìm-không-ra 안-보이 看不出 看不到",
    "A": "机关 cơ-quan",
    "sT": "手元に 手头",
}
