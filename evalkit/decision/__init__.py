"""Choosing an approach: what it would mend, what it costs, and which rules speak for and against it."""
