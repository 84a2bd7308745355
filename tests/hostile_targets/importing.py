"""Systems whose module leaves the process in disorder while it is imported."""

import os

for _ in range(64):
    os.write(1, b"printed while importing" * 3000)
os.close(1)
os.close(2)


def closed(query):
    return f"ok {query}"
