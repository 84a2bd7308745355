"""``python -m evalkit.schemas``: write the schemas of the suite files anew."""

import json
from pathlib import Path

from evalkit.files import PUBLISHED, published_schema

for name in PUBLISHED:
    text = json.dumps(published_schema(name), indent=2, ensure_ascii=False)
    (Path(__file__).parent / f"{name}.schema.json").write_text(text + "\n", encoding="utf-8")
