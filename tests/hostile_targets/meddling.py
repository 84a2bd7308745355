"""Systems that answer "hostile", and leave the process in disorder."""

import atexit
import contextlib
import gc
import json
import locale
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

KEPT = []


def prints(query):
    if query == "hostile":
        print("\x1b[31m" + "ラ" * 2_000_000)
        print("to stderr", file=sys.stderr)
        os.write(1, b"\xff\xfe")
    return f"ok {query}"


def closes_output(query):
    if query == "hostile":
        sys.stdout.close()
        sys.stderr.close()
        for descriptor in (0, 1, 2):
            with contextlib.suppress(OSError):
                os.close(descriptor)
    return f"ok {query}"


def closes_stdout_and_opens_a_file(query):
    """The file gets the descriptor of stdout; what is printed after that goes into it."""
    if query == "hostile":
        os.close(1)
        KEPT.append(Path(os.devnull).open("w"))  # noqa: SIM115 (it is to stay open)
        print("ラ" * 100_000, flush=True)
    return f"ok {query}"


def closes_stdout_and_prints(query):
    if query == "hostile":
        os.close(1)
        with contextlib.suppress(OSError):
            print("ラ" * 100_000, flush=True)
    return f"ok {query}"


def floods_the_descriptors(query):
    if query == "hostile":
        for descriptor in (1, 2):
            for _ in range(128):
                os.write(descriptor, b"\xff" * 65536)
    return f"ok {query}"


async def floods_from_the_loop(query):
    if query == "hostile":
        for _ in range(128):
            os.write(1, b"x" * 65536)
    return f"ok {query}"


def floods_from_a_program(query):
    if query == "hostile":
        KEPT.append(subprocess.Popen(["yes", "ラ" * 100]))
    return f"ok {query}"


def drops_output(query):
    if query == "hostile":
        sys.stdout = sys.stderr = None
    return f"ok {query}"


def moves_and_clears(query):
    if query == "hostile":
        os.chdir("/")
        os.environ.clear()
        sys.path.clear()
        sys.argv.clear()
        os.umask(0o777)
    return f"ok {query}"


def patches(query):
    if query == "hostile":
        json.dumps = json.loads = json.JSONEncoder = json.JSONDecoder = lambda *_, **__: "patched"
        time.time = time.perf_counter = time.sleep = lambda *_: 0.0
    return f"ok {query}"


def freezes_time(query):
    if query == "hostile":
        time.monotonic = lambda: 0.0
    return f"ok {query}"


def settings(query):
    if query == "hostile":
        warnings.simplefilter("error")
        sys.setrecursionlimit(200)
        sys.setswitchinterval(1.0)
        gc.disable()
        locale.setlocale(locale.LC_ALL, "C")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with contextlib.suppress(ValueError):
                signal.signal(number, signal.SIG_IGN)
    return f"ok {query}"


def mutates(query, messages, inputs):
    if query == "hostile":
        messages.clear()
        inputs["added"] = [1]
        inputs["list"].append(2)
    return f"ok {query}"


def forks(query):
    if query == "hostile":
        os.fork()  # both return
    return f"ok {query}"


async def forks_async(query):
    if query == "hostile":
        os.fork()
    return f"ok {query}"


def daemonises(query):
    if query == "hostile" and os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(120)
        os._exit(0)
    return f"ok {query}"


def starts_a_program(query):
    if query == "hostile":
        KEPT.append(subprocess.Popen(["sleep", "120"]))
    return f"ok {query}"


def starts_a_session(query):
    if query == "hostile":
        KEPT.append(subprocess.Popen(["sleep", "120"], start_new_session=True, close_fds=False))
    return f"ok {query}"


def threads(query):
    if query == "hostile":
        for _ in range(50):
            threading.Thread(target=time.sleep, args=[120], daemon=True).start()
    return f"ok {query}"


def lasting_thread(query):
    if query == "hostile":
        threading.Thread(target=time.sleep, args=[120]).start()
    return f"ok {query}"


def failing_thread(query):
    def fail():
        raise SystemExit(5)

    if query == "hostile":
        threading.Thread(target=fail).start()
        threading.Thread(target=lambda: 1 / 0).start()
    return f"ok {query}"


def never_exits(query):
    if query == "hostile":
        atexit.register(time.sleep, 120)
    return f"ok {query}"


def leaks(query):
    KEPT.append(bytearray(20 * 2**20))
    return f"ok {query}"


class ClosesBadly:
    def ask(self, query):
        return f"ok {query}"

    def close(self):
        time.sleep(120)


class ClosesWithAnError(ClosesBadly):
    def close(self):
        raise ValueError("cannot close")
