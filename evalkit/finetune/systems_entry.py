"""A tuned model as one more entry of systems.yaml, written without touching what stands there."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from evalkit.artefacts import write_text
from evalkit.errors import InvalidInput
from evalkit.strict import read_text
from evalkit.suite import load_systems

_FIRST = re.compile(
    r"^systems:[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*(?P<indent>[ ]*)-(?P<gap>[ ]+)", re.MULTILINE
)
_NEXT_KEY = re.compile(r"^[^\s#\-][^\n]*:", re.MULTILINE)


def entry(name: str, model: str, base_url: str, key_variable: str, indent: str = "  ") -> str:
    """The lines of the entry; texts are quoted as JSON, which YAML reads the same."""
    lines = (
        f"- name: {json.dumps(name, ensure_ascii=False)}",
        "  approach: finetuned",
        "  adapter: openai",
        f"  base_url: {json.dumps(base_url)}",
        f"  model: {json.dumps(model)}",
        f"  api_key_env: {json.dumps(key_variable)}",
    )
    return "".join(f"{indent}{line}\n" for line in lines)


def add_entry(file: Path, name: str, model: str, base_url: str, key_variable: str) -> None:
    """Add the entry at the end of the list, comments kept; a file that is not there is started.

    Raises ``InvalidInput`` when the name is taken, or when the list is written in a way that lines cannot
    be added to (the entry is then shown, to be added by hand).
    """
    if not file.exists():
        started = "systems:\n" + entry(name, model, base_url, key_variable)
        _names(started)
        write_text(file, started)
        return
    before = read_text(file)
    known = [spec.name for spec in load_systems(file)]
    if name in known:
        raise InvalidInput(
            f"there is a system called {name!r} already", file=file, hint="give another --name"
        )
    after = _added(before, name, model, base_url, key_variable)
    if after is None:
        shown = entry(name, model, base_url, key_variable)
        raise InvalidInput(
            f"cannot be added to; write this under `systems:` yourself:\n{shown}", file=file
        )
    if _names(after) != [*known, name]:
        raise InvalidInput("cannot be added to without changing what is there", file=file)
    write_text(file, after)


def _names(text: str) -> list[str]:
    """The systems of a file that holds ``text``; raises ``InvalidInput`` where it would be refused."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "systems.yaml"
        file.write_text(text, encoding="utf-8")
        return [spec.name for spec in load_systems(file)]


def _added(text: str, name: str, model: str, base_url: str, key_variable: str) -> str | None:
    first = _FIRST.search(text)
    if first is None:
        return None
    following = _NEXT_KEY.search(text, first.end())
    cut = following.start() if following else len(text)
    head, tail = text[:cut].rstrip(), text[cut:]
    lines = entry(name, model, base_url, key_variable, first["indent"])
    return f"{head}\n{lines}" + (f"\n{tail}" if tail else "")
