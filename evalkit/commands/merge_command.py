"""``evalkit merge``: the runs of all shares of a suite as one run."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.commands.options import run_suite_option


@click.command("merge")
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("shards", nargs=-1, required=True, type=click.Path(path_type=Path))
@run_suite_option
@click.option("--playbook", type=click.Path(path_type=Path), help="Your own symptoms file.")
def command(out: Path, shards: tuple[Path, ...], suite: Path | None, playbook: Path | None) -> int:
    """Put the runs of all SHARDS (`evalkit run --shard I/N`) together in the new folder OUT, and write its report.

    Nothing is asked. The shares must be of one suite and one system each, and none may be missing.
    """
    from evalkit.merge import merge
    from evalkit.terminal import Progress, show_run

    with Progress() as progress:
        run = merge(out, shards, suite=suite, playbook=playbook, watch=progress)
        page = run.write()
    return show_run(run, page)
