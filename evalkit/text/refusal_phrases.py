"""Patterns, over normalised text, of declining, of silent sources, of asking back and of mere courtesy."""

from __future__ import annotations

_SOURCE = (
    r"(?:the|these|this|those|any|our|my|your|provided|given|available|supplied|retrieved|above|following)?\s*"
    r"(?:(?:provided|given|available|supplied|retrieved|above|current|relevant|search|reference|source|knowledge|"
    r"uploaded|accompanying|shared|present|existing|context|input)\s+)*"
    r"(?:documents?|passages?|texts?|contexts?|articles?|sources?|information|materials?|excerpts?|snippets?|"
    r"results?|data|content|evidence|records?|knowledge base|references?|paragraphs?|files?|pages?|extracts?|documentation|sections?)"
)
_NOT = r"(?:does not|doesn't|do not|don't|did not|didn't|is not|isn't|are not|aren't|never|fails? to|cannot|can't|has not|have not|hasn't|haven't)"
_TELL = (
    r"(?:\w+ly )?(?:mention|contain|provide|say|state|specify|include|give|discuss|address|cover|indicate|answer|"
    r"explain|describe|offer|reveal|tell|disclose|identify|list|detail|clarify|note|supply|refer|show|report|hold|have|speak|suffice|allow|support|name|touch)"
)

