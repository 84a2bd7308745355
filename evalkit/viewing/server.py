"""The HTTP server: one request a connection, few connections at a time, and no word about itself."""

from __future__ import annotations

import io
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from evalkit.errors import Busy
from evalkit.viewing.guard import refused, stranger

PATIENCE = 10.0  # seconds within which a request must have come in
SENDING = 30.0  # seconds that a client may take nothing
CONNECTIONS = 24  # at a time; more are turned away
ASKED = 32 << 10  # bytes of a request
LOCKED = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"
SHARED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back; of a ``file`` (its descriptor and size) instead of ``body`` where it is given."""

    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    status: int = 200
    policy: str = LOCKED
    file: tuple[int, int] | None = None
    headers: tuple[tuple[str, str], ...] = field(default=())


Respond = Callable[[str], Answer]


class _Patient(socket.SocketIO):
    """The bytes of a request: no more than ``ASKED``, all within ``PATIENCE``, however slowly they drip."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection, "r")
        self._connection, self._until, self._taken = connection, time.monotonic() + PATIENCE, 0

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0 or self._taken > ASKED:
            raise TimeoutError
        self._connection.settimeout(left)
        read = super().readinto(buffer)
        self._taken += read or 0
        return read


class Handler(BaseHTTPRequestHandler):
    """Reads one request, lets the guard look at it, and sends the answer."""

    server: Server
    error_content_type = "text/plain; charset=utf-8"

    def setup(self) -> None:
        """The ends of the connection."""
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(_Patient(self.connection), 8192)

    def handle(self) -> None:
        """One request; whatever the client does to the connection is no error of ours."""
        self.close_connection = True
        try:
            self._one()
        except (TimeoutError, ConnectionError):
            return

    def _one(self) -> None:
        self.raw_requestline = self.rfile.readline(ASKED)
        if not self.raw_requestline or not self.parse_request():
            return
        self.connection.settimeout(SENDING)
        if self.request_version == "HTTP/0.9":
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        no = refused(self.command, self._target(), self.headers, self.server.server_port)
        if no is None and stranger(self.client_address, self.connection.getsockname()):
            no = 403, "Another user of this machine started the viewer."
        if no is None:
            self._send(self.server.respond(self.path))
            return
        allow = (("Allow", "GET, HEAD"),) if no[0] == HTTPStatus.METHOD_NOT_ALLOWED else ()
        self._send(Answer(f"{no[1]}\n".encode(), status=no[0], headers=allow))

    def _target(self) -> str:
        """The address as it was sent: ``parse_request`` makes one slash of several."""
        return str(self.raw_requestline, "iso-8859-1").split()[1]

    def _send(self, answer: Answer) -> None:
        try:
            size = len(answer.body) if answer.file is None else answer.file[1]
            self.send_response_only(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(size))
            self.send_header("Content-Security-Policy", answer.policy)
            for name, value in (*SHARED.items(), *answer.headers):
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            if answer.file is None:
                self.wfile.write(answer.body)
            else:
                self._send_file(*answer.file)
        finally:
            if answer.file is not None:
                os.close(answer.file[0])

    def _send_file(self, number: int, size: int) -> None:
        with os.fdopen(os.dup(number), "rb") as stream:
            while size > 0 and (part := stream.read(min(size, 1 << 18))):
                self.wfile.write(part)
                size -= len(part)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library says of a request it cannot read, without repeating it."""
        self.command = self.command or "GET"
        self.request_version = "HTTP/1.0"  # an answer without a head would be taken for a page
        self._send(Answer(f"{HTTPStatus(code).phrase}\n".encode(), status=int(code)))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Nothing is logged."""


class Server(ThreadingHTTPServer):
    """Listens on one loopback address; ``respond`` makes the answer to an address."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str, port: int, respond: Respond) -> None:
        self.respond = respond
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._slots = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        """Bind; the library would ask the name server for our name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, unless there are too many."""
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A fault of ours: the client learns that there is one, the terminal which."""
        sys.stderr.write(f"evalkit: view: internal error ({type(sys.exception()).__name__})\n")
        try:
            request.settimeout(1.0)
            request.sendall(b"HTTP/1.0 500 Internal Server Error\r\nConnection: close\r\n\r\n")
        except OSError:
            return


def listen(host: str, port: int, respond: Respond) -> Server:
    """A server on ``host``; ``Busy`` where the port is taken."""
    try:
        return Server(host, port, respond)
    except PermissionError as error:
        raise Busy(
            f"port {port} may not be listened on: {error.strerror}; give --port 0"
        ) from error
    except OSError as error:
        raise Busy(
            f"port {port} of {host} is taken, or cannot be listened on ({error.strerror}); "
            "end what listens there, or give --port 0 for any free port"
        ) from error
