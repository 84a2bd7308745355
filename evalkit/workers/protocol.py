"""What goes over the socket between evalkit and a worker: JSON messages, each preceded by its length."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from evalkit.adapters.calling import Signature, plain
from evalkit.records import Document, Failure, JsonObject, Message, Outcome, Passage, Question

LARGEST = 64 * 2**20  # bytes of one message
RECEIVED = 256 * 2**10  # bytes taken from the socket at a time
_LENGTH = struct.Struct("!I")
# Made once, so that a system that replaces json.dumps does not replace ours.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().decode


class TooLargeError(ValueError):
    """A message is longer than ``LARGEST``."""


class BrokenMessageError(ValueError):
    """What came is no message: the other side wrote something else to the socket."""


def pack(message: JsonObject) -> bytes:
    """A message as it is sent; raises ``ValueError`` for what JSON cannot hold."""
    body = _encode(message).encode("utf-8", "surrogatepass")
    if len(body) > LARGEST:
        raise TooLargeError(f"{len(body) / 2**20:.0f} MB are more than {LARGEST // 2**20} MB")
    return _LENGTH.pack(len(body)) + body


def unpack(body: bytes) -> dict[str, Any]:
    """The message in ``body``; raises ``BrokenMessageError``."""
    try:
        message = _decode(body.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise BrokenMessageError(f"no message: {type(error).__name__}") from None
    if not isinstance(message, dict):
        raise BrokenMessageError("a message is an object")
    return message


class Channel:
    """Whole messages over a socket, both ways, on whichever event loop it is attached to.

    ``on_message`` is given each message, ``on_end`` once why there will be no more: "" when the other
    side closed the socket, else what was wrong.
    """

    def __init__(
        self,
        sock: socket.socket,
        on_message: Callable[[dict[str, Any]], None],
        on_end: Callable[[str], None],
    ) -> None:
        sock.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self._socket = sock
        self._on_message, self._on_end = on_message, on_end
        self._received, self._unsent = bytearray(), bytearray()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.open = True

    def fileno(self) -> int:
        """The socket's file descriptor, to wait for."""
        return self._socket.fileno()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read when something comes, on ``loop``; another loop may take over later."""
        if self._loop is not loop and self.open:
            self._loop = loop
            loop.add_reader(self._socket, self.read)
            if self._unsent:
                loop.add_writer(self._socket, self._flush)

    def send(self, packed: bytes) -> None:
        """Send what ``pack`` made; what the socket does not take now goes later."""
        if self._unsent:
            self._unsent += packed
            return
        sent = self._write(packed)
        if sent < len(packed) and self.open:
            self._unsent += packed[sent:]
            if self._loop is not None:
                self._loop.add_writer(self._socket, self._flush)

    def read(self) -> None:
        """Take what has come, without waiting."""
        try:
            data = self._socket.recv(RECEIVED)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.end(f"the connection broke ({error.strerror})")
            return
        if not data:
            self.end("")
            return
        self._received += data
        try:
            for message in self._messages():
                self._on_message(message)
        except BrokenMessageError as error:
            self.end(str(error))

    def end(self, reason: str) -> None:
        """Close the socket and say why; a second call does nothing."""
        if not self.open:
            return
        self.open = False
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._socket.close()
        self._on_end(reason)

    def _messages(self) -> Iterator[dict[str, Any]]:
        start, received = 0, self._received
        while self.open and len(received) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(received, start)
            if length > LARGEST:
                raise BrokenMessageError("no message: its length is impossible")
            body = start + _LENGTH.size
            if len(received) < body + length:
                break
            yield unpack(bytes(received[body : body + length]))
            start = body + length
        del received[:start]

    def _flush(self) -> None:
        sent = self._write(self._unsent)
        del self._unsent[:sent]
        if not self._unsent and self.open and self._loop is not None:
            self._loop.remove_writer(self._socket)

    def _write(self, data: bytes | bytearray) -> int:
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self.end(f"the connection broke ({error.strerror})")
            return 0


def receive(sock: socket.socket) -> dict[str, Any]:
    """The next message of a blocking socket, nothing behind it taken; raises ``BrokenMessageError`` at its end."""
    (length,) = _LENGTH.unpack(_exactly(sock, _LENGTH.size))
    return unpack(_exactly(sock, length))


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise BrokenMessageError("the connection ended")
        data += piece
    return bytes(data)


# --- records as JSON -------------------------------------------------------------------------

GIVEN_BY_ID = "\0given by its id alone"  # compared by identity: the text of a passage that has none


class NoTexts(Mapping[str, Document]):
    """Stands for the corpus in a worker: marks the passages whose text the other side must fill in."""

    def __getitem__(self, doc_id: str) -> Document:
        return Document(doc_id, GIVEN_BY_ID)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def passages_to_json(passages: Sequence[Passage]) -> list[dict[str, Any]]:
    """Passages as objects; a text that the other side must fill in is left out."""
    return [_passage(passage) for passage in passages]


def _passage(passage: Passage) -> dict[str, Any]:
    found: dict[str, Any] = {"doc_id": passage.doc_id}
    if passage.chunk_id is not None:
        found["chunk_id"] = passage.chunk_id
    if passage.text is not GIVEN_BY_ID:
        found["text"] = passage.text
    if passage.title is not None:
        found["title"] = passage.title
    if passage.score is not None:
        found["score"] = passage.score
    return found


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as an object; what is ``None`` is left out, what is empty stays."""
    found = {
        "response": outcome.response,
        "retrieved": None if outcome.retrieved is None else passages_to_json(outcome.retrieved),
        "context": None if outcome.context is None else passages_to_json(outcome.context),
        "citations": outcome.citations,
        "action": outcome.action,
        "error": None if outcome.error is None else failure_to_json(outcome.error),
        "seconds": _given(outcome.seconds, ("retrieval", "generation", "total")),
        "usage": _given(outcome.usage, ("prompt_tokens", "completion_tokens", "cost")),
        "meta": outcome.meta or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def failure_to_json(failure: Failure) -> dict[str, str]:
    """A failure as an object."""
    return {"kind": failure.kind, "message": failure.message}


def _given(record: object, names: Sequence[str]) -> dict[str, Any] | None:
    found = {name: getattr(record, name) for name in names}
    return {name: value for name, value in found.items() if value is not None} or None


def question_to_json(question: Question, signature: Signature) -> dict[str, Any]:
    """What a method wants of a question, as an object."""
    return signature.optional(question)


def question_from_json(query: str, given: Mapping[str, Any]) -> Question:
    """The question of which the other side gave what the method wants."""
    messages = given.get("messages")
    turns = None if messages is None else tuple(Message(**turn) for turn in messages)
    return Question(**{"query": query, **given, "messages": turns})


def signature_to_json(signature: Signature) -> dict[str, Any]:
    """A signature as an object."""
    return {
        "label": signature.label,
        "leading": signature.leading,
        "names": sorted(signature.names),
        "named": sorted(signature.named),
    }


def signature_from_json(given: Mapping[str, Any]) -> Signature:
    """The signature in an object."""
    names, named = frozenset(given["names"]), frozenset(given["named"])
    return Signature(str(given["label"]), int(given["leading"]), names, named)


def plain_arguments(method: str, arguments: Sequence[Any]) -> list[Any]:
    """Arguments handed by position, as JSON values."""
    if method == "generate":
        return [arguments[0], passages_to_json(arguments[1])]
    return [plain(argument) for argument in arguments]


def arguments_from_json(method: str, given: Sequence[Any]) -> list[Any]:
    """Arguments as the method is handed them."""
    if method == "generate":
        return [given[0], [Passage(**passage) for passage in given[1]]]
    return list(given)
