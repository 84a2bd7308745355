"""Adapters: each file turns one entry of systems.yaml into a ``System``."""
