"""``evalkit import``: a public data set as a suite."""

from __future__ import annotations

from pathlib import Path

import click

FORMATS = {"clapnq": "evalkit.importers.clapnq:import_clapnq"}


@click.command("import")
@click.argument("kind", type=click.Choice(list(FORMATS)))
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def command(kind: str, source: Path, folder: Path) -> None:
    """Turn the data set at SOURCE into a suite in FOLDER."""
    import importlib

    from evalkit.suite import load_suite

    module, _, name = FORMATS[kind].partition(":")
    getattr(importlib.import_module(module), name)(source, folder)
    suite = load_suite(folder)
    click.echo(f"{suite.name}: {len(suite.cases)} cases, {len(suite.corpus)} documents in {folder}")
    click.echo(f"  evalkit run {folder}")
