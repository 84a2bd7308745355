"""Patterns, over normalised text, of gaps, of turning and redirecting, of asking back, correcting and courtesy."""

from __future__ import annotations

# What says that a part is missing, in an answer to the rest; a refusal may say it too.
GAPS: tuple[str, ...] = (
    r"\b(?:i|we) (?:do not|don't|did not|didn't) (?:\w+ )?(?:have|know)\b|\b(?:i|we) (?:have only|only have|only know|know only|can only (?:say|tell|speak|answer))\b|\ball (?:i|we) (?:have|know|can say)\b",
    r"\b(?:i|we) (?:\w+ )?(?:cannot|can't|could not|couldn't) (?:\w+ )?(?:make|compare|guarantee|estimate|quote|draw|judge|calculate|be certain|be sure|go into)\b",
    r"\b(?:no|not much|little|few|hardly any|without) (?:\w+ ){0,2}(?:information|details?|data|figures?|specifics|mention|indication)\b|\blittle is (?:known|said)\b",
    r"\b(?:remains?|is|are|was|were) (?:\w+ly )?(?:unclear|unknown|unspecified|undocumented|left open|not (?:\w+ly )?(?:known|clear|specified|stated|said|given|listed|mentioned|documented|described|covered|explained|named))\b",
    r"\b(?:does not|doesn't|do not|don't|did not|didn't) (?:\w+ )?(?:say|state|mention|specify|give|list|cover|explain|describe|tell|name|go into|address)\b",
    r"\b(?:nicht (?:bekannt|angegeben|genannt|beschrieben|erwähnt|geklärt)|keine (?:weiteren |näheren |genauen )?(?:angaben|informationen|einzelheiten)|bleibt (?:offen|unklar)|unklar|unbekannt)\b",
    r"\b(?:n'est pas (?:précisée?|indiquée?|connue?|mentionnée?)|aucun(?:e)? (?:détail|précision|information)|on ignore|no se (?:sabe|especifica|indica|menciona|detalla)|se desconoce|sin (?:más )?detalles)\b",
    r"\b(?:không (?:rõ|nêu|đề cập|cho biết)|chưa (?:rõ|nêu|được nêu)|không có (?:thêm )?(?:thông tin|chi tiết))\b",
    r"不明|触れられていません|記載(?:は|が)?(?:ありません|なく)|わかりません|没有(?:说明|提到|提及)|未(?:说明|提及|提到)|不清楚|알 수 없|언급되지 않|غير (?:واضح|معروف|محدد|مذكور)|لا (?:تفاصيل|يذكر|تذكر)|неизвестно|не указан\w*|неясно",
)

# Sends the asker to somebody else.
REDIRECTING: tuple[str, ...] = (
    r"\b(?:contact|ask|reach|write to|email|call|turn to|consult|get in touch with)\b[^.]{0,30}\b(?:support|help ?desk|team|colleagues?|service|staff|expert|professional)\b",
    r"\b(?:wenden|kontaktieren|schreiben)\b[^.]{0,40}\b(?:support|kundendienst|team)|\b(?:contact\w*|adress\w*|écri\w*)\b[^.]{0,40}\b(?:support|assistance|équipe|soporte|suporte|assistenza)",
    r"お問い合わせ|联系客服|문의해|liên hệ|التواصل مع|обратитесь|klantenservice|działem wsparcia|destek ekib",
)

