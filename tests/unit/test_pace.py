"""A batch waits for its turn right before its request, and gives its claim back when that would take long."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.alert import Lane
from hub.capabilities import ROUTINE_BATCH, Allowance, Capabilities, Unit
from hub.errors import Cancelled
from hub.live.memory import MemoryLive
from hub.live.turns import AHEAD_S, gap_s
from hub.pace import Limit, NotYet, Pace, limits

MAIL = Capabilities(kind="mail", japanese="メール", batch_size=100)
LINE = Capabilities(kind="line", japanese="LINE", batch_size=500, requests_per_s=200)
VOICE = Capabilities(kind="voice", japanese="電話", batch_size=30, requests_per_s=30, single_requests=True)
LEASE = timedelta(seconds=90)


def open_gate() -> None:
    """Lets everything through."""


# --- what counts against what ---


def test_a_request_counts_once_and_routine_recipients_against_the_drain() -> None:
    mail = replace(MAIL, drain_per_s=50.0)
    assert limits(MAIL, Lane.ROUTINE, recipients=100) == []
    assert limits(mail, Lane.URGENT, recipients=100) == []
    assert limits(mail, Lane.ROUTINE, recipients=40) == [Limit("mail.drain", 40, 50.0)]
    assert limits(LINE, Lane.URGENT, recipients=500) == [Limit("line", 1, 200)]
    assert limits(VOICE, Lane.URGENT, recipients=30) == [], "each call takes a turn of its own"


@pytest.mark.parametrize(
    ("capabilities", "routine"),
    [
        (MAIL, ROUTINE_BATCH),  # nobody knows how fast the smarthost is
        (replace(MAIL, drain_per_s=40.0), 40),
        (replace(MAIL, drain_per_s=0.1), 1),
        (replace(MAIL, drain_per_s=5_000.0), 100),
        (LINE, 500),
        (VOICE, 6),
        (replace(VOICE, requests_per_s=1.0, batch_size=1), 1),
        (replace(MAIL, unit=Unit.SHEETS, batch_size=20), 20),
    ],
)
def test_a_routine_batch_is_out_of_the_way_within_a_second(capabilities: Capabilities, routine: int) -> None:
    assert capabilities.batch_size_on(Lane.URGENT) == capabilities.batch_size
    assert capabilities.batch_size_on(Lane.ROUTINE) == routine


# --- what the gateway has to pass on ---


@pytest.mark.parametrize(
    ("lane", "drain_per_s", "behind"),
    [(Lane.URGENT, 50.0, True), (Lane.URGENT, None, False), (Lane.ROUTINE, 50.0, False)],
)
async def test_urgent_recipients_stand_in_the_queue_before_routine_ones(
    lane: Lane, drain_per_s: float | None, behind: bool
) -> None:
    live, mail = MemoryLive(), replace(MAIL, drain_per_s=drain_per_s)
    await Pace(live, mail, lease=LEASE).taken(lane, recipients=50_000)
    pace = Pace(live, replace(MAIL, drain_per_s=50.0), lease=LEASE)
    await pace.turn(Lane.URGENT, recipients=100, gate=open_gate)  # waits for nobody
    if not behind:
        await pace.turn(Lane.ROUTINE, recipients=50, gate=open_gate)
        return
    with pytest.raises(NotYet):
        await pace.turn(Lane.ROUTINE, recipients=50, gate=open_gate)


# --- what the provider takes in a while ---

POSTS = replace(
    MAIL, kind="x", allowances=(Allowance(name="15min", requests=100, window=timedelta(minutes=15)),)
)


AT_ONCE = timedelta(0)
"""The lease of a claim that waits for nothing."""


class Stopwatch:
    """The live state's clock, which the test moves."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def __call__(self) -> float:
        return self.at_s


async def _made(live: MemoryLive, lane: Lane, account: str = "live", *, most: int = 200) -> int:
    """How many single requests find room, one behind the other."""
    room = Pace(live, POSTS, lease=AT_ONCE).room(lane, account, gate=open_gate)
    for made in range(most):
        try:
            await room(1)
        except NotYet:
            return made
    return most


async def test_routine_posts_stop_short_of_what_urgent_ones_may_need() -> None:
    live = MemoryLive(now=lambda: 0.0)
    assert await _made(live, Lane.ROUTINE) == 25
    assert await _made(live, Lane.URGENT) == 25, "as many as if nothing routine had gone before"
    assert await _made(live, Lane.ROUTINE) == 0


async def test_a_drills_account_has_an_allowance_of_its_own() -> None:
    live = MemoryLive(now=lambda: 0.0)
    assert await _made(live, Lane.URGENT, "drill") == 50
    assert await _made(live, Lane.URGENT, "live") == 50


async def test_no_window_however_it_is_laid_has_more_than_the_contract() -> None:
    watch = Stopwatch()
    live, made = MemoryLive(now=watch), []
    for second in range(0, 3_600, 5):
        watch.at_s = float(second)
        made += [second] * await _made(live, Lane.URGENT)
    windows = [len([at for at in made if begin <= at < begin + 900]) for begin in range(0, 2_700, 5)]
    assert 95 <= max(windows) <= 100
    assert min(windows) >= 45, "what was used comes back"


