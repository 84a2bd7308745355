"""What a question asks for: a quantity, a person or a place, what happens, or a yes or no."""

from __future__ import annotations

import re

# What a question asks for that a number or a date answers, and what it does not.
HOW_MANY = re.compile(
    r"\bhow (?:many|much|long|old|far|high|big|large|often|tall|deep|fast)\b|\bwhen\b|\bwhat (?:time|year|date|day|age|percentage|number|price)\b|"
    r"\bin (?:what|which) year\b|\b(?:wie (?:viele?|lange|alt|hoch|oft|gross|weit)|wann|combien|quand|cuánt[oa]s?|cuándo|quanto|quando|"
    r"bao nhiêu|mấy|khi nào|bao lâu|сколько|когда|كم|متى)\b|いくら|いつ|何[年時人個名歳分日回]|多少|几|幾|何时"
)
WHO = re.compile(
    r"\b(?:who|whom|whose|where|which (?!year)|wer|wem|wen|wessen|wo|welche[rsmn]?|qui|où|quel(?:le)?s?|quién(?:es)?|dónde|"
    r"cuál(?:es)?|ai|ở đâu|кто|где|من|أين)\b|誰|だれ|どこ|谁|哪"
)
# Any question that a yes or no does not answer.
OPEN_QUESTION = re.compile(
    r"\b(?:what|when|who|whom|where|which|how|why|was|wann|wer|wo|wie|welche\w*|warum|qué|cuán\w*|quién\w*|dónde|cómo|que|quand|qui|où|combien|comment|quel\w*|gì|ai|nào|sao|bao)\b"
    r"|何|誰|いつ|どこ|どう|どの|什么|谁|哪|怎|多少|几|كم|متى|من|ماذا|أين|كيف"
)
HAPPENS = re.compile(
    r"what (?:happens|are the consequences|do i face)|was (?:passiert|geschieht|droht)|qué (?:ocurre|pasa|sucede)|que (?:se passe|risque)|qu'arrive|thì sao|chuyện gì|điều gì"
    r"|ماذا (?:يحدث|يحصل)|どうなり|どうなる|会怎|怎么办|怎样"
)
# What leads from a condition to what happens then.
LEADS = re.compile(
    r"(?<!\w)(?:results? in|leads? to|means?|entails?|incurs?|bedeute[nt]|führ(?:t|en) zu[mr]?|zieht|conllevan?|suponen?|implican?|acarrean?|entraînent?|entraîne|vaut|dẫn đến|sẽ bị|[يت]ؤدي إلى)(?!\w)"
)
# A question about paying, without asking how much.
PAYING = re.compile(
    r"chargeable|\b(?:pay|cost|fee|charge|(?:be)?zahlen|kostet|payer|paie|coûte|pagar|cuesta|mua vé|trả|phí|تدفع|ندفع|رسوم)\b|[钱錢费費付料]"
)