DECLINING: tuple[str, ...] = (
    # English: the speaker cannot or will not
    r"\bi(?:'m| am)? (?:am |was |'m )?(?:\w+ly )?(?:unable|not able) to\b",
    (
        r"\b(?:i|we) (?:\w+ly )?(?:cannot|can't|can not|could not|couldn't|am not able to|won't|will not|would not be able to) "
        r"(?:\w+ly )?(?:answer|provide|find|help|assist|say|tell|determine|give|confirm|identify|locate|offer|comment|share|"
        r"respond|verify|conclude|explain|describe|list|establish|recommend|see|comply|fulfil|discuss|do that|access|predict|speculate|advise|disclose|be (?:sure|certain))"
    ),
    (
        r"\b(?:i|we)(?: really| currently| unfortunately| simply)? (?:don't|do not|didn't|did not|lack|am lacking|haven't|have not|have no|have not got|"
        r"don't currently|do not currently) ?(?:actually |currently |really )?(?:have|find|see|know|possess|got|been given|been provided)? ?"
        r"(?:an?y? |the |enough |sufficient |specific |relevant |further |that |access |to |about |much |of )*"
        r"(?:information|answer|data|knowledge|details?|context|idea|know\b|access|evidence|record|mention|way of|anything)"
    ),
    r"\bi (?:do not|don't|didn't|did not) (?:actually |really )?know\b|\bi (?:do not|don't) have (?:a|an|any|the|that|such|those) (?:specific|exact|particular|precise|complete|full|current|certain)\b",
    r"\bi(?:'d| would) (?:rather|prefer) not\b|\bi must decline\b|\bi have to decline\b|\bi(?:'m| am) not (?:sure|certain|aware|familiar|in a position|qualified)\b",
    r"\bi have (?:no|insufficient|not enough|nothing|not been)\b|\bthere(?:'s| is) nothing (?:i|we) can\b|\bi(?:'m| am) not (?:finding|seeing) (?:any|enough)",
    r"^\W*(?:unanswerable|unknown|no answer|not answerable|n/a|not available|cannot (?:answer|say|tell|determine)|can't (?:say|tell|answer)|no (?:data|information)|not enough information|insufficient (?:information|data|context)|none given|unclear)\W*$",
    r"\b(?:outside|beyond) (?:the scope|my (?:scope|knowledge|expertise|remit))",
    # English: the wrong kind of input ("this is a delivery note, not an invoice, so there is nothing to fill in")
    r"\bnot an? (?:\w+ ){0,2}\w+\b[^.]{0,20}\b(?:so|therefore|hence|which is why)\b\s+(?:there is|there are|i|we)\b[^.]{0,20}\b(?:no|not|nothing|cannot|can't|unable)\b",
    # Short confessions of not knowing, the whole sentence
    (
        r"^\W*(?:not sure|no idea|no clue|no answer found|none found|nothing found|keine ahnung|weiss (?:ich )?(?:leider )?nicht|"
        r"(?:das |es |dies )?(?:weiss|weiß) ich (?:leider )?nicht|no lo s[eé]|ni idea|desconozco\b.{0,30}|je l'ignore|j'ignore\b.{0,30}|aucune idée|"
        r"non lo so|non saprei|dat weet ik niet|geen idee|não sei|nie wiem|nevím|vet (?:jag|ej) (?:inte|ikke)|jag vet inte|det ved jeg ikke|bilmiyorum|не знаю)"
        r"(?:,? (?:sorry|leider|lo siento|désolé|sorry))?\W*$"
    ),
    r"\bnot something (?:i|we) (?:can|could|am able to|are able to) (?:help|assist|answer|say|comment)",
    # German
    r"\bich (?:kann|könnte|konnte|darf|möchte|vermag)\b[^.]{0,60}\b(?:nicht|keine?n?|leider)\b|\bich (?:weiß|weiss) (?:es |das |dazu |darüber )?(?:leider )?(?:nicht|nichts)\b",
    r"\bkann ich (?:\w+ ){0,4}(?:nicht|keine?)\b|\b(?:mir|uns) lieg(?:t|en) (?:\w+ ){0,4}(?:keine?|nicht)|\bich habe (?:\w+ ){0,3}(?:keine?n?)\b",
    # French
    r"\bje (?:ne |n')(?:peux|sais|suis|dispose|trouve|connais|possède|ai|saurais|parviens|vois)\b[^.]{0,20}\b(?:pas|aucune?|point|rien)\b|\bje ne (?:sais|peux|saurais)\b|\bje suis (?:au regret|dans l'incapacité|incapable)",
    # Spanish, Portuguese, Italian, Dutch
    r"\bno (?:puedo|sé|tengo|dispongo|encuentro|encontré|cuento con|me es posible|podemos|tenemos|estoy segur[oa])\b|\bno soy capaz\b",
    r"\bnão (?:posso|sei|tenho|encontrei|consigo|disponho|é possível)\b|\bnon (?:posso|so|ho|trovo|sono in grado|dispongo|è possibile)\b",
    r"\bik (?:kan|weet|heb|vind) (?:\w+ ){0,5}(?:niet|geen)\b",
    # Vietnamese
    r"\b(?:tôi|chúng tôi|mình|em)\b[^.]{0,25}\b(?:không|chưa) (?:thể|có|biết|tìm|rõ|đủ|được)",
    # Japanese, Chinese, Korean
    r"(?:お答え|回答|お伝え|ご案内|判断|断定|特定|提供|説明|確認)(?:を)?(?:する|すること|いたし|し)?(?:は|が|も)?(?:でき(?:ま|な|か)|いたしかね|しかね|できかね)|わかりません|分かりません|わからない|分からない|存じません|不明です",
    r"(?:我|我们)?(?:无法|無法|不能|没办法|沒辦法)(?:回答|提供|确定|確定|判断|判斷|给出|得出|确认|找到|告诉)|我不(?:知道|清楚|确定)",
    r"(?:알 수 없|답변(?:할|드릴) 수 없|모르겠|모릅니다|대답할 수 없|확인할 수 없|찾을 수 없)",
    # Arabic, Russian, Hindi, Turkish
    r"(?:لا|لم) (?:أستطيع|استطيع|يمكنني|أعرف|اعرف|أعلم|اعلم|أملك|املك|أجد|اجد|أتمكن|نستطيع|يمكننا|تتوفر لدي|أمتلك)|ليس(?:ت)? لد[يى]|ليست? لدينا",
    r"\bя не (?:могу|знаю|наш|располагаю|име)|\bне могу (?:ответить|сказать)|\bу меня нет\b",
    r"(?:मुझे|मेरे पास)[^।]*(?:नहीं|क्षमा)|\b(?:bilmiyorum|cevap veremem|yanıtlayamam)\b",
)

