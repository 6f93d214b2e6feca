"""What a queue has passed on follows from what it was given when."""

from datetime import UTC, datetime, timedelta

from yobikake.bench.lanes import passed_on
from yobikake.rehearsal.exchange import Exchange

BEGUN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def given(after_s: float, recipients: int) -> Exchange:
    exchange = Exchange(channel="mail", begun_at=BEGUN)
    exchange.take(BEGUN + timedelta(seconds=after_s), to=[f"r{n}" for n in range(recipients)])
    return exchange


def seconds(exchanges: list[Exchange], rate: float | None) -> list[float]:
    return [(passed.at - BEGUN).total_seconds() for passed in passed_on(exchanges, rate)]


def test_a_queue_passes_on_one_after_the_other_and_rests_when_it_is_empty() -> None:
    exchanges = [given(10.0, 10), given(0.0, 20), given(0.5, 10)]
    assert seconds(exchanges, 10.0) == [2.0, 3.0, 11.0]


def test_who_answers_late_has_passed_on_when_it_answers() -> None:
    assert seconds([given(3.0, 100), given(1.0, 5)], None) == [1.0, 3.0]


def test_what_was_not_taken_is_not_in_the_queue() -> None:
    assert seconds([Exchange(channel="mail", begun_at=BEGUN), given(1.0, 1)], 1.0) == [2.0]
