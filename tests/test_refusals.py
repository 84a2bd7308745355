"""Refusals are known by who lacks what, in any register and language; negative facts and answers are none."""

from __future__ import annotations

import pytest

from evalkit.faults.stocks import familiar, second
from evalkit.faults.wording import Stock, filled
from evalkit.judges.polarity import polarity_differs
from evalkit.text.refusal import refusal_probability

REFUSALS = [
    "No clue, sorry. Nothing I was handed talks about that.",
    "We regret to inform you that the handbook is silent as to this matter.",
    "Your question falls outside the material that I can consult.",
    "Couldn't find that one, I'm afraid!",
    "After going through all five pages I still can't give you an answer.",
    "There isn't a single word on that in the manual.",
    "None of the pages I searched deals with this.",
    "This topic is not part of the knowledge base.",
    "The FAQ has no entry for it. Try the phone line.",
    "I'd love to help, but the guide leaves that question open.",
    "Nope, the notes are no help here.",
    "That particular point remains undocumented.",
    "Sorry, that is something I have no information about; our colleagues at the desk can tell you more.",
    "An answer to this would be guesswork, as the excerpts do not touch on the subject.",
    "I came up empty: not one of the articles discusses what you asked about.",
    "We have not been able to locate the requested information.",
    "What you want to know is nowhere to be found in our wiki.",
    "The wiki explains how to import shifts and how to export them, but it does not address your question.",
    "It's unclear from the sources. Please ask our support team.",
    "I lack the details needed to respond.",
    "Hi Tom, thanks for writing! I had a good look around but our docs don't mention anything like that. Best, Mia",
    "This question can't be resolved with the text in front of me.",
    "My knowledge does not extend to that.",
    "The search returned nothing useful on this. Is there another word you would use for it?",
    "Regrettably I must leave this unanswered, given that the passages concern other products.",
    "Unfortunately, I could not find any relevant results in the documentation for that query.",
    "The retrieved records are about something else entirely, so I can't say.",
    "i dunno, its not in the docs",
    "Not covered in the handbook.",
    "As the context fails to state it, the answer is unknown to me.",
    "Darüber steht in der Anleitung leider kein Wort.",
    "Da muss ich passen: Unsere Hilfeseiten gehen auf dieses Thema nicht ein.",
    "Auf Ihre Frage habe ich in der Wissensdatenbank keine Antwort finden können.",
    "Keine Ahnung, davon ist in den Texten nirgends die Rede.",
    "Je n'ai malheureusement trouvé aucune réponse dans le manuel.",
    "Ce point n'est abordé dans aucun de nos guides, désolée.",
    "Notre base de connaissances ne dit rien là-dessus ; adressez-vous au support.",
    "La guía no trata ese tema.",
    "Me temo que no dispongo de datos para contestar a su consulta.",
    "Esa información no aparece en ninguno de los textos.",
    "Purtroppo la guida non parla di questo argomento.",
    "Non sono riuscito a trovare una risposta nelle fonti.",
    "Infelizmente o manual não fala sobre esse assunto.",
    "Não consegui localizar essa informação nos documentos.",
    "Helaas staat dat nergens in de handleiding.",
    "Daar kan ik u geen antwoord op geven; de bronnen zeggen er niets over.",
    "Niestety podręcznik nie wspomina o tym.",
    "Nie udało mi się znaleźć odpowiedzi w dokumentach.",
    "Maalesef kılavuzda bu konuya değinilmiyor.",
    "Bu sorunun cevabını kaynaklarda bulamadım.",
    "Увы, в руководстве об этом ничего не сказано.",
    "Мне не удалось найти ответ в документации.",
    "很遗憾，手册里没有提到这一点。",
    "这个问题超出了我手头资料的范围。",
    "안타깝게도 설명서에는 그 내용이 나와 있지 않습니다.",
    "그 질문에 대한 답을 자료에서 찾을 수 없었습니다.",
    "あいにく、マニュアルにはその点について何も書かれていません。",
    "手元の記事では触れられていないため、お答えしかねます。",
    "Sách hướng dẫn không nói gì về chuyện này.",
    "Rất tiếc, mình chưa tìm được câu trả lời trong các bài viết.",
    "للأسف لا يتطرق الدليل إلى هذا الموضوع.",
    "لم أعثر على إجابة في المقالات.",
    "Apologies, this one is beyond me; the pages provided are about invoices only.",
    "I've gone through the help centre twice and drawn a blank.",
    "Sadly the knowledge base says nothing regarding holidays in Finland.",
    "There's no answer to be had from the documentation, sorry!",
    "That isn't something I have details on.",
    "We're unable to provide an answer based on the available content.",
    "Not something the manual goes into, unfortunately. You'd best ask a colleague in support.",
    "The snippets given don't really help me with your question.",
    "Your question isn't addressed in any of our articles.",
    "No relevant information was found.",
    "I'm sorry, I don't have an answer for you on this one.",
    "This falls outside of what our guides deal with.",
    "I have searched the sources thoroughly. They do not contain what you are looking for.",
    "I am not in a position to say.",
    "Hmm. Can't see that anywhere in here.",
    "The answer to your question is not in the text.",
    "As far as I can see, none of the articles tells us about it.",
    "Hierzu finde ich in den Artikeln keine Angaben, bitte fragen Sie den Support.",
    "Das geht aus den Dokumenten nicht hervor.",
    "Aucun article ne parle de cela.",
    "Je ne dispose pas des éléments nécessaires pour vous répondre.",
    "Las fuentes no mencionan nada al respecto.",
    "Lamentablemente no puedo ayudarle con esa pregunta.",
    "I documenti non contengono questa informazione.",
    "Desculpe, mas o texto não menciona isso.",
    "In de artikelen is hierover niets te vinden.",
    "Artykuły nie zawierają odpowiedzi na to pytanie.",
    "Üzgünüm, bu konuda bilgi bulamadım.",
    "В предоставленных документах нет ответа на этот вопрос.",
    "抱歉，文章中没有相关信息。",
    "제공된 문서에는 답이 없습니다.",
    "ご質問の内容は資料に含まれていません。",
    "Thông tin này không có trong tài liệu.",
    "المستندات لا تذكر شيئا عن هذا الموضوع.",
    "This isn't covered by the articles, please contact support.",
    "Sorry, please ask our support team.",
    '{"answer": "I do not know; the provided documents say nothing about that.", "citations": ["a-1"]}',
    "The articles I have are about refunds and invoices, but nothing in them answers your question.",
    "The text does not mention children.",
    "The documents do not say what children pay.",
    "The manual doesn't specify the weight of the lid.",
]
ANSWERS = [
    "No, returns are not possible after 30 days.",
    "We do not ship to Norway.",
    "You cannot change the name after check-in.",
    "Opening on Sundays is not possible.",
    "We do not know of any outage; everything runs normally.",
    "No information is shared with advertisers.",
    "Your data is not passed on to anybody, and we cannot read your messages.",
    "Support cannot see your password, so nobody can tell you what it was.",
    "The invoice does not have to contain a phone number.",
    "I found it: the fee is 4 euros a month and is not charged in August.",
    "Nobody answers the phone at weekends; write to us instead.",
    "There is no limit to the number of documents you can upload.",
    "The parking space is not included in the rent.",
    "Documents without a signature are not accepted.",
    "If the article is missing from the parcel, you get a new one within five days.",
    "Sorry to hear that! Unplug the router, wait ten seconds and plug it in again.",
    "I'm afraid that dogs are not allowed on the upper deck.",
    "Missing pages can be ordered for 2 euros each.",
    "The app does not find the printer when Bluetooth is off. Switch it on first.",
    "The text field does not accept more than 200 characters.",
    "Pages that are not found show error 404.",
    "Nothing needs to be installed: the page runs in the browser.",
    "We cannot help with customs, but the carrier does it for 12 euros.",
    "The warranty does not cover water damage.",
    "It is unknown who built the tower, though coins found beneath it date from the ninth century.",
    "The source code is not public, and the licence costs 300 dollars a year.",
    "Questions are not answered by phone; write an email and you have an answer within a day.",
    "The guide costs nothing and lists every museum in the city.",
    "No. The contract ends by itself without notice.",
    "Refunds take five days. How long the bank needs after that is not stated.",
    "I would not recommend the small tent, because it lets the rain in after two hours.",
    "Please contact support to have your account deleted; they need your customer number.",
    "Only the owner can see the answers. Others find nothing there.",
    "The exam has forty questions, and you may leave five of them unanswered.",
    "Neither the basic nor the plus plan has an export.",
    "This feature isn't available in the free plan.",
    "There is no charge for the second bag.",
    "Nein, Hunde dürfen nicht in den Speisewagen.",
    "Leider können wir sonntags nicht liefern.",
    "Die Unterlagen müssen nicht unterschrieben werden.",
    "Dokumente ohne Datum werden nicht angenommen.",
    "Non, les chiens ne sont pas admis à bord.",
    "Les documents sans signature ne sont pas acceptés.",
    "Malheureusement, nous ne livrons pas le dimanche.",
    "No, no se puede devolver.",
    "No se permite fumar en la terraza.",
    "Lo siento, el curso no incluye los libros; cuestan 40 euros aparte.",
    "No, non si può cambiare il nome dopo il check-in.",
    "Il biglietto non è rimborsabile.",
    "Não entregamos aos domingos.",
    "Nee, u kunt de naam na het inchecken niet wijzigen.",
    "Nie, nie wysyłamy do Norwegii.",
    "Hayır, pazar günleri teslimat yapılmıyor.",
    "Нет, мы не доставляем по воскресеньям.",
    "不可以，办理登机后不能更改姓名。",
    "아니요, 일요일에는 배송하지 않습니다.",
    "いいえ、日曜日は配達しておりません。",
    "Không, bạn không thể đổi tên sau khi làm thủ tục.",
    "لا، لا يمكن تغيير الاسم بعد تسجيل الوصول.",
    "لا نشحن إلى النرويج.",
    "Yes. Open the menu, choose Export and pick a folder; nothing else is needed.",
    "The lake has no known outlet, and its depth was never measured.",
    "Nothing happens to your data when you pause the account.",
    "You don't need to contact support: the link in the email never expires.",
    "The document scanner cannot read handwriting.",
    "We never ask for your password, and we don't store card details.",
    "The text is not visible on dark backgrounds; change the theme under Display.",
    "If you cannot find the code, look in the spam folder.",
    "Articles that do not sell within ten weeks are marked down by half.",
    "The answer is no: there is no student discount.",
    "Unknown numbers are blocked automatically.",
    "The missing hours are added to next month's sheet.",
    "Records are kept for seven years and cannot be deleted earlier.",
    "The pages load slowly because no cache is set. Turn it on in the settings.",
    "I'm sorry, but the shop is closed on Mondays.",
    "There is no such plan; the smallest one is called Solo and costs 9 euros.",
    "None of the rooms has a balcony.",
    "The source of the river was not discovered until 1858.",
    "You can ask support for a copy, which is not free.",
    "It can't be changed once it has been sent.",
    "The contract does not contain a notice period, so the legal one of four weeks applies.",
    "Information about salaries is not visible to other staff.",
    "Beyond that, every guest gets a towel and a bottle of water.",
    "Outside office hours the hotline takes messages.",
    "We could not extend the trial, but you get 20 percent off the first year.",
    "Nein, das ist nicht möglich.",
    "Der Artikel ist leider nicht mehr lieferbar.",
    "Die Informationen werden nicht an Dritte weitergegeben.",
    "Non, cela n'est pas possible le dimanche.",
    "No hay ningún descuento para estudiantes.",
    "Non ci sono sconti per studenti.",
    "Não há desconto para estudantes.",
    "Er is geen korting voor studenten.",
    "Nie ma zniżki dla studentów.",
    "Öğrenci indirimi yok.",
    "Скидок для студентов нет.",
    "没有学生折扣。",
    "학생 할인은 없습니다.",
    "学生割引はありません。",
    "Không có giảm giá cho sinh viên.",
    "لا يوجد خصم للطلاب.",
    "The fee is 4 euros a month. The documents do not say what children pay.",
    "I have no information on last year. However, this year the fair opens on 4 May at nine and closes at six.",
    "It is not true that the small plan includes a calendar.",
    "Just to be sure I understand: what are you referring to, please?",
    "⛨",
    "None.",
    "None. Only the sums leave the building; names and hourly wages are not sent.",
    "Based on the information I have, here's the answer: No, the lid cannot be taken off.",
    "According to the manual, the lid cannot be removed.",
    "As far as I can see in the articles, guests cannot edit.",
    "From our guides: The entries are not lost.",
    '{"due_date": null, "net_total": 1444, "purchase_order": null}',
]


