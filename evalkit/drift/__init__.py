"""Production traces against a baseline: signals that need no label, tests, and the report."""
