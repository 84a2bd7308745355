"""The templates, and the text and digest of the style and script that the page carries in itself."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from evalkit.pages.wording import md, visible, words


@cache
def environment() -> Environment:
    """The templates: everything is escaped, and a name that is missing is an error."""
    made = Environment(
        loader=PackageLoader("evalkit", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    made.filters.update(words=words, md=md, slug=slug, lower_first=lower_first)
    return made


def _finalize(value: Any) -> Any:
    """Foreign text shows its hidden characters; our own markup stays as it is."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)


def slug(word: str) -> str:
    """A word of the glossary as a part of an id."""
    return "-".join(word.lower().replace("/", " ").replace(",", " ").split())


def lower_first(text: str) -> str:
    """A sentence as the part of another."""
    return text[:1].lower() + text[1:]


def source(names: tuple[str, ...]) -> str:
    """The text of template files, one after the other."""
    loader = environment().loader
    assert loader is not None
    return "\n".join(loader.get_source(environment(), name)[0].strip() for name in names)


def digest(text: str) -> str:
    """The hash by which the page's policy allows an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
