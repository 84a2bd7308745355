"""The pytest plugin: ``pytest --evalkit SUITE`` makes every case of a suite a test; without it nothing happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from evalkit.pytesting.run import Ask


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options; none of them does anything without ``--evalkit``."""
    group = parser.getgroup("evalkit", "evaluation of LLM features")
    group.addoption(
        "--evalkit", metavar="SUITE", help="run the cases of this suite folder as tests"
    )
    group.addoption(
        "--evalkit-systems", metavar="FILE", help="the systems file [systems.yaml in the suite]"
    )
    group.addoption(
        "--evalkit-system",
        metavar="NAME",
        action="append",
        default=[],
        help="only this system of the file; repeatable",
    )
    group.addoption(
        "--evalkit-judge",
        metavar="CHOICE",
        help="who grades free text, as in `evalkit run --judge` [that of an earlier run kept with --evalkit-out, else embedded]",
    )
    group.addoption(
        "--evalkit-out",
        metavar="DIR",
        help="keep the run here; answers that are already there are not asked for again",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Load the suite, where one is given; everything heavy is imported only then."""
    if config.getoption("evalkit") is None:
        return
    from evalkit.pytesting.items import SuiteTests

    config.pluginmanager.register(SuiteTests(config), "evalkit-suite")


@pytest.fixture
def evalkit_run(tmp_path: Path) -> Ask:
    """Ask a system the cases of a suite inside your own test: ``evalkit_run(suite, system).assert_passed(0.9)``."""
    from evalkit.pytesting.run import Ask

    return Ask(tmp_path / "evalkit")
