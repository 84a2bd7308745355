"""Systems that end their process when they are asked "hostile"."""

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import threading
import time

KEPT = []


def exits(query):
    if query == "hostile":
        os._exit(0)
    return f"ok {query}"


def exits_later(query):
    """Answers; its thread ends the process while the neighbours are asked."""
    if query == "hostile":
        threading.Timer(0.05, os._exit, [9]).start()
    else:
        time.sleep(0.1)
    return f"ok {query}"


async def exits_async(query):
    await asyncio.sleep(0.02)
    if query == "hostile":
        os._exit(3)
    await asyncio.sleep(0.05)
    return f"ok {query}"


def segfault(query):
    if query == "hostile":
        ctypes.string_at(0)
    return f"ok {query}"


def aborts(query):
    if query == "hostile":
        os.abort()
    return f"ok {query}"


def killed(query):
    """What the kernel does when memory runs out."""
    if query == "hostile":
        os.kill(os.getpid(), signal.SIGKILL)
    return f"ok {query}"


def terminated(query):
    if query == "hostile":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    return f"ok {query}"


def interrupted(query):
    if query == "hostile":
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
    return f"ok {query}"


def becomes_another(query):
    if query == "hostile":
        os.execv("/bin/true", ["true"])
    return f"ok {query}"


def closes_descriptors(query):
    if query == "hostile":
        os.closerange(3, 256)
        time.sleep(0.2)
    return f"ok {query}"


def writes_everywhere(query):
    if query == "hostile":
        for descriptor in range(3, 32):
            with contextlib.suppress(OSError):
                os.write(descriptor, b"GET / HTTP/1.1\r\n\r\n")
        time.sleep(0.2)
    return f"ok {query}"


def writes_a_wrong_message(query):
    if query == "hostile":
        for descriptor in range(3, 32):
            with contextlib.suppress(OSError):
                os.write(descriptor, b"\0\0\0\4[1]]")
        time.sleep(0.2)
    return f"ok {query}"


async def stops_the_loop(query):
    if query == "hostile":
        asyncio.get_running_loop().stop()
        await asyncio.sleep(1)
    return f"ok {query}"


async def breaks_the_loop(query):
    async def stray():
        raise SystemExit(4)

    if query == "hostile":
        KEPT.append(asyncio.create_task(stray()))
        await asyncio.sleep(1)
    return f"ok {query}"


def out_of_memory(query):
    if query == "hostile":
        resource.setrlimit(resource.RLIMIT_AS, (256 * 2**20, 256 * 2**20))
        try:
            return str(len(bytearray(1 << 30)))
        except MemoryError:
            os.kill(os.getpid(), signal.SIGKILL)
    return f"ok {query}"
