"""Waits between attempts, and keys that must not be shown."""

import asyncio
import os
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import Service, make_spec, make_suite, serving

from evalkit.adapters.endpoint import Endpoint
from evalkit.adapters.retry import (
    Attempt,
    RetryBudget,
    RetryPolicy,
    next_wait,
    wait_asked,
    with_retries,
)
from evalkit.adapters.secrets import Secrets
from evalkit.adapters.transport import NoReply, Transport
from evalkit.errors import InvalidInput
from evalkit.plugins import resolve
from evalkit.records import Failure, Outcome, Question

KEY = "sk-geheim-1234567890/+="


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "250ms"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "NaN"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "2s"}, 2),
        ({"retry-after": "1m30s"}, 90),
        ({"retry-after": "1h2m3.5s"}, 3723.5),
        ({"retry-after": "5 apples"}, None),
        ({"retry-after": "s"}, None),
        ({"retry-after": "inf"}, float("inf")),
        ({"retry-after": "1e999"}, float("inf")),
        ({"retry-after": "-inf"}, None),
        ({"retry-after": "0"}, 0),
        ({"x-ms-retry-after-ms": "40"}, 0.04),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "6m0s"}, None),
        ({"x-ratelimit-reset-requests": "6m0s"}, None),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "120ms",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "2s",
            },
            2,
        ),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "12"}, 12),
        ({"retry-after": "1", "ratelimit-remaining": "0", "ratelimit-reset": "12"}, 1),
    ],
)
def test_the_wait_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_asked(headers) == seconds


def test_the_wait_is_read_from_a_date() -> None:
    now = datetime(2026, 2, 28, 23, 59, 50, tzinfo=UTC)
    assert (
        wait_asked({"retry-after": format_datetime(now + timedelta(seconds=20), usegmt=True)}, now)
        == 20
    )
    assert (
        wait_asked({"retry-after": format_datetime(now - timedelta(days=1), usegmt=True)}, now)
        is None
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-02-28T23:59:59.500Z", 9.5),
        ("2026-03-01T01:00:00+01:00", 10),
        ("2026-02-28T23:59:49Z", None),
        ("1772323200", 10),  # seconds since 1970
        ("1772323000", None),
        ("Sun, 01 Mar 2026 00:00:00 GMT", 10),
        ("Sunday, 01-Mar-26 00:00:00 GMT", 10),
        ("Sun Mar  1 00:00:00 2026", 10),
        ("tomorrow", None),
        ("2026-02-31", None),
    ],
)
def test_a_moment_is_read_in_every_form(text: str, seconds: float | None) -> None:
    now = datetime(2026, 2, 28, 23, 59, 50, tzinfo=UTC)
    assert wait_asked({"retry-after": text}, now) == seconds
    quota = {"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": text}
    assert wait_asked(quota, now) == seconds


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("retry-after", "retry-after-ms", "x-ratelimit-remaining-tokens"),
                *("x-ratelimit-reset-tokens", "ratelimit-remaining", "ratelimit-reset"),
            ]
        ),
        st.text(max_size=20) | st.from_regex(r"[-+]?[0-9.eE:nafiTZ smh]{0,20}", fullmatch=True),
    )
)
def test_no_header_is_too_odd(headers: dict[str, str]) -> None:
    wait = wait_asked(headers)
    assert wait is None or wait >= 0


@settings(max_examples=50)
@given(st.lists(st.booleans(), max_size=200))
def test_extra_attempts_stay_within_their_share(turns: list[bool]) -> None:
    budget, granted = RetryBudget(share=0.3, spare=10), 0
    for new_call in turns:
        if new_call:
            budget.calls += 1
        elif budget.take():
            granted += 1
        else:
            assert granted + 1 > 0.3 * budget.calls + 10
        assert granted <= 0.3 * budget.calls + 10


@settings(max_examples=50)
@given(st.integers(1, 12), st.one_of(st.none(), st.floats(0, 100)), st.integers())
def test_a_wait_is_never_shorter_than_asked(attempt: int, asked: float | None, seed: int) -> None:
    policy = RetryPolicy()
    wait = next_wait(policy, attempt, asked, random.Random(seed))
    assert (asked or 0) <= wait <= (asked or 0) + policy.longest_wait


def test_equal_seeds_wait_equally() -> None:
    async def waits(seed: int) -> list[float]:
        found: list[float] = []

        async def sleep(seconds: float) -> None:
            found.append(seconds)

        async def fail() -> None:
            raise Attempt(Failure("connection", "no"), retry=True)

        policy, late = RetryPolicy(attempts=6), asyncio.get_running_loop().time() + 1000
        tried = await with_retries(fail, policy, late, random.Random(seed), sleep=sleep)
        assert tried.attempts == 6
        return found

    assert asyncio.run(waits(3)) == asyncio.run(waits(3)) != asyncio.run(waits(4))


def test_a_lone_surrogate_in_a_question_is_a_failure_not_a_crash() -> None:
    async def main() -> None:
        transport = Transport()
        late = asyncio.get_running_loop().time() + 1
        with pytest.raises(NoReply, match="cannot be written"):
            await transport.post_json("http://127.0.0.1:9", {"q": "\ud800"}, {}, late)

    asyncio.run(main())


def test_secrets_are_struck_out_in_every_usual_encoding() -> None:
    import base64
    from urllib.parse import quote

    hidden = Secrets([KEY], ["TEST_KEY"])
    forms = [KEY, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode(), KEY.encode().hex()]
    assert hidden.redact(" ".join(forms)) == "*** *** *** ***"
    assert KEY not in repr(hidden)


def test_an_http_header_takes_its_value_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    service = Service()

    async def main() -> Outcome:
        async with serving(service) as url:
            options = {
                "url": f"{url}/ask",
                "headers": {"x-token": "Key ${TEST_KEY}"},
                "response": "answer",
            }
            system = resolve("adapters", "http")(make_spec("http", **options), make_suite())
            assert KEY not in repr(vars(system)) + system.fingerprint
            outcome = await system.ask(Question("q"))
            await system.aclose()
            return outcome

    assert asyncio.run(main()).response == "answer to q"
    assert service.headers[0]["x-token"] == f"Key {KEY}"


def test_a_missing_variable_is_named() -> None:
    assert "NOT_SET_ANYWHERE" not in os.environ
    options = {"url": "http://127.0.0.1:9", "headers": {"x": "${NOT_SET_ANYWHERE}"}}
    with pytest.raises(InvalidInput, match="NOT_SET_ANYWHERE"):
        resolve("adapters", "http")(make_spec("http", **options), make_suite())


@pytest.mark.parametrize("url", ["ftp://x", "x", "http://", "http://u:p@x/", "file:///etc/passwd"])
def test_a_bad_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="url"):
        resolve("adapters", "http")(make_spec("http", url=url), make_suite())


def test_an_endpoint_does_not_show_its_headers() -> None:
    policy, chance = RetryPolicy(), random.Random(0)
    shown = repr(Endpoint("http://x", Transport(), policy, chance, {"a": KEY}, Secrets([KEY])))
    assert KEY not in shown
