"""Kept connections to HTTP endpoints: a request goes out in one write, aiohttp's parser reads the reply."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from evalkit import __version__

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler

IDLE = 15.0  # seconds after which an unused connection is not trusted to be open still
CONNECT = 10.0  # seconds for a connection to be made; then another attempt may have better luck
EYEBALLS = 0.25  # seconds after which another address of the same host is tried too
_OURS = {
    "content-length",
    "transfer-encoding",
    "connection",
}  # what frames a request is not the caller's


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads: the connection it takes, and how a request there begins."""

    host: str
    port: int
    secure: bool
    host_header: str
    path: str


@cache
def place_of(url: str) -> Place:
    """The place of an http(s) URL; raises ``ValueError`` for any other."""
    import yarl

    parsed = yarl.URL(url)
    if parsed.scheme not in ("http", "https") or not parsed.raw_host or not parsed.port:
        raise ValueError(f"{url} is no http(s) URL")
    header = parsed.host_port_subcomponent or parsed.raw_host
    secure = parsed.scheme == "https"
    return Place(parsed.raw_host, parsed.port, secure, header, parsed.raw_path_qs)


def head_of(method: str, place: Place, headers: Mapping[str, str]) -> bytes:
    """The beginning of a request up to the length of its body; raises ``ValueError`` for what is no header."""
    given = {"host": place.host_header, "user-agent": f"evalkit/{__version__}"}
    given |= {name.lower(): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in given.items() if name not in _OURS]
    whole = "\r\n".join([f"{method} {place.path} HTTP/1.1", *lines, "content-length: "])
    if any(c in line for line in lines for c in "\r\n\0") or whole.count("\r\n") != len(lines) + 1:
        raise ValueError("a header holds a line break")
    return whole.encode()


class NoConnectionError(Exception):
    """No connection was made within ``CONNECT`` seconds."""


class Connections:
    """Connections of one event loop, used again as long as they are sound. ``limit`` bounds those in use, 0 does not.

    Where a reply came that nobody had asked for, no connection is used twice: it would be taken for the next answer.
    """

    def __init__(self, limit: int = 0) -> None:
        self._places = asyncio.Semaphore(limit) if limit else None
        self._free: dict[Place, list[tuple[ResponseHandler, float]]] = {}
        self._open: dict[ResponseHandler, bool] = {}  # whether it has brought a reply before
        self._loose: set[Place] = set()  # where more replies come than were asked for

    async def take(self, place: Place) -> ResponseHandler:
        """A connection for one request; it must be given back, or given up."""
        if self._places is not None:
            await self._places.acquire()
        try:
            line = self._kept(place)
            if line is None:  # a line without a reply waiting in it is empty, and so false
                line = await self._made(place)
        except BaseException:
            self._release()
            raise
        return line

    def give_back(self, place: Place, line: ResponseHandler) -> bool:
        """Keep a connection whose reply was read whole, if it is sound; False where the reply may be that to another request."""
        where = _bare(place)
        if line:  # another reply waits behind the one that was asked for
            self._loose.add(where)
        theirs = where not in self._loose or not self._open.get(line, False)
        if line.should_close or not line.is_connected() or where in self._loose:
            self._drop(line)
        else:
            self._open[line] = True
            now = asyncio.get_running_loop().time()
            self._free.setdefault(where, []).append((line, now))
        self._release()
        return theirs

    def give_up(self, line: ResponseHandler) -> None:
        """Close a connection whose reply was not read whole."""
        self._drop(line)
        self._release()

    def _release(self) -> None:
        if self._places is not None:
            self._places.release()

    def close(self) -> None:
        """Close every connection, also those in use."""
        for line in list(self._open):
            self._drop(line)
        self._free.clear()

    def _kept(self, place: Place) -> ResponseHandler | None:
        where = _bare(place)
        free = self._free.get(where)
        oldest = asyncio.get_running_loop().time() - IDLE
        while free:
            line, since = free.pop()
            sound = since >= oldest and line.is_connected() and not line.should_close
            if sound and not _readable(line) and where not in self._loose:
                return line
            if line or (not place.secure and _holds_more(line)):
                self._loose.add(where)
            self._drop(line)
        return None

    async def _made(self, place: Place) -> ResponseHandler:
        from aiohttp.client_proto import ResponseHandler

        loop = asyncio.get_running_loop()
        # Other loops, such as uvloop's, which Ray's workers run on, know no such option.
        own = isinstance(loop, asyncio.BaseEventLoop)
        options: dict[str, Any] = {"happy_eyeballs_delay": EYEBALLS} if own else {}
        connecting = loop.create_connection(
            lambda: ResponseHandler(loop),
            place.host,
            place.port,
            ssl=secure_context() if place.secure else None,
            server_hostname=place.host if place.secure else None,
            **options,
        )
        timer = asyncio.timeout(CONNECT)
        try:
            async with timer:
                _, line = await connecting
        except TimeoutError:
            if timer.expired():
                raise NoConnectionError from None
            raise
        self._open[line] = False
        return line

    def _drop(self, line: ResponseHandler) -> None:
        self._open.pop(line, None)
        line.close()


def _readable(line: ResponseHandler) -> bool:
    """Whether something has come that nobody has read yet: the end of the connection, or what was not asked for."""
    if not hasattr(select, "poll") or line.transport is None:
        return False
    waiting = select.poll()
    waiting.register(line.transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _holds_more(line: ResponseHandler) -> bool:
    """Whether what has come is more than the end of the connection."""
    if line.transport is None or not _readable(line):
        return False
    number = os.dup(line.transport.get_extra_info("socket").fileno())
    try:
        with socket.socket(fileno=number) as same:
            return bool(same.recv(1, socket.MSG_PEEK))
    except OSError:
        return False


@cache
def _bare(place: Place) -> Place:
    """What two requests must share to share a connection."""
    return Place(place.host, place.port, place.secure, "", "")


_CALLS: ContextVar[bool] = ContextVar("CALLS", default=True)


@contextmanager
def without_calls() -> Iterator[None]:
    """Systems that are made within are only looked at: what a call would need is left alone."""
    token = _CALLS.set(False)
    try:
        yield
    finally:
        _CALLS.reset(token)


def ready() -> None:
    """Import what a first request would import."""
    if not _CALLS.get():
        return
    import aiohttp.client_proto
    import aiohttp.http  # noqa: F401
    import yarl  # noqa: F401


@cache
def secure_context() -> ssl.SSLContext:
    """The system's certificates, read once: that takes 20 ms."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
