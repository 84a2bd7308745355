"""What the command line printed of a run, as JSON: so that a finished run can be told again in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Parts = list[dict[str, Any]]
LOG_WIDTH = 10_000  # columns where there is no terminal: a table is as wide as it needs to be
_TABLE = ("title", "title_justify", "caption", "caption_justify", "pad_edge", "padding")


class Story:
    """Prints on a console and remembers what."""

    def __init__(self, console: Console, parts: Parts) -> None:
        self.console, self.parts = console, parts

    def print(self, what: Any = "", **how: Any) -> None:
        """Print a text or a table."""
        self.parts.append(_part(what) | {"how": how})
        self.console.print(what, **how)


def wide_console() -> Console:
    """A console for results: as wide as the terminal; in a pipe nothing is wrapped or cut."""
    from rich.console import Console

    console = Console()
    if console.is_terminal and console.file.isatty():
        return console
    return Console(width=LOG_WIDTH, soft_wrap=True)  # also for a log that wants colours


def tell(parts: Parts, console: Console) -> None:
    """Print a story again, as wide as the console is now."""
    for part in parts:
        console.print(_printable(part), **part["how"])


def _part(what: Any) -> dict[str, Any]:
    if isinstance(what, str):
        return {"text": what}
    columns = [{"header": c.header, "no_wrap": c.no_wrap} for c in what.columns]
    rows = list(zip(*(column.cells for column in what.columns), strict=True))
    return {
        "table": {name: getattr(what, name) for name in _TABLE},
        "columns": columns,
        "rows": rows,
    }


def _printable(part: dict[str, Any]) -> Any:
    from rich.table import Table

    if "text" in part:
        return part["text"]
    given = dict(part["table"])
    given["padding"] = tuple(given["padding"])
    table = Table(box=None, **given)
    for column in part["columns"]:
        table.add_column(column["header"], no_wrap=column["no_wrap"])
    for row in part["rows"]:
        table.add_row(*row)
    return table
