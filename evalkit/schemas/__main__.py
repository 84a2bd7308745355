"""``python -m evalkit.schemas``: write the schemas of the files that models describe anew."""

import json
from pathlib import Path

from evalkit.files import PUBLISHED, published_schema
from evalkit.judging.files import JUDGING, judging_schema

schemas = {name: published_schema(name) for name in PUBLISHED}
schemas |= {name: judging_schema(name) for name in JUDGING}
for name, schema in schemas.items():
    text = json.dumps(schema, indent=2, ensure_ascii=False)
    (Path(__file__).parent / f"{name}.schema.json").write_text(text + "\n", encoding="utf-8")
