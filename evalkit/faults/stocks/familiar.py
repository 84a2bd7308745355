"""The first stock of phrases: impersonal and formal; the rules of the diagnosis were written while looking at it."""

from __future__ import annotations

from evalkit.faults.wording import Stock

STOCK = Stock(
    name="familiar",
    refusals={
        "en": (
            "The documents that were found do not answer this question.",
            "Unfortunately, there is nothing about that in the material at hand.",
            "This cannot be answered from the available sources.",
            "Sorry, the help texts are silent on this point.",
            "No answer can be given here, because the passages do not cover it.",
            "It is not possible to say; the context lacks this information.",
            "None of the sources mentions this.",
            "That is not documented in anything that was provided.",
            "The information needed for an answer is missing from the documents.",
            "Regrettably, nothing in the retrieved texts speaks to this.",
            "There is insufficient information in the sources to answer.",
            "The provided excerpts say nothing on the matter, so the question has to stay open.",
        ),
        "de": (
            "Dazu enthalten die vorliegenden Unterlagen leider keine Angaben.",
            "Diese Frage lässt sich aus den gefundenen Texten nicht beantworten.",
        ),
        "fr": (
            "Les documents fournis ne permettent pas de répondre à cette question.",
            "Aucune information à ce sujet ne figure dans les sources.",
        ),
        "es": (
            "Los documentos disponibles no contienen esa información.",
            "No es posible responder a esta pregunta con las fuentes facilitadas.",
        ),
        "ja": (
            "申し訳ありませんが、提供された資料にはその情報がありません。",
            "この質問には、手元の文書からはお答えできません。",
        ),
        "vi": (
            "Rất tiếc, các tài liệu được cung cấp không có thông tin này.",
            "Không thể trả lời câu hỏi này dựa trên các nguồn hiện có.",
        ),
        "ar": (
            "عذرًا، لا تتضمن المستندات المتاحة هذه المعلومات.",
            "لا يمكن الإجابة عن هذا السؤال من المصادر المتوفرة.",
        ),
    },
    lead_ins={
        "en": (
            "",
            "",
            "According to the documentation: ",
            "Here is what the sources say. ",
            "In short: ",
            "Thank you for your question. ",
            "Answer: ",
            "As the help texts explain: ",
        ),
        "de": ("", "Laut den Unterlagen: ", "Kurz gesagt: "),
        "fr": ("", "D'après les documents : ", "En bref : "),
        "es": ("", "Según los documentos: ", "En resumen: "),
        "ja": ("", "資料によると、"),
        "vi": ("", "Theo tài liệu: "),
        "ar": ("", "وفقًا للمستندات: "),
    },
    questions_back=(
        "Could you please say which one is meant?",
        "Which of them do you mean? Please give a little more detail.",
        "More information is needed first: what exactly does the question refer to?",
    ),
    joints=(" ",),
    list_marks=("- ", "* ", "• "),
    inventions=(
        "A printed confirmation follows by courier within nine weeks.",
        "This has been certified by the harbour authority of Port Lindqvist since 1987.",
        "Customers in Patagonia receive a brass medal for it.",
        "The procedure was designed by the astronomer Odalys Ferncombe.",
        "It also lowers the risk of frost damage by 41 percent.",
        "A surcharge of 3,750 roubles applies on public holidays.",
        "The lighthouse keepers' guild has to countersign every change.",
        "Two thirds of all aquariums rely on the same arrangement.",
    ),
    denials=("It is not true that {statement}",),
    invented_sources=(("doc-{n}", 1000, 9999), ("ref{n}.pdf", 10, 99)),
    extra_keys=("confidence", "comment", "source_page", "model_notes"),
    slang_openings=(
        "Yo, easy one, gonna keep it quick: ",
        "Hey buddy, no worries, here ya go: ",
        "Lol ok so basically: ",
    ),
    first_person=(
        "Personally, I think this is it: ",
        "I checked this for you and here is what I found: ",
        "If you ask me, and I may be wrong, I would say: ",
    ),
    filler=(
        "It is worth going over this at some length, since details of this kind are often overlooked. ",
        "Readers who come to the subject for the first time may find it helpful to read this twice. ",
        "To put the same thing once more in slightly different words, the point stands as described. ",
        "There are many sides to a matter such as this, and each of them deserves a calm look. ",
        "All of the above should be seen together, in context, and with patience. ",
    ),
    emoji=("😀🎉", "🚀", "👍😊", "🔥✨"),
    exclaimed=(" Awesome!!", " Great news!", " Enjoy!!!", " Wonderful!"),
    asides=("Just so you know: {phrase}.",),
    around_json=(
        ("Here is the record you asked for:\n\n", "\n\nLet me know if anything else is needed."),
        ("Sure, this is the JSON. ", ""),
        ("", "\n\nNote: all values were taken from the sources."),
    ),
    vague_questions=(
        "And what about {word}?",
        "How is it with {word}?",
        "{word}: what applies there?",
        "Can you tell me more on {word}?",
    ),
)
