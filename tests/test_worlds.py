"""The intervals of a diagnosis hold in worlds with known truth (the long version: benchmarks/worlds.py)."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

SIMS = 40
LEAST = 0.95 - 3 * (0.95 * 0.05 / SIMS) ** 0.5  # three standard errors: a rare failure by chance


def load() -> ModuleType:
    file = Path(__file__).parents[1] / "benchmarks" / "worlds.py"
    spec = spec_from_file_location("worlds_benchmark", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["worlds_benchmark"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


worlds = load()
BY_NAME = {world.name: world for world in worlds.WORLDS}


@pytest.mark.parametrize("name", ["small, exact", "twenty sources", "repeats", "without probes"])
def test_intervals_hold_the_truth_as_often_as_they_say(name):
    found = worlds.covered(BY_NAME[name], SIMS)
    for what in ("parts", "gains", "sides", "causes"):
        assert found[what] >= LEAST, what


def test_an_interval_that_ignores_sources_would_not_hold():
    from dataclasses import replace

    world = replace(BY_NAME["twenty sources"], alike=0.9, exact=True, unlabelled=0.0)
    truth = worlds.truth_of(world).parts["retrieval"]
    held = {True: 0, False: 0}
    for seed in range(SIMS):
        suite, graded, findings = worlds.simulate(world, seed)
        for grouped in held:
            cases = suite.cases if grouped else [replace(c, group=None) for c in suite.cases]
            one = replace(suite, cases=tuple(cases))
            part = worlds.summarise_findings(one, graded, findings, ()).decomposition["retrieval"]
            held[grouped] += part.low <= truth <= part.high
    assert held[True] >= LEAST * SIMS
    assert held[False] <= 0.75 * SIMS


def test_correcting_brings_often_confused_causes_nearer_to_the_truth():
    found = worlds.covered(BY_NAME["often confused"], SIMS)
    assert found["corrected error"] < found["raw error"]
