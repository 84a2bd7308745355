"""The published JSON Schemas: suite files (written from ``evalkit.files``) and results."""
