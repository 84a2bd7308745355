"""The whole way from suite to diagnosis, for Python and notebooks; the command line calls the same functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit import plugins
from evalkit.ask import Job, plan
from evalkit.budget import check_costs
from evalkit.commit import note_commit
from evalkit.decide import Decision, decide, recommendation_json
from evalkit.diagnosis import SystemDiagnosis, diagnosis_json
from evalkit.doctor.complaint import Complaint
from evalkit.engines import LOCAL, check_local, elsewhere
from evalkit.errors import InvalidInput, Stopped
from evalkit.fingerprints.watched import cache_of, looked_at, told_unwatched
from evalkit.finished import Finished, means_of_files
from evalkit.gating.unfinished import not_asked
from evalkit.grade import grade
from evalkit.interrupts import at_once, in_order
from evalkit.judging.judged import Judged, read_reviews_of
from evalkit.judging.judges import judge_called, judge_systems
from evalkit.judging.named_code import NotImportedJudge
from evalkit.judging.of_run import Seat, noted_seat, seat_of
from evalkit.ledger.fold import How
from evalkit.pool import block_on
from evalkit.records import Judge, Suite, System, Trace
from evalkit.replay import asked_live, intake, not_filed
from evalkit.resending import LIMIT, limit_of
from evalkit.resume import agree, check_same_questions, left_open
from evalkit.shards import cases_of, named, read_share, settle, told_share, unanswered
from evalkit.store import Store
from evalkit.store.lost import check_not_lost
from evalkit.suite import load_suite
from evalkit.summarise import summary_json
from evalkit.systems import Systems, built, given_of
from evalkit.tools import tools_for
from evalkit.traces import gradable
from evalkit.watch import Watcher
from evalkit.whereabouts import SUITE_FOLDER, path_from
from evalkit.work import EMBEDDED, Probing, Work, diagnosed_systems, means_of

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.ledger.large import Large

VECTORS = "vectors"  # in the run folder: what embedders made of texts
LOGS = "logs"  # in the run folder: what systems in processes of their own print


@dataclass(frozen=True)
class Run:
    """The answers of one or more systems, graded and diagnosed; everything is derived from the traces.

    ``stopped`` is what ended the run before everything was asked, None when nothing did; ``judged`` how it was judged.
    """

    suite: Suite
    systems: Mapping[str, SystemDiagnosis]
    recipe: Mapping[str, Any]
    folder: Path | None = None
    stopped: Stopped | None = None
    judged: Judged | None = None
    large: Large | None = None
    answers: str | None = None  # what the store called them that this was made of

    def __repr__(self) -> str:
        rates = (f"{n} {f.counts['passed']}/{f.due}" for n, f in self.systems.items())
        ended = "" if self.stopped is None else f" ({self.stopped})"
        return f"<evalkit.Run of {self.suite.name}: {', '.join(rates)} passed{ended}>"

    def _repr_html_(self) -> str:
        from evalkit.pages.notebook import run_card

        return run_card(self)

    def summary(self) -> dict[str, Any]:
        """The content of summary.json."""
        found = summary_json(self.suite, self.systems, self.recipe)
        return found if self.judged is None else {**found, **self.judged.block()}

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

        if self.large is not None:
            return self.large.doctor
        return examine(self.suite, {name: found.graded for name, found in self.systems.items()})

    def to_pandas(self) -> pd.DataFrame:
        """Every score as a row, with the columns of scores.csv; ``value`` is NaN where there is none."""
        from evalkit.frames import scores_frame

        return scores_frame(self)

    def findings_to_pandas(self) -> pd.DataFrame:
        """Every finding as a row, with its system."""
        from evalkit.frames import findings_frame

        return findings_frame(self)

    def write(self, folder: str | Path | None = None) -> Path:
        """Write every derived file (into the run's own folder if none is given); the path of report.html."""
        from evalkit.report import write_all

        target = Path(folder) if folder is not None else self.folder
        if target is None:
            raise ValueError("this run has no folder: say where the files should go")
        return write_all(self, target)


def run(suite: Suite | str | Path, systems: Systems, *, engine: str = LOCAL, **options: Any) -> Run:
    """Ask, score and diagnose; see ``arun`` for the options. In a notebook, ``await evalkit.arun(...)``.

    With ``engine="ray"`` on the workers of a cluster, with the options of ``evalkit.engines.ray_engine.run``.
    """
    if engine != LOCAL:
        found: Run = elsewhere(engine)(suite, systems, **options)
        return found
    return block_on(arun(suite, systems, **options), instead="evalkit.arun(...)")


@at_once
async def arun(  # noqa: PLR0913 (keyword-only options of the main entry point)
    suite: Suite | str | Path,
    systems: Systems,
    *,
    out: str | Path,
    repeats: int | None = None,
    limit: int | None = None,
    only: Collection[str] | None = None,
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
    reviewed: Path | None = None,
    answers_only: bool = False,
    finished: Finished | None = None,
    how: How | None = None,
) -> Run:
    """Ask every system every case ``repeats`` times (the suite's own number if None), probe, grade and diagnose.

    ``systems`` maps names to functions or objects, or lists specs of ``load_systems``. ``out`` is the run
    folder: an earlier run there is taken up again, and only what is missing is asked. ``only`` names the cases to ask
    (all if empty), ``limit`` the first so many. ``probes`` says which cases are asked again under other conditions (see ``Probing``), ``cache`` where answers are shared between runs;
    ``shard`` ("2/4") asks a share of the cases, to be merged (``evalkit.merge``); ``isolate`` runs systems written in Python in processes of their own. Raises ``InvalidInput`` when the earlier run had another suite, system or seed (with ``rerun="changed"`` the
    answers this touches are asked again instead, with ``rerun="adopt"`` those of a system that was given no ``version`` before are taken for answers of the one it has now), ``BudgetExceeded`` when a limit ends the first answers,
    ``EndpointUnusable`` when an endpoint gives nothing any more; the ``run`` of these two is what was answered.
    ``judge`` grades free text (the run's own if None), and its calls count against the limits; ``reviewed`` is a file of
    people's verdicts, which take the place of the judge's. With ``answers_only`` the run that is returned holds no system: ``open_run`` grades and diagnoses it; so it does where ``finished`` finds that its files need not be made again.
    Where the cases are in a long file, ``how`` says how the run is graded in parts.
    """
    loaded = load_suite(suite) if isinstance(suite, str | Path) else suite
    folder, watcher = Path(out), watch or Watcher()
    check_local(folder, rerun)
    seat = seat_of(judge, loaded, folder)
    reviews = None if reviewed is None else read_reviews_of(reviewed)
    tools = tools_for(loaded, judge=seat.judge, playbook=playbook)
    probing = Probing(probes, max_calls, max_cost, max_time)
    share = None if shard is None else read_share(shard)
    cases = cases_of(named(loaded.cases, only)[:limit], share)
    chosen = None if len(cases) == len(loaded.cases) else {case.id for case in cases}
    async with built(loaded, systems, folder / LOGS if isolate else None, folder / VECTORS) as made:
        pairs = looked_at(made, given_of(systems))
        with Store(folder) as store:
            settle(store, share, probing.controls(len(loaded.cases)), made)
            told = agree(store, loaded, pairs, seed, rerun=rerun, share=share)
            store.note(SUITE_FOLDER, path_from(folder, loaded.folder))
            note_commit(store, loaded.folder, Path.cwd())
            times = repeats if repeats is not None else loaded.repeats
            whole = not answers_only and chosen is None
            late = intake(made, store, loaded) if whole and tools.judge.name == EMBEDDED else None
            live = [] if late else asked_live(made, store, chosen if share or only else None)
            done = store.done(errors=not retry_errors) - store.unknown() if live else set()
            jobs = list(plan(live, cases, times, done)) if live else []
            said = (*store.healed, *told, *seat.settle(store), *left_open(store, len(jobs)))
            for text in (*said, *told_unwatched(pairs, cached=cache is not None)):
                watcher.say(text)
            given = (times, probes, retry_errors, playbook, reviewed)
            means = means_of_files(loaded, tools, made, chosen, *given) if finished else None
            if finished and finished.is_there(store, means, unchanged=not jobs and not said):
                await seat.aclose()
                return Run(loaded, {}, {}, folder)
            work = Work(loaded, store, tools, watcher, concurrency, seed)
            work.judging.reviews = reviews
            work.cache = cache_of(cache, loaded, pairs, watcher.say)
            work.only = chosen
            work.how = replace(how or How(playbook=playbook), intake=late)
            found = await _carried_out(work, jobs, live, probing, seat, grade=not answers_only)
            if finished is not None:
                finished.settle(store, complete=not work.cut, evidence=work.evidence.values())
            return Run(loaded, {}, {}, folder) if answers_only else _run_of(work, found, seat)


async def _carried_out(
    work: Work,
    jobs: Sequence[Job],
    live: Sequence[System],
    probing: Probing,
    seat: Seat,
    *,
    grade: bool,
) -> dict[str, SystemDiagnosis]:
    """Ask, probe, and with ``grade`` grade and diagnose what is there; raises what ended it before its time."""
    found: dict[str, SystemDiagnosis] = {}
    work.verdicts.of_code = bool(seat.code)
    try:
        with in_order():
            stopped = await _asked(work, jobs, live, probing)
        await work.store.settle()
        work.account()
        found = await work.diagnosed() if grade else {}
    finally:
        seat.account(work.store)
        await seat.aclose()
    _raise_stopped(stopped or work.judging.unjudged(), work, found, seat)
    return found


def _raise_stopped(
    stopped: Stopped | None, work: Work, found: Mapping[str, SystemDiagnosis], seat: Seat
) -> None:
    """Raise what ended a run before its time; the error's ``run`` is what was answered."""
    if stopped is not None:
        if found:
            stopped.run = _run_of(work, found, seat, stopped)
        raise stopped


async def _asked(
    work: Work, jobs: Sequence[Job], live: Sequence[System], probing: Probing
) -> Stopped | None:
    """Everything that was to be asked, and what ended it before its time, if anything did."""
    budget = probing.budget()
    LIMIT.set(limit_of(budget.seconds_left, budget.out_of_time))
    if jobs or probing.probes != "none":
        check_costs(live, budget)
    work.tell_judging(jobs)
    work.judging.pay_from(budget)
    try:
        await work.ask(jobs, budget)
        if probing.probes != "none":
            for one in live:
                await work.probe(one, probing, budget)
    except Stopped as stopped:
        return stopped
    return None


def _run_of(
    work: Work, found: Mapping[str, SystemDiagnosis], seat: Seat, stopped: Stopped | None = None
) -> Run:
    if not found:
        raise unanswered(work.store, work.suite.cases)
    recipe = {**means_of(found, work.tools), **work.store.recipe(), **told_share(work.store)}
    recipe |= work.judging.recipe()
    judged = seat.told(work.judged(found, seat.spent()))
    folder, answers = work.store.folder, work.store.marker()
    return Run(work.suite, found, recipe, folder, stopped, judged, work.large, answers)


def from_traces(
    suite: Suite | str | Path,
    traces: Mapping[str, Iterable[Trace | Mapping[str, Any]]],
    approaches: Mapping[str, str] | None = None,
    *,
    judge: Judge | str = "embedded",
) -> Run:
    """Grade and diagnose traces (or their JSON objects) without a store; a system's approach is rag if not given.

    ``judge`` is a judge, which is closed at the end, or the choice of one as in ``run``.
    """
    loaded = load_suite(suite) if isinstance(suite, str | Path) else suite
    kinds, answers = gradable(loaded, traces, approaches or {})
    tools = tools_for(loaded, judge=judge_called(judge) if isinstance(judge, str) else judge)
    evidence = block_on(judge_systems(loaded, answers, tools.judge), instead="evalkit.arun(...)")
    graded = {
        name: grade(loaded, name, kinds[name], given, evidence[name], tools.metrics)
        for name, given in answers.items()
    }
    found = diagnosed_systems(loaded, graded, tools)
    return Run(loaded, found, means_of(found, tools))


def open_run(
    suite: Suite | str | Path,
    folder: str | Path,
    *,
    playbook: Path | None = None,
    reviewed: Path | None = None,
    watch: Watcher | None = None,
) -> Run:
    """Grade and diagnose the traces of an earlier run again, by its own judge: no call is made.

    ``reviewed`` is a file of people's verdicts, which take the place of the judge's. A judge that is code
    (``module:attribute``) is not imported because the folder names it: its kept verdicts are read.
    """
    loaded = load_suite(suite) if isinstance(suite, str | Path) else suite
    path = Path(folder)
    if not (path / "run.sqlite").exists():
        check_not_lost(path)
        raise InvalidInput("there is no run", file=path, hint="`evalkit run` makes one")
    with Store(path, reading=True) as store:
        before = store.recipe().get("suite")
        if before not in (None, loaded.digest):
            check_same_questions(store, loaded, str(before))
        seat = noted_seat(store, loaded, path)
        tools = tools_for(loaded, judge=seat.judge, playbook=playbook)
        work = Work(loaded, store, tools, watch or Watcher())
        if isinstance(seat.judge, NotImportedJudge):
            work.watch.say(seat.judge.told())
        work.how = How(playbook=playbook)
        work.judging.reviews = None if reviewed is None else read_reviews_of(reviewed)
        found = block_on(seat.through(work.diagnosed()), instead="evalkit.arun(...)")
        return _run_of(work, found, seat, not_filed(store) or not_asked(store))
