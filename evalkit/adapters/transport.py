"""One lean HTTP layer over aiohttp: no redirects, a total deadline, a bound on the size of a reply."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from evalkit.records import Failure

if TYPE_CHECKING:
    import aiohttp

LARGEST = 10 << 20  # bytes of a reply, after inflation


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP reply; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class NoReply(Exception):  # noqa: N818 - it says what happened
    """There was no complete reply; ``retry`` says whether another attempt makes sense."""

    def __init__(self, kind: str, message: str, *, retry: bool) -> None:
        super().__init__(message)
        self.failure = Failure(kind, message)
        self.retry = retry


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
        sent = {"content-type": "application/json", "accept": "application/json", **headers}
        client = await self._session()
        try:
            async with (
                asyncio.timeout_at(deadline),
                client.request(method, url, data=body, headers=sent, allow_redirects=False) as got,
            ):
                data = await self._read(got)
                names = {name.lower(): value for name, value in got.headers.items()}
                return Reply(got.status, names, data)
        except TimeoutError:
            raise NoReply("timeout", "no complete reply before the deadline", retry=False) from None
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as error:
            raise NoReply("connection", _said(error), retry=True) from None
        except (aiohttp.ClientError, ValueError) as error:
            raise NoReply("malformed", f"no valid HTTP: {_said(error)}", retry=True) from None

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

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._limit),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None, sock_read=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"accept-encoding": "gzip, deflate"},
            trust_env=False,
        )

    async def _read(self, got: aiohttp.ClientResponse) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in got.content.iter_any():
            size += len(part)
            if size > self._largest:
                got.close()
                message = f"the reply is larger than {self._largest >> 20} MB"
                raise NoReply("malformed", message, retry=False)
            parts.append(part)
        return b"".join(parts)


def encode(payload: Any) -> bytes:
    """A JSON value as UTF-8; raises ``NoReply`` for what UTF-8 or JSON cannot hold."""
    try:
        return json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        raise NoReply("malformed", f"the request cannot be written: {error}", retry=False) from None


def _said(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
