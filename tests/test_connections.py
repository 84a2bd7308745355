"""Connections to endpoints: used again while they are sound, closed when in doubt, encrypted where the URL says so."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from evalkit.adapters import connections
from evalkit.adapters.transport import NoReply, Reply, Transport

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Line:
    """A server that answers every request with the same bytes; it counts connections and keeps what it was sent."""

    def __init__(self, says: bytes = OK) -> None:
        self.says, self.connections, self.seen = says, 0, [b""]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                self.seen.append(head + await reader.readexactly(length))
                writer.write(self.says)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def talk(
    line: Line,
    do: Callable[[Callable[..., Awaitable[Reply]]], Awaitable[None]],
    *,
    secure: ssl.SSLContext | None = None,
    **how: int,
) -> None:
    """Run ``do(post)`` against the server."""

    async def main() -> None:
        server = await asyncio.start_server(line.serve, "localhost", 0, ssl=secure)
        port = server.sockets[0].getsockname()[1]
        transport = Transport(**how)

        async def post(path: str = "/v1/x?a=b", **headers: str) -> Reply:
            url = f"{'https' if secure else 'http'}://localhost:{port}{path}"
            deadline = asyncio.get_running_loop().time() + 20
            return await transport.post_json(url, {"q": "Ü日"}, headers, deadline)

        try:
            async with server:
                await do(post)
                await transport.aclose()
                await transport.aclose()
        finally:
            server.close()

    asyncio.run(main())


def test_one_connection_serves_requests_in_turn_and_each_its_path_and_headers():
    line = Line()

    async def do(post):
        assert (await post()).body == b"{}"
        assert (await post("/v1/other", authorization="Bearer k")).status == 200

    talk(line, do)
    assert line.connections == 1
    _, first, second = line.seen
    assert first.startswith(b"POST /v1/x?a=b HTTP/1.1\r\nhost: localhost:")
    assert b"accept-encoding: gzip, deflate\r\n" in first
    assert first.endswith('\r\n\r\n{"q": "Ü日"}'.encode())
    assert second.startswith(b"POST /v1/other ")
    assert b"authorization: Bearer k\r\n" in second
    assert b"authorization" not in first


def test_headers_that_change_are_sent_as_they_are_now():
    line = Line()

    async def do(post):
        await post(token="one")
        await post(token="two")

    talk(line, do)
    assert b"token: one" in line.seen[1]
    assert b"token: two" in line.seen[2]


@pytest.mark.parametrize(
    "says",
    [
        OK + b'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"bad"',  # what nobody asked for
        OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"),
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    ],
)
def test_a_connection_that_is_not_sound_is_not_used_again(says):
    line = Line(says)

    async def do(post):
        for _ in range(3):
            assert (await post()).body == b"{}"

    talk(line, do)
    assert line.connections == 3


class Talkative(Line):
    """Sends each reply a second time, a moment later, with the number of the request that it belongs to."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                self.seen.append(head + await reader.readexactly(length))
                number = head.split(b" ")[1].lstrip(b"/")
                reply = OK.replace(b"length: 2", b"length: %d" % len(number))[:-2] + number
                writer.write(reply)
                await asyncio.sleep(0.02)
                writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def test_a_reply_that_comes_too_much_answers_no_later_request():
    line = Talkative()

    async def do(post):
        for number in range(4):
            assert (await post(f"/{number}")).body == str(number).encode()
            await asyncio.sleep(0.05)  # the second one comes

    talk(line, do)
    assert line.connections == 4


def test_where_replies_come_too_much_no_connection_is_used_twice():
    line = Talkative()

    async def do(post):
        await post("/0")
        await asyncio.sleep(0.05)
        for number in range(1, 6):  # at once, before the second reply to the one before
            assert (await post(f"/{number}")).body == str(number).encode()

    talk(line, do)
    assert line.connections == 6


def test_a_connection_that_was_idle_for_long_is_not_trusted(monkeypatch):
    line = Line()
    monkeypatch.setattr(connections, "IDLE", 0.0)

    async def do(post):
        await post()
        await asyncio.sleep(0.01)
        await post()

    talk(line, do)
    assert line.connections == 2


def test_what_comes_before_the_reply_is_passed_over():
    line = Line(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK)

    async def do(post):
        for _ in range(2):
            reply = await post()
            assert (reply.status, reply.body) == (200, b"{}")

    talk(line, do)


def test_no_more_connections_than_the_limit():
    line = Line()

    async def do(post):
        await asyncio.gather(*(post() for _ in range(12)))

    talk(line, do, limit=3)
    assert line.connections <= 3
    assert len(line.seen) == 13


def test_a_header_cannot_smuggle_a_request():
    line = Line()

    async def do(post):
        with pytest.raises(NoReply) as refused:
            await post(evil="x\r\ncontent-length: 0\r\n\r\nGET / HTTP/1.1")
        assert refused.value.failure.kind == "malformed"
        assert not refused.value.sent
        await post(**{"content-length": "1", "transfer-encoding": "chunked"})

    talk(line, do)
    (_, only) = line.seen
    assert only.lower().count(b"content-length") == 1
    assert b"transfer-encoding" not in only.lower()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_https_is_checked_against_trusted_certificates(tmp_path: Path, monkeypatch):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    command = [*made.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)

    async def refused(post):
        with pytest.raises(NoReply) as nothing:
            await post()
        assert nothing.value.failure.kind == "connection"
        assert "CERTIFICATE_VERIFY_FAILED" in nothing.value.failure.message
        assert not nothing.value.sent

    line = Line()
    talk(line, refused, secure=serving)
    assert line.seen == [b""]

    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(connections, "secure_context", lambda: trusting)

    async def trusted(post):
        for _ in range(3):
            assert (await post()).body == b"{}"

    line = Line()
    talk(line, trusted, secure=serving)
    assert line.connections == 1
