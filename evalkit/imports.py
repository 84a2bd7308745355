"""Which source files of the user's own folder a module is made of: what it imports from there, and so on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

MOST = 500  # files; a folder that holds more is somebody's whole tree, and one digest of its start must do
ELSEWHERE = {"site-packages", "dist-packages", "node_modules", "__pycache__"}
# Files whose name stands in the code as a text: templates and settings, never data or logs.
READ = re.compile(
    r"\.(md|j2|jinja2?|tmpl|prompt|ya?ml|toml)$|(prompt|template|instruction|system|persona|polic|rule).*\.txt$",
    re.IGNORECASE,
)


def own_files(entry: Path, root: Path) -> dict[str, Path]:
    """The entry file, every module below ``root`` it imports (directly or not), and the templates they name.

    Keys are paths relative to ``root``. Found by reading the source, so nothing is run; an import by a computed name
    is not seen. Files outside ``root`` are left out.
    """
    root = root.resolve()
    found: dict[str, Path] = {}
    waiting = [entry.resolve()]
    while waiting and len(found) < MOST:
        file = waiting.pop()
        if not _belongs(file, root) or (name := file.relative_to(root).as_posix()) in found:
            continue
        found[name] = file
        if file.suffix == ".py":
            waiting.extend(_named_in(file, root))
    return found


def module_file(name: str, folder: Path) -> Path | None:
    """The file of a module in ``folder``; None where it is not there."""
    stem = folder.joinpath(*name.split("."))
    return next((f for f in (stem.with_suffix(".py"), stem / "__init__.py") if f.is_file()), None)


def _belongs(file: Path, root: Path) -> bool:
    if not file.is_file() or not file.is_relative_to(root):
        return False
    parts = file.relative_to(root).parts
    return not any(part in ELSEWHERE or part.startswith(".") for part in parts)


def _named_in(file: Path, root: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, OSError):
        return
    for node in ast.walk(tree):
        for name in _modules(node, file, root):
            yield from _files_of(name, root)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _templates(node.value, file, root)


def _modules(node: ast.AST, file: Path, root: Path) -> Iterator[str]:
    """The dotted names that a statement imports, from ``root``."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        start = node.module or ""
        if node.level:
            package = file.relative_to(root).parts[: -node.level]
            start = ".".join([*package, *([start] if start else [])])
        yield start
        yield from (f"{start}.{alias.name}".lstrip(".") for alias in node.names)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def _files_of(name: str, root: Path) -> Iterator[Path]:
    """The module's file and the packages on the way to it."""
    parts = [part for part in name.split(".") if part]
    for length in range(1, len(parts) + 1):
        file = module_file(".".join(parts[:length]), root)
        if file is not None:
            yield file


def _templates(text: str, file: Path, root: Path) -> Iterator[Path]:
    if len(text) > 200 or not READ.search(text) or re.search(r"[\0\n]", text):
        return
    for folder in (file.parent, root):
        yield (folder / text).resolve()
