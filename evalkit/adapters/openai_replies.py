"""Reads the replies of Chat Completions and of the Responses API into outcomes; both are pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.adapters.endpoint import read_json
from evalkit.adapters.transport import Reply
from evalkit.errors import InvalidInput
from evalkit.records import Failure, Outcome, Usage

_ENDED = ("response.completed", "response.incomplete", "response.failed")
MODEL = "model"  # where an answer's meta says which model the reply names
MOST_TOKENS = 10**12  # of one call; more is no count
CUT_OFF = ("length", "max_output_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost; the currency is the user's."""

    prompt_per_million: float
    completion_per_million: float


class UnreadableReplyError(ValueError):
    """The reply does not have the shape that the API promises."""


def read_chat(value: Any, price: Price | None = None) -> Outcome:
    """The outcome of a Chat Completions reply; what it does not say is ``None``."""
    try:
        reply = _object(value, "the reply")
        if reply.get("error"):
            return Outcome(error=Failure("exception", _words(reply["error"])))
        choice = _object(_list(reply, "choices")[0], "choices[0]")
        message = _object(choice.get("message"), "choices[0].message")
        text = _text_of(message.get("content"))
        calls = message.get("tool_calls")
    except UnreadableReplyError as error:
        return Outcome(error=Failure("malformed", str(error)))
    return _outcome(
        text,
        refusal=message.get("refusal"),
        tool=_tool_name(calls),
        ended=choice.get("finish_reason"),
        usage=read_usage(reply.get("usage"), price),
        model=reply.get("model"),
    )


def read_responses(value: Any, price: Price | None = None) -> Outcome:
    """The outcome of a reply of the Responses API; what it does not say is ``None``."""
    try:
        reply = _object(value, "the reply")
        if reply.get("error") or reply.get("status") == "failed":
            return Outcome(error=Failure("exception", _words(reply.get("error"))))
        items = [_object(item, "an item of the output") for item in _list(reply, "output")]
        parts = [p for item in items if item.get("type") == "message" for p in _parts(item)]
    except UnreadableReplyError as error:
        return Outcome(error=Failure("malformed", str(error)))
    texts = [p["text"] for p in parts if isinstance(p.get("text"), str)]
    refusals = [p["refusal"] for p in parts if isinstance(p.get("refusal"), str)]
    calls = [item.get("name") for item in items if item.get("type") == "function_call"]
    details = reply.get("incomplete_details")
    return _outcome(
        "".join(texts) if texts else None,
        refusal="".join(refusals) or None,
        tool=calls[0] if calls and isinstance(calls[0], str) else None,
        ended=details.get("reason") if isinstance(details, Mapping) else reply.get("status"),
        usage=read_usage(reply.get("usage"), price),
        model=reply.get("model"),
    )


def read_body(reply: Reply) -> Any:
    """The JSON value of a reply; of a stream of events, the response that its last event carries.

    Some servers stream though they were not asked to.
    """
    if not reply.headers.get("content-type", "").startswith("text/event-stream"):
        return read_json(reply.body)
    for line in reversed(reply.body.decode("utf-8", "replace").split("\n")):
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data.startswith("{"):
            event = read_json(data.encode())
            if event.get("type") in _ENDED:
                return event.get("response")
    raise InvalidInput("is a stream of events that does not end with a response")


def read_usage(value: Any, price: Price | None) -> Usage:
    """Token counts under either API's names; a count that is no whole number is unknown, and so is its cost."""
    if not isinstance(value, Mapping):
        return Usage()
    prompt = _count(value.get("prompt_tokens", value.get("input_tokens")))
    completion = _count(value.get("completion_tokens", value.get("output_tokens")))
    if price is None or prompt is None or completion is None:
        return Usage(prompt, completion)
    cost = prompt * price.prompt_per_million + completion * price.completion_per_million
    return Usage(prompt, completion, cost / 1e6)


def _outcome(
    text: str | None, *, refusal: Any, tool: str | None, ended: Any, usage: Usage, model: Any
) -> Outcome:
    refused = isinstance(refusal, str) and bool(refusal.strip())
    meta: dict[str, Any] = {MODEL: model} if isinstance(model, str) else {}
    if refused:
        meta["refusal"] = True
        text = text or refusal
    action = f"tool:{tool}" if tool else None
    error = _failure(text, ended, usage, action)
    return Outcome(response=text, action=action, error=error, usage=usage, meta=meta)


def _failure(text: str | None, ended: Any, usage: Usage, action: str | None) -> Failure | None:
    if ended == "content_filter":
        return Failure("content_filter", "the endpoint's content filter stopped the answer")
    if ended in CUT_OFF:
        used = f" after {usage.completion_tokens} tokens" if usage.completion_tokens else ""
        return Failure("truncated", f"the answer was cut off{used}; raise max_tokens")
    if action is None and not (text or "").strip():
        return Failure("empty", "the endpoint gave an empty answer")
    return None


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnreadableReplyError(f"{where} is {type(value).__name__}, not an object")
    return value


def _list(reply: Mapping[str, Any], name: str) -> list[Any]:
    value = reply.get(name)
    if not isinstance(value, list) or not value:
        raise UnreadableReplyError(f"the reply has no {name}")
    return value


def _text_of(content: Any) -> str | None:
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [_object(part, "a part of the content") for part in content]
        return "".join(p["text"] for p in parts if isinstance(p.get("text"), str))
    raise UnreadableReplyError(f"the content is {type(content).__name__}, not text")


def _parts(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = item.get("content")
    if not isinstance(content, list):
        raise UnreadableReplyError("a message of the output has no content")
    return [_object(part, "a part of the content") for part in content]


def _tool_name(calls: Any) -> str | None:
    if not isinstance(calls, Sequence) or not calls or not isinstance(calls[0], Mapping):
        return None
    function = calls[0].get("function")
    name = function.get("name") if isinstance(function, Mapping) else None
    return name if isinstance(name, str) and name else None


def _count(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= MOST_TOKENS else None


def _words(error: Any) -> str:
    said = error.get("message") if isinstance(error, Mapping) else error
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
