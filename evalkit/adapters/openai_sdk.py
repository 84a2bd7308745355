"""The reference transport: the openai package sends the request, without its own retries."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from evalkit.adapters.connections import CONNECT
from evalkit.adapters.transport import (
    ENCODINGS,
    LARGEST,
    NoReply,
    Reply,
    encode,
    too_large,
)
from evalkit.adapters.transport import late as late_reply

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_CHAT_FIELDS = ("model", "messages", "temperature", "max_tokens", "seed", "response_format")
_RESPONSES_FIELDS = ("model", "input", "temperature", "max_output_tokens", "text", "store")
_PACKED = {"gzip": 47, "x-gzip": 47, "deflate": 47}  # zlib's word for "gzip or zlib, by the header"


class SdkTransport:
    """Posts through ``openai.AsyncOpenAI``; one client for each running loop. ``largest`` as in ``Transport``."""

    def __init__(self, base_url: str, key: str | None, *, largest: int = LARGEST) -> None:
        # Now: it takes seconds on a busy machine, of the first question's time.
        import openai.resources.chat
        import openai.resources.responses  # noqa: F401

        _http_library()
        self._base_url = base_url
        self.__key = key
        self._largest = largest
        self._client: AsyncOpenAI | None = None
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
        """Send ``payload`` by the SDK's method for ``url`` and read the whole reply by ``deadline``."""
        import openai

        encode(payload)  # refuses what JSON cannot hold, as the other transport does
        client = await self._opened()
        try:
            async with asyncio.timeout_at(deadline):
                got = await _send(client, url, payload, keyless=self.__key is None)
        except TimeoutError:
            raise late_reply(sent=True) from None  # the SDK does not say how far it came
        except openai.APIStatusError as error:
            got = error.response
        except openai.APIConnectionError as error:
            raise _no_reply(error) from None
        names = {name.lower(): value for name, value in got.headers.items()}
        return Reply(got.status_code, names, got.content)

    async def aclose(self) -> None:
        """Close the client; a second call does nothing."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(RuntimeError):  # its loop may be closed already
                await client.close()

    async def _opened(self) -> AsyncOpenAI:
        import openai

        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            await self.aclose()
            self._client = openai.AsyncOpenAI(
                api_key=self.__key or "none",
                base_url=self._base_url,
                max_retries=0,
                timeout=_http_library().Timeout(None, connect=CONNECT),
                default_headers={"Accept-Encoding": ENCODINGS},
                http_client=_client(self._largest),
            )
            self._loop = loop
        return self._client


def _http_library() -> Any:
    """The library under the installed openai package: httpx, or httpx2 since its version 3."""
    import openai

    found = next(c for c in openai.DefaultAsyncHttpxClient.__mro__ if c.__name__ == "AsyncClient")
    return importlib.import_module(found.__module__.partition(".")[0])


def _client(largest: int) -> Any:
    """An HTTP client that reads every reply whole, inflated piece by piece, and no more than ``largest`` bytes."""
    http = _http_library()

    class Capped(http.AsyncHTTPTransport):  # type: ignore[misc, name-defined]
        """Reads and inflates the reply itself: the library would do so without a bound."""

        async def handle_async_request(self, request: Any) -> Any:
            got = await super().handle_async_request(request)
            try:
                body = await _read(got, largest)
            finally:
                await got.aclose()
            kept = [
                (name, value)
                for name, value in got.headers.multi_items()
                if name not in ("content-encoding", "content-length", "transfer-encoding")
            ]
            return http.Response(got.status_code, headers=kept, content=body)

    pool = http.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=15)
    transport = Capped(trust_env=False, limits=pool)
    return http.AsyncClient(transport=transport, follow_redirects=False, trust_env=False)


async def _read(got: Any, largest: int) -> bytes:
    packing = got.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("", "identity", *_PACKED):
        raise NoReply(
            "malformed", f"the reply is packed as {packing[:40]!r}", retry=False, sent=True
        )
    parts: list[bytes] = []
    size = 0
    pieces = got.aiter_raw()
    async for part in (
        _inflated(pieces, _PACKED[packing], largest) if packing in _PACKED else pieces
    ):
        size += len(part)
        if size > largest:
            raise too_large(largest)
        parts.append(part)
    return b"".join(parts)


async def _inflated(
    pieces: AsyncIterator[bytes], window: int, largest: int
) -> AsyncIterator[bytes]:
    """The pieces inflated, each to no more than ``largest`` bytes and one."""
    unpack = zlib.decompressobj(window)
    try:
        async for piece in pieces:
            yield unpack.decompress(piece, largest + 1)
    except zlib.error as error:
        raise NoReply("malformed", f"no valid HTTP: {error}", retry=True, sent=True) from None


async def _send(client: AsyncOpenAI, url: str, payload: Mapping[str, Any], *, keyless: bool) -> Any:
    import openai

    create: Any = client.chat.completions.with_raw_response.create
    fields = _CHAT_FIELDS
    if url.endswith("/responses"):
        create, fields = client.responses.with_raw_response.create, _RESPONSES_FIELDS
    known = {name: payload[name] for name in fields if name in payload}
    extra = {name: value for name, value in payload.items() if name not in fields}
    headers = {"Authorization": openai.Omit()} if keyless else None
    raw = await create(**known, extra_body=extra or None, extra_headers=headers)
    return raw.http_response


def _no_reply(error: Exception) -> NoReply:
    """What the SDK wrapped: our own verdict, or a connection that was never made or was lost."""
    http = _http_library()
    cause = error.__cause__ or error
    if isinstance(cause, NoReply):
        return cause
    sent = not isinstance(cause, (http.ConnectError, http.ConnectTimeout))
    return NoReply("connection", f"{type(cause).__name__}: {cause}", retry=True, sent=sent)
