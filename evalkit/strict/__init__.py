"""Reading text, JSON, JSONL, YAML and CSV files strictly: what is ambiguous is refused, with its place."""

from evalkit.strict.csv_file import json_cell, read_csv
from evalkit.strict.json_file import parse_json, read_json, read_jsonl
from evalkit.strict.text_file import Row, contained, read_text
from evalkit.strict.yaml_file import YamlFile, read_yaml

__all__ = [
    "Row",
    "YamlFile",
    "contained",
    "json_cell",
    "parse_json",
    "read_csv",
    "read_json",
    "read_jsonl",
    "read_text",
    "read_yaml",
]
