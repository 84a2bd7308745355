"""What the source of a module says of other code and of files: imports, names of files, folders put on the import path."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

# Folders whose files are read whatever they are called there: their names may be made at run time.
PROMPTS = re.compile(
    r"(^|/)(prompt|template|instruction|system|persona|polic|rule)[^/.]*$", re.IGNORECASE
)
# Files whose name stands in the code as a text: templates, settings, data and weights; of plain texts only prompts.
READ = re.compile(
    r"\.(md|j2|jinja2?|tmpl|prompt|ya?ml|toml)$|(prompt|template|instruction|system|persona|polic|rule).*\.txt$"
    r"|\.(jsonl?|csv|tsv|ini|cfg|xml|html|bin|pt|safetensors|onnx|gguf|np[yz]|pkl)$",
    re.IGNORECASE,
)
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Names = Mapping[str, str | None]  # what paths variables hold; None where that is not known
THIS = "\0"  # the path of the module's own file
_WRITES = re.compile(rb"open|write_")
_SAME = re.compile(r"(^|\.)(str|fspath|abspath|realpath|normpath|expanduser)$")
_RUN = re.compile(r"(^|\.)(run_path|spec_from_file_location|SourceFileLoader)$")
_IMPORT = re.compile(r"(^|\.)(import_module|__import__|run_module)$")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the text of a module says, wherever it lies; paths start in the module's own folder.

    ``imports`` are the dots in front, the module, and the names taken from it; ``named`` the data files and ``code``
    the source files that it names, ``written`` those it writes; ``folders`` are put on the import path, None one
    that cannot be read; ``computed`` are the lines that import by a name made at run time. ``certain`` are the
    dots and modules of imports that are made whatever happens, or the module cannot be imported.
    """

    imports: tuple[tuple[int, str, tuple[str, ...]], ...] = ()
    named: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    folders: tuple[str | None, ...] = ()
    computed: tuple[int, ...] = ()
    certain: frozenset[tuple[int, str]] = frozenset()


def facts_of(file: Path) -> Facts:
    """What a module's source says; nothing where it cannot be read."""
    try:
        return _facts(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, OSError):
        return Facts()


