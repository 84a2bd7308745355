"""Judging a run for release: its lines, the committed baseline, noise, other attempts, and what CI is told."""
