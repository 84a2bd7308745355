"""Servers on this machine for the adapter tests: one that answers, one that says raw bytes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from evalkit.adapters.openai import build
from evalkit.records import Approach, Case, Document, Suite, System, SystemSpec

LABEL = "label-that-no-system-may-see"
CORPUS = {
    "d1": Document("d1", "Refunds take 14 days.", "Refunds"),
    "d2": Document("d2", "返品は14日以内です。", "返品"),
    "d3": Document("d3", "Versand dauert drei Tage.", "Versand"),
}
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_suite(folder: Path = Path(), **changes: object) -> Suite:
    case = Case("c1", "How long do refunds take?", reference=(LABEL,), relevant={"d1": 1})
    given = {"cases": (case,), "corpus": CORPUS, "k": 2, "pool": 8, "digest": "x", **changes}
    return Suite(name="s", folder=folder, **given)  # type: ignore[arg-type]


def make_spec(
    adapter: str, folder: Path = Path(), approach: str = "rag", **options: object
) -> SystemSpec:
    return SystemSpec("sys", Approach(approach), adapter, options, folder)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Serve every path with ``handler``; gives the base URL."""
    app = web.Application(client_max_size=1 << 26)

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def saying(raw: bytes, *, hang: float = 0.0) -> AsyncIterator[str]:
    """Answer every connection with ``raw``, then close it after ``hang`` seconds."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(65536)
            writer.write(raw)
            await writer.drain()
            await asyncio.sleep(hang)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def chat(content: object = "ok", *, finish: object = "stop", **message: object) -> dict:
    return {
        "model": "m",
        "choices": [
            {
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": finish,
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    }


def responses(text: str = "ok", **changes: object) -> dict:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {
        "model": "m",
        "status": "completed",
        "output": [{"type": "message", "role": "assistant", "content": [part]}],
        "usage": {"input_tokens": 10, "output_tokens": 5},
        **changes,
    }


class Service:
    """Answers as a chat endpoint, a Responses endpoint, and a search service with /ask, /retrieve, /generate.

    ``seen`` holds every request body; ``fault`` is an HTTP status that every request gets instead.
    """

    def __init__(self, *, fault: int | None = None, delay: float = 0.0) -> None:
        self.seen: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.fault = fault
        self.delay = delay

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read() or b"null")
        self.seen.append(body)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        await asyncio.sleep(self.delay)
        if self.fault is not None:
            return web.json_response({"error": {"message": "broken"}}, status=self.fault)
        return web.json_response(self.reply(request.path, body))

    def reply(self, path: str, body: dict) -> dict:
        if path.endswith("/chat/completions"):
            return chat(f"answer to {body['messages'][-1]['content']}")
        if path.endswith("/responses"):
            return responses(f"answer to {body['input'][-1]['content']}")
        if path.endswith("/retrieve"):
            return {"hits": [{"id": "d1", "body": "Refunds take 14 days."}, {"id": 2, "body": "x"}]}
        return {"answer": f"answer to {body['query']}"}


def openai_system(suite: Suite | None = None, folder: Path = Path(), **options: object) -> System:
    """An ``openai`` system that makes one attempt."""
    given = {"model": "m", "base_url": "http://127.0.0.1:9/v1", "attempts": 1, **options}
    return build(make_spec("openai", folder, **given), suite or make_suite())


def run_openai(handler: Handler, do: Callable[[System], Awaitable[T]], **options: object) -> T:
    """Await ``do(system)`` with a system whose endpoint is ``handler``."""

    async def main() -> T:
        async with serving(handler) as url:
            system = openai_system(base_url=f"{url}/v1", **options)
            try:
                return await do(system)
            finally:
                await system.aclose()

    return asyncio.run(main())
