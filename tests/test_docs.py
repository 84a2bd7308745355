"""The documentation tells the truth: generated pages are current, links lead somewhere, snippets run."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from evalkit import plugins
from evalkit.cli import COMMANDS, group

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_current():
    made = generator()
    assert (ROOT / "docs" / "metrics.md").read_text() == made.metric_cards(), "run: make docs"
    assert (ROOT / "docs" / "causes.md").read_text() == made.cause_cards(), "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_to_files_that_are_there(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_file_table_of_the_readme_names_what_exists():
    table = (ROOT / "README.md").read_text().split("## The files, one line each")[1]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) >= 12
    for row in rows:
        first, *others = re.findall(r"`([^`]+)`", row)
        assert (ROOT / first).exists(), first
        folder = (ROOT / first).parent if first.startswith("evalkit/") else ROOT
        for name in others:
            assert (folder / name).exists(), name


def test_every_module_of_the_package_is_in_the_file_table():
    table = (ROOT / "README.md").read_text().split("## The files, one line each")[1]
    named = {name.removeprefix("evalkit/").rstrip("/") for name in re.findall(r"`([^`]+)`", table)}
    there = {p.name for p in (ROOT / "evalkit").iterdir() if p.suffix == ".py" or p.is_dir()}
    there -= {"__init__.py", "__main__.py", "__pycache__", "py.typed"}
    assert there <= named, sorted(there - named)


def test_the_python_snippet_of_the_readme_runs(tmp_path, monkeypatch):
    snippet = re.search(
        r"## From Python\n\n```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    code = compile(snippet.group(1), "README.md", "exec")
    exec(code, {})
    assert (tmp_path / "reports" / "mine" / "report.html").exists()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_names_its_purpose(name):
    result = CliRunner().invoke(group, [name, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 4


def test_every_adapter_is_documented():
    text = (ROOT / "docs" / "adapters.md").read_text()
    for name in plugins.shelf("adapters"):
        assert f"## {name}" in text
