"""Metrics: each file ends with the tuple of metrics it offers."""
