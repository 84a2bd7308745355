"""Puts this folder on the path, so that tests in its subfolders can import ``support``."""

import os
import signal

from hypothesis import settings

# How long an example takes says how busy the machine is. What must not take long has tests of its own (``timing``).
settings.register_profile("whatever the machine does", deadline=None)
settings.load_profile("whatever the machine does")

# A job in the background of a shell ignores interrupts, and what it starts inherits that: the tests that
# interrupt a process need the usual disposition, whoever runs them.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors: many tests wait for servers, deadlines and other processes."""
    return (os.cpu_count() or 1) + 1
