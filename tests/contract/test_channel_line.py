"""The LINE connector against the simulated Messaging API."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import ClassVar
from uuid import UUID

import msgspec
import pytest
from aiohttp import web

from channels.line import Line, Settings, compose
from hub.channel import Channel, Parcel, Span
from hub.delivery import Outcome, Result
from hub.errors import Cancelled, Refused
from hub.outbound import Outbound
from hub.recipient import Recipient, RecipientId
from hub.retry import judge
from hub.testing.answers import CUT_ANSWER, NO_ANSWER
from hub.testing.channel_harness import Feature, Harness, Said, Where, send
from hub.testing.channel_suite import PRODUCTION, REHEARSAL, ChannelSuite, opened
from hub.testing.parcels import NOW, always_open, parcel
from tests.contract.gateways import OfHttp
from tests.unit.test_retry import BATCH
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway, Multicast
from yobikake.rehearsal.line_answers import error, invalid
from yobikake.rehearsal.line_messages import Fault

TOKEN = "channel-access-token-0123456789"
NOWHERE = "http://127.0.0.1:1"


class LineHarness(OfHttp):
    kind = "line"
    provider = "line"
    lacks: ClassVar = {Feature.RETRY_AFTER: "LINE sends no rate headers"}
    answers: ClassVar[Mapping[str, Outcome]] = {
        "400": Outcome.PERMANENT,
        "401": Outcome.CREDENTIALS,
        "403": Outcome.CREDENTIALS,
        "404": Outcome.CREDENTIALS,
        "409": Outcome.ACCEPTED,  # an earlier try with this retry key
        "413": Outcome.PERMANENT,
        "429": Outcome.THROTTLE,
        "500": Outcome.AMBIGUOUS,
        "502": Outcome.AMBIGUOUS,
        "503": Outcome.TEMPORARY,
        "504": Outcome.AMBIGUOUS,
        NO_ANSWER: Outcome.AMBIGUOUS,
        CUT_ANSWER: Outcome.AMBIGUOUS,
    }

    def __init__(self, gateway: LineGateway, folder: Path) -> None:
        self.gateway = gateway
        self._token_file = folder / "token"
        self._token_file.write_text(f"{TOKEN}\n")

    @classmethod
    def in_folder(cls, folder: Path) -> "LineHarness":
        return cls(LineGateway(Inbox()), folder)

    @property
    def secrets(self) -> Sequence[str]:
        return [TOKEN]

    @property
    def settings(self) -> Settings:
        return Settings(access_token_file=self._token_file, base_url=self.gateway.url)

    @property
    def settings_of_menus(self) -> Settings:
        return msgspec.structs.replace(self.settings, data_url=self.gateway.url)

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY) -> Line:
        base_url = {
            Where.GATEWAY: self.gateway.url,
            Where.NOWHERE: NOWHERE,
            Where.REMOTE: "https://gateway.example",
        }[where]
        settings = Settings(access_token_file=self._token_file, base_url=base_url)
        return Line(settings, outbound=outbound, clock=lambda: NOW)

    def recipients(self, number: int) -> Sequence[Recipient]:
        return [Recipient(id=RecipientId(n), address=f"U{n:032x}") for n in range(1, number + 1)]

    def sends(self) -> int:
        return len(self.bodies())

    def bodies(self) -> Sequence[bytes]:
        return [request.body for request in self.gateway.requests if request.method == "POST"]

    def arrivals(self) -> Sequence[str]:
        inbox = self.gateway.inbox
        return [
            arrival.address for address in inbox.addresses("line") for arrival in inbox.of("line", address)
        ]

    @property
    def retry_keys(self) -> list[str]:
        """Of the multicasts so far, in order."""
        return [r.headers["X-Line-Retry-Key"] for r in self.gateway.requests if r.method == "POST"]


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[LineHarness]:
    async with LineHarness.running(tmp_path) as harness:
        yield harness


@pytest.fixture
async def channel(harness: LineHarness) -> AsyncIterator[Channel]:
    async with opened(harness) as channel:
        yield channel


class TestLine(ChannelSuite, of=LineHarness):
    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncIterator[Harness]:
        async with LineHarness.running(tmp_path) as harness:
            yield harness


async def test_a_bubble_that_line_refuses_keeps_nobody_from_the_text(
    harness: LineHarness, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = harness.gateway._refused_multicast

    def no_flex(multicast: Multicast) -> web.Response | None:
        if any(message.type == "flex" for message in multicast.messages):
            return invalid(Fault(message="invalid property", property="messages[0].contents"))
        return taken(multicast)

    monkeypatch.setattr(harness.gateway, "_refused_multicast", no_flex)
    to = harness.recipients(300)
    harness.gateway.faults.permanent = 0.01
    gone = {each.id for each in to if harness.faults.hits(0.01, "permanent", each.address)}
    assert gone
    first = await send(channel, parcel(to))
    again = await send(channel, parcel(to, attempt=2, resend=True))
    for said in (first, again):
        assert {who for who, outcome in said.outcomes.items() if outcome is not Outcome.ACCEPTED} == gone
    assert sorted(harness.arrivals()) == sorted(each.address for each in to if each.id not in gone)


async def test_residents_see_the_level_and_read_the_whole_text(
    harness: LineHarness, channel: Channel
) -> None:
    handed_over = parcel(harness.recipients(1))
    await send(channel, handed_over)
    [arrival] = harness.gateway.inbox.of("line", handed_over.to[0].address)
    content, lines = handed_over.content, arrival.text.split("\n")
    assert lines[0] == content.text(content.short)
    assert lines[1:3] == ["警戒レベル4", "避難指示"]
    assert arrival.text.endswith(compose(content))
    assert compose(content).startswith("【警戒レベル4】避難指示（洪水）川沿い地区\n")
    assert lines[-1] == content.link


async def test_a_text_that_does_not_fit_is_unsupported_and_asks_nothing(
    harness: LineHarness, channel: Channel
) -> None:
    fitting, too_long = (_with_body(parcel(harness.recipients(2)), "😷" * number) for number in (2400, 2500))
    assert set((await send(channel, too_long)).outcomes.values()) == {Outcome.UNSUPPORTED}
    assert harness.sends() == 0
    assert set((await send(channel, fitting)).outcomes.values()) == {Outcome.ACCEPTED}


async def test_what_is_too_long_for_a_bubble_arrives_as_text(harness: LineHarness, channel: Channel) -> None:
    handed_over = parcel(harness.recipients(1))
    long = msgspec.structs.replace(handed_over.content, short=(Span("長" * 1501),))
    await send(channel, replace(handed_over, content=long))
    [arrival] = harness.gateway.inbox.of("line", handed_over.to[0].address)
    assert arrival.text == compose(long)


async def test_what_may_have_arrived_is_repeated_whole_and_arrives_once(
    harness: LineHarness, channel: Channel
) -> None:
    to = harness.recipients(500)
    harness.faults.silent = 1.0
    first = await send(channel, parcel(to))
    harness.faults.silent = 0.0
    second = await send(channel, parcel(to, attempt=2, resend=True))
    assert set(first.outcomes.values()) == {Outcome.AMBIGUOUS}
    assert set(second.outcomes.values()) == {Outcome.ACCEPTED}
    assert harness.retry_keys == [str(parcel(to).idempotency_key)] * 2
    assert set(Counter(harness.arrivals()).values()) == {1}
    assert len(harness.arrivals()) == 500


async def test_ids_that_do_not_exist_are_found_among_500(harness: LineHarness, channel: Channel) -> None:
    to = harness.recipients(500)
    unknown = _some_unknown(harness, to)
    said = await send(channel, parcel(to))
    assert {r.id for r in to if said.outcomes[r.id] is Outcome.PERMANENT} == unknown
    assert Counter(harness.arrivals()) == {r.address: 1 for r in to if r.id not in unknown}
    assert len(set(harness.retry_keys)) == len(harness.retry_keys)


async def test_a_text_that_line_refuses_is_nobodys_id(harness: LineHarness, channel: Channel) -> None:
    handed_over = parcel(harness.recipients(500))
    nothing = msgspec.structs.replace(handed_over.content, headline=(), body=(), link="")
    said = await send(channel, replace(handed_over, content=nothing))
    assert set(said.outcomes.values()) == {Outcome.PERMANENT}
    assert harness.sends() == 2, "once more without the bubble, and no half of them"


async def test_a_repeat_after_a_search_for_bad_ids_reaches_nobody_twice(
    harness: LineHarness, channel: Channel
) -> None:
    to = harness.recipients(500)
    _some_unknown(harness, to)
    await send(channel, parcel(to))
    first = harness.retry_keys
    await send(channel, parcel(to, attempt=2, resend=True))
    assert harness.retry_keys == first * 2
    assert set(Counter(harness.arrivals()).values()) == {1}


def _unknown_id(harness: LineHarness, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    taken = harness.gateway._refused_multicast

    def refused(multicast: Multicast) -> web.Response | None:
        return error(400, "Failed to send messages") if address in multicast.to else taken(multicast)

    monkeypatch.setattr(harness.gateway, "_refused_multicast", refused)


def _repeats(
    channel: Channel, handed_over: Parcel, said: Said, *, without: Sequence[Recipient]
) -> list[Parcel]:
    """What the engine hands over next, to whoever is still in the register."""
    members = [each.id for each in handed_over.to]
    batch = replace(
        BATCH,
        members=tuple(members),
        idempotency_key=handed_over.idempotency_key,
        resend=handed_over.resend,
    )
    results = {members.index(result.recipient): result for result in said.results}
    judged = judge(
        batch, results, channel.capabilities, now=BATCH.expires - timedelta(hours=1), random=Random(0)
    )
    there = {each.id: each for each in handed_over.to if each not in without}
    return [
        replace(
            handed_over,
            to=[there[each] for each in planned.batch.members if each in there],
            members=planned.batch.members,
            idempotency_key=planned.batch.idempotency_key,
            attempt=planned.batch.attempt,
            resend=planned.batch.resend,
            gate=always_open,
        )
        for planned in judged.children
    ]


@pytest.mark.parametrize("fault", ["throttle", "silent"])
@pytest.mark.parametrize("left", [(), (400,), (3,), (300, 400, 450)])
async def test_whoever_leaves_between_two_tries_nobody_is_reached_twice(
    harness: LineHarness,
    channel: Channel,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    left: tuple[int, ...],
) -> None:
    """The first half was taken, for one unknown id in the other, of which the first half is throttled, or taken and the
    answer lost."""
    to = harness.recipients(500)
    _unknown_id(harness, monkeypatch, to[400].address)

    def troubled_at_the_fourth_request() -> None:
        setattr(harness.faults, fault, 1.0 if harness.sends() == 3 else 0.0)

    handed_over = parcel(to, gate=troubled_at_the_fourth_request)
    said = await send(channel, handed_over)
    assert len(harness.arrivals()) == {"throttle": 250, "silent": 375}[fault]
    assert {said.outcomes[each.id] for each in to[:250]} == {Outcome.ACCEPTED}
    assert Outcome.ACCEPTED not in {said.outcomes[each.id] for each in to[250:]}
    setattr(harness.faults, fault, 0.0)
    gone = [to[place] for place in left]
    waiting = _repeats(channel, handed_over, said, without=gone)
    assert waiting
    while waiting:
        repeat = waiting.pop()
        waiting += _repeats(channel, repeat, await send(channel, repeat), without=gone)
    reached = Counter(harness.arrivals())
    assert set(reached.values()) == {1}
    stayed = {each.address for each in to if each not in gone} - {to[400].address}
    assert stayed <= reached.keys()


@pytest.mark.parametrize("left", [3, 300])
async def test_a_try_of_which_nothing_was_kept_cuts_itself_up_in_the_same_places(
    harness: LineHarness, channel: Channel, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """The process died in the search, and somebody left before the repeat."""
    to = harness.recipients(500)
    _unknown_id(harness, monkeypatch, to[400].address)
    whole = replace(parcel(to, attempt=2, resend=True), members=[each.id for each in to])
    await send(channel, replace(whole, attempt=1, resend=False))
    said = await send(channel, replace(whole, to=[each for each in to if each is not to[left]]))
    assert Counter(said.outcomes.values()) == {Outcome.ACCEPTED: 498, Outcome.PERMANENT: 1}
    assert set(Counter(harness.arrivals()).values()) == {1}


async def test_a_search_throttled_before_anybody_was_reached_reached_nobody(
    harness: LineHarness, channel: Channel
) -> None:
    to = harness.recipients(500)
    _some_unknown(harness, to)

    def throttled_after_one() -> None:
        harness.faults.throttle = float(harness.sends() > 0)

    said = await send(channel, parcel(to, gate=throttled_after_one))
    assert set(said.outcomes.values()) == {Outcome.THROTTLE}
    assert not harness.arrivals()


async def test_whoever_was_reached_before_the_gate_closed_is_said(
    harness: LineHarness, channel: Channel
) -> None:
    to = harness.recipients(500)
    _some_unknown(harness, to)
    results: list[Result] = []
    handed_over = parcel(to, gate=_closing_once_somebody_was_reached(harness))
    with pytest.raises(Cancelled):
        await _collect(channel, handed_over, results)
    by_id = {recipient.id: recipient.address for recipient in to}
    reached = {by_id[result.recipient] for result in results if result.outcome is Outcome.ACCEPTED}
    assert reached == set(harness.arrivals())
    assert 0 < len(reached) < 500


async def test_a_used_up_quota_is_no_fault_of_the_address(harness: LineHarness, channel: Channel) -> None:
    harness.gateway.quota = 600
    await send(channel, parcel(harness.recipients(500)))
    assert (await channel.probe()).remaining == 100
    other = [Recipient(id=RecipientId(n), address=f"U{n:032x}") for n in range(1001, 1201)]
    said = await send(channel, _other(parcel(other)))
    assert {(result.outcome, result.reason) for result in said.results} == {
        (Outcome.THROTTLE, "quota used up")
    }
    assert len(harness.arrivals()) == 500


async def test_a_probe_before_the_quota_is_used_up_is_ok_and_after_it_is_not(
    harness: LineHarness, channel: Channel
) -> None:
    assert (await channel.probe()).remaining is None
    harness.gateway.quota = 500
    assert (await channel.probe()).ok
    await send(channel, parcel(harness.recipients(500)))
    health = await channel.probe()
    assert not health.ok
    assert health.remaining == 0


async def test_a_production_hub_says_why_it_does_not_use_a_rehearsal_gateway(harness: LineHarness) -> None:
    with pytest.raises(Refused, match="rehearsal gateway"):
        async with opened(harness, outbound=PRODUCTION):
            pass
    assert {request.method for request in harness.gateway.requests} == {"GET"}


async def test_an_unreachable_gateway_that_comes_back_is_recognised_then(harness: LineHarness) -> None:
    await harness.gateway.stop()
    async with opened(harness, outbound=REHEARSAL) as channel:
        to = harness.recipients(3)
        assert set((await send(channel, parcel(to))).outcomes.values()) == {Outcome.TEMPORARY}
        await harness.gateway.start()
        assert set((await send(channel, parcel(to, attempt=2))).outcomes.values()) == {Outcome.ACCEPTED}


async def _collect(channel: Channel, handed_over: Parcel, results: list[Result]) -> None:
    """Keeps what was said before an exception."""
    async for result in channel.send(handed_over):
        results.append(result)


def _with_body(handed_over: Parcel, body: str) -> Parcel:
    return replace(handed_over, content=msgspec.structs.replace(handed_over.content, body=(Span(body),)))


def _other(handed_over: Parcel) -> Parcel:
    """Another batch: its own key."""
    return replace(handed_over, idempotency_key=UUID("6f0a2a36-7f1b-4f53-8a57-0c9d0a4f7c11"))


def _some_unknown(harness: LineHarness, to: Sequence[Recipient]) -> set[RecipientId]:
    """A few ids that do not exist, in both halves; who they are."""
    harness.faults.permanent = 0.01
    for seed in range(1000):
        harness.faults.seed = seed
        unknown = {r.id for r in to if harness.faults.hits(harness.faults.permanent, "permanent", r.address)}
        if any(each <= 250 for each in unknown) and any(each > 250 for each in unknown):
            return unknown
    raise AssertionError("no seed gives unknown ids in both halves")


def _closing_once_somebody_was_reached(harness: LineHarness) -> Callable[[], None]:
    def gate() -> None:
        if harness.arrivals():
            raise Cancelled("the gate of this test is closed")

    return gate
