"""Measures how often the true cause of a failure is named: recorded faults, and live ones on both shipped suites.

Run: python benchmarks/diagnosis.py [DATA] [--cases] [--brief]   (DATA defaults to ../shared/data beside the repository)
``--cases`` lists every wrong verdict; ``--brief`` leaves the confusions out. The live bench needs no data.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import evalkit
from evalkit import plugins
from evalkit.diagnosis import SystemDiagnosis
from evalkit.faults import OracleSystem, inject, plan_faults, spoil, truth_of
from evalkit.faults.baselines import RULES, by_question_type, by_rule, seen_of
from evalkit.faults.bench import BenchScore, Verdict, recall_by_class, score, verdicts
from evalkit.faults.bench_report import percent
from evalkit.importers.fault_injection import import_faults, read_key
from evalkit.records import Suite

ROOT = Path(__file__).resolve().parents[1]
RATE, MIXED, REPEATS = 0.8, 0.25, 3
SEEDS = (11, 12, 13)

Truths = Mapping[str, str | None]
Alike = Mapping[str, frozenset[str]]


def sides() -> dict[str, str]:
    return {cause.id: cause.side.value for cause in plugins.members("causes")}


def baselines(
    suite: Suite, found: SystemDiagnosis, truths: Truths, alike: Alike
) -> dict[str, list[Verdict]]:
    seen = seen_of(suite, found.graded)
    made = {name: by_rule(rule, truths, seen, alike) for name, rule in RULES.items()}
    return {**made, "question types": by_question_type(truths, seen, alike)}


def line(name: str, found: BenchScore) -> str:
    shares = (found.exact, found.in_set, found.side, found.false_alarms)
    kappa = "-" if found.kappa is None else f"{found.kappa:.2f}"
    side = "-" if found.balanced_side is None else f"{found.balanced_side:.2f}"
    ece = "-" if found.calibration is None else f"{found.calibration.error:.3f}"
    cells = " ".join(f"{percent(share):>26}" for share in shares)
    return f"{name:18} {cells} {side:>9} {kappa:>6} {ece:>6}"


HEAD = f"{'':18} {'exact':>26} {'in set':>26} {'side':>26} {'false alarms':>26} {'side, bal.':>9} {'kappa':>6} {'ECE':>6}"


def show(
    title: str, found: list[Verdict], rules: Mapping[str, list[Verdict]], options: set[str]
) -> None:
    known = sides()
    own = score(found, known)
    print(f"\n{title}: {len(found)} cases, {sum(v.truth is None for v in found)} healthy")
    print(HEAD)
    print(line("evalkit", own))
    for name, rows in rules.items():
        print(line(name, score(rows, known)))
    if "--brief" not in options:
        print(
            "  recall by cause: "
            + ", ".join(f"{c} {s.value:.0%} of {s.n}" for c, s in own.recall.items())
        )
        wrong = Counter({pair: n for pair, n in own.confusion.items() if pair[0] != pair[1]})
        print(
            "  worst confusions: "
            + ", ".join(f"{a} -> {b} {n}" for (a, b), n in wrong.most_common(16))
        )
    if "--cases" in options:
        for v in found:
            if not v.exact or (v.truth is None and v.outcome == "fail"):
                print(
                    f"    {v.case_id:20} {v.wanted:22} {v.given:22} set {','.join(sorted(v.named))}"
                )


def recorded(data: Path, folder: Path, options: set[str], *, probes: bool) -> None:
    source = data / "fault_injection"
    import_faults(source, folder, probes=probes)
    suite = evalkit.load_suite(folder)
    systems = evalkit.load_systems(folder / "systems.yaml")
    found = evalkit.run(suite, systems, out=folder / "run").systems["recorded"]
    key = read_key(source)
    truths = {case: k.cause for case, k in key.items()}
    alike = {case: k.acceptable for case, k in key.items()}
    title = "recorded, with probes" if probes else "recorded, probes stripped"
    show(
        title,
        verdicts(truths, found.findings, alike),
        baselines(suite, found, truths, alike),
        options,
    )


def live(name: str, folder: Path, options: set[str]) -> None:
    suite = evalkit.load_suite(ROOT / "datasets" / name)
    found: list[Verdict] = []
    rules: dict[str, list[Verdict]] = {}
    named: list[tuple[str, bool]] = []
    for seed in SEEDS:
        plan = plan_faults(suite, rate=RATE, seed=seed, mixed_share=MIXED)
        faulty = inject(OracleSystem(suite, seed=seed, memory=0.3), suite, plan, seed)
        spoiled = spoil(suite, plan, seed)
        run = evalkit.run(
            spoiled, {"faulty": faulty}, out=folder / f"{name}-{seed}", repeats=REPEATS
        )
        (system,) = run.systems.values()
        injected = truth_of(plan)
        truths = {c.id: injected[c.id].cause if c.id in injected else None for c in suite.cases}
        rows = verdicts(truths, system.findings)
        found += [replace(v, case_id=f"{v.case_id}@{seed}") for v in rows]
        named += [(plan[v.case_id][0], v.exact) for v in rows if v.case_id in plan]
        for rule, verdict in baselines(spoiled, system, truths, {}).items():
            rules.setdefault(rule, []).extend(verdict)
    show(f"live, {name}, {len(SEEDS)} seeds", found, rules, options)
    if "--brief" not in options:
        shares = recall_by_class(named)
        print("  by fault: " + ", ".join(f"{f} {s.value:.0%} of {s.n}" for f, s in shares.items()))


def main() -> None:
    options = {a for a in sys.argv[1:] if a.startswith("--")}
    paths = [Path(a) for a in sys.argv[1:] if not a.startswith("--")]
    data = paths[0] if paths else ROOT.parent / "shared" / "data"
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        if (data / "fault_injection").exists():
            recorded(data, Path(scratch) / "with", options, probes=True)
            recorded(data, Path(scratch) / "without", options, probes=False)
        else:
            print(f"no fault_injection under {data}: the recorded bench is left out")
        for name in ("helpdesk", "invoices"):
            live(name, Path(scratch), options)
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
