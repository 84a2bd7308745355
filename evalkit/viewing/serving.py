"""Starts the viewer, says where it is, and ends it when it is interrupted."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from evalkit.errors import InvalidInput
from evalkit.viewing.routes import Viewer
from evalkit.viewing.server import Server, listen


def serve(folder: Path, port: int, *, ipv6: bool, browser: bool | None) -> int:
    """Serve the runs below ``folder`` until interrupted; 0. ``browser`` None opens one where there is a screen."""
    try:
        with started(folder, port, ipv6=ipv6) as servers:
            url = f"http://127.0.0.1:{servers[0].server_port}/"
            click.echo(f"Runs in {folder}: {url} (Ctrl-C ends the viewer)")
            sys.stdout.flush()
            if _has_screen() if browser is None else browser:
                threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
            threading.Event().wait()
    except KeyboardInterrupt:  # the way in which it is meant to end
        pass
    return 0


@contextmanager
def started(folder: Path, port: int, *, ipv6: bool = False) -> Iterator[list[Server]]:
    """The viewer's servers, answering in threads of their own until the block ends."""
    if not folder.is_dir():
        raise InvalidInput(
            "there is no such folder", file=folder, hint="`evalkit run` makes reports/"
        )
    viewer = Viewer(folder.resolve())
    servers: list[Server] = []
    try:
        for host in ("127.0.0.1", "::1") if ipv6 else ("127.0.0.1",):
            servers.append(
                listen(host, servers[0].server_port if servers else port, viewer.respond)
            )
            threading.Thread(target=servers[-1].serve_forever, args=(0.1,), daemon=True).start()
        yield servers
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        viewer.close()


def _has_screen() -> bool:
    if not sys.stdout.isatty():
        return False
    return sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
