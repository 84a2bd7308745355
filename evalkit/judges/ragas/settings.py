"""Which endpoint a judge asks, with what sampling and how hard it tries: from a judge file or the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.adapters.openai_replies import Price
from evalkit.adapters.options import EFFORT, Options, digest, read_effort
from evalkit.adapters.retry import RetryPolicy
from evalkit.adapters.secrets import check_url
from evalkit.errors import InvalidInput
from evalkit.judges.llm.streak import MOST
from evalkit.judges.ragas.critics import Critic, critics_of
from evalkit.strict import parse_json

PREFIX = "EVALKIT_JUDGE_"
TEXTS = (
    *("name", "base_url", "model", "api_key_env"),
    *("embedding_model", "embedding_base_url", "record"),
)
NUMBERS = ("temperature", "max_tokens", "seed", "unusable", *EFFORT)
KNOWN = ("kind", *TEXTS, *NUMBERS, "metrics", "critics", "extra_body", "price", "probes")
MOST_TOKENS = 4096
TIMEOUT = 120.0
UNSENT = "default"  # for temperature and max_tokens: leave it to the endpoint
SHOWN = ("temperature", "max_tokens", "seed")
_RESERVED = ("model", "messages", "input", "stream", "n", "response_format")


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a ragas judge.

    - ``base_url``, ``model``, ``api_key_env``: where, which, and the variable that holds the key.
    - ``embedding_model``, ``embedding_base_url`` (if elsewhere): for metrics that compare embeddings; without a model
      those are not to be had.
    - ``metrics``: names with or without ``ragas_``; empty stands for the default ones. ``critics``: see ``Critic``,
      in a list or in a YAML file of their own.
    - ``sampling``: ``temperature`` (0 if not given), ``max_tokens`` (4096), ``seed`` and what ``extra_body`` holds; the
      word ``default`` for one of the first two leaves it to the endpoint.
    - ``price``: cost of a million tokens; ``None`` leaves the cost unknown.
    - ``policy``: ``attempts`` and ``timeout`` (seconds) of a call; ``concurrency``: calls at a time, 0 for no bound;
      ``patience``: seconds that an outage is waited out.
    - ``record``: a file that keeps all calls, and answers those made before; ``None`` is memory.
    - ``unusable``: replies in a row that cannot be used, after which no call is made any more (20); 0 for no end.
    - ``probes``: whether answers to probes are graded too, or only those to the questions as they are.
    """

    base_url: str
    model: str
    name: str = "ragas"
    api_key_env: str = f"{PREFIX}KEY"
    embedding_base_url: str | None = None
    embedding_model: str | None = None
    metrics: tuple[str, ...] = ()
    critics: tuple[Critic, ...] = ()
    sampling: Mapping[str, Any] = field(
        default_factory=lambda: {"temperature": 0.0, "max_tokens": MOST_TOKENS}
    )
    price: Price | None = None
    policy: RetryPolicy = field(default_factory=lambda: RetryPolicy(timeout=TIMEOUT))
    concurrency: int = 16
    patience: float = 30.0
    record: Path | None = None
    probes: bool = False
    unusable: int = MOST

    def called(self) -> str:
        """The judge as messages name it: which model, and where."""
        return f"{self.name} (model {self.model} at {self.base_url})"

    def wording(self) -> str:
        """Names what a reply depends on beside the prompt."""
        asked = (self.base_url, self.model, dict(self.sampling))
        return digest(*asked, self.embedding_base_url, self.embedding_model)

    def fingerprint(self) -> str:
        """Names what could change a grade: not the key, nor how hard we try, nor the price."""
        own = [[c.name, c.prompt, dict(c.labels or {}), c.low, c.high] for c in self.critics]
        return digest(self.wording(), self.metrics, own, self.probes)

    def parts(self) -> dict[str, str]:
        """What the fingerprint stands for, and the name, in words."""
        told: dict[str, Any] = {n: v for n, v in self.sampling.items() if n in SHOWN}
        if len(told) < len(self.sampling):
            told["extra_body"] = digest(dict(self.sampling))
        told |= {"metrics": list(self.metrics), "critics": [c.name for c in self.critics]}
        return {
            "name": self.name,
            "model": self.model,
            "endpoint": self.base_url,
            **({"embedding model": self.embedding_model} if self.embedding_model else {}),
            "parameters": json.dumps(told | {"probes": self.probes}, ensure_ascii=False),
        }