# An apology before a negation declines where the rest is about knowing, the sources or the speaker; else it tells a
# fact politely: "I am afraid the small plan has no calendar".
REGRETTING: tuple[str, ...] = (
    r"\bi(?:'m| am) (?:afraid|sorry)\b(?:(?!here|attached).)*\b(?:not|no|can't|cannot|don't|unable|couldn't|isn't|nothing|without|lack)",
    r"^\W*(?:i(?:'m| am) (?:very |so |really )?sorry|sorry|(?:my )?apolog(?:ies|ise|ize)|i apologi[sz]e)\b(?=.*\b(?:not|no|can't|cannot|don't|unable|couldn't|nothing|beyond|outside|lack|insufficient)\b)",
    r"\b(?:lo siento|mi dispiace|rất tiếc|xin lỗi|désolée?s?|к сожалению|извините|maalesef|üzgünüm)\b|申し訳(?:ございません|ありません)|抱歉|对不起|很遗憾|죄송합니다|عذرا|آسف|أعتذر|للأسف|माफ़? ?कीजिए",
)
KNOWING: tuple[str, ...] = (
    r"\bi (?:\w+ ){0,2}(?:not|cannot|can't|don't|couldn't|won't|unable|have no|lack)\b|\bi(?:'m| am) (?:\w+ )?(?:not|unable)\b|\bme\b",
    (
        r"\b(?:know\w*|answers?|answered|answerable|information|informed|documents?|documentation|articles?|texts?|passages?|sources?|context|"
        r"help (?:cent(?:re|er)|pages?|desk|articles?|texts?)|knowledge base|details?|data|records?|mentions?|mentioned|says?|said|tell|told|state[sd]?|described?|"
        r"specified|documented|explains?|covers?|covered|evidence|found|find|clear|determine[d]?|confirm(?:ed)?|scope|question|request|topic|subject|assist\w*|help|anything|nothing)\b"
    ),
    (
        r"\b(?:wissen|weiß|weiss|information\w*|angaben|auskunft|dokument\w*|quelle\w*|frage|informaci[oó]n\w*|informações|informazioni|documentos?|documenti|pregunta|r[eé]ponse|question|saber?|savoir|"
        r"thông tin|tài liệu|câu hỏi|trả lời|biết|bilgi\w*|belge\w*|cevap\w*|информац\w*|документ\w*|вопрос\w*|ответ\w*|знаю)\b"
    ),
    r"答|情報|資料|文書|記載|質問|わかり|分かり|信息|资料|文档|问题|知道|정보|문서|질문|답변|معلوم|وثيق|مستند|سؤال|إجاب|जानकारी|दस्तावेज़|उत्तर|सवाल",
)

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