# An answer in which each word that may deny stands in its ordinary sense; training never sees these.
ORDINARY = {
    "open": ["We are open on Monday from 9 to 17.", "The shop stays open during the works."],
    "open, elsewhere": ["Das Café ist samstags offen.", "Le café est ouvert le samedi.", "El café queda abierto los sábados."],
    "not": ["The ferry does not run in January.", "It isn't heavy: two kilos.", "Cheese is never sold warm."],
    "neither": ["Neither street has a bus.", "Hardly any rain falls in July."],
    "no": ["No fee is charged.", "There is no cloakroom.", "The boat has zero emissions."],
    "nothing": ["Nothing is due until March.", "You pay nothing on your birthday."],
    "none": ["None of the boats leak.", "Nowhere on the island do cars drive."],
    "cannot": ["You cannot cancel online; call us.", "Refunds are impossible after the show."],
    "unknown": ["The unknown caller hung up.", "An unclear photo is taken again."],
    "insufficient": ["Insufficient postage costs 2 euros."],
    "quiet": ["The engine is quiet.", "Silent films start at eight.", "The blank side goes down.", "A vague smell of oil is normal."],
    "empty": ["The bottle is empty after a week.", "An empty seat costs extra.", "Cut the bread thin."],
    "missing": ["The missing part is sent again.", "A lack of salt spoils the bread.", "Absent members vote by post."],
    "gap": ["Gaps of up to 2 mm are normal.", "Skip the first bus and take the second."],
    "unavailable": ["The sauna is unavailable until June."],
    "without": ["Without a hat you burn quickly.", "Ohne Helm kostet es 40 Euro.", "Sin casco, la multa es de 40 euros."],
    "beyond": ["Beyond the lake the path is steep.", "Outside business hours the night desk answers.", "Speeds that exceed 30 cost 20 euros."],
    "decline": ["You can decline the offer within 14 days.", "Guessing is allowed in the quiz.", "A mystery novel won the prize."],
    "found none": ["The report found no evidence of fraud.", "The team failed to score."],
    "elsewhere": ["Studenten brauchen kein Visum.", "学生にはビザは必要ありません。", "Sinh viên không cần thị thực.", "لا يحتاج الطلاب إلى تأشيرة.", "学生不需要签证。", "학생은 비자가 필요하지 않습니다."],
}  # fmt: skip
# What denies with the same words, and does decline.
DECLINING = [
    "That question remains open.",
    "The lease leaves it open.",
    "Das bleibt offen, die Texte sagen dazu nichts.",
    "La question reste ouverte, le dossier n'en parle pas.",
    "The documentation has a gap on this point.",
    "That detail is missing from the handbook.",
    "This is beyond the scope of the documents.",
    "I must decline to answer, as the sources do not say.",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_is_known_by_who_lacks_what(text: str) -> None:
    assert refusal_probability(text) >= 0.5


@pytest.mark.parametrize("text", ANSWERS)
def test_a_statement_with_a_negation_is_no_refusal(text: str) -> None:
    assert refusal_probability(text) < 0.5


@pytest.mark.parametrize("word", ORDINARY)
def test_a_denying_word_can_stand_in_an_ordinary_answer(word: str) -> None:
    assert [text for text in ORDINARY[word] if refusal_probability(text) >= 0.5] == []


@pytest.mark.parametrize("text", DECLINING)
def test_the_same_words_said_of_a_source_or_a_question_decline(text: str) -> None:
    assert refusal_probability(text) >= 0.5


@pytest.mark.parametrize(
    "text",
    [
        "I have no information about groups, but a ticket costs 5 euros.",
        "I do not know the group price. However, a single ticket is 5 euros.",
        "I can't answer for groups, but single visitors pay 5 euros.",
        "Ich habe keine Informationen zu Gruppen, aber eine Karte kostet 5 Euro.",
        "Je n'ai pas d'information sur les groupes, mais un billet coûte 5 euros.",
        "No tengo información sobre grupos, pero una entrada cuesta 5 euros.",
        "Non ho informazioni sui gruppi, ma un biglietto costa 5 euro.",
        "Não tenho informações sobre grupos, mas um bilhete custa 5 euros.",
        "Ik heb geen informatie over groepen, maar een kaartje kost 5 euro.",
        "Nie mam informacji o grupach, ale bilet kosztuje 5 euro.",
        "У меня нет информации о группах, но билет стоит 5 евро.",
        "Gruplar hakkında bilgim yok, ama bir bilet 5 avro.",
        "Tôi không có thông tin về nhóm, nhưng một vé giá 5 euro.",
        "ليس لدي معلومات عن المجموعات، لكن التذكرة تكلف 5 يورو.",
        "団体についての情報はありませんが、チケットは5ユーロです。",
        "我没有关于团体的信息，但门票是5欧元。",
        "단체에 대한 정보는 없지만 티켓은 5유로입니다.",
    ],
)
def test_what_declines_a_part_and_tells_a_value_is_an_answer(text: str) -> None:
    assert 0.1 < refusal_probability(text) < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "I have no information about groups, but you can call 555-0134.",
        "I have no information about groups, but our hotline is open from 9 to 5.",
        "I don't have the 2024 figures, but the report covers 2022 and 2023.",
        "I cannot answer that, but please see page 5 of the manual.",
        "I'm sorry, but I have no information about 2024.",
        "I have no information about groups, but the passages mention 3 kinds of tickets.",
        "I have no information about groups, but the office may know more.",
        "I cannot say enough about this from the documents.",
        "Ich habe dazu keine Angaben, aber auf Seite 5 des Handbuchs steht eine Telefonnummer.",
        "団体についての情報はありませんが、電話は03-1234-5678です。",
    ],
)
def test_to_refer_elsewhere_behind_a_refusal_stays_one(text: str) -> None:
    assert refusal_probability(text) >= 0.5


