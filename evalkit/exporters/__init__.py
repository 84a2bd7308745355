"""Exporters: what a run found out, in the formats of other tools."""
