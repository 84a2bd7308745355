"""Judges: each file turns a case and a trace into evidence."""
