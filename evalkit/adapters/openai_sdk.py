"""The reference transport: the openai package sends the request, without its own retries."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalkit.adapters.transport import LARGEST, NoReply, Reply, encode

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_CHAT_FIELDS = ("model", "messages", "temperature", "max_tokens", "seed", "response_format")
_RESPONSES_FIELDS = ("model", "input", "temperature", "max_output_tokens", "text", "store")


class SdkTransport:
    """Posts through ``openai.AsyncOpenAI``; one client for each running loop."""

    def __init__(self, base_url: str, key: str | None) -> None:
        self._base_url = base_url
        self.__key = key
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
            raise NoReply("timeout", "no complete reply before the deadline", retry=False) from None
        except openai.APIStatusError as error:
            got = error.response
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            message = f"{type(cause).__name__}: {cause}"
            raise NoReply("connection", message, retry=True) from None
        return _reply(got)

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
                timeout=None,
                http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False, trust_env=False),
            )
            self._loop = loop
        return self._client


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


def _reply(got: Any) -> Reply:
    if len(got.content) > LARGEST:
        raise NoReply("malformed", f"the reply is larger than {LARGEST >> 20} MB", retry=False)
    names = {name.lower(): value for name, value in got.headers.items()}
    return Reply(got.status_code, names, got.content)
