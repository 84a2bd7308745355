"""One lean HTTP layer over aiohttp: no redirects, a total deadline, a bound on the size of a reply."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from evalkit.records import Failure

if TYPE_CHECKING:
    import aiohttp

LARGEST = 10 << 20  # bytes of a reply, after inflation
CONNECT = 10.0  # seconds for a connection to be made; then another attempt may have better luck
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
    """Posts JSON through one aiohttp session for each running loop.

    ``limit`` bounds the open connections, 0 for as many as there are calls at a time; ``largest`` the bytes
    of a reply. Cookies are not kept, redirects not followed, proxies of the environment not used.
    """

    def __init__(self, *, limit: int = 0, largest: int = LARGEST) -> None:
        self._limit = limit
        self._largest = largest
        self._client: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

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
        import aiohttp

        body = encode(payload)
        wanted = {"content-type": "application/json", "accept": "application/json", **headers}
        client = await self._session()
        sending = Sending()
        SENDING.set(sending)
        try:
            async with (
                asyncio.timeout_at(deadline),
                client.request(
                    method, url, data=body, headers=wanted, allow_redirects=False
                ) as got,
            ):
                data = await self._read(got)
                names = {name.lower(): value for name, value in got.headers.items()}
                return Reply(got.status, names, data)
        except aiohttp.ConnectionTimeoutError:
            message = f"no connection within {CONNECT:g} seconds"
            raise NoReply("connection", message, retry=True) from None
        except TimeoutError:
            raise late(sent=sending.sent) from None
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as error:
            raise NoReply("connection", _said(error), retry=True, sent=sending.sent) from None
        except (aiohttp.ClientError, ValueError) as error:
            message = f"no valid HTTP: {_said(error)}"
            raise NoReply("malformed", message, retry=True, sent=sending.sent) from None

    async def aclose(self) -> None:
        """Close the session; a second call does nothing."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(RuntimeError):  # its loop may be closed already
                await client.close()

    async def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            await self.aclose()
            self._client, self._loop = self._open(), loop
        return self._client

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        class Connector(aiohttp.TCPConnector):
            """Notes that a request has a connection to go out on."""

            async def connect(self, *args: Any, **kwargs: Any) -> Any:
                connection = await super().connect(*args, **kwargs)
                SENDING.get().sent = True
                return connection

        return aiohttp.ClientSession(
            connector=Connector(limit=self._limit),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"accept-encoding": ENCODINGS},
            trust_env=False,
        )

    async def _read(self, got: aiohttp.ClientResponse) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in got.content.iter_any():
            size += len(part)
            if size > self._largest:
                got.close()
                raise too_large(self._largest)
            parts.append(part)
        return b"".join(parts)


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
        return json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        raise NoReply("malformed", f"the request cannot be written: {error}", retry=False) from None


def _said(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
