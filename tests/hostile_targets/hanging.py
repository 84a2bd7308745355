"""Systems that never answer "hostile"."""

import asyncio
import os
import re
import signal
import threading
import time


def sleeps(query):
    if query == "hostile":
        time.sleep(60)
    return f"ok {query}"


async def awaits(query):
    if query == "hostile":
        await asyncio.sleep(60)
    return f"ok {query}"


async def blocks_the_loop(query):
    await asyncio.sleep(0.02)
    if query == "hostile":
        time.sleep(60)
    await asyncio.sleep(0.02)
    return f"ok {query}"


async def shrugs_off(query):
    while query == "hostile":
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue
    return f"ok {query}"


def spins(query):
    while query == "hostile":
        pass
    return f"ok {query}"


def holds_the_interpreter(query):
    if query == "hostile":
        re.match(r"(a+)+$", "a" * 60 + "b")
    return f"ok {query}"


def stops_itself(query):
    if query == "hostile":
        os.kill(os.getpid(), signal.SIGSTOP)
    return f"ok {query}"


def deadlock(query):
    lock = threading.Lock()
    with lock:
        if query == "hostile":
            lock.acquire()
    return f"ok {query}"
