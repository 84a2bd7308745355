"""What systems.yaml may say of an OpenAI-compatible system, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.adapters.openai_prompt import GROUNDED, PLACEHOLDERS, PLAIN, Prompt
from evalkit.adapters.openai_replies import Price
from evalkit.adapters.options import EFFORT, Options, digest, inside, read_effort, read_options
from evalkit.adapters.placeholders import misspelt, names_in
from evalkit.adapters.retry import RetryPolicy
from evalkit.adapters.secrets import check_url
from evalkit.records import SystemSpec

KNOWN = (
    *("base_url", "model", "api_key_env", "api", "prompt", "system", "retriever", "structured"),
    *("temperature", "max_tokens", "seed", "budget", "extra_body", "citations", "price"),
    *("transport", *EFFORT),
)
BASE_URL = "https://api.openai.com/v1"
_RESERVED = ("model", "messages", "input", "stream", "n")


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of an ``openai`` system.

    - ``base_url``, ``model``, ``api_key_env``: where, which, and the variable that holds the key.
    - ``api``: ``chat`` (Chat Completions) or ``responses``; ``transport``: ``http`` or ``sdk``.
    - ``prompt``, ``system``: templates with ``{query}``, ``{context}``, ``{instructions}``, ``{inputs.x}``;
      ``prompt`` may name a file.
    - ``retriever``: options of ``evalkit.retrievers``; its ``k`` passages go into the prompt.
    - ``budget``: characters of passage text that fit the prompt, ``None`` for no bound.
    - ``structured``: ``auto`` asks for the suite's schema in every answer.
    - ``temperature``, ``max_tokens``, ``seed``, ``extra_body``: sent as they are; ``None`` is not sent.
    - ``citations``: whether citations are read from the answers.
    - ``price``: cost of a million tokens; ``None`` leaves the cost unknown.
    - ``policy``: ``attempts`` for a call and its ``timeout`` in seconds; ``concurrency``: calls at a time at most
      (0: no bound of the endpoint's own); ``patience``: seconds that an outage is waited out.
    """

    base_url: str
    model: str
    api_key_env: str
    api: str
    transport: str
    prompt: Prompt
    retriever: Mapping[str, Any] | None
    k: int | None
    budget: int | None
    structured: str
    citations: bool
    sampling: Mapping[str, Any]
    extra_body: Mapping[str, Any]
    price: Price | None
    policy: RetryPolicy
    concurrency: int
    patience: float

    def payload(self, messages: list[dict[str, str]]) -> dict[str, Any]:
        """The request body that holds ``messages``."""
        if self.api == "chat":
            return {"model": self.model, "messages": messages, **self.sampling, **self.extra_body}
        renamed = {"max_tokens": "max_output_tokens"}
        sampling = {renamed.get(n, n): v for n, v in self.sampling.items() if n != "seed"}
        body = {"model": self.model, "input": messages, "store": False}
        return {**body, **sampling, **self.extra_body}

    def fingerprint(self) -> str:
        """Names what could change an answer: not the key, nor how hard we try, nor the price."""
        prompt = [self.prompt.template, self.prompt.system]
        return digest(
            *(self.base_url, self.model, self.api, prompt, self.retriever, self.k),
            *(self.budget, self.structured, self.citations, self.sampling, self.extra_body),
        )


def read_settings(spec: SystemSpec) -> Settings:
    """The checked options of ``spec``; raises ``InvalidInput``."""
    options = read_options(spec, KNOWN)
    retriever = options.mapping("retriever")
    policy, concurrency, patience = read_effort(options)
    return Settings(
        base_url=check_url(options, "base_url", options.text("base_url") or BASE_URL).rstrip("/"),
        model=options.required("model"),
        api_key_env=options.text("api_key_env") or "OPENAI_API_KEY",
        api=options.choice("api", ("chat", "responses"), "chat"),
        transport=options.choice("transport", ("http", "sdk"), "http"),
        prompt=_prompt(options, spec.folder, grounded=retriever is not None),
        retriever=retriever,
        k=Options(retriever or {}, f"{options.place}.retriever", tuple(retriever or ())).count("k"),
        budget=options.count("budget"),
        structured=options.choice("structured", ("off", "auto"), "off"),
        citations=options.flag("citations", default=True),
        sampling=_sampling(options),
        extra_body=_extra(options),
        price=_price(options),
        policy=policy,
        concurrency=concurrency,
        patience=patience,
    )


def _prompt(options: Options, folder: Path, *, grounded: bool) -> Prompt:
    template = options.text("prompt") or (GROUNDED if grounded else PLAIN)
    if not _asks(template) and "\n" not in template:
        template = inside(folder, template, options, "prompt").read_text("utf-8-sig")
    system = options.text("system")
    for name, text in (("prompt", template), ("system", system or "")):
        near = misspelt(text, PLACEHOLDERS)
        if near is not None:
            hint = f"did you mean {{{near[1]}}}?"
            raise options.refuse(name, f"unknown placeholder {{{near[0]}}}", hint)
    if not _asks(template):
        raise options.refuse("prompt", "has no {query}", "say where the question goes")
    if grounded and "context" not in names_in(template + (system or "")):
        raise options.refuse("prompt", "has no {context}", "say where the retrieved passages go")
    return Prompt(template, system)


def _asks(template: str) -> bool:
    return any(name == "query" or name.startswith("inputs.") for name in names_in(template))


def _sampling(options: Options) -> dict[str, Any]:
    given = {
        "temperature": options.number("temperature"),
        "max_tokens": options.count("max_tokens"),
        "seed": options.count("seed", low=0),
    }
    return {name: value for name, value in given.items() if value is not None}


def _extra(options: Options) -> Mapping[str, Any]:
    extra = options.mapping("extra_body") or {}
    for name in extra:
        if name in _RESERVED:
            raise options.refuse(f"extra_body.{name}", "is set by the adapter")
    return extra


def _price(options: Options) -> Price | None:
    part = options.part("price", ("prompt_per_million", "completion_per_million"))
    if part is None:
        return None
    prompt, completion = (
        part.number(name) for name in ("prompt_per_million", "completion_per_million")
    )
    if prompt is None or completion is None:
        raise options.refuse("price", "needs prompt_per_million and completion_per_million")
    return Price(prompt, completion)
