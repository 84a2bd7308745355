"""What a judge's file may say, checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from evalkit.adapters.openai_replies import Price
from evalkit.adapters.openai_structured import MODES
from evalkit.adapters.options import EFFORT, Options, digest, read_effort
from evalkit.adapters.retry import RetryPolicy
from evalkit.adapters.secrets import check_url
from evalkit.judges.llm.limits import LIMIT_NAMES, Limits, read_limits
from evalkit.judges.llm.prompts import digest_of_prompts
from evalkit.judges.llm.streak import MOST

VERSION = "llm/1"
KNOWN = (
    *("kind", "name", "base_url", "model", "api_key_env", "temperature", "max_tokens", "seed"),
    *("structured", "extra_body", "price", "repeats", "limits", "unusable", *EFFORT),
)
MOST_TOKENS = 4096
CALLS_AT_A_TIME = 32
UNSENT = "default"  # for temperature and max_tokens: leave it to the endpoint
_RESERVED = ("model", "messages", "stream", "n", "response_format")


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a judge that asks a model.

    - ``base_url``, ``model``, ``api_key_env``: where, which, and the variable that holds the key.
    - ``temperature`` (0 if not given), ``max_tokens`` (4096), ``seed``, ``extra_body``: sent as they are; the word
      ``default`` for one of the first two leaves it to the endpoint.
    - ``structured``: ``auto`` asks for the strictest form the endpoint takes; or ``json_schema``, ``json_object``, ``prompt``.
    - ``price``: cost of a million tokens; ``None`` leaves the cost unknown.
    - ``policy``: ``attempts`` and ``timeout`` (seconds) of a call; ``concurrency``: calls at a time at most (32), 0
      for no bound; ``patience``: seconds that an outage is waited out.
    - ``repeats``: how often each trace is judged; ``limits``: see ``Limits``.
    - ``unusable``: replies in a row that cannot be used, after which no call is made any more (20); 0 for no end.
    """

    name: str
    base_url: str
    model: str
    api_key_env: str
    structured: str
    sampling: Mapping[str, Any]
    extra_body: Mapping[str, Any]
    price: Price | None
    policy: RetryPolicy
    concurrency: int
    patience: float
    repeats: int
    limits: Limits
    unusable: int = MOST

    def called(self) -> str:
        """The judge as messages name it: which model, and where."""
        return f"{self.name} (model {self.model} at {self.base_url})"

    def payload(self, messages: list[dict[str, str]]) -> dict[str, Any]:
        """The request body that holds ``messages``."""
        return {"model": self.model, "messages": messages, **self.sampling, **self.extra_body}

    def wording(self) -> str:
        """Names what one reply depends on beside the texts: endpoint, model, sampling and prompts."""
        return digest(
            *(VERSION, self.base_url, self.model, self.sampling, self.extra_body),
            *(self.structured, digest_of_prompts()),
        )

    def fingerprint(self) -> str:
        """Names what could change the evidence: not the key, nor how hard we try, nor the price."""
        return f"{VERSION} {self.model} {digest(self.wording(), self.repeats, self._limits())}"

    def parts(self) -> dict[str, str]:
        """What the fingerprint stands for, and the name, in words: ``prompts`` is a digest of all their texts."""
        told = {**self.sampling, "structured": self.structured, "repeats": self.repeats}
        told["limits"] = digest(self._limits())
        if self.extra_body:
            told["extra_body"] = digest(
                self.extra_body
            )  # may hold anything, also what must not be shown
        return {
            "name": self.name,
            "model": self.model,
            "endpoint": self.base_url,
            "prompts": digest_of_prompts()[:12],
            "parameters": json.dumps(told, sort_keys=True, ensure_ascii=False),
        }

    def _limits(self) -> dict[str, int]:
        return {field.name: getattr(self.limits, field.name) for field in fields(Limits)}


def read_settings(values: Mapping[str, Any], place: str) -> Settings:
    """The checked options; raises ``InvalidInput`` that names ``place``."""
    options = Options(values, place, KNOWN)
    policy, concurrency, patience = read_effort(options)
    if "concurrency" not in options.values:
        concurrency = CALLS_AT_A_TIME
    model = options.required("model")
    return Settings(
        name=options.text("name") or f"llm:{model}",
        base_url=check_url(options, "base_url", options.required("base_url")).rstrip("/"),
        model=model,
        api_key_env=options.text("api_key_env") or "OPENAI_API_KEY",
        structured=options.choice("structured", ("auto", *MODES), "auto"),
        sampling=_sampling(options),
        extra_body=_extra(options),
        price=_price(options),
        policy=policy,
        concurrency=concurrency,
        patience=patience,
        repeats=options.count("repeats") or 1,
        limits=read_limits(options.part("limits", LIMIT_NAMES)),
        unusable=MOST if (most := options.count("unusable", low=0)) is None else most,
    )


def _sampling(options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {"temperature": 0.0, "max_tokens": MOST_TOKENS}
    for name in ("temperature", "max_tokens"):
        if options.values.get(name) == UNSENT:
            del found[name]
    if "temperature" in found:
        found["temperature"] = options.number("temperature", 0.0)
    if "max_tokens" in found:
        found["max_tokens"] = options.count("max_tokens", MOST_TOKENS)
    seed = options.count("seed", low=0)
    return found if seed is None else {**found, "seed": seed}


def _extra(options: Options) -> Mapping[str, Any]:
    extra = options.mapping("extra_body") or {}
    for name in extra:
        if name in _RESERVED:
            raise options.refuse(f"extra_body.{name}", "is set by the judge")
    return extra


def _price(options: Options) -> Price | None:
    part = options.part("price", ("prompt_per_million", "completion_per_million"))
    if part is None:
        return None
    prompt, completion = part.number("prompt_per_million"), part.number("completion_per_million")
    if prompt is None or completion is None:
        raise options.refuse("price", "needs prompt_per_million and completion_per_million")
    return Price(prompt, completion)
