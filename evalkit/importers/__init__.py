"""Importers: each file reads one foreign format of labels, runs or results."""
