"""Two seconds of what the gateway takes, and never less than one batch."""

import pytest

from hub.delivery import BatchId
from hub.window import OUTSTANDING_S, SPAN_S, Window


@pytest.mark.parametrize("rate", [10, 100, 1_000])
def test_a_gateway_that_answers_when_it_has_passed_on_holds_no_more_than_two_seconds(rate: int) -> None:
    """The gateway passes on `rate` a second, one after the other, and answers each batch once it has."""
    now, batch = 0.0, 25
    window = Window(now=lambda: now)
    queue: list[tuple[float, BatchId]] = []
    drained_until, passed_on, most = 0.0, 0, 0.0
    for number in range(2_000):
        while window.has_room(batch):
            drained_until = max(now, drained_until) + batch / rate
            queue.append((drained_until, name := BatchId(f"{number}-{len(queue)}")))
            window.begin(name, batch)
        most = max(most, drained_until - now)
        now, name = queue.pop(0)
        window.end(name, batch)
        passed_on += batch
    assert most <= max(OUTSTANDING_S, batch / rate) + batch / rate
    assert passed_on >= 0.95 * rate * now, "and it is never left idle"


def test_one_batch_always_has_room() -> None:
    window = Window(now=lambda: 0.0)
    assert window.has_room(500)
    window.begin(BatchId("one"), 500)
    assert not window.has_room(1)


def test_what_was_refused_says_nothing_of_the_gateway_s_speed() -> None:
    window = Window(now=lambda: 0.0)
    for number in range(100):
        window.begin(BatchId(str(number)), 25)
        window.end(BatchId(str(number)), 0)
    assert window.size == 0


def test_what_was_learned_is_forgotten() -> None:
    now = 0.0
    window = Window(now=lambda: now)
    window.begin(BatchId("one"), 600)
    window.end(BatchId("one"), 600)
    assert window.size == 600 * OUTSTANDING_S / SPAN_S
    now = SPAN_S
    assert window.size == 0