# Who cannot say enough good things declines nothing, nor who cannot wait: such words are read over.
IDIOMS: tuple[str, ...] = (
    r"\b(?:cannot|can ?not|can't|could ?not|couldn't) (?:\w+ )?(?:say|find|write) enough (?:good|nice|kind|positive|great|wonderful)\b",
    r"\b(?:cannot|can ?not|can't|could ?not|couldn't) (?:\w+ )?(?:thank|praise|recommend|stress|emphasi[sz]e|speak|commend)\b[^.,;:]{0,40}?\b(?:enough|too (?:much|highly))\b",
    r"\b(?:cannot|can ?not|can't|could ?not|couldn't) (?:(?:over(?:state|emphasi[sz]e|estimate)|help but|wait (?:to|for|until)|agree more)\b|be (?:happier|better|prouder)\b)",
    r"\b(?:cannot|can ?not|can't|could ?not|couldn't) (?:\w+ )?(?:tell you|say|describe|express) how (?:happy|glad|pleased|grateful|thankful|delighted|impressed|proud|excited|much (?:i|we) (?:like|love|enjoy|appreciate)\w*)\b",
    r"\bwords (?:cannot|can't|could not|couldn't|fail to) (?:describe|express|say)\b|\bdo(?:n't| not) know (?:where|what) (?:i|we)(?: would|'d) (?:be|do) without\b",
    r"\b(?:kann|können|könnte|könnten)\b[^.,;:]{0,40}\bnicht genug (?:gutes|lob\w*|dank\w*|empfehlen|betonen)\b|\b(?:kan|kunnen) (?:\w+ ){0,3}niet genoeg (?:goeds|lof|prijzen|bedanken|aanbevelen|aanraden|benadrukken)\b",
    r"\bne saurai(?:s|t|ent) trop (?:\w+ )?(?:recommander|conseiller|remercier|insister|louer)\b|\bno (?:puedo|podemos|podría) (?:\w+ )?(?:suficientes|bastantes) cosas buenas\b|\bno (?:puedo|podemos) (?:dejar de|sino|más que) (?:agradec|recomend|felicit|elogi)\w*",
    r"\bnão (?:posso|podemos) deixar de\b|\bnon (?:posso|possiamo) (?:che|fare a meno di)\b|\bkhông thể (?:\w+ )?(?:nói|khen|kể) (?:cho )?hết (?:lời|những lời|điều tốt)",
)

TURNING: tuple[str, ...] = (
    r"\b(?:however|but|nevertheless|nonetheless|that said|instead|although|though|still|it does|they do)\b",
    r"\b(?:allerdings|jedoch|aber|cependant|mais|toutefois|sin embargo|pero|tuy nhiên|nhưng|однако|ancak)\b|ただし|しかし|但是|然而|하지만|그러나|لكن|ومع ذلك",
)

ASKING: tuple[str, ...] = (
    r"\b(?:could|can|would|will) you (?:please |kindly |also )?(?:\w+ )?(?:clarify|specify|tell|provide|give|share|explain|confirm|elaborate|rephrase|be more|let me know|say|narrow|describe|name|indicate)\b",
    r"\bplease (?:clarify|specify|tell me|let me know|provide|give me|confirm|rephrase|elaborate|share|indicate|name)\b(?!.{0,40}\bif you (?:have|need|would))",
    r"\b(?:which|what|who|whom|where|when) (?:\w+ ){0,5}(?:are|do|did|were|is|was|would|did) (?:you|your)\b.*[?]|\bdo you (?:mean|refer|want to know|have (?:a|any) (?:specific|particular)|need)\b|\bdid you mean\b|\bare you (?:asking|referring|looking|interested|talking|thinking|using|trying)\b|\bwould you like (?:to know )?(?:about|the|information)\b.*\bor\b.*[?]",
    r"\b(?:need|require) (?:a bit |some |a little )?(?:more|further|additional) (?:information|details?|context|specifics)|\bwhat (?:exactly|specifically|kind of|type of|aspect)\b.*[?]|\bcan you be more specific|\bmore specific\b.*[?]|^\W*(?:which|whose)\b[^.]*[?]\W*$",
    r"\b(?:könnten|können|kannst|würden) (?:sie|du) (?:\w+ ){0,6}(?:präzisieren|genauer|sagen|mitteilen|angeben|erläutern|klären|nennen)|\bmeinen sie\b|\bmeinst du\b|\bwelche[nrs]? (?:\w+ ){0,4}(?:meinen|meinst)\b|\bbitte (?:präzisieren|geben sie|nennen sie|teilen sie)",
    r"\b(?:pourriez|pouvez|peux)-?\s?(?:vous|tu) (?:\w+ ){0,4}(?:préciser|clarifier|indiquer|me dire|reformuler)|\bparlez-vous\b|\bvoulez-vous dire\b|\bveuillez préciser",
    r"\b(?:podr[ií]as?|puedes?|pod[ée]is) (?:\w+ ){0,4}(?:aclarar|especificar|precisar|indicar|decirme|concretar)|¿(?:a )?(?:qué|cuál|quién)[^?]*(?:refiere|quieres|desea)|\bte refieres\b|\bse refiere\b[^.]*\?",
    r"\b(?:bạn|anh|chị|quý khách)\b[^.?]{0,40}(?:làm rõ|nói rõ|cho (?:tôi |mình )?biết|cụ thể hơn|muốn hỏi|muốn nói|đang nói đến|cung cấp thêm)",
    r"(?:教えて(?:いただけ|ください|もらえ)|具体的に.*(?:ですか|でしょうか|ください)|どの[^。]*(?:ですか|でしょうか)|どちら[^。]*(?:ですか|でしょうか)|(?:ことでしょうか|ことですか))",
    r"(?:请问|請問|能否|可以)[^。]*(?:具体|说明|澄清|哪|什么|提供)|您(?:指的|是指|想问)|구체적으로[^.]*(?:주시|말씀|알려)|(?:어떤|어느)[^.]*(?:말씀|인가요|까요)",
    r"(?:هل (?:يمكنك|يمكن أن|تقصد|تعني)|ماذا تقصد|أي[^.؟]*تقصد|يرجى (?:التوضيح|توضيح|تحديد))|\b(?:уточните|вы имеете в виду|могли бы вы)\b|क्या आप[^?।]*(?:बता|स्पष्ट)|\b(?:açıklar mısınız|hangi[^.?]*kastediyorsunuz|belirtir misiniz)\b",
)

