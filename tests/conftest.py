"""Puts this folder on the path, so that tests in its subfolders can import ``support``."""

import os
import signal

# A job in the background of a shell ignores interrupts, and what it starts inherits that: the tests that
# interrupt a process need the usual disposition, whoever runs them.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors: many tests wait for servers, deadlines and other processes."""
    return (os.cpu_count() or 1) + 1