async def test_a_thread_finds_room_for_all_its_posts_or_for_none() -> None:
    live = MemoryLive(now=lambda: 0.0)
    room = Pace(live, POSTS, lease=AT_ONCE).room(Lane.URGENT, "live", gate=open_gate)
    await room(48)
    with pytest.raises(NotYet):
        await room(3)
    await room(2)


async def test_more_than_ever_fits_goes_once_nothing_is_used() -> None:
    small = replace(POSTS, allowances=(Allowance(name="day", requests=4, window=timedelta(days=1)),))
    live = MemoryLive(now=lambda: 0.0)
    room = Pace(live, small, lease=AT_ONCE).room(Lane.ROUTINE, "live", gate=open_gate)
    await room(3)
    with pytest.raises(NotYet):
        await room(1)


async def test_who_waits_for_room_hears_that_it_may_not_send() -> None:
    def closed() -> None:
        raise Cancelled("the gate of this test is closed")

    with pytest.raises(Cancelled):
        await Pace(MemoryLive(), POSTS, lease=AT_ONCE).room(Lane.URGENT, "live", gate=closed)(1)


# --- waiting ---


async def test_without_a_limit_only_the_gate_is_asked() -> None:
    asked: list[None] = []
    await Pace(MemoryLive(), MAIL, lease=LEASE).turn(
        Lane.URGENT, recipients=100, gate=lambda: asked.append(None)
    )
    assert asked == [None]


async def test_a_turn_that_is_far_away_is_not_waited_for() -> None:
    pace = Pace(MemoryLive(), replace(LINE, requests_per_s=0.001), lease=LEASE)
    await pace.turn(Lane.URGENT, recipients=1, gate=open_gate)
    assert not pace.behind
    with pytest.raises(NotYet):
        await pace.turn(Lane.URGENT, recipients=1, gate=open_gate)
    assert pace.behind, "and nothing is claimed for another one"


async def test_the_gate_is_asked_while_waiting() -> None:
    pace = Pace(MemoryLive(), replace(LINE, requests_per_s=0.2), lease=LEASE)
    await pace.turn(Lane.URGENT, recipients=1, gate=open_gate)
    asked = 0

    def closes() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise Cancelled("the gate of this test is closed")

    with pytest.raises(Cancelled):
        await pace.turn(Lane.URGENT, recipients=1, gate=closes)


async def test_what_is_late_makes_the_next_one_later() -> None:
    """The process was held up between its turn and the request."""
    live, rate = MemoryLive(), 5.0
    pace = Pace(live, replace(LINE, requests_per_s=rate), lease=LEASE)
    loop = asyncio.get_running_loop()
    await pace.turn(Lane.URGENT, recipients=1, gate=open_gate)
    await pace.turn(Lane.URGENT, recipients=1, gate=lambda: time.sleep(0.05))
    sent_at = loop.time()
    turn = await live.take("line", 1, rate_per_s=rate, ahead_s=60)
    assert loop.time() + turn.wait_s >= sent_at + gap_s(1, rate) - 0.001


async def test_calls_that_were_begun_are_finished_before_routine_ones_begin() -> None:
    live = MemoryLive()
    pace = Pace(live, VOICE, lease=LEASE)
    ours = pace.single_turns(Lane.ROUTINE, gate=open_gate)
    await ours()
    while (await live.take("voice", 1, rate_per_s=30, ahead_s=AHEAD_S[Lane.URGENT])).taken:
        pass
    assert not (await live.take("voice", 1, rate_per_s=30, ahead_s=AHEAD_S[Lane.ROUTINE])).taken
    async with asyncio.timeout(120):
        await ours()


async def test_a_first_call_whose_turn_is_far_away_is_not_waited_for() -> None:
    live = MemoryLive()
    await live.take("voice", 1_000_000, rate_per_s=30, ahead_s=0)
    turn = Pace(live, VOICE, lease=LEASE).single_turns(Lane.URGENT, gate=open_gate)
    with pytest.raises(NotYet):
        await turn()


async def test_a_message_of_several_parts_takes_as_many_turns() -> None:
    live = MemoryLive()
    turn = Pace(live, replace(VOICE, kind="sms"), lease=LEASE).single_turns(Lane.URGENT, gate=open_gate)
    await turn(1_000)
    next_one = await live.take("sms", 1, rate_per_s=30, ahead_s=0)
    assert next_one.wait_s == pytest.approx(gap_s(1_000, 30), abs=1)


async def test_a_short_lease_is_not_spent_waiting() -> None:
    pace = Pace(MemoryLive(), replace(LINE, requests_per_s=0.5), lease=timedelta(seconds=2))
    await pace.turn(Lane.URGENT, recipients=1, gate=open_gate)
    with pytest.raises(NotYet):
        await pace.turn(Lane.URGENT, recipients=1, gate=open_gate)
