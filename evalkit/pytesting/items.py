"""A suite as pytest sees it: a collector a system, a test a case and a limit, tags as markers."""

from __future__ import annotations

import keyword
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalkit.commands.options import chosen_systems
from evalkit.errors import EvalkitError
from evalkit.gating.scope import check_limit_tags
from evalkit.gating.shown import short, visible
from evalkit.pytesting.cells import Cell, limit_text, node_name
from evalkit.pytesting.run import SuiteRun
from evalkit.records import Case, Limit
from evalkit.suite import load_suite

MARKER = "evalkit"  # every test of a suite has it
# Markers that mean something to pytest, and words of its -m language: a tag of that name must not act.
RESERVED = frozenset(
    {"skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings", "tryfirst", "trylast"}
    | {"and", "or", "not", "True", "False", "None", MARKER}
)  # fmt: skip
FOLDER = "evalkit_folder"  # what the controller of pytest-xdist tells its workers


def marker_of(tag: str) -> str:
    """The marker of a tag: its letters (of any script), digits and underscores, never one that acts on its own."""
    name = re.sub(r"\W+", "_", tag).strip("_") or "tag"
    special = name in RESERVED or keyword.iskeyword(name) or name[0].isdigit()
    return f"tag_{name}" if special else name


class _Test(pytest.Item):
    """What cases and limits share: where the outcome comes from, and how it becomes pytest's own."""

    suite_run: SuiteRun
    system: str

    def cell(self) -> Cell:
        """The outcome; the first test to ask for one has the systems asked."""
        raise NotImplementedError

    def setup(self) -> None:
        """An error of the system is an error of the test, not a failure: here, before the test itself."""
        cell = self.cell()
        if cell.outcome == "errors":
            pytest.fail(cell.message, pytrace=False)

    def runtest(self) -> None:
        """Pass, skip with the reason where nothing could be graded, or fail with the chain of evidence."""
        cell = self.cell()
        if cell.outcome == "ungraded":
            pytest.skip(cell.message)
        if cell.outcome == "failed":
            pytest.fail(cell.message, pytrace=False)
        if cell.message:
            self.add_report_section("call", "evalkit warning", cell.message)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where the test is said to stand; no file, since cases may come from several."""
        where = self.config.rootpath / self.nodeid.partition("::")[0]
        return where, None, f"{short(self.system)}: {self.name}"


class CaseTest(_Test):
    """One case asked of one system."""

    case: Case

    def cell(self) -> Cell:
        """How the case ended."""
        return self.suite_run.case(self.system, self.case.id)


class LimitTest(_Test):
    """One limit of the suite kept by one system; it needs every case."""

    limit: Limit

    def cell(self) -> Cell:
        """Whether the limit is kept."""
        return self.suite_run.limit(self.system, limit_text(self.limit))


class _Group(pytest.Collector):
    """A node of the tree that only holds tests."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Nothing: the plugin adds the tests itself."""
        return ()


class EvalkitSuite(_Group):
    """The suite."""


class EvalkitSystem(_Group):
    """One system of it."""


class SuiteTests:
    """The plugin of one session that has a suite."""

    def __init__(self, config: pytest.Config) -> None:
        given = config.getoption("evalkit_systems")
        try:
            self.suite = load_suite(config.invocation_params.dir / config.getoption("evalkit"))
            check_limit_tags(self.suite)
            file = config.invocation_params.dir / given if given else None
            specs = chosen_systems(self.suite, file, config.getoption("evalkit_system"))
        except EvalkitError as error:
            raise pytest.UsageError(visible(str(error))) from None
        self.names = [spec.name for spec in specs]
        told = getattr(config, "workerinput", {})
        self.owner = FOLDER not in told
        shared = Path(told.get(FOLDER) or tempfile.mkdtemp(prefix="evalkit-"))
        kept = config.getoption("evalkit_out")
        self.kept = config.invocation_params.dir / kept if kept else None
        self.shared = shared
        judge = config.getoption("evalkit_judge")
        self.suite_run = SuiteRun(self.suite, specs, shared, self.kept, judge)
        tags = {tag for case in self.suite.cases for tag in case.tags}
        config.addinivalue_line("markers", f"{MARKER}: a test of an evaluation suite")
        for name in sorted({marker_of(tag) for tag in tags}):
            config.addinivalue_line(
                "markers", f"{name}: a tag of the suite {short(self.suite.name)}"
            )

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist where the one run of this session lies."""
        node.workerinput[FOLDER] = str(self.shared)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Add the tests before -k, -m and --lf choose among all, and have them counted as collected."""
        tests = list(self._tests(session))
        items.extend(tests)
        report = pytest.CollectReport(node_name(self.suite.name), "passed", None, [*tests])
        session.ihook.pytest_collectreport(report=report)

    def _tests(self, session: pytest.Session) -> Iterator[pytest.Item]:
        name = node_name(self.suite.name)
        top = EvalkitSuite.from_parent(session, name=name, nodeid=name, path=self.suite.folder)
        for system in self.names:
            group = EvalkitSystem.from_parent(top, name=node_name(system))
            for case in self.suite.cases:
                test = CaseTest.from_parent(group, name=node_name(case.id))
                test.suite_run, test.system, test.case = self.suite_run, system, case
                for tag in case.tags:
                    test.add_marker(marker_of(tag))
                    test.extra_keyword_matches.add(tag)
                test.add_marker(MARKER)
                yield test
            for limit in self.suite.limits:
                line = LimitTest.from_parent(group, name=node_name(limit_text(limit)))
                line.suite_run, line.system, line.limit = self.suite_run, system, limit
                line.add_marker(MARKER)
                yield line

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Ask only what was chosen; a limit needs every case of its system."""
        for item in session.items:
            if isinstance(item, CaseTest):
                self.suite_run.want(item.system, item.case.id)
            elif isinstance(item, LimitTest):
                self.suite_run.want_limits(item.system)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Where the report is, if it is kept."""
        if self.kept is not None and (self.kept / "report.html").exists():
            terminalreporter.write_line(f"evalkit report: {self.kept / 'report.html'}")

    def pytest_unconfigure(self) -> None:
        """Remove what only this session needed."""
        if self.owner:
            shutil.rmtree(self.shared, ignore_errors=True)
