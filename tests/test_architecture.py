"""The shape of the package: which way imports point, how long things are, what start-up may load."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "evalkit"
LONGEST_FILE, LONGEST_FUNCTION = 350, 40
# Nouns and tables: one definition after the other, nothing to follow from line to line.
LONG_FILES = {"evalkit.records"}
LONG_FUNCTIONS = {"evalkit.metrics.context.context_metrics"}  # a table of metrics with their cards
HEAVY = {"aiohttp", "jsonschema", "openai", "pandas", "scipy", "sklearn"}
AT_START = {*HEAVY, "numpy", "pydantic", "yaml", "rich", "jinja2", "rapidfuzz", "sqlite3"}
STAGES = (
    *("ask", "judge", "score", "outcome", "grade", "diagnose", "diagnosis", "summarise"),
    *("symptoms", "decide", "probe", "planner", "reask", "inquiry", "estimate", "sequential"),
    *("compare", "comparison.cause_shift", "comparison.standing", "comparison.sheet"),
    *("gate", "gating.trials", "loss", "funnel"),
)
OUTER = ("adapters", "judges", "plugins", "commands", "cli", "templates")
# Every place that calls foreign code (or is the outermost), and how often it catches everything.
CATCH_ALLS = {
    "evalkit.adapters.calling": 4,  # the user's own functions
    "evalkit.adapters.targets": 2,  # importing and constructing what the user names
    "evalkit.adapters.threads": 1,  # hands an exception from a thread to whoever awaits it
    "evalkit.ask": 1,  # a system
    "evalkit.cli": 1,  # the outermost place
    "evalkit.fingerprints.held": 1,  # looking at a user's object runs its properties
    "evalkit.fingerprints.plain_values": 1,  # so does telling whether it is equal
    "evalkit.systems": 1,  # what a user's object says of itself
    "evalkit.embeddings.tokenizer": 1,  # a package that raises nothing narrower
    "evalkit.judge": 1,  # a judge
    "evalkit.cells": 1,  # a metric of single answers
    "evalkit.score": 1,  # a metric in columns
}


@cache
def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(modules()[name].read_text(encoding="utf-8"))


@pytest.fixture(params=sorted(modules()))
def module(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def statements(body: list[ast.stmt], *, deep: bool) -> Iterator[ast.stmt]:
    """The statements that run on import; with ``deep`` those inside functions too. Never TYPE_CHECKING's."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from statements(node.orelse, deep=deep)
            continue
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not deep:
            continue
        for field in ("body", "orelse", "finalbody"):
            yield from statements(getattr(node, field, []), deep=deep)
        for handler in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
            yield from statements(handler.body, deep=deep)


def imported(name: str, *, deep: bool) -> set[str]:
    found = set()
    for node in statements(tree(name).body, deep=deep):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {full if full in modules() else str(node.module) for full in whole}
    return found


def calls(name: str) -> Iterator[str]:
    return (ast.unparse(n.func) for n in ast.walk(tree(name)) if isinstance(n, ast.Call))


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_imports_have_no_cycle_wherever_they_stand():
    graph = {name: imported(name, deep=True) & modules().keys() - {name} for name in modules()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
    assert len(order) == len(modules()) > 100


def test_the_records_stand_on_nothing_of_ours():
    ours = {i for i in imported("evalkit.records", deep=True) if i.startswith("evalkit")}
    assert ours == set()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_nothing_from_the_outer_layers(stage: str):
    outer = re.compile(rf"evalkit\.({'|'.join(OUTER)})(\.|$)")
    assert {i for i in imported(f"evalkit.{stage}", deep=True) if outer.match(i)} == set()


@pytest.mark.parametrize("shelf", ["metrics", "judges", "causes", "text", "adapters"])
def test_a_shelf_does_not_reach_for_the_command_line_or_the_plugins(shelf: str):
    outer = {"evalkit.plugins", "evalkit.cli", "evalkit.api", "evalkit.terminal", "evalkit.report"}
    members = [name for name in modules() if name.startswith(f"evalkit.{shelf}")]
    assert {m: wrong for m in members if (wrong := imported(m, deep=True) & outer)} == {}


def test_language_and_metrics_know_no_adapter_and_no_stage():
    forbidden = re.compile(
        r"evalkit\.(adapters|commands|pages|score|grade|diagnose|store|ask)(\.|$)"
    )
    members = [m for m in modules() if m.startswith(("evalkit.text", "evalkit.metrics"))]
    wrong = {m: {i for i in imported(m, deep=True) if forbidden.match(i)} for m in members}
    assert {m: found for m, found in wrong.items() if found} == {}


def test_a_module_says_its_job_in_one_sentence(module: str):
    first = (ast.get_docstring(tree(module)) or "").partition("\n\n")[0].replace("\n", " ")
    assert first, "has no docstring"
    assert first.endswith(".")
    assert not re.search(r"[.!] [A-Z]", first), first


def test_a_file_is_short_enough_to_read_at_once(module: str):
    lines = modules()[module].read_text(encoding="utf-8").count("\n")
    assert (lines > LONGEST_FILE) == (module in LONG_FILES), f"{lines} lines"


def test_a_function_fits_on_a_screen(module: str):
    long = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            if lines > LONGEST_FUNCTION:
                long.add(f"{module}.{node.name}")
    assert long == {name for name in LONG_FUNCTIONS if name.rpartition(".")[0] == module}


def test_everything_is_caught_only_around_foreign_code(module: str):
    caught = 0
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ExceptHandler) and ast.unparse(node.body[-1]) != "raise":
            names = "bare" if node.type is None else ast.unparse(node.type)
            caught += bool(re.search(r"\b(bare|Exception|BaseException)\b", names))
    assert caught == CATCH_ALLS.get(module, 0)


def test_nothing_is_printed_and_nothing_dangerous_is_called(module: str):
    dangerous = re.compile(
        r"(print|eval|exec|compile|__import__|os\.system|yaml\.(unsafe_|full_)?load|(pickle|marshal|dill|joblib)\..*)"
    )
    assert {call for call in calls(module) if dangerous.fullmatch(call)} == set()
    assert imported(module, deep=True).isdisjoint({"pickle", "marshal", "shelve", "joblib"})
    shells = [
        node
        for node in ast.walk(tree(module))
        if isinstance(node, ast.keyword) and node.arg == "shell"
    ]
    assert shells == []


def test_heavy_libraries_are_imported_where_they_are_used(module: str):
    roots = {name.partition(".")[0] for name in imported(module, deep=False)}
    assert roots.isdisjoint(HEAVY)


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_by("import evalkit").isdisjoint(AT_START)


def test_asking_for_help_loads_nothing_heavy():
    code = "import sys\nfrom evalkit.cli import _run\nassert _run(['--help']) == 0"
    assert loaded_by(code).isdisjoint(AT_START)
