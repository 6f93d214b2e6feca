"""A gateway that takes nothing is left alone; one recipient's trouble is nobody else's."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from hub.alert import Lane
from hub.breaker import FAILURES, LONGEST_THROTTLE, PAGE_AFTER, WAITS, Breaker, Heard, State, heard
from hub.delivery import BatchId, Outcome, Result
from hub.recipient import RecipientId

ONE, OTHER = BatchId("one"), BatchId("other")


def said(*outcomes: Outcome, **more: Any) -> list[Result]:
    return [Result(RecipientId(number), outcome, **more) for number, outcome in enumerate(outcomes)]


WORKS = said(Outcome.ACCEPTED)
FAILED = said(Outcome.TEMPORARY, Outcome.TEMPORARY, reason="ConnectionRefusedError")


class Time:
    def __init__(self) -> None:
        self.s = 0.0


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def pages() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def make(time: Time, pages: list[tuple[str, str]]) -> Callable[..., Breaker]:
    def made(lane: Lane = Lane.URGENT, *, rejections: int = 1) -> Breaker:
        return Breaker(
            "mail",
            lane,
            japanese="メール",
            page=lambda *page: pages.append(page),
            rejections=rejections,
            random=Random(1),
            now=lambda: time.s,
        )

    return made


def fail(breaker: Breaker, times: int = FAILURES) -> None:
    for number in range(times):
        batch = BatchId(str(number))
        assert breaker.admit(batch)
        breaker.hear(FAILED)
        breaker.leave(batch)


# --- what results say of the gateway ---


@pytest.mark.parametrize(
    ("results", "meaning"),
    [
        ([], Heard.NOTHING),
        (said(Outcome.EXPIRED, Outcome.SUPPRESSED, Outcome.UNSUPPORTED), Heard.NOTHING),
        (said(Outcome.CREDENTIALS, reason="refused"), Heard.NOTHING),  # by ourselves
        (said(Outcome.TEMPORARY, reason="lease-lost"), Heard.NOTHING),
        (said(Outcome.THROTTLE, reason="pace"), Heard.NOTHING),
        (said(Outcome.ACCEPTED, Outcome.TEMPORARY), Heard.WORKS),
        (said(Outcome.PERMANENT), Heard.WORKS),
        (said(Outcome.TEMPORARY, alone=True), Heard.WORKS),  # a full mailbox
        (said(Outcome.TEMPORARY, Outcome.TEMPORARY), Heard.FAILED),
        (said(Outcome.AMBIGUOUS), Heard.FAILED),
        (said(Outcome.THROTTLE), Heard.FAILED),
        (said(Outcome.THROTTLE, retry_after=timedelta(seconds=9)), Heard.THROTTLED),
        (said(Outcome.ACCEPTED, Outcome.CREDENTIALS, reason="535"), Heard.REFUSED),
        (said(Outcome.CREDENTIALS, reason="401", alone=True), Heard.WORKS),  # one of several behind a channel
    ],
)
def test_what_results_say_of_the_gateway(results: list[Result], meaning: Heard) -> None:
    assert heard(results) is meaning


# --- opening and closing ---


def test_it_opens_when_whole_requests_fail_in_a_row(make: Callable[..., Breaker]) -> None:
    breaker = make()
    fail(breaker, FAILURES - 1)
    assert breaker.state is State.CLOSED
    fail(breaker, 1)
    assert breaker.state is State.OPEN
    assert breaker.reason == "ConnectionRefusedError"
    assert not breaker.admit(ONE)
    assert breaker.wait_s > 0


def test_what_works_in_between_starts_the_count_again(make: Callable[..., Breaker]) -> None:
    breaker = make()
    for _ in range(5):
        fail(breaker, FAILURES - 1)
        breaker.hear(WORKS)
    assert breaker.state is State.CLOSED


def test_one_batch_is_tried_and_closes_it(make: Callable[..., Breaker], time: Time) -> None:
    breaker = make()
    fail(breaker)
    time.s += breaker.wait_s
    assert breaker.wait_s == 0.0
    assert breaker.admit(ONE)
    assert breaker.state is State.TRIAL
    assert not breaker.admit(OTHER), "one at a time"
    assert breaker.wait_s > 0
    breaker.hear(WORKS)
    breaker.leave(ONE)
    assert breaker.state is State.CLOSED
    assert breaker.open_for == timedelta(0)
    assert breaker.admit(OTHER)


def test_a_trial_of_which_nothing_was_heard_is_made_again(make: Callable[..., Breaker], time: Time) -> None:
    breaker = make()
    fail(breaker)
    time.s += breaker.wait_s
    assert breaker.admit(ONE)
    breaker.hear(said(Outcome.EXPIRED))
    breaker.leave(ONE)
    assert breaker.state is State.TRIAL
    assert breaker.admit(OTHER)


def test_what_was_begun_before_it_opened_is_held_back(make: Callable[..., Breaker], time: Time) -> None:
    breaker = make()
    assert breaker.admit(ONE)
    assert not breaker.holds(ONE)
    fail(breaker)
    assert breaker.holds(ONE)
    time.s += breaker.wait_s
    assert breaker.admit(OTHER)
    assert not breaker.holds(OTHER)
    assert breaker.holds(ONE)


def test_failures_that_were_under_way_when_it_opened_do_not_keep_it_open(
    make: Callable[..., Breaker],
) -> None:
    breaker = make()
    fail(breaker)
    wait_s = breaker.wait_s
    for _ in range(10):
        breaker.hear(FAILED)
    assert breaker.wait_s == wait_s


@pytest.mark.parametrize("lane", Lane)
def test_it_waits_longer_each_time_and_never_longest(
    make: Callable[..., Breaker], time: Time, lane: Lane
) -> None:
    breaker, waits = make(lane), WAITS[lane]
    fail(breaker)
    seen = [breaker.wait_s]
    for _ in range(12):
        time.s += breaker.wait_s
        assert breaker.admit(ONE)
        breaker.hear(FAILED)
        breaker.leave(ONE)
        seen.append(breaker.wait_s)
    assert waits.first.total_seconds() / 2 <= seen[0] <= waits.first.total_seconds()
    assert max(seen) <= waits.longest.total_seconds()
    assert all(wait >= waits.longest.total_seconds() / 2 for wait in seen[6:])
    assert len(set(seen[6:])) > 1, "jitter"


def test_urgent_work_tries_sooner_than_routine() -> None:
    urgent, routine = WAITS[Lane.URGENT], WAITS[Lane.ROUTINE]
    assert urgent.longest < routine.longest <= timedelta(seconds=15)
    assert urgent.first < routine.first


# --- what the gateway asked for ---


def test_retry_after_is_kept(make: Callable[..., Breaker], time: Time) -> None:
    breaker = make()
    breaker.hear(said(Outcome.THROTTLE, retry_after=timedelta(seconds=42)))
    assert breaker.wait_s == 42
    breaker.hear(said(Outcome.THROTTLE, retry_after=timedelta(seconds=7)))
    assert breaker.wait_s == 42, "a shorter one from another request does not shorten it"
    time.s += 42
    assert breaker.admit(ONE)


def test_nobody_waits_for_ever_because_a_gateway_said_so(make: Callable[..., Breaker]) -> None:
    breaker = make()
    breaker.hear(said(Outcome.THROTTLE, retry_after=timedelta(days=300)))
    assert breaker.wait_s == LONGEST_THROTTLE.total_seconds()


def test_credentials_stop_it_and_call_staff_at_once(
    make: Callable[..., Breaker], pages: list[tuple[str, str]]
) -> None:
    breaker = make()
    breaker.hear(said(Outcome.CREDENTIALS, reason="535"))
    assert breaker.wait_s >= WAITS[Lane.URGENT].credentials.total_seconds() / 2
    assert [topic for topic, _ in pages] == ["credentials mail"]


# --- staff ---


def test_staff_are_called_once_it_has_been_open_for_long(
    make: Callable[..., Breaker], time: Time, pages: list[tuple[str, str]]
) -> None:
    breaker = make()
    fail(breaker)
    breaker.look()
    assert pages == []
    for _ in range(3):
        time.s += PAGE_AFTER.total_seconds()
        assert breaker.admit(ONE)
        breaker.hear(FAILED)
        breaker.leave(ONE)
        breaker.look()
    assert [topic for topic, _ in pages] == ["stopped mail"]
    time.s += breaker.wait_s
    assert breaker.admit(ONE)
    breaker.hear(WORKS)
    fail(breaker)
    time.s += PAGE_AFTER.total_seconds()
    breaker.look()
    assert len(pages) == 2, "another outage"


REJECTED = said(Outcome.PERMANENT, Outcome.PERMANENT, reason="400")


def test_a_request_refused_for_good_as_a_whole_calls_staff_once_and_stops_nothing(
    make: Callable[..., Breaker], pages: list[tuple[str, str]]
) -> None:
    breaker = make()
    for _ in range(5):
        assert breaker.admit(ONE)
        breaker.hear(REJECTED)
        breaker.leave(ONE)
    assert [topic for topic, _ in pages] == ["rejected mail"]
    assert "400" in pages[0][1]
    assert breaker.state is State.CLOSED
    breaker.hear(WORKS)
    breaker.hear(REJECTED)
    assert len(pages) == 2, "another message"


@pytest.mark.parametrize(
    "results",
    [
        said(Outcome.PERMANENT, Outcome.PERMANENT, reason="5.1.1", alone=True),  # addresses that are none
        said(Outcome.PERMANENT, Outcome.ACCEPTED, reason="400"),
        said(Outcome.UNSUPPORTED, reason="drill"),
        said(Outcome.SUPPRESSED, Outcome.NO_ADDRESS, Outcome.EXPIRED),
    ],
)
def test_who_is_refused_alone_or_beside_others_calls_nobody(
    make: Callable[..., Breaker], pages: list[tuple[str, str]], results: list[Result]
) -> None:
    breaker = make()
    for _ in range(5):
        breaker.hear(results)
    assert pages == []


def test_single_requests_call_staff_where_nobody_is_taken_between_many_of_them(
    make: Callable[..., Breaker], pages: list[tuple[str, str]]
) -> None:
    breaker, one = make(rejections=3), said(Outcome.PERMANENT, reason="21211")
    for results in (one, one, WORKS, one, one):
        breaker.hear(results)
    assert pages == []
    breaker.hear(one)
    breaker.hear(one)
    assert [topic for topic, _ in pages] == ["rejected mail"]
