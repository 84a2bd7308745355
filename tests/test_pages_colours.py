"""The colours of the report tell parts apart for colour-blind people too, and text keeps its contrast."""

from __future__ import annotations

import re
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pytest

from evalkit.pages.engine import source

Floats = npt.NDArray[np.float64]
SIDES = ("retrieval", "generation", "contract", "suite", "system", "passed")
SERIES = ("c0", "c1", "c2", "c3")
# Machado, Oliveira and Fernandes (2009), severity 1; rows are the linear red, green and blue that are seen.
SEEN = {
    "trichromat": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = TO_XYZ @ np.ones(3)


def tokens() -> dict[str, dict[str, str]]:
    light, dark = source(("tokens.css",)).split("@media screen and (prefers-color-scheme: dark)")
    found = {
        scheme: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", text))
        for scheme, text in (("light", light), ("dark", dark.split("* {")[0]))
    }
    return {"light": found["light"], "dark": found["light"] | found["dark"]}


def linear(colour: str) -> Floats:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    found: Floats = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return found


def lab(rgb: Floats) -> Floats:
    ratio = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(one: str, other: str, kind: str) -> float:
    first, second = (lab(SEEN[kind] @ linear(colour)) for colour in (one, other))
    return float(np.linalg.norm(first - second))


def contrast(one: str, other: str) -> float:
    light = sorted(float(TO_XYZ[1] @ linear(c)) for c in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", SEEN)
def test_sides_and_series_are_told_apart(scheme: str, kind: str):
    known = tokens()[scheme]
    for group, least in ((SIDES, 13.0), (SERIES, 13.0)):
        for one, other in combinations(group, 2):
            assert apart(known[one], known[other], kind) >= least, (one, other)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_keeps_its_contrast_on_every_ground(scheme: str):
    known = tokens()[scheme]
    for text in ("ink", "quiet", "link", "fail", "ok", "warn"):
        for ground in ("paper", "wash"):
            assert contrast(known[text], known[ground]) >= 4.5, (text, ground)
    for step in range(5):
        assert contrast(known["ink"], known[f"h{step}"]) >= 4.5, step


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_shades_of_the_heat_map_go_one_way(scheme: str):
    steps = [lab(linear(tokens()[scheme][f"h{i}"]))[0] for i in range(5)]
    assert steps == sorted(steps, reverse=scheme == "light")
    assert min(abs(a - b) for a, b in pairwise(steps)) > 2.5
