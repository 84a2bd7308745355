"""Cues of register, politeness and person in fourteen languages, as data."""

from __future__ import annotations

INFORMAL: dict[str, str] = {  # alternatives of one regular expression over the folded text
    "en": r"\b\w+n't\b|\b(?:i'm|i've|i'll|i'd|you're|you've|you'll|you'd|we're|we've|we'll|they're|they've|it's|that's|there's|here's|what's|let's|he's|she's|gonna|wanna|gotta|kinda|sorta|dunno|ain't|y'all|hey|hiya|yeah|yep|yup|nope|yay|wow|whoa|oops|ok|okay|lol|lmao|omg|btw|fyi|asap|tbh|imo|thx|pls|plz|dude|bro|guys|folks|buddy|mate|awesome|cool|super|totally|literally|stuff|crap|damn|sucks|heck|no worries|no problem|cheers|bye)\b",
    "de": r"\b(?:du|dich|dir|dein\w*|euch|euer\w*|hey|hi|hallo|tschüss|moin|servus|cool|super|geil|krass|klar|nö|nee|jo|ok|okay|mega|halt|gell|kriegen|kriegst|lg|is'|hab'|geht's|gibt's|isses)\b",
    "fr": r"\b(?:tu|toi|ton|ta|tes|salut|coucou|ouais|cool|super|génial|truc|trucs|bah|ben|mec|ok|t'as|t'es|bisous|ciao|sympa|mdr)\b|\bj'sais\b|\by'a\b",
    "es": r"\b(?:tú|ti|tu|tus|contigo|vos|hola|oye|guay|genial|tío|tía|vale|ok|chao|porfa|súper|che|mola|qué tal)\b",
    "it": r"\b(?:tu|ti|te|tuo|tua|tuoi|tue|ciao|ehi|ok|dai|boh|figo|forte|bello|roba|mitico)\b",
    "nl": r"\b(?:jij|je|jou|jouw|jullie|hoi|hey|hé|doei|oké|ok|leuk|gaaf|super|joh|zeg|fijn)\b",
    "pt": r"\b(?:tu|teu|tua|oi|olá|valeu|beleza|legal|cara|galera|tá|pra|né|ok|tchau|cê)\b",
    "vi": r"\b(?:mày|tao|tớ|cậu|ê|ok|oki|nha|nhé|nhá|hihi|haha|cực kỳ đỉnh|hổng|zậy|dzậy|chill)\b",
    "ja": r"だよ|だね|じゃん|だぜ|だぞ|でしょ(?!う)|(?:する|した|いい|ない|ある|だ)(?:よ|ね|さ|ぞ)[。！!\n]|っす|マジ|やばい|ヤバ|すげ|ちゃう|てる(?:よ|ね)|バイバイ|ねえ",
    "zh": r"哈哈|呵呵|啦|哦|嘛|哇|咋|啥|嗨|拜拜|超赞|亲[，,]|搞定|牛逼",
    "ko": r"(?:해|야|지|네|어|아|다고|거든|잖아)(?=[.!?~]|$)|ㅋㅋ|ㅎㅎ|ㅠㅠ|안녕(?!하)|대박|짱",
    "ar": r"\b(?:هلا|يلا|أوكي|اوكي|شو|ليش|إزيك|عايز|كويس|مش|ده|دي|وش|هههه+)\b",
    "ru": r"\b(?:ты|тебя|тебе|тобой|твой|твоя|твоё|твои|привет|пока|круто|классно|ок|окей|ага|неа|чё|щас|норм|блин|спасибки)\b",
    "pl": r"\b(?:ty|ciebie|tobie|twój|twoja|cześć|hej|siema|spoko|fajnie|super|ok|no|pa)\b",
}
FORMAL: dict[str, str] = {
    "en": r"\b(?:would|may|shall|could|kindly|please|hereby|herewith|therefore|furthermore|moreover|nevertheless|consequently|accordingly|regarding|concerning|pursuant|thus|sincerely|respectfully|dear|sir|madam|we regret|we advise|in accordance|with respect to|prior to|subsequent|should you|upon|provided that|notwithstanding|enclosed|assistance|request|inform|obtain|ensure|require[sd]?|commence)\b",
    "de": r"(?<![.!?] )(?<!^)\b(?:Sie|Ihnen|Ihr|Ihre[nmrs]?)\b|\b(?:bitte|gemäß|hiermit|bezüglich|sehr geehrte\w*|hochachtungsvoll|mit freundlichen grüßen|zudem|ferner|folglich|daher|demnach|würden|könnten|dürfen|möchten)\b",
    "fr": r"\b(?:vous|votre|vos|veuillez|cordialement|madame|monsieur|conformément|néanmoins|toutefois|ainsi|afin|par conséquent|nous vous prions|en outre|merci de)\b",
    "es": r"\b(?:usted|ustedes|le rogamos|estimad[oa]s?|atentamente|cordialmente|conforme|asimismo|no obstante|por consiguiente|mediante|rogamos|sírvase|por favor|quisiera|podría)\b",
    "it": r"\b(?:gentile|cordiali|distinti|saluti|pertanto|inoltre|tuttavia|conformemente|la preghiamo|vorrebbe|potrebbe|cortesemente|lei)\b",
    "nl": r"\b(?:u|uw|geachte|hoogachtend|met vriendelijke groet|derhalve|tevens|echter|conform|betreffende|zou|kunt u|gelieve|alstublieft)\b",
    "pt": r"\b(?:senhor|senhora|prezad[oa]s?|atenciosamente|cordialmente|conforme|portanto|entretanto|outrossim|ademais|solicitamos|por favor|poderia|gostaria)\b",
    "vi": r"\b(?:quý khách|quý vị|kính|kính gửi|trân trọng|xin|vui lòng|theo quy định|do đó|tuy nhiên|căn cứ|ngài|thưa|dạ|ạ)\b",
    "ja": r"です|ます|ました|ません|ください|ございま|いたし|申し上げ|恐れ入り|存じ|であります|お願い|ご確認",
    "zh": r"您|请|敬请|谨|此致|敬礼|贵公司|贵方|根据|按照|因此|然而|特此|有关|感谢|恳请|請|敬請|貴公司",
    "ko": r"(?:습니다|ㅂ니다|니다|세요|십시오|니까|해요|이에요|예요)(?=[.!?,\s]|$)|귀하|드립니다|부탁",
    "ar": r"\b(?:يرجى|نرجو|حضرتكم|سيادتكم|السيد|السيدة|المحترم|المحترمة|وفقا|وفقًا|علما|نفيدكم|بناء|تفضلوا|مع خالص|التحية|لذلك|كما أن)\b",
    "ru": r"\b(?:вы|вас|вам|вами|ваш\w*|уважаем\w+|пожалуйста|просим|согласно|в соответствии|следовательно|однако|кроме того|с уважением|благодарим|настоящим)\b",
    "pl": r"\b(?:pan|pani|państwo|państwa|szanown\w+|uprzejmie|prosimy|zgodnie|jednakże|ponadto|zatem|z poważaniem|niniejszym|proszę)\b",
}
POLITE: dict[str, str] = {
    "en": r"\b(?:please|thank you|thanks|kindly|would you|could you|may i|may we|sorry|apologi[sz]e\w*|apologies|appreciate\w*|grateful|happy to help|glad to|pleased to|you're welcome|you are welcome|welcome|dear|sincerely|regards|feel free|we understand|i understand|pleasure)\b",
    "de": r"\b(?:bitte|danke|vielen dank|entschuldig\w+|verzeihung|gerne?|würden sie|könnten sie|sehr geehrte\w*|freundlich\w*|es tut (?:uns|mir) leid|willkommen|dankbar|freuen)\b",
    "fr": r"\b(?:s'il vous plaît|s'il te plaît|merci|veuillez|désolée?s?|excus\w+|pourriez-vous|cordialement|volontiers|avec plaisir|bienvenue|nous vous prions)\b",
    "es": r"\b(?:por favor|gracias|disculp\w+|lo sentimos|lo siento|perdón|podría|estimad[oa]s?|con gusto|amable\w*|bienvenid[oa]s?|agradec\w+|cordialmente)\b",
    "it": r"\b(?:per favore|per cortesia|grazie|scus\w+|mi dispiace|ci dispiace|gentil\w*|cordial\w*|potrebbe|benvenut[oaie]|prego|volentieri|la preghiamo)\b",
    "nl": r"\b(?:alstublieft|alsjeblieft|bedankt|dank u|dank je|dank|sorry|excuses|zou u|kunt u|graag|vriendelijk\w*|geachte|welkom|het spijt)\b",
    "pt": r"\b(?:por favor|obrigad[oa]s?|desculp\w+|lamentamos|poderia|prezad[oa]s?|com prazer|gentil\w*|bem-vind[oa]s?|agradec\w+|cordialmente)\b",
    "vi": r"\b(?:xin|vui lòng|làm ơn|cảm ơn|cám ơn|kính|thưa|dạ|ạ|quý khách|rất tiếc|rất vui|trân trọng|hân hạnh|mong)\b",
    "ja": r"ください|下さい|ありがとう|恐れ入り|申し訳|お願い|ございま|いただ|幸いです|失礼|すみません|お手数|です|ます",
    "zh": r"请|請|谢谢|謝謝|感谢|感謝|抱歉|对不起|對不起|您|麻烦|麻煩|欢迎|歡迎|劳驾|不好意思|很高兴",
    "ko": r"부탁|감사|고맙|죄송|실례|주세요|주시|드립니다|십시오|세요|습니다|환영",
    "ar": r"(?:من فضلك|لو سمحت|رجاء|يرجى|نرجو|شكر|نشكر|نعتذر|آسف|عذر|تفضل|مرحب|أهلا|يسعدنا|يسرنا|تحية)",
    "ru": r"\b(?:пожалуйста|спасибо|благодар\w+|извин\w+|простите|будьте добры|не могли бы|уважаем\w+|с уважением|рады|приветствуем|к сожалению)\b",
    "pl": r"\b(?:proszę|prosimy|dzięku\w+|przeprasza\w+|uprzejmie|szanown\w+|czy mógłby|z poważaniem|chętnie|zapraszamy|witamy|przykro)\b",
}
RUDE: dict[str, str] = {
    "en": r"\b(?:stupid|idiot\w*|dumb|shut up|whatever|your fault|not my problem|obviously|as i (?:already )?said|you should have|you failed to|you must|nonsense|ridiculous|calm down|don't bother|deal with it|hurry up|pay attention|read the manual|useless|lazy)\b",
    "de": r"\b(?:dumm\w*|idiot\w*|blöd\w*|unsinn|quatsch|halt den mund|selbst schuld|ihr problem|dein problem|lächerlich|sie müssen|wie gesagt|offensichtlich|nutzlos)\b",
    "fr": r"\b(?:stupide|idiote?s?|imbécile|taisez-vous|tais-toi|ridicule|n'importe quoi|votre faute|ce n'est pas mon problème|vous devez|évidemment)\b",
    "es": r"\b(?:estúpid\w+|idiotas?|tont\w+|cállese|cállate|ridícul\w+|su culpa|no es mi problema|obviamente|tonterías)\b",
    "it": r"\b(?:stupid\w+|idiota|sciocc\w+|zitto|ridicol\w+|colpa sua|non è un mio problema|ovviamente|sciocchezze)\b",
    "nl": r"\b(?:dom|domme|idioot|stom|onzin|hou je mond|eigen schuld|niet mijn probleem|belachelijk|uiteraard)\b",
    "pt": r"\b(?:estúpid\w+|idiotas?|burr[oa]s?|cale-se|cala a boca|ridícul\w+|culpa sua|não é problema meu|obviamente|bobagem)\b",
    "vi": r"\b(?:ngu|ngốc|im đi|mày|tao|vớ vẩn|lỗi của bạn|mặc kệ|nhảm nhí)\b",
    "ja": r"バカ|馬鹿|アホ|うるさい|黙れ|くだらない|お前|てめ|自分で調べ|知るか|勝手にし",
    "zh": r"笨蛋|愚蠢|白痴|闭嘴|閉嘴|废话|廢話|活该|活該|关我什么事|自己看",
    "ko": r"바보|멍청|닥쳐|시끄|헛소리|네 탓|알아서 해|한심",
    "ar": r"(?:غبي|أحمق|اخرس|هراء|ليست مشكلتي|خطؤك|سخيف)",
    "ru": r"\b(?:глуп\w+|идиот\w*|дурак\w*|тупо\w*|заткни\w*|чушь|сам виноват|не моя проблема|смешно|очевидно)\b",
    "pl": r"\b(?:głupi\w*|idiot\w*|zamknij się|bzdura|bzdury|twoja wina|nie mój problem|śmieszne|oczywiście)\b",
}
FIRST_PERSON: dict[str, str] = {  # over the text as written: "US" and "World War I" are no pronouns
    "en": r"(?<!War )(?<!Type )(?<!Part )(?<!Class )(?<!Phase )(?<!Chapter )(?<!Level )(?<!Grade )(?<!Stage )(?<!Volume )(?<!Article )(?<!Section )(?<!Title )(?<!Tier )(?<!Category )\bI(?=['’]|\s+[a-z]|[,.!?]|\s*$)|\b(?:[Mm]e|[Mm]y|[Mm]yself|[Ww]e|us|[Oo]ur|[Oo]urs|[Oo]urselves)\b",
    "de": r"\b(?:[Ii]ch|[Mm]ich|[Mm]ir|[Mm]ein(?:e[nmrs]?)?|[Ww]ir|[Uu]ns|[Uu]nser(?:e[nmrs]?)?)\b",
    "fr": r"\b(?:[Jj]e|[Mm]oi|[Mm]on|[Mm]a|[Mm]es|[Nn]ous|[Nn]otre|[Nn]os)\b|\b[Jj]['’](?=\w)",
    "es": r"\b(?:[Yy]o|[Mm]í|[Mm]is?|[Mm]e|[Cc]onmigo|[Nn]osotr[oa]s|[Nn]uestr[oa]s?|[Nn]os)\b",
    "it": r"\b(?:[Ii]o|[Mm]i|[Mm]io|[Mm]ia|[Mm]iei|[Mm]ie|[Nn]oi|[Nn]ostr[oaie])\b",
    "nl": r"\b(?:[Ii]k|[Mm]ij|[Mm]ijn|[Ww]ij|[Ww]e|[Oo]ns|[Oo]nze)\b",
    "pt": r"\b(?:[Ee]u|[Mm]im|[Mm]eus?|[Mm]inhas?|[Cc]omigo|[Nn]ós|[Nn]oss[oa]s?)\b",
    "vi": r"\b(?:[Tt]ôi|[Tt]ao|[Mm]ình|[Cc]húng tôi|[Cc]húng ta|[Tt]ớ)\b",
    "ja": r"私(?=[はがもをにのと、])|私たち|私ども|わたし|わたくし|僕|俺|我々|われわれ|弊社|当方",
    "zh": r"我|咱|本人|敝",
    "ko": r"(?:^|\s)(?:저는|제가|저희|저도|저를|저의|나는|내가|나의|나도|우리)",
    "ar": r"(?<!\w)(?:أنا|نحن|إننا|إنني|لدي|لدينا|عندي|عندنا)(?!\w)",
    "ru": r"\b(?:[Яя]|[Мм]еня|[Мм]не|[Мм]ной|[Мм]ы|[Нн]ас|[Нн]ам|[Нн]ами|[Мм]о[йяеёи]|[Мм]оего|[Нн]аш(?:а|е|и|его|ей|их)?)\b",
    "pl": r"\b(?:[Jj]a|[Mm]nie|[Mm]i|[Mm]ną|[Mm]y|[Nn]as|[Nn]am|[Nn]ami|[Mm]ój|[Mm]oja|[Mm]oje|[Nn]asz(?:a|e|ego|ej|ych)?)\b",
}
EMOTICON = r"(?<![\w:])[:;=]-?[)(DPp3/](?!\w)|<3|\^_\^"
EMOJI = (
    "[\U0001f1e6-\U0001f1ff\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7eb\U0001f900-\U0001faff"
    "\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab"
    "\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e"
    "\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55]|[\\d#*\u00a9\u00ae\u203c-\u3299]\ufe0f"
)
EXCLAMATION = r"!(?!=)|[！¡‼⁉❗❕﹗]"
