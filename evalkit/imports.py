"""Which source files of the user's own folder a module is made of: what it imports from there, and so on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

MOST = 500  # files; a folder that holds more is somebody's whole tree, and one digest of its start must do
ELSEWHERE = {"site-packages", "dist-packages", "node_modules", "__pycache__"}
# Files whose name stands in the code as a text: templates, settings, data and weights; of plain texts only prompts.
READ = re.compile(
    r"\.(md|j2|jinja2?|tmpl|prompt|ya?ml|toml)$|(prompt|template|instruction|system|persona|polic|rule).*\.txt$"
    r"|\.(jsonl?|csv|tsv|ini|cfg|xml|html|bin|pt|safetensors|onnx|gguf|np[yz]|pkl)$",
    re.IGNORECASE,
)
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Names = Mapping[str, str | None]  # what paths variables hold; None where that is not known


def own_files(entry: Path, root: Path) -> dict[str, Path]:
    """The entry file, every module below ``root`` it imports (directly or not), and the files they name to read.

    Keys are paths relative to ``root``. Found by reading the source, so nothing is run; an import by a computed name
    is not seen. Files outside ``root`` are left out, and so are files that the code opens for writing by name.
    """
    root = root.resolve()
    found: dict[str, Path] = {}
    written: set[Path] = set()
    waiting = [entry.resolve()]
    while waiting and len(found) < MOST:
        file = waiting.pop()
        if not _belongs(file, root) or (name := file.relative_to(root).as_posix()) in found:
            continue
        found[name] = file
        if file.suffix == ".py":
            tree = _source(file)
            waiting.extend(_named_in(tree, file, root))
            written.update(f for text in _written(tree) for f in _beside(text, file, root))
    return {n: f for n, f in found.items() if f.suffix == ".py" or f not in written}


def module_file(name: str, folder: Path) -> Path | None:
    """The file of a module in ``folder``; None where it is not there."""
    stem = folder.joinpath(*name.split("."))
    return next((f for f in (stem.with_suffix(".py"), stem / "__init__.py") if f.is_file()), None)


def _belongs(file: Path, root: Path) -> bool:
    if not file.is_file() or not file.is_relative_to(root):
        return False
    parts = file.relative_to(root).parts
    return not any(part in ELSEWHERE or part.startswith(".") for part in parts)


def _source(file: Path) -> ast.Module:
    """The parsed module; an empty one where it cannot be read."""
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, OSError):
        return ast.Module(body=[], type_ignores=[])


def _named_in(tree: ast.Module, file: Path, root: Path) -> Iterator[Path]:
    for node in ast.walk(tree):
        for name in _modules(node, file, root):
            yield from _files_of(name, root)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _beside(node.value, file, root)
        elif isinstance(node, ast.BinOp | ast.Call) and (text := _path(node, {})):
            yield from _beside(text, file, root)


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


def _beside(text: str, file: Path, root: Path) -> Iterator[Path]:
    """Where a text that is a file's name may lie: beside the code, and in ``root``."""
    if len(text) > 200 or not READ.search(text) or re.search(r"[\0\n]", text):
        return
    for folder in (file.parent, root):
        yield (folder / text).resolve()


# --- files that the code writes ------------------------------------------------------------------


def _written(tree: ast.Module) -> Iterator[str]:
    """Paths that are opened for writing by a name that can be seen: a text, or a variable of the same function or module."""
    outer = _assigned(tree, {})
    for scope in (tree, *(n for n in ast.walk(tree) if isinstance(n, Scope) and n is not tree)):
        names = outer if scope is tree else _assigned(scope, outer)
        for node in _within(scope):
            target = _write_target(node) if isinstance(node, ast.Call) else None
            if target is not None and (text := _path(target, names)):
                yield text


def _within(scope: Scope) -> Iterator[ast.AST]:
    """The nodes of a module or function, without those of functions inside it."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Scope):
            waiting.extend(ast.iter_child_nodes(node))


def _assigned(scope: Scope, outer: Names) -> Names:
    """What the variables of a scope hold; one that is given, or bound more than once, holds nothing known."""
    found: dict[str, str | None] = dict(outer)
    inner: set[str] = set()
    if not isinstance(scope, ast.Module):
        inner = {node.arg for node in ast.walk(scope.args) if isinstance(node, ast.arg)}
        found |= dict.fromkeys(inner)
    known = sorted(
        (n for n in _within(scope) if isinstance(n, ast.Assign)),
        key=lambda n: (n.lineno, n.col_offset),
    )
    paths = {id(node.targets[0]): node.value for node in known if len(node.targets) == 1}
    bound = [n for n in _within(scope) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    for name in sorted(bound, key=lambda n: (n.lineno, n.col_offset)):
        value = None if name.id in inner else paths.get(id(name))
        inner.add(name.id)
        found[name.id] = None if value is None else _path(value, found)
    return found


def _write_target(call: ast.Call) -> ast.expr | None:
    """What a call writes to; None where it writes nothing, or that cannot be seen."""
    func, args = call.func, call.args
    method = func.attr if isinstance(func, ast.Attribute) else ""
    if isinstance(func, ast.Attribute) and method in ("write_text", "write_bytes"):
        return func.value
    by_name = ast.unparse(func) in ("open", "io.open", "codecs.open")
    if not by_name and method != "open":
        return None
    mode = next((k.value for k in call.keywords if k.arg == "mode"), None)
    place = 1 if by_name else 0
    mode = args[place] if mode is None and len(args) > place else mode
    if not isinstance(mode, ast.Constant) or not re.fullmatch(
        r"[rbt+]*[wax+][rbt+]*", str(mode.value)
    ):
        return None
    if isinstance(func, ast.Attribute) and not by_name:
        return func.value
    return args[0] if args else None


def _path(node: ast.expr, names: Names) -> str | None:
    """The path an expression makes, from the folder of its module (which is ""); None where that is not known."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return names.get(node.id)
    parts: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        parts = [node.left, node.right]
    elif isinstance(node, ast.Call):
        parts = node.args if re.search(r"(^|\.)(Path|join)$", ast.unparse(node.func)) else []
    texts = [_path(part, names) for part in parts]
    known = [text for text in texts if text is not None]
    if texts and len(known) == len(texts):
        return "/".join(text for text in known if text)
    return "" if _FOLDER.fullmatch(ast.unparse(node)) else None


_FOLDER = re.compile(
    r"(pathlib\.)?Path\(__file__\)(\.(resolve|absolute)\(\))?\.parent(\.(resolve|absolute)\(\))?"
    r"|os\.path\.dirname\((os\.path\.(abspath|realpath)\()?__file__\)?\)"
)
