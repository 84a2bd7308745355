"""Loads the ragas library, its telemetry off, and builds its metrics."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Coroutine, Generator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from evalkit.errors import InvalidInput
from evalkit.judges.ragas.critics import Critic, CriticPrompt
from evalkit.judges.ragas.measures import Measure
from evalkit.judges.ragas.model import GradingEmbeddings, GradingModel
from evalkit.judges.ragas.prompts import keep_prompts
from evalkit.judges.spending import tokens_of

HINT = "pip install 'evalkit[judge]' (ragas 0.4.3 needs langchain-community below 0.4.2)"
QUIET = {"RAGAS_DO_NOT_TRACK": "true"}  # read once by ragas, so it must be set before the import

USUAL = 500  # tokens of a prompt's constant part, where the library builds it in code


@cache
def load() -> Any:
    """The module ``ragas.metrics``; raises ``InvalidInput`` where ragas is not there or does not import.

    ragas is told not to send usage data, and takes our model and embeddings for its own.
    """
    os.environ.update(QUIET)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            metrics = import_module("ragas.metrics")
            import_module("ragas.metrics.collections")
            llms, embeddings = (
                import_module("ragas.llms.base"),
                import_module("ragas.embeddings.base"),
            )
    except ImportError as error:
        raise InvalidInput(f"the ragas judge cannot import ragas: {error}", hint=HINT) from error
    llms.InstructorBaseRagasLLM.register(GradingModel)
    embeddings.BaseRagasEmbedding.register(GradingEmbeddings)
    return metrics


def installed() -> str | None:
    """The installed version of ragas; ``None`` where there is none."""
    try:
        return version("ragas")
    except PackageNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class Library:
    """The metric objects of ragas for the chosen measures, made once and copied for each grade."""

    built: Mapping[str, Any]

    def constant_tokens(self, measure: Measure) -> int:
        """About how many tokens of a prompt are the same each time: instruction, examples and schema."""
        if measure.critic is not None:
            return tokens_of(measure.critic.prompt)
        prompts = [p for p in vars(self.built[measure.name]).values() if hasattr(p, "examples")]
        sizes = [_constant_tokens(prompt) for prompt in prompts]
        return sum(sizes) // len(sizes) if sizes else USUAL

    async def score(
        self,
        measure: Measure,
        fields: Mapping[str, Any],
        model: GradingModel,
        embeddings: GradingEmbeddings | None,
    ) -> Any:
        """The result of ragas for one sample, with ``value`` and ``reason``; raises whatever ragas raises."""
        if measure.critic is not None:
            scored = self.built[measure.name].ascore(llm=model, **fields)
        else:
            metric = copy.copy(self.built[measure.name])
            metric.llm, metric.embeddings = model, embeddings
            if embeddings is not None and measure.embedded:
                await embeddings.aembed_texts([fields[name] for name in measure.embedded])
            scored = metric.ascore(**fields)
        return await Quietly(scored)


def library_of(
    measures: tuple[Measure, ...], model: GradingModel, embeddings: GradingEmbeddings | None
) -> Library:
    """The metric objects for these measures."""
    metrics = load()
    plain = import_module("ragas.prompt.metrics.base_prompt").BasePrompt
    found: dict[str, Any] = {}
    for measure in measures:
        if measure.critic is not None:
            found[measure.name] = _critic(metrics, measure.critic)
            continue
        made = getattr(metrics.collections, measure.library)
        given: dict[str, Any] = dict(measure.settings)
        if measure.count(1).most:
            given["llm"] = model
        if measure.needs_embeddings:
            given["embeddings"] = embeddings
        found[measure.name] = made(**given)
        keep_prompts(found[measure.name], plain)
    return Library(found)


def _constant_tokens(prompt: Any) -> int:
    shown = [
        json for pair in prompt.examples for m in pair if (json := m.model_dump_json(indent=4))
    ]
    schema = prompt.output_model.model_json_schema()
    return tokens_of(f"{prompt.instruction}{schema}{''.join(shown)}")


def _critic(metrics: Any, critic: Critic) -> Any:
    """The critic's metric, with a prompt of ours: that of ragas notes each use in a file in the home directory."""
    prompt = CriticPrompt(critic.prompt)
    if critic.labels:
        allowed = list(critic.labels)
        return metrics.DiscreteMetric(name=critic.name, prompt=prompt, allowed_values=allowed)
    bounds = (critic.low, critic.high)
    return metrics.NumericMetric(name=critic.name, prompt=prompt, allowed_values=bounds)


class Quietly(Generator[Any, Any, Any]):
    """Awaits foreign code with warnings off while it runs, and as they were while it waits.

    ``warnings.catch_warnings`` around an ``await`` would silence, or restore, the filters of other tasks.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._steps = coroutine

    def __await__(self) -> Quietly:
        return self

    def send(self, value: Any) -> Any:
        """One step of the coroutine, up to where it waits."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._steps.send(value)

    def throw(self, *error: Any) -> Any:
        """The same, with an error from what it waited for."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._steps.throw(*error)