@lru_cache(maxsize=1024)
def _facts(content: bytes) -> Facts:
    tree = ast.parse(content)
    names = _assigned(tree, {})
    imports: list[tuple[int, str, tuple[str, ...]]] = []
    folders: list[str | None] = []
    named: list[str] = []
    code: list[str] = []
    computed: list[int] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(0, alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            taken = tuple(alias.name for alias in node.names if alias.name != "*")
            imports.append((node.level, node.module or "", taken))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named.append(node.value)
        elif isinstance(node, ast.AugAssign | ast.Assign):
            folders += _assigned_to_path(node, names)
        if isinstance(node, ast.Call):
            imports += _imported_by(node, computed)
            code += _run_by(node, names, computed)
            folders += _put_on_path(node, names)
    return Facts(
        tuple(imports),
        tuple(dict.fromkeys(filter(_is_read, [*named, *_paths(tree, names)]))),
        tuple(code),
        tuple(filter(_is_read, _written(tree, names) if _WRITES.search(content) else ())),
        tuple(folders),
        tuple(computed),
        frozenset(_certain(tree)),
    )


def _certain(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


def _paths(tree: ast.Module, outer: Names) -> Iterator[str]:
    """Every path that an expression makes of texts and of variables of its function or module."""
    for scope in (tree, *(n for n in ast.walk(tree) if isinstance(n, Scope) and n is not tree)):
        made = [n for n in _within(scope) if isinstance(n, ast.BinOp | ast.Call)]
        if made:
            names = outer if scope is tree else _assigned(scope, outer)
            yield from (text for node in made if (text := _path(node, names)))


def _is_read(text: str) -> bool:
    known = READ.search(text) or PROMPTS.search(text)
    return len(text) <= 200 and bool(known) and not re.search(r"[\0\n]", text)


def _dotted(node: ast.expr) -> str:
    """``a.b.c`` of an expression; of one that starts with something else only its end."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([*([node.id] if isinstance(node, ast.Name) else [""]), *reversed(parts)])


def _imported_by(call: ast.Call, computed: list[int]) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """The module that a call imports by its name; a line is added to ``computed`` where the name cannot be read."""
    if not _IMPORT.search(_dotted(call.func)):
        return
    first = call.args[0] if call.args else next((k.value for k in call.keywords), None)
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        name = first.value.lstrip(".")
        yield len(first.value) - len(name), name, ()
    else:
        computed.append(call.lineno)


def _run_by(call: ast.Call, names: Names, computed: list[int]) -> Iterator[str]:
    """The source file that a call loads by its path."""
    done = _RUN.search(_dotted(call.func))
    if not done:
        return
    given = [*call.args, *(k.value for k in call.keywords if k.arg in ("location", "path"))]
    at = 0 if done[2] == "run_path" else 1
    text = _path(given[at], names) if len(given) > at else None
    if text is None:
        computed.append(call.lineno)
    else:
        yield text


def _put_on_path(call: ast.Call, names: Names) -> Iterator[str | None]:
    """The folders that a call puts on the import path."""
    name = _dotted(call.func)
    if not re.search(r"(^|\.)(sys\.path|path)\.(insert|append|extend)$|addsitedir$", name):
        return
    if name.split(".")[:-1] not in (["sys", "path"], ["path"], ["site"], []):
        return
    yield from _folders(call.args[-1] if call.args else None, names)


def _assigned_to_path(node: ast.AugAssign | ast.Assign, names: Names) -> Iterator[str | None]:
    """The folders of ``sys.path += [...]`` and ``sys.path[:0] = [...]``."""
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    if _dotted(target.value if isinstance(target, ast.Subscript) else target) == "sys.path":
        yield from _folders(node.value, names)


def _folders(given: ast.expr | None, names: Names) -> Iterator[str | None]:
    several = given.elts if isinstance(given, ast.List | ast.Tuple) else [given]
    for one in several:
        yield None if one is None else _path(one, names)


# --- files that the code writes ------------------------------------------------------------------


def _written(tree: ast.Module, outer: Names) -> Iterator[str]:
    """Paths that are opened for writing by a name that can be seen: a text, or a variable of the same function or module."""
    for scope in (tree, *(n for n in ast.walk(tree) if isinstance(n, Scope) and n is not tree)):
        targets = [_write_target(node) for node in _within(scope) if isinstance(node, ast.Call)]
        if any(target is not None for target in targets):
            names = outer if scope is tree else _assigned(scope, outer)
            texts = (_path(target, names) for target in targets if target is not None)
            yield from (text for text in texts if text)


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
    by_name = _dotted(func) in ("open", "io.open", "codecs.open")
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


# --- paths ---------------------------------------------------------------------------------------


def _path(node: ast.expr | None, names: Names) -> str | None:
    """The path an expression makes, from the folder of its module (which is ""); None where that is not known."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return THIS if node.id == "__file__" else names.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _joined([node.left, node.right], names)
    if isinstance(node, ast.Attribute) and node.attr == "parent":
        return _parent(_path(node.value, names))
    if isinstance(node, ast.Subscript):
        return _ancestor(node, names)
    return _called(node, names) if isinstance(node, ast.Call) else None


def _called(call: ast.Call, names: Names) -> str | None:
    func, name = call.func, _dotted(call.func)
    if isinstance(func, ast.Attribute) and func.attr in ("resolve", "absolute", "as_posix"):
        return _path(func.value, names)
    if isinstance(func, ast.Attribute) and func.attr == "joinpath":
        return _joined([func.value, *call.args], names)
    if re.search(r"(^|\.)dirname$", name) and call.args:
        return _parent(_path(call.args[0], names))
    if _SAME.search(name) and len(call.args) == 1:
        return _path(call.args[0], names)
    return _joined(call.args, names) if re.search(r"(^|\.)(Path|join)$", name) else None


def _joined(parts: list[ast.expr], names: Names) -> str | None:
    texts = [_path(part, names) for part in parts]
    known = [text for text in texts if text is not None]
    if not texts or len(known) < len(texts):
        return None
    if len(known) > 1 and THIS in known:
        return None
    return "/".join(text for text in known if text)


def _parent(text: str | None) -> str | None:
    """The folder above; that of the module's own file is ""."""
    if text is None or text == THIS:
        return None if text is None else ""
    whole = posixpath.normpath(text or ".")
    if whole == "." or whole.split("/")[-1] == "..":
        return posixpath.normpath(f"{whole}/..")
    return posixpath.dirname(whole)


def _ancestor(node: ast.Subscript, names: Names) -> str | None:
    """``path.parents[n]``."""
    of, index = node.value, node.slice
    if not isinstance(of, ast.Attribute) or of.attr != "parents":
        return None
    if not isinstance(index, ast.Constant) or not isinstance(index.value, int):
        return None
    text = _path(of.value, names)
    for _ in range(index.value + 1):
        text = _parent(text)
    return text
