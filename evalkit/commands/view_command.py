"""``evalkit view``: many runs in a browser, served on this machine alone."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("view")
@click.argument("folder", metavar="[DIR]", default="reports", type=click.Path(path_type=Path))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="The port on 127.0.0.1; 0 takes any that is free.",
)
@click.option("--ipv6", is_flag=True, help="Listen on ::1 too.")
@click.option(
    "--open/--no-browser",
    "browser",
    default=None,
    help="Open the page in a browser or not; if not given, where a terminal and a screen are there.",
)
def command(folder: Path, port: int, ipv6: bool, browser: bool | None) -> int:  # noqa: FBT001 (given by name)
    """Show the runs in DIR in a browser: list, trends, comparisons, progress.

    DIR is `reports` if not given. Read-only, and for this machine alone; nothing else is to be installed. Ctrl-C ends it.
    """
    from evalkit.viewing.serving import serve

    return serve(folder, port, ipv6=ipv6, browser=browser)