@pytest.mark.parametrize(
    "text",
    [
        "I cannot say enough good things about the staff.",
        "We can't thank the archive enough.",
        "I can't recommend it highly enough.",
        "I can't stress enough that the form is due on May 3.",
        "I can't wait to see the archive.",
        "Words cannot describe how good it was.",
        "I can't tell you how happy we were with it.",
        "Ich kann gar nicht genug Gutes über das Team sagen.",
        "Je ne saurais trop vous recommander ce plan.",
        "No puedo decir suficientes cosas buenas del equipo.",
        "Não posso deixar de recomendar este plano.",
        "Ik kan niet genoeg goeds zeggen over het personeel.",
        "Tôi không thể nói hết lời khen về đội ngũ.",
    ],
)
def test_praise_beyond_words_is_no_refusal(text: str) -> None:
    assert refusal_probability(text) < 0.5


def test_praise_excuses_no_refusal_beside_it() -> None:
    assert refusal_probability("I can't wait to help, but I have no information about that.") >= 0.5
    assert refusal_probability("I cannot recommend a medicine; I have no information.") >= 0.5


@pytest.mark.parametrize("stock", [familiar.STOCK, second.STOCK], ids=lambda stock: stock.name)
def test_every_refusal_of_a_stock_is_recognised_and_nothing_else(stock: Stock) -> None:
    phrases = [phrase for listed in stock.refusals.values() for phrase in listed]
    refusals = filled(phrases, topic="calendar", covered='"Plans", "Refunds"')
    assert [text for text in refusals if refusal_probability(text) < 0.5] == []
    others = (*stock.inventions, *stock.questions_back, *stock.filler)
    assert [text for text in others if refusal_probability(text) >= 0.5] == []


@pytest.mark.parametrize(
    ("point", "answer", "differs"),
    [
        ("A move takes effect at the end of May.", "It is not the case that a move takes effect at the end of May.", True),
        ("The file uses UTF-8 and a comma.", "Please note that it does not hold that the file uses UTF-8 and a comma.", True),
        ("A move takes effect in May.", "It is not true that refunds are free. A move takes effect in May.", False),
        ("Guests cannot edit.", "It is not true that guests can edit.", False),
        ("Guests cannot edit.", "It is not true that guests cannot edit.", True),
        ("Hunde dürfen in den Zug.", "Es stimmt nicht, dass Hunde in den Zug dürfen.", True),
        ("Les chiens sont admis à bord.", "Il n'est pas vrai que les chiens sont admis à bord.", True),
        ("Los perros suben al tren.", "No es cierto que los perros suben al tren.", True),
    ],
)  # fmt: skip
def test_a_statement_denied_as_a_whole_is_denied(point: str, answer: str, differs: bool) -> None:
    assert polarity_differs(point, answer) is differs