def settings_from(values: Mapping[str, Any], place: str = "judge") -> Settings:
    """The checked options; raises ``InvalidInput`` that names ``place``."""
    effort = {"timeout": TIMEOUT, "concurrency": 16}
    options = Options({**effort, **values}, place, KNOWN)
    policy, concurrency, patience = read_effort(options)
    embedding_url = options.text("embedding_base_url")
    if embedding_url is not None:
        embedding_url = check_url(options, "embedding_base_url", embedding_url).rstrip("/")
    record = options.text("record")
    return Settings(
        name=options.text("name") or "ragas",
        base_url=check_url(options, "base_url", options.required("base_url")).rstrip("/"),
        model=options.required("model"),
        api_key_env=options.text("api_key_env") or f"{PREFIX}KEY",
        embedding_base_url=embedding_url,
        embedding_model=options.text("embedding_model"),
        metrics=_names(options),
        critics=critics_of(options.values.get("critics", []), f"{place}.critics"),
        record=None if record is None else Path(record),
        sampling=_sampling(options),
        price=_price(options),
        policy=policy,
        concurrency=concurrency,
        patience=patience,
        probes=options.flag("probes", default=False),
        unusable=MOST if (most := options.count("unusable", low=0)) is None else most,
    )


def settings_from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """The checked options in the environment (see ``options_from_environment``); raises ``InvalidInput``."""
    return settings_from(options_from_environment(environment))


def options_from_environment(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The options in variables: ``EVALKIT_JUDGE_URL`` is the base URL, the others are called as in a judge file.

    What is not text is written as JSON; ``EVALKIT_JUDGE_METRICS`` as names with commas between them, and
    ``EVALKIT_JUDGE_CRITICS`` is the path of a YAML file. Raises ``InvalidInput``.
    """
    given = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for option in KNOWN[1:]:
        variable = PREFIX + ("URL" if option == "base_url" else option.upper())
        text = given.get(variable, "").strip()
        if text:
            values[option] = _value(option, variable, text)
        elif option in ("base_url", "model"):
            raise InvalidInput(
                f"the environment variable {variable} is not set",
                hint=f"the ragas judge asks an endpoint: {PREFIX}URL=https://host/v1, {PREFIX}MODEL=name, and its "
                f"key in {PREFIX}KEY",
            )
    return values


def _value(option: str, variable: str, text: str) -> Any:
    if option in (*TEXTS, "critics") or text == UNSENT:
        return text
    if option == "metrics":
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return parse_json(text)
    except InvalidInput as error:
        raise InvalidInput(f"{variable} {error.message}") from None


def _names(options: Options) -> tuple[str, ...]:
    names = options.values.get("metrics", ())
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise options.refuse("metrics", f"expected a list of names, got {names!r}")
    return tuple(names)


def _sampling(options: Options) -> Mapping[str, Any]:
    found: dict[str, Any] = {"temperature": 0.0, "max_tokens": MOST_TOKENS}
    for name in ("temperature", "max_tokens"):
        if options.values.get(name) == UNSENT:
            del found[name]
    if "temperature" in found:
        found["temperature"] = options.number("temperature", 0.0)
    if "max_tokens" in found:
        found["max_tokens"] = options.count("max_tokens", MOST_TOKENS)
    seed = options.count("seed", low=0)
    extra = options.mapping("extra_body") or {}
    for name in extra:
        if name in _RESERVED:
            raise options.refuse(f"extra_body.{name}", "is set by the judge")
    return {**found, **({} if seed is None else {"seed": seed}), **extra}


def _price(options: Options) -> Price | None:
    part = options.part("price", ("prompt_per_million", "completion_per_million"))
    if part is None:
        return None
    prompt, completion = part.number("prompt_per_million"), part.number("completion_per_million")
    if prompt is None or completion is None:
        raise options.refuse("price", "needs prompt_per_million and completion_per_million")
    return Price(prompt, completion)