COURTESY: tuple[str, ...] = (
    r"^\W*(?:hello|hi|hey|good (?:morning|afternoon|evening)|sure|certainly|of course|absolutely|great question|good question|thank(?:s| you)|you're welcome|no problem|okay|ok)\b[^.]{0,60}[!.,:]?\W*$",
    r"\b(?:feel free to|don't hesitate to|do not hesitate to|happy to help|glad to (?:help|assist)|hope (?:this|that|it) helps|let me know if|if you (?:have|need|would like|want|'d like|can|could) (?:any |more |further |other |to know |additional |me to |provide |share )|is there anything (?:else|more)|anything else (?:i|you)|how (?:can|may) (?:i|we) (?:help|assist)|would you like me to|best of luck|have a (?:great|nice|good)|i(?:'d| would) be (?:happy|glad) to|please (?:consult|contact|check|refer to|try|ask|reach out)|you (?:may|might|could|should) (?:want to |wish to |try )?(?:consult|check|contact|refer|look|search|visit|reach|ask))",
    r"^\W*(?:here(?:'s| is| are)|below (?:is|are)|the following)\b[^.]{0,80}:\W*$",
    r"\b(?:gern(?:e)? (?:helfe|geschehen)|ich helfe ihnen|bei weiteren fragen|ich hoffe,? das hilft|n'hésitez pas|j'espère que cela|no dude en|espero que (?:esto|te|le)|hy vọng (?:điều này|thông tin)|nếu bạn cần thêm|если у вас есть)",
    r"^\W*(?:hallo|guten (?:tag|morgen)|bonjour|hola|buenos días|xin chào|こんにちは|你好|您好|안녕하세요|مرحبا|здравствуйте|नमस्ते|merhaba)[^.。]{0,30}\W*$",
    r"(?:お役に立て|ご不明な点|お気軽に|他に(?:ご)?質問|希望(?:这|對|对)|如果您(?:有|需要)|다른 질문|도움이 되|أتمنى أن|إذا كان لديك|هل هناك شيء آخر)",
)

