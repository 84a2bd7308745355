"""Who may ask the viewer: only the browser of whoever started it, on this machine, by its own address."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Mapping, Sequence
from email.message import Message
from pathlib import Path

NAMES = ("localhost", "127.0.0.1", "[::1]")
METHODS = ("GET", "HEAD")
OURS = ("same-origin", "none")  # Sec-Fetch-Site of our own pages, and of an address typed in
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
LONGEST = 4096  # characters of an address


def refused(method: str, target: str, headers: Message, port: int) -> tuple[int, str] | None:
    """Status and sentence for a request that is not answered; None for one that is."""
    return _foreign(headers, port) or _misshapen(method, target, headers)


def _foreign(headers: Message, port: int) -> tuple[int, str] | None:
    """Another name for this machine (as after rebinding), or another site that asks."""
    hosts, origins = (headers.get_all(name, []) for name in ("Host", "Origin"))
    addresses = {f"{name}:{port}" for name in NAMES} | (set(NAMES) if port == 80 else set())
    if len(hosts) != 1 or hosts[0].strip().lower() not in addresses:
        return 421, "This address is not one of the viewer's."
    if any(origin.strip().lower() not in {f"http://{a}" for a in addresses} for origin in origins):
        return 403, "Another site asked for this."
    if any(site.strip().lower() not in OURS for site in headers.get_all("Sec-Fetch-Site", [])):
        return 403, "Another site led here: type the address, or paste it, to open the viewer."
    return None


def _misshapen(method: str, target: str, headers: Message) -> tuple[int, str] | None:
    if method not in METHODS:
        return 405, "The viewer only shows: GET and HEAD."
    if _has_body(headers):
        return 400, "A request with a body."
    plain = target.isascii() and not any(c <= " " or c in "\\\x7f" for c in target)
    if not plain or not target.startswith("/") or target.startswith("//") or len(target) > LONGEST:
        return 400, "Not an address of the viewer."
    return None


def _has_body(headers: Message) -> bool:
    lengths = headers.get_all("Content-Length", [])
    return "Transfer-Encoding" in headers or any(n.strip() != "0" for n in lengths)


# --- other people on the same machine ----------------------------------------------------------


def stranger(peer: Sequence[object], local: Sequence[object]) -> bool:
    """Whether another user of this machine is at the other end; False where nobody can tell.

    The superuser may see everything anyway, and forwards ports for others: it is let in, and lets everybody in.
    """
    if not hasattr(os, "getuid") or os.getuid() == 0:
        return False
    owner = _owner(_rows(), (str(peer[0]), int(str(peer[1]))), (str(local[0]), int(str(local[1]))))
    return owner is not None and owner not in (0, os.getuid())


def _rows() -> Mapping[tuple[str, str], int]:
    """The user of every connection, by its own and its other end."""
    found = {}
    for table in TABLES:
        try:
            lines = table.read_text("ascii").splitlines()[1:]
        except (OSError, ValueError):
            continue
        for line in lines:
            cells = line.split()
            if len(cells) > 7 and cells[7].isdigit():
                found[cells[1], cells[2]] = int(cells[7])
    return found


def _owner(
    rows: Mapping[tuple[str, str], int], peer: tuple[str, int], local: tuple[str, int]
) -> int | None:
    return rows.get((_hexed(peer), _hexed(local)))


def _hexed(end: tuple[str, int]) -> str:
    """An end of a connection as the kernel's table writes it: 32-bit words in the machine's byte order."""
    raw = ipaddress.ip_address(end[0]).packed
    parts = [raw[i : i + 4] for i in range(0, len(raw), 4)]
    order = reversed if sys.byteorder == "little" else iter
    return "".join(bytes(order(part)).hex().upper() for part in parts) + f":{end[1]:04X}"