ABSENCE: tuple[str, ...] = (
    # English: what is needed is missing, or stands nowhere
    r"\b(?:information|details?|answer|data|facts?|figures?|passage)\b.{0,50}\b(?:is|are|was|were) (?:missing|absent|lacking)\b",
    r"\b(?:not|isn't|aren't|nowhere|never) (?:documented|recorded|described|covered|mentioned|written|explained|listed) (?:in|by|anywhere|at all|there)\b",
    # English: the sources do not say
    rf"\b{_SOURCE} (?:that (?:i|you|we|was|were|is) (?:\w+ ){{1,3}})?(?:\w+ly )?{_NOT} (?:\w+ly )?(?:appear |seem |seems )?(?:to )?{_TELL}",
    rf"\b(?:nothing|no (?:\w+ ){{0,4}}(?:information|mention|details?|data|answer|reference|evidence|indication|passage|document|figure|explanation|description))\b.{{0,90}}\b(?:in|from|within|among|by) {_SOURCE}",
    rf"\b{_SOURCE} (?:provides?|contains?|gives?|offers?|includes?|has|have|makes?|says?|mentions?|hold) (?:no|nothing|little|neither|insufficient|not enough)\b",
    rf"\b(?:not|nowhere|never) (?:\w+ly )?(?:be )?(?:mentioned|stated|specified|provided|given|contained|included|covered|found|addressed|discussed|available|explained|described|answered|present|disclosed|listed|indicated|clear|explicitly \w+)\b.{{0,40}}\b(?:in|by|from|within|on the basis of|based on) {_SOURCE}",
    rf"\b(?:based on|according to|from|given|using|with|in) {_SOURCE}.{{0,60}}\b(?:not (?:possible|clear|known|specified|mentioned|provided|stated|given|available)|cannot|can't|unclear|unknown|impossible|no (?:\w+ )?(?:information|mention|answer|details?|evidence|indication)|unable)\b",
    r"\b(?:it is|it's|it was|that is|this is) (?:\w+ly )?(?:not possible|impossible|not clear|unclear|not known|unknown|not specified|not mentioned|not stated)\b.{0,60}\b(?:to|what|who|when|where|why|how|whether|if|from|which)\b",
    (
        r"\bthere (?:is|was|are|isn't|is not|are not|aren't|'s) (?:no|not|insufficient|n't)? ?(?:any |enough |sufficient |specific |explicit |direct |clear |further |relevant |such )*"
        r"(?:information|mention|details?|data|reference|indication|evidence|answer|record|context)\b(?=.{0,80}(?:\b(?:about|on|regarding|of|to|provided|available|that|in|for|concerning|whether)\b|$))(?<!there is information)(?<!there is a)"
    ),
    r"\b(?:cannot|can't|can not|could not|couldn't) be (?:\w+ly )?(?:determined|answered|established|concluded|inferred|confirmed|found|derived|verified|ascertained|known|identified|deduced|said)\b",
    r"\b(?:insufficient|not enough|inadequate|no) (?:\w+ )?(?:information|evidence|details?|data|context)\b.{0,50}\b(?:to|for|is|was|available|provided|given)\b",
    r"\b(?:the )?(?:answer|information|question|detail|details)\b.{0,60}\b(?:is|are|was|were|can|could)(?: not|n't|not) (?:be )?(?:\w+ly )?(?:available|provided|given|mentioned|included|found|in|stated|specified|contained|known|covered|answered|answerable|addressed|present|determined)\b",
    r"\b(?:is|are|was|were) (?:not|never) (?:\w+ly )?(?:mentioned|specified|stated|disclosed|addressed|covered|documented)(?: anywhere| here| at all)?\W*$",
    r"\bnot (?:answerable|covered|mentioned|specified|stated)\b.{0,20}$",
    rf"\b(?:without|need|requires?) (?:more|further|additional) (?:information|context|details?)|\b{_SOURCE} (?:is|are|was|were) (?:silent|insufficient|not sufficient|not enough|inconclusive|incomplete|not relevant|irrelevant|unrelated|about (?:something|another))\b",
    rf"\b(?:do|does|did|can|could|would) (?:not|n't) (?:\w+ )?(?:find|see|locate) .{{0,60}}\b(?:in|from|within) {_SOURCE}",
    rf"\b(?:none|neither) of {_SOURCE}|\bno one of {_SOURCE}|\bnot (?:something|anything) {_SOURCE}|\bleaves? (?:it|this|that|the question|the matter) open\b",
    # German
    r"\b(?:dokument|text|kontext|quelle|abschnitt|artikel|unterlage|information|angabe|auszug|textstelle|passage)\w*\b[^.]{0,70}\b(?:nicht|keine?n?|nichts)\b|\b(?:geht|lässt sich|kann|ergibt sich|steht) (?:\w+ ){0,8}(?:nicht|nichts) (?:\w+ ){0,5}(?:hervor|beantwort\w*|entnehmen|ableiten|bestimmen|sagen|feststell\w*)|\bkeine (?:\w+ )?(?:informationen|angaben|hinweise|daten|auskunft|antwort)\b|\bnicht (?:erwähnt|angegeben|enthalten|genannt|bekannt|ersichtlich)\b",
    # French
    r"\b(?:documents?|texte|contexte|passage|article|sources?|extraits?|informations?)\b[^.]{0,50}\bn(?:e |')[^.]{0,40}\b(?:pas|aucune?|rien)\b|\b(?:il n'est pas possible|il est impossible|aucune (?:information|mention|donnée|précision|indication)|n'est pas (?:mentionnée?|précisée?|indiquée?))\b",
    # Spanish, Portuguese, Italian, Dutch
    r"\b(?:documentos?|texto|contexto|pasajes?|art[ií]culos?|fuentes?|informaci[oó]n|fragmentos?)\b[^.]{0,40}\bno (?:\w+ )?(?:menciona|contiene|indica|dice|especifica|proporciona|ofrece|incluye|figura|aparece|est[aá]|se|permite|hay|responde)|\bno (?:es posible|hay (?:\w+ )?(?:informaci[oó]n|datos|menci[oó]n)|se (?:menciona|indica|especifica|puede|sabe|dice))",
    r"\b(?:documentos?|texto|contexto|informaç\w+|fontes?)\b[^.]{0,40}\bnão \w+|\b(?:documenti|documento|testo|contesto|fonti|informazioni)\b[^.]{0,40}\bnon \w+|\b(?:geen|onvoldoende) (?:\w+ )?(?:informatie|gegevens)\b",
    # Vietnamese
    r"\b(?:tài liệu|văn bản|đoạn văn|ngữ cảnh|bài viết|nguồn|thông tin|dữ liệu)\b[^.]{0,50}\b(?:không|chưa)\b|\b(?:không|chưa) (?:có|đủ|tìm thấy|được)\b[^.]{0,20}\b(?:thông tin|dữ liệu|câu trả lời|đề cập|nhắc|nêu)|\bkhông thể (?:xác định|kết luận|trả lời|biết|khẳng định)",
    # Japanese, Chinese, Korean
    r"(?:文書|資料|文章|情報|記事|本文|コンテキスト|テキスト|文脈|ドキュメント|出典|データ|記載|記述|言及)[^。]{0,30}(?:ありません|ございません|ない|ません|不足|見当たり|見つかり|含まれて(?:い(?:ま|な)|お))|(?:記載|言及|記述|明記)(?:は|が)?(?:されて)?(?:い|お)?(?:ない|ません|りません)|不明",
    r"(?:文档|文件|文章|资料|資料|上下文|信息|資訊|原文|段落|材料|来源|內容|内容)[^。]{0,20}(?:没有|沒有|未|不|无|無)(?:提供|提及|提到|包含|说明|說明|足够|足以|涉及|给出|指出|相关|法)|(?:没有|缺乏|缺少|沒有)(?:足够|相关|足夠|相關|任何)?(?:的)?(?:信息|资料|数据|資訊|資料)|无法(?:确定|得知|判断|得出)|未提及",
    r"(?:문서|자료|본문|문맥|정보|내용|기사)[^.]{0,30}(?:없|않|못|부족)",
    # Arabic, Russian, Hindi, Turkish
    r"(?:لا|لم|ليس|ليست)[^.]{0,30}(?:معلومات|المعلومات|الوثيقة|الوثائق|المستند|المستندات|النص|السياق|المقال|الفقرة|يذكر|تذكر|يحتوي|تحتوي|يرد|توجد|يمكن)|(?:الوثيقة|الوثائق|المستند|المستندات|النص|السياق|المعلومات)[^.]{0,20}(?:لا|لم|غير)|غير (?:مذكور|معروف|متوفر|كاف)|من غير الممكن",
    r"\b(?:документ|текст|контекст|источник|информац|стать|отрывк)\w*[^.]{0,40}\b(?:не|нет)\b|\b(?:нет|недостаточно) (?:\w+ )?(?:информации|данных|сведений)|\bневозможно (?:определить|ответить|сказать|установить)|\bне (?:указан|упомина|говорится)",
    r"(?:दस्तावेज़?|पाठ|जानकारी|संदर्भ)[^।]{0,40}नहीं|\b(?:belge|metin|bağlam|bilgi)\w*[^.]{0,40}\b(?:yok|değil|bulunm|içerm|verilm|belirtilm)\w*",
)

TURNING: tuple[str, ...] = (
    r"\b(?:however|but|nevertheless|nonetheless|that said|instead|although|still|it does|they do)\b",
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

# An English, German, French, Spanish ... sentence in plain ASCII that declines has one of these words.
_CUES = """
no not none nothing neither never nowhere nobody cannot unable unknown unclear unanswerable sorry apologies apologize
apologise apology insufficient inadequate impossible lack lacks lacking without decline afraid outside beyond fail fails
irrelevant unrelated incomplete inconclusive little silent need needs require requires rather prefer open unfortunately
n a nicht nichts kein keine keinen leider ich pas aucun aucune rien je n ne il siento sei mi non niet geen izvinite xin
missing absent desconozco nie em bu belge metin bilgi maalesef bilmiyorum veremem yok lamento nao informacion incapable regret only hardly few
"""
DECLINING_CUES: frozenset[str] = frozenset(_CUES.split())