CORRECTING: tuple[str, ...] = (
    (
        r"\b(?:actually|in fact|in reality|contrary to|in contrast to what|rather than|instead of|no longer|not (?:\w+ ){0,6}but|misconception|"
        r"mistaken|incorrect|inaccurate|not (?:correct|true|accurate|the case|quite right)|wrong(?:ly)?|false|premise|assum(?:es|ed|ption)|"
        r"never|there (?:is|was|are|were) no|has not|have not|had not|did not|didn't|does not|doesn't|do not|don't|is not|isn't|was not|wasn't|are not|aren't|were not|weren't|cannot|can't|"
        r"nobody|no one|none|nothing|neither|nor|nowhere|(?:has|have|had|gets?|needs?|with) no|unlike)\b"
    ),
    r"\b(?:tatsächlich|eigentlich|entgegen|sondern|nicht mehr|falsch|irrtum|unzutreffend|stimmt nicht|nicht richtig|nie|kein\w*|nicht)\b",
    r"\b(?:en fait|en réalité|contrairement|erroné\w*|inexact\w*|faux|fausse|jamais|ne \w+ (?:pas|plus)|n'\w+ (?:pas|plus|jamais))\b",
    r"\b(?:en realidad|de hecho|al contrario|incorrect[oa]|erróne[oa]|falso|nunca|ya no|sino|no (?:es|fue|era|hay|tiene|está|son))\b",
    r"\b(?:thực ra|thực tế|không phải|không còn|sai|nhầm|chưa từng|không)\b",
    r"実際|ではなく|ではありません|ではない|誤り|間違|もはや|ませんでした|していません|而是|不是|其实|事實|错误|實際|并非|不再|没有|사실|아니라|아닙니다|잘못|않",
    r"في الواقع|في الحقيقة|بل|ليس|ليست|غير صحيح|خطأ|لم يعد|لم|\b(?:на самом деле|неверно|ошиб|не \w+, а|больше не|никогда|не)\b|वास्तव में|नहीं|aslında|değil|yanlış",
)

# A sentence that says no more than that something is not told: "The number of sites isn't given."
_SUBJECT = r"^(?!.*\b(?:and|und|et|y|và)\b)[^,;:\d]{3,100}"
SILENT: tuple[str, ...] = (
    r"^\W*(?:\w+, )?(?:i|we)(?:'m| am|'re| are| do| would|'d| feel)?(?:n't| not) (?:be |feel |really |quite )*(?:comfortable|confident|at ease|qualified|equipped|in a position|the right (?:person|one)) (?:about |with |in )?(?:to )?(?:giv|advis|answer|say|tell|recommend|comment|mak|judg|speak|assess|guess|offer)\w*\b",
    _SUBJECT
    + r"\b(?:is|are|was|were)(?:n't| not) (?:\w+ly )?(?:stated|mentioned|specified|indicated|disclosed|documented|spelled out)\b(?: (?:in|by|anywhere|here)\b[^,;.]*)?\W*$",
    r"^(?!.*\b(?:and|the customer|the member)\b)[^,;:\d]*\b(?:number|name|date|amount|price|reason|figures?|details?|address|cost|fee|time|size|length|age)\b[^,;:\d]*\b(?:is|are|was|were)(?:n't| not) given\W*$",
    r"\b(?:mentioned|stated|specified|described|documented|covered|listed|named|given), (?:but )?[^.,;\d]{3,80} (?:is|are|was|were)(?:n't| not)\W*$",
    _SUBJECT
    + r"\b(?:wird|werden|ist|sind) (?:\w+ )?nicht (?:genannt|angegeben|erwähnt|beschrieben)\W*$",
    _SUBJECT
    + r"\bn'(?:est|sont) pas (?:précisée?s?|indiquée?s?|mentionnée?s?|spécifiée?s?)\b[^,;:\d]*$",
    r"^\W*no se (?:indica|menciona|especifica|precisa|detalla)n?\b[^,;:\d]{3,100}$|"
    + _SUBJECT
    + r"\bno se (?:indica|menciona|especifica|precisa|detalla)n?\W*$",
    _SUBJECT + r"\bkhông được (?:nêu|đề cập|ghi rõ|nhắc đến)\b[^,;:\d]{0,40}$",
)
