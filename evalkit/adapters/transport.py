"""One lean HTTP layer over aiohttp's parser: no redirects, a total deadline, a bound on the size of a reply."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from evalkit.adapters.connections import (
    CONNECT,
    Connections,
    NoConnectionError,
    Place,
    head_of,
    place_of,
    ready,
)
from evalkit.records import Failure

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler

LARGEST = 10 << 20  # bytes of a reply, after inflation
ENCODINGS = "gzip, deflate"  # of replies: what both transports inflate piece by piece


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP reply; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class NoReply(Exception):  # noqa: N818 - it says what happened
    """There was no complete reply; ``retry`` says whether another attempt makes sense.

    ``sent``: the request, or part of it, may have reached the endpoint, so it may cost although nothing came.
    """

    def __init__(self, kind: str, message: str, *, retry: bool, sent: bool = False) -> None:
        super().__init__(message)
        self.failure = Failure(kind, message)
        self.retry = retry
        self.sent = sent


class Sending:
    """Notes of one request whether a connection was there to send it."""

    __slots__ = ("sent",)

    def __init__(self) -> None:
        self.sent = False


_DEFAULTS = {
    "content-type": "application/json",
    "accept": "application/json",
    "accept-encoding": ENCODINGS,
}
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
SENDING: ContextVar[Sending] = ContextVar("SENDING")


class PostJson(Protocol):
    """What posts a JSON value and returns the whole reply, or raises ``NoReply``."""

    async def post_json(
        self,
        url: str,
        payload: Any,
        headers: Mapping[str, str],
        deadline: float,
        *,
        method: str = "POST",
    ) -> Reply:
        """Send ``payload`` to ``url``; ``deadline`` is a time of the running loop."""
        ...

    async def aclose(self) -> None:
        """Close what is open; a second call does nothing."""
        ...


class Transport:
    """Posts JSON through connections that are kept, for each running loop its own.

    ``limit`` bounds the connections in use, 0 for as many as there are calls at a time; ``largest`` the bytes
    of a reply. Cookies are not kept, redirects not followed, proxies of the environment not used.
    """

    def __init__(self, *, limit: int = 0, largest: int = LARGEST) -> None:
        ready()  # now: it takes a second on a busy machine, of the first question's time
        self._limit = limit
        self._largest = largest
        self._lines: Connections | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._heads: dict[tuple[str, str], tuple[Mapping[str, str], bytes]] = {}

    async def post_json(
        self,
        url: str,
        payload: Any,
        headers: Mapping[str, str],
        deadline: float,
        *,
        method: str = "POST",
    ) -> Reply:
        """Send ``payload`` and read the whole reply by ``deadline``, a time of the running loop."""
        body = encode(payload)
        sending = Sending()
        try:
            head = self._head(method, url, headers)
            request = b"%b%d\r\n\r\n%b" % (head, len(body), body)
            async with asyncio.timeout_at(deadline):
                return await self._exchange(place_of(url), request, sending)
        except NoConnectionError:
            message = f"no connection within {CONNECT:g} seconds"
            raise NoReply("connection", message, retry=True) from None
        except TimeoutError:
            raise late(sent=sending.sent) from None
        except _broken() as error:
            raise NoReply("connection", _said(error), retry=True, sent=sending.sent) from None
        except _invalid() as error:
            message = f"no valid HTTP: {_said(error)}"
            raise NoReply("malformed", message, retry=True, sent=sending.sent) from None

    async def aclose(self) -> None:
        """Close the connections; a second call does nothing."""
        lines, self._lines = self._lines, None
        if lines is not None:
            with contextlib.suppress(RuntimeError):  # its loop may be closed already
                lines.close()
                await asyncio.sleep(0)  # the loop is told of closed connections in its next turn

    async def _exchange(self, place: Place, request: bytes, sending: Sending) -> Reply:
        lines = self._lines
        if lines is None or self._loop is not asyncio.get_running_loop():
            lines = await self._connections()
        line = await lines.take(place)
        try:
            sending.sent = True
            reply = await self._reply(line, request)
        except BaseException:
            lines.give_up(line)
            raise
        if not lines.give_back(place, line):
            message = "the endpoint sends replies that were not asked for: whose this one is cannot be told"
            raise NoReply("malformed", message, retry=True, sent=True)
        return reply

    async def _reply(self, line: ResponseHandler, request: bytes) -> Reply:
        line.set_response_params(read_until_eof=True)
        if line.transport is None:
            raise ConnectionResetError("the connection is closed")
        line.transport.write(request)
        message, content = await line.read()
        while 100 <= message.code < 200:  # not the reply yet
            message, content = await line.read()
        parts: list[bytes] = []
        size = 0
        while not content.at_eof():
            part = await content.readany()
            size += len(part)
            if size > self._largest:
                raise too_large(self._largest)
            parts.append(part)
        names = {name.lower(): value for name, value in message.headers.items()}
        return Reply(message.code, names, b"".join(parts))

    async def _connections(self) -> Connections:
        loop = asyncio.get_running_loop()
        if self._lines is None or self._loop is not loop:
            await self.aclose()
            self._lines, self._loop = Connections(self._limit), loop
        return self._lines

    def _head(self, method: str, url: str, headers: Mapping[str, str]) -> bytes:
        """How the request begins; remembered as long as the caller gives the same headers."""
        known = self._heads.get((method, url))
        if known is None or known[0] != headers:
            whole = {**_DEFAULTS, **{name.lower(): value for name, value in headers.items()}}
            known = dict(headers), head_of(method, place_of(url), whole)
            self._heads[method, url] = known
        return known[1]


def late(*, sent: bool) -> NoReply:
    """The deadline has passed; it covers all attempts, so there is no other."""
    return NoReply("timeout", "no complete reply before the deadline", retry=False, sent=sent)


def too_large(largest: int) -> NoReply:
    """The reply is longer than ``largest`` bytes; its cost is not known."""
    message = f"the reply is larger than {largest >> 20} MB"
    return NoReply("malformed", message, retry=False, sent=True)


def encode(payload: Any) -> bytes:
    """A JSON value as UTF-8; raises ``NoReply`` for what UTF-8 or JSON cannot hold."""
    try:
        return _encode(payload).encode()
    except ValueError as error:
        raise NoReply("malformed", f"the request cannot be written: {error}", retry=False) from None


def _broken() -> tuple[type[Exception], ...]:
    """What is raised where a connection breaks; looked up only then."""
    import aiohttp

    return aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError


def _invalid() -> tuple[type[Exception], ...]:
    """What is raised where a reply is no HTTP."""
    import aiohttp
    from aiohttp.http import HttpProcessingError

    return aiohttp.ClientError, HttpProcessingError, ValueError


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
