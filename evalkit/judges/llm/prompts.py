"""The judge's instructions: versioned files, named by the digest of what stands in them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from evalkit.judges.llm.fence import Fence

FOLDER = Path(__file__).parents[1] / "prompts"
VERSIONS = {  # the version of each file in use; an older one stays beside it under its own number
    "frame": 1,
    "claims": 1,
    "correct": 1,
    "key_points": 1,
    "criteria": 1,
    "style": 1,
    "context": 1,
    "refused": 1,
}


@cache
def prompt(name: str) -> str:
    """The text of a prompt file in its version in use."""
    return (FOLDER / f"{name}.v{VERSIONS[name]}.md").read_text("utf-8").strip()


@cache
def digest_of_prompts() -> str:
    """SHA-256 of all prompts in use, with their names and versions."""
    found = hashlib.sha256()
    for name, version in VERSIONS.items():
        found.update(f"{name}\0{version}\0{prompt(name)}\0".encode())
    return found.hexdigest()


def instructions(parts: Sequence[str], fence: Fence) -> str:
    """The system message for these parts of a verdict, with the secrets of one message filled in."""
    frame = prompt("frame").replace("{fence}", fence.code).replace("{canary}", fence.canary)
    return "\n".join([frame, *map(prompt, parts)])
