"""What a gate shows in CI: Markdown for the job's summary, annotations, and plain lines for the log."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import StorageError
from evalkit.gating.covering import kinds
from evalkit.gating.shown import short, visible

_MARKS = re.compile(r"([\\`*_{}\[\]#!|~$])")
SHOWN = 12  # runs named at most
WORDS = {"pass": "notice", "regression": "error", "incomplete": "error", "inconclusive": "warning"}


def log_lines(verdict: Mapping[str, Any]) -> Iterator[str]:
    """The result as lines of a log, the verdict last."""
    for line in kinds(verdict):
        yield f"  {line['answer']:<13}{visible(line['text'])}"
    if verdict["noise"] is not None:
        yield f"  {'A/A':<13}{noise_words(verdict['noise'])}"
    if verdict["allow"] is not None:
        yield f"  {'allowed':<13}{visible(verdict['allow'])}"
        for difference in verdict["differences"]:
            yield f"  {'':<13}{visible(difference)}"
    yield from (visible(line) for line in attempts(verdict))
    end = f" (exit {verdict['exit_code']})" if verdict["exit_code"] else ""
    yield f"Verdict: {verdict['verdict']}{end}{_because(verdict)}"


def _because(verdict: Mapping[str, Any]) -> str:
    """The reason, where no line tells it."""
    told = {line["answer"] for line in kinds(verdict)}
    if verdict["reason"] is None or verdict["verdict"] in told:
        return ""
    return f": {visible(verdict['reason'])}"


def noise_words(noise: Mapping[str, Any]) -> str:
    """The A/A test in a sentence."""
    between = "" if noise["low"] is None else f" [{noise['low']:.1%}, {noise['high']:.1%}]"
    prices = ", ".join(f"{100 * float(d):g} points {n}" for d, n in noise["cases_for"].items())
    return (
        f"{noise['flip_rate']:.1%}{between} of {noise['cases']} cases flip between two of {noise['runs']} equal runs "
        f"({', '.join(map(short, noise['sources']))}); "
        f"{noise['false_alarms']} of {noise['pairs']} pairs were taken for a drop; "
        f"a drop of {noise['detectable']:.1%} would be seen (cases needed: {prices})"
    )


def attempts(verdict: Mapping[str, Any]) -> Iterator[str]:
    """Every other run and verdict for this suite and commit, so that trying until it passes shows."""
    runs = [run for run in verdict["runs"] if not run["this"]]
    if runs:
        named = ", ".join(
            f"{short(run['run'])} ({run['verdict'] or 'unfinished'})" for run in runs[:SHOWN]
        )
        more = f" and {len(runs) - SHOWN} more" if len(runs) > SHOWN else ""
        yield f"Other runs of this suite and commit: {named}{more}"
    if verdict["earlier"]:
        named = ", ".join(str(entry.get("verdict")) for entry in verdict["earlier"][-SHOWN:])
        yield f"This run was judged before: {named}"
    if (verdict["attempt"] or 1) > 1:
        yield f"Attempt {verdict['attempt']} of this CI job"


# --- Markdown --------------------------------------------------------------------------------


def markdown(verdict: Mapping[str, Any]) -> str:
    """The verdict for a pull request or $GITHUB_STEP_SUMMARY; ids and names cannot act as markup."""
    rows = [(line["answer"], line["text"]) for line in kinds(verdict)]
    counts = verdict["counts"]
    ended = ", ".join(f"{n} {name}" for name, n in counts.items())
    parts = [
        f"### evalkit: {verdict['verdict']}",
        f"System {inert(short(verdict['system']))}: {ended}.",
    ]
    if verdict["baseline"] is not None:
        other = verdict["baseline"]
        parts.append(f"Baseline: {inert(other['source'])}, system {inert(other['system'])}.")
    if rows:
        table = ["| answer | line |", "|---|---|"]
        table += [f"| {answer} | {inert(text)} |" for answer, text in rows]
        parts.append("\n".join(table))
    if verdict["noise"] is not None:
        parts.append(inert(f"A/A: {noise_words(verdict['noise'])}."))
    if verdict["allow"] is not None:
        told = inert("; ".join(verdict["differences"]))
        parts.append(f"Allowed ({inert(verdict['allow'])}): {told}")
    parts += [inert(line) + "." for line in attempts(verdict)]
    because = _because(verdict)
    return "\n\n".join([*parts, inert(because.removeprefix(": "))] if because else parts) + "\n"


def inert(text: str) -> str:
    """Foreign text inside Markdown."""
    return _MARKS.sub(r"\\\1", html.escape(visible(text), quote=False))


def append_summary(verdict: Mapping[str, Any]) -> None:
    """Add the Markdown to the job's summary where CI names a file for it."""
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        return
    try:
        with Path(place).open("a", encoding="utf-8") as stream:
            stream.write(markdown(verdict))
    except OSError as error:
        raise StorageError(f"{place}: cannot be written: {error.strerror or error}") from error


# --- annotations -----------------------------------------------------------------------------


def workflow_commands(verdict: Mapping[str, Any]) -> Iterator[str]:
    """GitHub's workflow commands, one a line that is no pass; nothing outside GitHub Actions."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    for line in kinds(verdict):
        if line["answer"] in WORDS and line["answer"] != "pass":
            title = _property(f"evalkit: {line['answer']}")
            yield f"::{WORDS[line['answer']]} title={title}::{_message(line['text'])}"
    if _because(verdict):
        yield f"::{WORDS.get(verdict['verdict'], 'notice')} title=evalkit::{_message(verdict['reason'])}"


def _message(text: str) -> str:
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
