"""Vectors from any OpenAI-compatible ``/embeddings`` endpoint, through the call layer of the adapters."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from evalkit.adapters.endpoint import Endpoint, keyed_endpoint
from evalkit.adapters.options import Options
from evalkit.adapters.secrets import check_url
from evalkit.embeddings.embedder import Vectors, unit
from evalkit.errors import EndpointUnusable

BATCH = 64  # texts in a request
BASE_URL, KEY = "https://api.openai.com/v1", "OPENAI_API_KEY"


class EndpointEmbedder:
    """Asks an endpoint for the vectors of texts, a batch a request; retries as every call of evalkit does.

    ``embed`` may be called from anywhere, a running event loop included: the calls run on a thread of
    their own. Raises ``EndpointUnusable`` where the endpoint refuses for good, or keeps failing.
    """

    def __init__(
        self, endpoint: Endpoint, model: str, *, dimensions: int | None = None, batch: int = BATCH
    ) -> None:
        self.name = model
        self.fingerprint = f"{endpoint.url}/{model}/{dimensions}"
        self._endpoint = endpoint
        self._model, self._dimensions, self._batch = model, dimensions, batch
        self._runner: asyncio.Runner | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embeddings")

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in order; each different text is sent once."""
        wanted = list(dict.fromkeys(texts))
        if not wanted:
            return np.zeros((0, 0), np.float32)
        rows = dict(zip(wanted, self._thread.submit(self._run, wanted).result(), strict=True))
        return np.stack([rows[text] for text in texts])

    def close(self) -> None:
        """Close the connections and the thread; a second call does nothing."""
        if self._runner is not None:
            self._thread.submit(self._end, self._runner).result()
            self._runner = None
        self._thread.shutdown()

    def _run(self, texts: list[str]) -> Vectors:
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(self._all(texts))

    def _end(self, runner: asyncio.Runner) -> None:
        runner.run(self._endpoint.transport.aclose())
        runner.close()

    async def _all(self, texts: list[str]) -> Vectors:
        parts = [texts[i : i + self._batch] for i in range(0, len(texts), self._batch)]
        try:
            async with asyncio.TaskGroup() as group:
                calls = [group.create_task(self._ask(part)) for part in parts]
        except ExceptionGroup as several:  # the first says why the others were given up
            raise several.exceptions[0] from None
        return unit(np.concatenate([call.result() for call in calls]))

    async def _ask(self, texts: list[str]) -> Vectors:
        # An empty input is refused by the endpoints; a space has a vector.
        payload: dict[str, Any] = {"model": self._model, "input": [t or " " for t in texts]}
        payload |= {"encoding_format": "float"}
        if self._dimensions is not None:
            payload["dimensions"] = self._dimensions
        tried = await self._endpoint.post(payload)
        if tried.failure is not None:
            raise EndpointUnusable(f"no vectors: {tried.failure.message}")
        return _rows(tried.value, len(texts))


def _rows(value: Any, count: int) -> Vectors:
    """The vectors of a reply in the order of the texts; raises ``EndpointUnusable`` where they are not there."""
    try:
        data = sorted(value["data"], key=lambda item: int(item["index"]))
        rows = np.array([item["embedding"] for item in data], dtype=np.float32)
    except (KeyError, TypeError, ValueError):
        raise EndpointUnusable("the reply holds no list of vectors under data") from None
    if rows.ndim != 2 or len(rows) != count or not np.isfinite(rows).all():
        raise EndpointUnusable(f"the reply does not hold {count} vectors of one length")
    return rows


def open_endpoint(
    *,
    model: str,
    base_url: str = BASE_URL,
    api_key_env: str = KEY,
    dimensions: int | None = None,
    batch: int = BATCH,
    place: str = "embeddings",
) -> EndpointEmbedder:
    """An embedder at ``base_url``/embeddings whose key stands in the variable ``api_key_env``."""
    check_url(Options({}, place, ()), "base_url", base_url)
    endpoint = keyed_endpoint(f"{base_url.rstrip('/')}/embeddings", api_key_env)
    return EndpointEmbedder(endpoint, model, dimensions=dimensions, batch=batch)
