"""The process that judges while asking goes on: takes batches of answers, gives back evidence, writes nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys

from evalkit.evidence import evidence_to_json, made_of, read_given
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.workers.protocol import BrokenMessageError, pack, receive

NICENESS = 5  # asking comes first where there are fewer cores than work


def main() -> None:
    """Serve on the socket whose descriptor is the first argument, until the other side has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for evalkit, which ends us
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    serve(socket.socket(fileno=int(sys.argv[1])))


def serve(connection: socket.socket) -> None:
    """Judge every batch as it comes. What cannot be judged ends the process, and evalkit meets it again itself."""
    judge = EmbeddedJudge()
    with connection, contextlib.suppress(BrokenMessageError, OSError):
        while True:
            batch = receive(connection)["given"]
            said = [
                (made_of(judge, given), evidence_to_json(judge.judge(*read_given(given))))
                for given in batch
            ]
            connection.sendall(pack({"said": said}))
