"""The pytest plugin: a suite as tests, one run a session."""
