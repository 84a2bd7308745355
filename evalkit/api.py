"""The whole way from suite to diagnosis, for Python and notebooks; the command line calls the same functions."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit import plugins
from evalkit.artefacts import SCORE_COLUMNS
from evalkit.ask import Job, plan
from evalkit.decide import Decision, decide, recommendation_json
from evalkit.diagnosis import SystemDiagnosis, diagnosis_json
from evalkit.doctor.complaint import Complaint
from evalkit.errors import InvalidInput, NothingToDo, Stopped
from evalkit.grade import grade
from evalkit.inquiry import OF_THE_RETRIEVER
from evalkit.judge import judge_traces
from evalkit.pool import block_on
from evalkit.records import Approach, Failure, Finding, Judge, Suite, System, Trace
from evalkit.resume import agree, cache_of, left_open
from evalkit.shards import cases_of, read_share, settle, told_share
from evalkit.store import Store
from evalkit.suite import load_suite
from evalkit.summarise import summary_json
from evalkit.systems import Systems, built, given_of
from evalkit.tools import judge_of, tools_for
from evalkit.watch import Watcher
from evalkit.work import Probing, Work, diagnosed_systems, means_of

if TYPE_CHECKING:
    import pandas as pd

EMBEDDED, JUDGE = "embedded", "judge"  # the judge of a run without a choice; the note of the choice
LOGS = "logs"  # in the run folder: what systems in processes of their own print
SUITE_FOLDER = "suite_folder"  # the note by which a run finds its suite
BATCH = 1000  # recorded traces that share a commit


@dataclass(frozen=True)
class Run:
    """The answers of one or more systems, graded and diagnosed; everything is derived from the traces.

    ``stopped`` is what ended the run before everything was asked; None when nothing did.
    """

    suite: Suite
    systems: Mapping[str, SystemDiagnosis]
    recipe: Mapping[str, Any]
    folder: Path | None = None
    stopped: Stopped | None = None

    def __repr__(self) -> str:
        rates = (f"{n} {f.counts['passed']}/{f.due}" for n, f in self.systems.items())
        return f"<evalkit.Run of {self.suite.name}: {', '.join(rates)} passed>"

    def summary(self) -> dict[str, Any]:
        """The content of summary.json."""
        return summary_json(self.suite, self.systems, self.recipe)

    def diagnosis(self) -> dict[str, Any]:
        """The content of diagnosis.json; beside the published keys, a recommendation for every system."""
        whole = recommendation_json(self.decision())
        found = diagnosis_json(self.suite, self.systems, whole, self.doctor)
        for name in self.systems:
            alone = recommendation_json(self.decision(names=(name,)))
            found["systems"][name]["recommendation"] = alone
        return found

    def decision(self, names: Sequence[str] = (), **how: Any) -> Decision:
        """The approaches ranked for this run, or for the systems ``names`` alone; ``how`` as ``decide`` takes it."""
        chosen = {name: self.systems[name] for name in names or self.systems}
        sides = {cause.id: cause.side for cause in plugins.members("causes")}
        return decide(self.suite, chosen, sides, **how)

    @cached_property
    def doctor(self) -> dict[str, list[Complaint]]:
        """What is doubtful about the suite itself: its ``labels`` and its ``corpus``."""
        from evalkit.doctor.examine import examine

        return examine(self.suite, {name: found.graded for name, found in self.systems.items()})

    def to_pandas(self) -> pd.DataFrame:
        """Every score as a row, with the columns of scores.csv; ``value`` is NaN where there is none."""
        import pandas as pd

        rows = (row for found in self.systems.values() for row in found.graded.scores.rows())
        table = [tuple(getattr(row, name) for name in SCORE_COLUMNS) for row in rows]
        return pd.DataFrame(table, columns=list(SCORE_COLUMNS)).astype({"value": "float64"})

    def findings_to_pandas(self) -> pd.DataFrame:
        """Every finding as a row, with its system."""
        import pandas as pd

        names = [f.name for f in fields(Finding)]
        rows = (
            (name, *(getattr(finding, n) for n in names))
            for name, found in self.systems.items()
            for finding in found.findings
        )
        return pd.DataFrame(rows, columns=["system", *names])

    def write(self, folder: str | Path | None = None) -> Path:
        """Write every derived file (into the run's own folder if none is given); the path of report.html."""
        from evalkit.report import write_all

        target = Path(folder) if folder is not None else self.folder
        if target is None:
            raise ValueError("this run has no folder: say where the files should go")
        return write_all(self, target)


def run(suite: Suite | str | Path, systems: Systems, **options: Any) -> Run:
    """Ask, score and diagnose; see ``arun`` for the options. In a notebook, ``await evalkit.arun(...)``."""
    return block_on(arun(suite, systems, **options), instead="evalkit.arun(...)")


async def arun(  # noqa: PLR0913 (keyword-only options of the main entry point)
    suite: Suite | str | Path,
    systems: Systems,
    *,
    out: str | Path,
    repeats: int | None = None,
    limit: int | None = None,
    probes: str = "auto",
    max_calls: int | None = None,
    max_cost: float | None = None,
    max_time: float | None = None,
    concurrency: int = 8,
    seed: int = 0,
    retry_errors: bool = False,
    rerun: str | None = None,
    cache: str | Path | None = None,
    shard: str | None = None,
    watch: Watcher | None = None,
    playbook: Path | None = None,
    isolate: bool = False,
    judge: str | None = None,
) -> Run:
    """Ask every system every case ``repeats`` times (the suite's own number if None), probe, grade and diagnose.

    ``systems`` maps names to functions or objects, or lists specs of ``load_systems``. ``out`` is the run
    folder: an earlier run there is taken up again, and only what is missing is asked. ``probes`` says which
    cases are asked again under other conditions (see ``Probing``), ``cache`` where answers are shared between runs;
    ``shard`` ("2/4") asks a share of the cases, to be merged (``evalkit.merge``); ``isolate`` runs systems written in Python in processes of their own. Raises ``InvalidInput`` when the earlier run had another suite, system or seed (with ``rerun="changed"`` the
    answers this touches are asked again instead), ``BudgetExceeded`` when a limit ends the first answers,
    ``EndpointUnusable`` when an endpoint gives nothing any more; the ``run`` of these two is what was answered.
    """
    loaded = load_suite(suite) if isinstance(suite, str | Path) else suite
    folder, watcher = Path(out), watch or Watcher()
    grader = _judge(judge, loaded, folder)
    tools = tools_for(loaded, judge=grader, playbook=playbook)
    probing = Probing(probes, max_calls, max_cost, max_time)
    share = None if shard is None else read_share(shard)
    cases = cases_of(loaded.cases[:limit], share)
    only = None if limit is None and share is None else {case.id for case in cases}
    async with built(loaded, systems, folder / LOGS if isolate else None) as made:
        pairs = list(zip(made, given_of(systems), strict=True))
        with Store(folder) as store:
            settle(store, share, probing.controls(len(loaded.cases)))
            told = agree(store, loaded, pairs, seed, rerun=rerun == "changed")
            store.note(SUITE_FOLDER, path_from(folder, loaded.folder))
            times = repeats if repeats is not None else loaded.repeats
            done = store.done(errors=not retry_errors) - store.unknown()
            live = [one for one in made if not _replay(one, store, only if share else None)]
            jobs = list(plan(live, cases, times, done))
            for text in (*store.healed, *told, *left_open(store, len(jobs))):
                watcher.say(text)
            work = Work(loaded, store, tools, watcher, concurrency, seed)
            work.cache = cache_of(cache, loaded, pairs, watcher.say)
            work.only = only
            stopped = await _asked(work, jobs, live, probing)
            work.account()
            try:
                found = await work.diagnosed()
            finally:
                await _closed(grader)
            if stopped is not None:
                if found:
                    stopped.run = _run_of(work, found, stopped)
                raise stopped
            return _run_of(work, found)


def _judge(choice: str | None, suite: Suite, folder: Path, *, offline: bool = False) -> Judge:
    """The judge of a run: its verdicts are kept in the run folder, so that none is paid for twice."""
    kept = {"cache": folder / "judge", "record": folder, "offline": offline}
    if choice in (None, EMBEDDED):
        return judge_of(EMBEDDED, suite.folder)
    return judge_of(choice or EMBEDDED, Path.cwd(), confined=False, **kept)


async def _asked(
    work: Work, jobs: Sequence[Job], live: Sequence[System], probing: Probing
) -> Stopped | None:
    """Everything that was to be asked, and what ended it before its time, if anything did."""
    budget = probing.budget()
    try:
        await work.ask(jobs, budget)
        if probing.probes != "none":
            for one in live:
                await work.probe(one, probing, budget)
    except Stopped as stopped:
        return stopped
    return None


async def _closed(judge: Judge) -> None:
    close = getattr(judge, "aclose", None)
    if close is not None:
        await close()


def _run_of(
    work: Work, found: Mapping[str, SystemDiagnosis], stopped: Stopped | None = None
) -> Run:
    if not found:
        raise NothingToDo("no system has answered any case")
    recipe = {**means_of(found, work.tools), **work.store.recipe(), **told_share(work.store)}
    return Run(work.suite, found, recipe, work.store.folder, stopped)


def _replay(one: System, store: Store, only: Collection[str] | None) -> bool:
    """File the traces of a recorded system (of ``only`` these cases) as they are; False for a live one."""
    if not getattr(one, "recorded", False):
        return False
    held = getattr(one, "traces").values()  # noqa: B009 (not in the protocol of live systems)
    shared = (trace for trace in held if only is None or trace.case_id in only)
    while batch := list(islice(shared, BATCH)):
        store.put_all([_filed(trace, one) for trace in batch])
    return True


def _filed(trace: Trace, one: System) -> Trace:
    """A recorded trace under its system's name; an answer that was not recorded is an error, as a live one is."""
    silent = trace.response is None or not trace.response.strip()
    wanted = one.approach is not Approach.RETRIEVER and trace.condition not in OF_THE_RETRIEVER
    if silent and wanted and trace.error is None:
        trace = replace(trace, error=Failure("empty", "the recording holds no response"))
    return replace(trace, system=one.name)


def from_traces(
    suite: Suite, traces: Mapping[str, Sequence[Trace]], approaches: Mapping[str, str] | None = None
) -> Run:
    """Grade and diagnose traces that are already there, without a store; ``approaches`` defaults to rag."""
    tools = tools_for(suite)
    cases = {case.id: case for case in suite.cases}

    async def work() -> dict[str, SystemDiagnosis]:
        graded = {}
        for name, given in traces.items():
            approach = Approach((approaches or {}).get(name, "rag"))
            evidence = await judge_traces(cases, given, tools.judge)
            graded[name] = grade(suite, name, approach, given, evidence, tools.metrics)
        return diagnosed_systems(suite, graded, tools)

    found = block_on(work(), instead="evalkit.arun(...)")
    return Run(suite, found, means_of(found, tools))


def suite_of(folder: str | Path) -> Path:
    """The folder of the suite that a run was made with, as noted in the run; ``InvalidInput`` where it is gone."""
    path = Path(folder)
    if not (path / "run.sqlite").exists():
        raise InvalidInput("there is no run", file=path, hint="`evalkit run` makes one")
    with Store(path, reading=True) as store:
        noted = store.notes().get(SUITE_FOLDER)
    found = path / noted if noted else None
    if found is None or not (found / "suite.yaml").exists():
        told = (
            f"its suite is no longer at {noted}" if noted else "it does not say where its suite is"
        )
        raise InvalidInput(told, file=path, hint="give --suite FOLDER")
    return found.resolve()


def path_from(start: Path, target: Path) -> str:
    """``target`` as a path relative to ``start``, so that both can move together; absolute where that cannot be."""
    try:
        return os.path.relpath(target.resolve(), start.resolve())
    except ValueError:  # another drive
        return str(target.resolve())


def open_run(suite: Suite | str | Path, folder: str | Path, *, playbook: Path | None = None) -> Run:
    """Grade and diagnose the traces of an earlier run again, by its own judge: no call is made."""
    loaded = load_suite(suite) if isinstance(suite, str | Path) else suite
    path = Path(folder)
    if not (path / "run.sqlite").exists():
        raise InvalidInput("there is no run", file=path, hint="`evalkit run` makes one")
    with Store(path, reading=True) as store:
        before = store.recipe().get("suite")
        if before not in (None, loaded.digest):
            raise InvalidInput(
                f"the run is of another suite ({before}, not {loaded.digest})", file=path
            )
        grader = _judge(store.notes().get(JUDGE), loaded, path, offline=True)
        work = Work(loaded, store, tools_for(loaded, judge=grader, playbook=playbook), Watcher())
        return _run_of(work, block_on(work.diagnosed(), instead="evalkit.arun(...)"))
