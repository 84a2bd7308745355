"""``evalkit decide``: prompt, RAG, fine-tuning or both: ranked by what was measured, with reasons and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evalkit.commands.options import opened, run_argument, run_suite_option


@click.command("decide")
@run_argument
@run_suite_option
@click.option(
    "--profile",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What the team knows of its task (YAML); the suite's own profile if not given.",
)
@click.option(
    "--rules",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your own rulebook; evalkit's if not given.",
)
@click.option("--base", help="The system to improve; the simplest one measured if not given.")
@click.option(
    "--readiness",
    type=click.Path(path_type=Path, dir_okay=False),
    help="readiness.json of `evalkit finetune audit`, if made.",
)
@click.option("--facts", is_flag=True, help="List every fact the rules may ask for, and its value.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where decision.json, decision.md and decision.html go; the run folder if not given.",
)
def command(run: Path, suite: Path | None, out: Path | None, **chosen: Any) -> int:
    """Rank the approaches for RUN: measured side by side first, then headroom, then the profile's rules."""
    from evalkit.commands.deciding import decided, show, show_facts, write

    found = decided(opened(run, suite), **{k: v for k, v in chosen.items() if k != "facts"})
    if chosen["facts"]:
        show_facts(found)
        return 0
    page = write(found, out or run)
    show(found)
    click.echo(f"Page: {page.resolve()}")
    return 0
