"""The learning curve: the fit finds known curves, and the stand-in's curve is bounded in time."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.commands.finetune_command import command
from evalkit.errors import InvalidInput, NothingToDo
from evalkit.finetune.learning_curve import Curve, _verdict, learning_curve
from evalkit.finetune.power_law import RATES, fit, gains
from evalkit.records import Suite
from evalkit.suite import load_suite
from evalkit.tools import tools_for

DATA = Path(__file__).parents[1] / "datasets"
SIZES = [32.0, 65.0, 130.0, 260.0, 520.0]


@settings(max_examples=50)
@given(st.floats(0, 0.5), st.floats(0.5, 3), st.sampled_from([float(r) for r in RATES[4:25]]))
def test_a_curve_without_noise_is_found_again(floor, scale, rate):
    losses = np.array([floor + scale * n**-rate for n in SIZES])
    found = fit(SIZES, losses)
    assert found.loss(520) == pytest.approx(losses[-1], abs=1e-3)
    assert found.loss(1040) == pytest.approx(floor + scale * 1040**-rate, abs=5e-3)


def test_losses_that_rise_with_the_data_promise_nothing():
    found = fit(SIZES, np.array([0.2, 0.3, 0.4, 0.5, 0.6]))
    assert (found.scale, found.floor) == (0.0, pytest.approx(0.4))


def passes(rate: float, cases: int = 400) -> np.ndarray:
    """Losses of cases each of which is learned at its own size, so that the mean follows a power law."""
    chance = np.random.default_rng(1).random(cases)
    return np.array([(chance < 2.0 * n**-rate).astype(float) for n in SIZES])


def test_the_gain_of_doubling_has_an_interval_around_it():
    names = [str(i) for i in range(400)]
    value, low, high = gains(SIZES, passes(0.4), names, 1040.0)
    assert low <= value <= high
    assert low <= 2.0 * (520**-0.4 - 1040**-0.4) <= high
    assert _verdict((value, low, high)) == "more_data_helps"


def test_one_cluster_of_cases_widens_the_interval():
    losses = passes(0.4)
    _, low, high = gains(SIZES, losses, [str(i) for i in range(400)], 1040.0)
    order = np.argsort(losses.sum(axis=0))
    clusters = [""] * 400
    for place, i in enumerate(order):
        clusters[i] = str(place // 40)
    _, wide_low, wide_high = gains(SIZES, losses, clusters, 1040.0)
    assert wide_high - wide_low > high - low


@pytest.mark.parametrize(
    ("doubling", "verdict"),
    [
        ((0.05, 0.03, 0.07), "more_data_helps"),
        ((0.0, 0.0, 0.01), "plateau"),
        ((0.03, 0.0, 0.07), "unclear"),
    ],
)
def test_the_verdict_follows_the_interval(doubling, verdict):
    assert _verdict(doubling) == verdict


@cache
def helpdesk() -> Suite:
    suite = load_suite(DATA / "helpdesk")
    return replace(suite, cases=suite.cases[:40])


@cache
def short_curve(max_seconds: float = 60.0) -> Curve:
    suite = helpdesk()
    return asyncio.run(
        learning_curve(suite, tools_for(suite), sizes=3, seeds=2, max_seconds=max_seconds)
    )


def test_the_stand_in_is_trained_on_growing_parts_and_once_on_the_whole():
    points = short_curve().points
    assert [(p.size, p.trainings) for p in points] == [(18, 2), (70, 2), (280, 1)]
    assert all(p.passed.low <= p.passed.value <= p.passed.high for p in points)
    assert json.loads(json.dumps(short_curve().to_json(), allow_nan=False))["left_out"] == 0


def test_when_time_is_up_every_size_was_trained_once():
    curve = short_curve(0.001)
    assert [p.trainings for p in curve.points] == [1, 1, 1]
    assert curve.left_out == 2


def test_the_same_curve_comes_out_twice():
    suite = helpdesk()
    again = asyncio.run(learning_curve(suite, tools_for(suite), sizes=3, seeds=2))
    assert again.points == short_curve().points
    assert again.doubling == short_curve().doubling


def test_a_suite_without_train_file_or_rows_is_refused(tmp_path):
    suite = replace(helpdesk(), train=None)
    with pytest.raises(InvalidInput, match="names no train file"):
        asyncio.run(learning_curve(suite, tools_for(suite)))
    few = tmp_path / "few.jsonl"
    few.write_text("".join(helpdesk().train.read_text().splitlines(keepends=True)[:10]))
    with pytest.raises(NothingToDo, match="24 rows"):
        asyncio.run(learning_curve(replace(suite, train=few), tools_for(suite)))


def test_the_command_says_whose_curve_it_is_and_writes_it(tmp_path):
    out = tmp_path / "curve.json"
    arguments = ["curve", str(DATA / "helpdesk"), "--sizes", "3", "--seeds", "1", "--out", str(out)]
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    assert result.exception is None, result.output
    assert "stand-in" in result.output
    found = json.loads(out.read_text())
    assert found["verdict"] in ("plateau", "unclear", "more_data_helps")
    assert [p["size"] for p in found["points"]] == [18, 70, 280]
