"""``evalkit check``: whether a suite is sound, before anything is asked."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.commands.options import chosen_systems, names_option, suite_argument, systems_option


@click.command("check")
@suite_argument
@systems_option
@names_option
@click.option(
    "--schemas",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the JSON Schemas of the suite files there, for editors.",
)
def command(
    suite: Path, systems_file: Path | None, names: tuple[str, ...], schemas: Path | None
) -> int:
    """Check SUITE: every file, field, id and path; and that its systems can be built."""
    from evalkit.commands.checking import check_demands, check_systems, describe, write_schemas
    from evalkit.suite import load_suite, train_cases

    loaded = load_suite(suite)
    train_cases(loaded)
    lines = describe(loaded) + check_demands(loaded)
    if systems_file is not None or names or (loaded.folder / "systems.yaml").exists():
        lines += check_systems(loaded, chosen_systems(loaded, systems_file, names))
    if schemas is not None:
        lines.append(write_schemas(schemas))
    for line in lines:
        click.echo(line)
    return 0
