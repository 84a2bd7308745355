"""``evalkit plugins``: what lies on the shelves."""

from __future__ import annotations

import click


@click.command("plugins")
@click.option("--cards", is_flag=True, help="Print the card of every metric.")
def command(*, cards: bool) -> None:
    """List adapters, judges, metrics and causes, ours and those of installed packages."""
    from evalkit import plugins
    from evalkit.metrics.retrieval import retrieval_metrics
    from evalkit.outcome import CORRECT, PASSED

    for kind in ("adapters", "judges"):
        click.echo(f"{kind}: {', '.join(plugins.shelf(kind))}")
    metrics = [CORRECT, PASSED, *retrieval_metrics(5, 20), *plugins.members("metrics")]
    if cards:
        for metric in metrics:
            click.echo(
                f"\n{metric.name} ({metric.stage}, {metric.low:g}..{metric.high:g})\n  {metric.card}"
            )
        return
    click.echo("metrics: " + ", ".join(metric.name for metric in metrics))
    click.echo("conditions: " + ", ".join(one.id for one in plugins.members("conditions")))
    click.echo("causes: " + ", ".join(cause.id for cause in plugins.members("causes")))
