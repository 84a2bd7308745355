"""Keys: read from the environment, and struck out of every text that leaves the adapter."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

from evalkit.adapters.options import Options
from evalkit.errors import EndpointUnusable

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SHORTEST = 4  # a value shorter than this cannot be told from ordinary text
_SHORTEST_KEY = 12  # characters of what counts as a real key
_SECRET = re.compile(
    r"(^|[_-])(api|access|auth|bearer|private|session|jwt)?_?-?(key|token|secret|password|passwd|pass|credentials?|signature|authorization|auth|cookie|jwt|bearer)([_-]|$)",
    re.IGNORECASE,
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CREDENTIAL_HEADERS = ("authorization", "proxy-authorization", "cookie", "api-key", "x-api-key")


class Secrets:
    """Values that must never be shown; neither ``repr`` nor pickling gives them away."""

    def __init__(self, values: Iterable[str] = (), variables: Iterable[str] = ()) -> None:
        self.variables = tuple(dict.fromkeys(variables))
        shown = {form for value in values if len(value) >= _SHORTEST for form in _forms(value)}
        self.__forms = sorted(shown, key=len, reverse=True)

    def redact(self, text: str) -> str:
        """``text`` with every known value, in its usual encodings too, replaced by three asterisks."""
        for form in self.__forms:
            text = text.replace(form, "***")
        return text

    def scrub(self, body: bytes) -> bytes:
        """``body`` without the known values; the very same object where none is in it.

        Values too short for a real key stay: many local servers take any word for one, and an answer may
        hold that word.
        """
        for form in self.__forms:
            if len(form) < _SHORTEST_KEY:
                break  # the longest come first
            packed = form.encode("utf-8", "surrogatepass")
            if packed in body:
                body = body.replace(packed, b"***")
        return body

    def hint(self) -> str:
        """Which environment variables to look at, by name."""
        if not self.variables:
            return "the request carries no key from the environment"
        unset = [name for name in self.variables if not os.environ.get(name, "").strip()]
        if unset:
            return f"no key was sent: {', '.join(unset)} is not set"
        return f"check the key in {', '.join(self.variables)}"

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self.variables)})"

    def __reduce__(self) -> str:
        raise TypeError("secrets are not written anywhere")


def key_from_environment(variable: str, url: str) -> str | None:
    """The key in ``variable``; ``None`` when it is not set and ``url`` is on this machine.

    Raises ``EndpointUnusable`` when it is not set and the endpoint is elsewhere.
    """
    key = os.environ.get(variable, "").strip()
    if key or is_loopback(url):
        return key or None
    raise EndpointUnusable(f"the environment variable {variable} is not set; it must hold the key")


def is_loopback(url: str) -> bool:
    """Whether ``url`` points at this machine."""
    return urlsplit(url).hostname in _LOOPBACK


def check_url(options: Options, name: str, url: str) -> str:
    """``url`` when it is http or https, has a host, and carries no credentials."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise options.refuse(name, "is not an http(s) URL")
    if parts.username is not None or parts.password is not None:
        raise options.refuse(name, "holds credentials", "put them in a header, as ${VARIABLE}")
    return url


def expand_headers(options: Options, name: str) -> tuple[dict[str, str], Secrets]:
    """Headers with ``${VARIABLE}`` filled in from the environment, and what must stay secret of them."""
    found: dict[str, str] = {}
    values: list[str] = []
    variables: list[str] = []
    for header, template in (options.mapping(name) or {}).items():
        if not isinstance(template, str) or re.search(r"[\r\n\0]", f"{header}{template}"):
            raise options.refuse(f"{name}.{header}", "expected one line of text")
        for variable in _VARIABLE.findall(template):
            if variable not in os.environ:
                message = f"the environment variable {variable} is not set"
                raise options.refuse(f"{name}.{header}", message)
            variables.append(variable)
            values.append(os.environ[variable].strip())
        found[header] = _VARIABLE.sub(lambda m: os.environ[m[1]].strip(), template)
        if header.lower() in _CREDENTIAL_HEADERS:
            values += [found[header], found[header].rpartition(" ")[2]]
    return found, Secrets(values, variables)


def variables_of(options: Mapping[str, Any]) -> dict[str, str]:
    """The environment variables that headers are filled from, each with a digest of its value; keys are left out.

    A key gives no other answers. One is what stands in a header, or is called by a name, that speaks of a key, token,
    secret, password, credential, signature, authorization or cookie. Digests are salted with place and name, and slow.
    """
    found: dict[str, str] = {}
    routes = [options, *(options.get(name) for name in ("retrieve", "generate"))]
    for route in routes:
        headers = route.get("headers") if isinstance(route, Mapping) else None
        for header, template in headers.items() if isinstance(headers, Mapping) else ():
            names = [] if _SECRET.search(str(header)) else _VARIABLE.findall(str(template))
            found |= {n: _digest(n, os.environ.get(n, "")) for n in names if not _SECRET.search(n)}
    return found


@cache
def _digest(name: str, value: str) -> str:
    salt = f"evalkit variable {name}".encode()
    return hashlib.pbkdf2_hmac("sha256", value.encode("utf-8", "replace"), salt, 200_000).hex()[:16]


def header_templates(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Headers as they are written in the file, credentials written out there left out of sight."""
    return {
        header: template
        if _VARIABLE.search(template) or header.lower() not in _CREDENTIAL_HEADERS
        else "***"
        for header, template in (headers or {}).items()
    }


def _forms(value: str) -> set[str]:
    raw = value.encode("utf-8", "surrogatepass")
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return {value, quote(value, safe=""), json.dumps(value)[1:-1], raw.hex(), *encoded} | {
        form.rstrip("=") for form in encoded
    }
