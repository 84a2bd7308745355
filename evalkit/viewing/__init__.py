"""The local viewer: many runs in a browser, read-only, on the loopback interface alone."""
