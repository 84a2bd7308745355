"""An endpoint that only fails: rested, tried now and then, given up. Time is virtual."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest
from virtual_time import run_virtually

from evalkit.adapters.breaker import Breaker
from evalkit.adapters.endpoint import Endpoint
from evalkit.adapters.retry import SHARE, SPARE, RetryPolicy, Tried
from evalkit.adapters.secrets import Secrets
from evalkit.adapters.throttle import Throttle
from evalkit.adapters.transport import NoReply, Reply
from evalkit.errors import EndpointUnusable
from evalkit.pool import each
from evalkit.resending import RESEND

GOOD = Reply(200, {}, b'{"ok": true}')


class Script:
    """A transport that does what ``says(time)`` returns: a status, or 0 for no connection; counts requests."""

    def __init__(self, says: Callable[[float], int]) -> None:
        self.says = says
        self.times: list[float] = []

    async def post_json(self, *_: object, **__: object) -> Reply:
        now = asyncio.get_running_loop().time()
        self.times.append(now)
        await asyncio.sleep(0.1)
        status = self.says(now)
        if status == 0:
            raise NoReply("connection", "refused", retry=True)
        return GOOD if status == 200 else Reply(status, {}, b'{"error": {"message": "sorry"}}')

    async def aclose(self) -> None:
        """Nothing is open."""


def endpoint_that(
    says: Callable[[float], int], *, patience: float = 30.0, cap: int | None = None
) -> Endpoint:
    return Endpoint(
        url="http://model.example:8000/v1",
        transport=Script(says),
        policy=RetryPolicy(attempts=2),
        chance=random.Random(0),
        headers={},
        secrets=Secrets(),
        throttle=Throttle(cap),
        breaker=Breaker(patience=patience),
    )


async def post_all(
    endpoint: Endpoint, calls: int, workers: int = 8, kept: list[Tried] | None = None
) -> list[Tried]:
    """What came of the calls; ``kept`` has it also when the run ends early."""
    found = [] if kept is None else kept

    async def one(_: int) -> None:
        found.append(await endpoint.post({}))

    await each(range(calls), one, workers)
    return found


def ended(run: Callable[[], Awaitable[object]]) -> tuple[str, float]:
    """The message that ends the run, and when."""

    async def main() -> tuple[str, float]:
        with pytest.raises(EndpointUnusable) as error:
            await run()
        return str(error.value), asyncio.get_running_loop().time()

    return run_virtually(main())


@pytest.mark.parametrize("status", [0, 500, 503, 429, 404])
def test_an_endpoint_that_never_answers_is_given_up_after_twenty_calls(status: int) -> None:
    endpoint = endpoint_that(lambda _: status)
    message, _ = ended(lambda: post_all(endpoint, 100))
    assert "model.example:8000" in message
    assert "20 times in a row" in message
    assert ("refused" if status == 0 else f"HTTP {status}") in message
    assert len(endpoint.transport.times) <= 2 * (20 + 8)


def test_given_up_means_no_further_request() -> None:
    endpoint = endpoint_that(lambda _: 0)
    ended(lambda: post_all(endpoint, 100))
    sent = len(endpoint.transport.times)
    ended(lambda: endpoint.post({}))
    assert len(endpoint.transport.times) == sent


@pytest.mark.parametrize("status", [400, 413, 422])
def test_refused_questions_are_not_the_endpoints_fault(status: int) -> None:
    found = run_virtually(post_all(endpoint_that(lambda _: status), 60))
    assert [tried.status for tried in found] == [status] * 60
    assert {tried.attempts for tried in found} == {1}


def test_a_status_that_the_caller_asked_about_is_an_answer() -> None:
    endpoint = endpoint_that(lambda _: 500)

    async def main() -> list[Tried]:
        return [await endpoint.post({}, refusals=frozenset({500})) for _ in range(40)]

    assert [tried.status for tried in run_virtually(main())] == [500] * 40


def test_an_outage_is_waited_out_and_the_waiting_calls_are_answered() -> None:
    endpoint = endpoint_that(lambda now: 200 if not 1 <= now < 20 else 0)
    found = run_virtually(post_all(endpoint, 400))
    failed = [tried for tried in found if tried.failure is not None]
    assert len(found) == 400
    assert len(failed) < 20
    resting = [now for now in endpoint.transport.times if 8 <= now < 20]
    assert len(resting) <= 8  # one call at a time is on trial


def test_an_outage_that_lasts_ends_the_run_when_patience_does() -> None:
    endpoint = endpoint_that(lambda now: 200 if now < 1 else 0)
    message, at = ended(lambda: post_all(endpoint, 400))
    assert "model.example:8000" in message
    assert 5 < at < 45


def test_without_patience_it_ends_at_once() -> None:
    endpoint = endpoint_that(lambda now: 200 if now < 1 else 0, patience=0)
    _, at = ended(lambda: post_all(endpoint, 400))
    assert at < 8


def test_an_answer_in_between_starts_the_count_anew() -> None:
    turn = iter(range(10**6))
    endpoint = endpoint_that(lambda _: 200 if next(turn) % 30 == 0 else 500)
    found = run_virtually(post_all(endpoint, 200, workers=1))
    assert len(found) == 200


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refused_key_wastes_at_most_as_many_calls_as_are_under_way(status: int) -> None:
    endpoint = endpoint_that(lambda now: 200 if now < 1 else status)
    kept: list[Tried] = []
    message, _ = ended(lambda: post_all(endpoint, 400, kept=kept))
    assert f"HTTP {status}" in message
    assert sum(now >= 1 for now in endpoint.transport.times) <= 8
    assert len(kept) == sum(now < 1 for now in endpoint.transport.times)


def test_a_failure_says_where_it_was_not_tried_again() -> None:
    endpoint = endpoint_that(lambda now: 500 if now < 0.05 else 200)
    endpoint.budget.spare = 3
    found = run_virtually(post_all(endpoint, 8))
    failed = [tried.failure.message for tried in found if tried.failure]
    assert len(failed) == 3
    assert all("not tried again" in message and "3 + 30%" in message for message in failed)


@pytest.mark.parametrize("well_from", [0.0, 5.0, 12.0])
def test_every_request_but_a_calls_first_is_booked_before_it_is_sent(well_from: float) -> None:
    turn, sent = random.Random(1), []
    endpoint = endpoint_that(lambda now: 500 if 1 < now < well_from or turn.random() < 0.1 else 200)

    async def book(kind: str, lost: bool) -> None:
        assert (kind, lost) == ("connection", False)
        sent.append(len(endpoint.transport.times))

    async def main() -> list[Tried]:
        RESEND.set(book)
        return await post_all(endpoint, 200)

    assert len(run_virtually(main())) == 200
    assert len(endpoint.transport.times) == 200 + len(sent)


def test_the_budget_of_extra_calls_is_kept() -> None:
    turn = random.Random(0)
    endpoint = endpoint_that(lambda _: 500 if turn.random() < 0.6 else 200)
    run_virtually(post_all(endpoint, 300))
    assert len(endpoint.transport.times) <= 300 * (1 + SHARE) + SPARE
    assert len(endpoint.transport.times) >= 300 * 1.2


def test_a_place_waited_for_is_not_taken_off_the_time_to_answer() -> None:
    endpoint = endpoint_that(lambda _: 200, cap=1)
    found = run_virtually(post_all(endpoint, 1000, workers=1000))  # the last waits 100 seconds
    assert {tried.failure for tried in found} == {None}
    assert max(tried.seconds for tried in found) == pytest.approx(0.1)


def test_one_endpoint_serves_several_loops() -> None:
    endpoint = endpoint_that(lambda _: 200)
    for _ in range(2):
        assert len(run_virtually(post_all(endpoint, 50))) == 50
