"""Calls code that is not ours: sync or async, with a deadline, every exception turned into a failure."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from evalkit.adapters.deadlines import Deadline
from evalkit.adapters.threads import DaemonPool
from evalkit.errors import InvalidInput
from evalkit.records import Failure, Question

OPTIONAL = (
    "repeat",
    "k",
    "principal",
    "messages",
    "inputs",
    "schema",
    "instructions",
    "budget",
    "seed",
)
DEPTHS = ("k", "top_k", "topk", "n", "limit", "n_results", "num_results", "size")
LONGEST_MESSAGE = 2000  # characters of an exception's text that are kept


@dataclass(slots=True)
class Called:
    """What one call gave: a value, or a failure; ``seconds`` is its wall time."""

    value: Any = None
    failure: Failure | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Signature:
    """What a callable is called and what it wants to be handed; all that is known of one in another process.

    ``leading`` is how many arguments are handed by position. ``names`` are the optional parameters that
    it names or takes through ``**kwargs``, ``named`` only those that it names.
    """

    label: str
    leading: int
    names: frozenset[str]
    named: frozenset[str]

    def optional(self, question: Question) -> dict[str, Any]:
        """Fresh copies of the optional arguments that the callable takes."""
        if not self.names:
            return {}
        return {name: plain(getattr(question, name)) for name in sorted(self.names)}


class Function:
    """A user's callable, its signature, and whether it is a coroutine function."""

    def __init__(self, call: Callable[..., Any], label: str, leading: int) -> None:
        self.call = call
        self.is_async = _is_async(call)
        parameters = _parameters(call)
        taken = set(parameters[:leading])
        named = frozenset(n for n in OPTIONAL if n in parameters[leading:])
        names = frozenset(OPTIONAL) - taken if "**" in parameters else named
        _check(call, label, leading, names)
        self.signature = Signature(label, leading, names, named)


def depth_by_position(call: Callable[..., Any]) -> bool:
    """Whether ``retrieve``, for want of a ``k``, is handed the number of passages as second argument."""
    try:
        parameters = list(inspect.signature(call).parameters.values())
    except (TypeError, ValueError):
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(positional) < 2 or any(
        p.name == "k" and p.kind is not p.POSITIONAL_ONLY for p in parameters
    ):
        return False
    second = positional[1]
    return second.name in DEPTHS or (second.default is second.empty and second.name not in OPTIONAL)


def plain(value: Any) -> Any:
    """A deep copy of plain data as dicts and lists, so that the callee may change it."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "role"):  # a Message
        return {"role": value.role, "content": value.content}
    return value


async def call(
    function: Function,
    arguments: Sequence[Any],
    question: Question | None,
    pool: DaemonPool,
    deadline: Deadline,
) -> Called:
    """Call ``function`` until the ``deadline``.

    Only ``KeyboardInterrupt`` and a cancellation of the caller come out as exceptions.
    """
    optional = {} if question is None else function.signature.optional(question)
    called = Called()  # of a call that is given up
    started = perf_counter()
    try:
        with deadline:
            if function.is_async:
                # Without a coroutine in between: each is gone through at every step.
                called = Called(await function.call(*arguments, **optional))
            else:
                called = await _in_thread(function.call, arguments, optional, pool)
    except BaseException as error:  # foreign code: whatever it raises is its failure
        if not isinstance(error, Exception) and (not function.is_async or _comes_out(error)):
            raise
        called = Called(failure=failure_from(error))
    if deadline.expired:
        taken = perf_counter() - started
        return Called(failure=too_late(function.signature, taken), seconds=taken)
    called.seconds = called.seconds or perf_counter() - started
    return called


def too_late(signature: Signature, seconds: float) -> Failure:
    """The failure of a call that was given up after so many seconds."""
    return Failure("timeout", f"{signature.label} gave no answer within {seconds:.3g} s")


def failure_from(error: BaseException) -> Failure:
    """The failure that an exception of foreign code stands for."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - even the exception's own text is foreign code
        text = "(its text cannot be read)"
    text = text.encode("utf-8", "replace").decode()[:LONGEST_MESSAGE]
    if isinstance(error, SystemExit):
        return Failure("crashed", f"it called sys.exit({text})")
    kind = "timeout" if isinstance(error, TimeoutError) else "exception"
    return Failure(kind, f"{type(error).__name__}: {text}" if text else type(error).__name__)


async def _awaited(awaitable: Awaitable[Any]) -> Called:
    try:
        return Called(await awaitable)
    except BaseException as error:
        if _comes_out(error):
            raise
        return Called(failure=failure_from(error))


def _comes_out(error: BaseException) -> bool:
    """Whether what an awaitable raised is not its failure: an interruption, or a cancellation of the caller."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | GeneratorExit)


async def _in_thread(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    optional: Mapping[str, Any],
    pool: DaemonPool,
) -> Called:
    context = contextvars.copy_context()
    future = pool.submit(context.run, _guarded, function, arguments, optional)
    try:
        called: Called = await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        if future.running():
            pool.replace_one(future)
        raise
    if called.failure is None and inspect.isawaitable(called.value):
        return await _awaited(called.value)
    return called


def _guarded(
    function: Callable[..., Any], arguments: Sequence[Any], optional: Mapping[str, Any]
) -> Called:
    started = perf_counter()
    try:
        value = function(*arguments, **optional)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - foreign code: whatever it raises is its failure
        return Called(failure=failure_from(error), seconds=perf_counter() - started)
    return Called(value, seconds=perf_counter() - started)


def _is_async(call: Callable[..., Any]) -> bool:
    inner = getattr(call, "func", call)  # functools.partial
    return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(
        getattr(inner, "__call__", None)  # noqa: B004 - an instance may have an async __call__
    )


def _parameters(call: Callable[..., Any]) -> list[str]:
    """Parameter names in order, ``**`` standing for a catch-all; empty when they cannot be read."""
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return []
    skipped = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
    keyword = inspect.Parameter.VAR_KEYWORD
    return ["**" if p.kind is keyword else "" if p.kind in skipped else p.name for p in parameters]


def _check(call: Callable[..., Any], label: str, leading: int, names: frozenset[str]) -> None:
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*[None] * leading, **dict.fromkeys(names))
    except TypeError as error:
        raise InvalidInput(
            f"{label}{signature} cannot be called: {error}",
            field="target",
            hint=f"it is handed {leading} argument(s) by position, and by name: {', '.join(OPTIONAL)}",
        ) from None
