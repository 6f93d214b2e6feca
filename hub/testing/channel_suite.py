"""What every connector must do, tried against a gateway that speaks the real protocol.

A connector's test is a subclass with one fixture:

    class TestMail(ChannelSuite, of=MailHarness):
        @pytest.fixture
        async def harness(self) -> AsyncIterator[Harness]:
            async with SmtpGateway(Inbox()) as gateway:
                yield MailHarness(gateway)
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import ClassVar

import pytest

from hub import gone
from hub.capabilities import Unit
from hub.channel import Channel, Health
from hub.delivery import Outcome
from hub.errors import Cancelled, Expired, GateClosed, LeaseLost, Refused, WrongMode
from hub.reasons import sides
from hub.testing.answers_suite import TROUBLES, AnswersSuite, suffer
from hub.testing.channel_harness import (
    PRODUCTION,
    REHEARSAL,
    Feature,
    Harness,
    Where,
    needs,
    opened,
    send,
    until,
)
from hub.testing.parcels import NOW, parcel
from hub.testing.way_out_suite import WayOutSuite

__all__ = ["HELD_S", "PRODUCTION", "REHEARSAL", "ChannelSuite", "opened", "until"]

HELD_S = 600.0
"""A latency no test waits for: the request is in flight until someone closes its connection."""


class ChannelSuite(AnswersSuite, WayOutSuite):
    """Every connector passes this before it is used."""

    of: ClassVar[type[Harness]]

    def __init_subclass__(cls, of: type[Harness]) -> None:
        """Leaves out what the harness declares to be lacking: there is nothing to skip.

        Raises `TypeError` where it does not say what each kind of answer means.
        """
        cls.of = of
        unsaid = set() if Feature.NETWORK in of.lacks else of.speaks - of.answers.keys()
        if unsaid:
            raise TypeError(
                f"{of.__name__}.answers does not say what becomes of a recipient where the gateway answers "
                f"{', '.join(sorted(unsaid))}"
            )
        for name in dir(ChannelSuite):
            if set(getattr(getattr(ChannelSuite, name), "needs", ())) & of.lacks.keys():
                setattr(cls, name, None)

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        if "answer" in metafunc.fixturenames:
            metafunc.parametrize("answer", sorted(cls.of.answers))

    @pytest.fixture
    def harness(self) -> AsyncIterator[Harness]:
        """A gateway that runs, and how to make connectors for it."""
        raise NotImplementedError("a connector's test gives its harness")

    @pytest.fixture
    async def channel(self, harness: Harness) -> AsyncIterator[Channel]:
        async with opened(harness) as channel:
            yield channel

    async def test_what_it_lacks_is_declared_with_a_reason(self, harness: Harness) -> None:
        assert all(isinstance(feature, Feature) and reason for feature, reason in harness.lacks.items())
        alone = Feature.MANY_RECIPIENTS in harness.lacks
        assert len(harness.recipients(4)) == (1 if alone else 4)

    async def test_each_recipient_gets_exactly_one_result(self, harness: Harness, channel: Channel) -> None:
        to = harness.recipients(7)
        said = await send(channel, parcel(to))
        assert said.failure is None
        assert Counter(result.recipient for result in said.results) == {recipient.id: 1 for recipient in to}
        assert {result.outcome for result in said.results} <= {Outcome.ACCEPTED, Outcome.DELIVERED}
        if Feature.GATEWAY not in harness.lacks:
            assert Counter(harness.arrivals()) == {recipient.address: 1 for recipient in to}

    async def test_it_may_be_closed_unopened_and_opened_again(self, harness: Harness) -> None:
        channel = harness.channel(REHEARSAL)
        await channel.close()
        await channel.open()
        await channel.close()
        try:
            await channel.open()
            said = await send(channel, parcel(harness.recipients(3)))
        finally:
            await channel.close()
        assert set(said.outcomes.values()) <= {Outcome.ACCEPTED, Outcome.DELIVERED}

    async def test_results_after_refusals_are_one_each_too(self, harness: Harness, channel: Channel) -> None:
        to = harness.recipients(7)
        harness.faults.permanent = 0.4
        harness.faults.temporary = 0.4
        said = await send(channel, parcel(to))
        named = Counter(result.recipient for result in said.results)
        assert set(named) <= {recipient.id for recipient in to}
        assert set(named.values()) <= {1}
        assert Outcome.PENDING not in said.outcomes.values()

    @needs(Feature.GATEWAY)
    async def test_the_gate_is_asked_before_each_request(self, harness: Harness, channel: Channel) -> None:
        sends_when_asked: list[int] = []
        await send(
            channel, parcel(harness.recipients(3), gate=lambda: sends_when_asked.append(harness.sends()))
        )
        assert sends_when_asked[0] == 0
        assert 1 <= harness.sends() <= len(sends_when_asked)

    @pytest.mark.parametrize("closed", [Cancelled, Expired, WrongMode, LeaseLost])
    async def test_a_closed_gate_means_no_request(
        self, harness: Harness, channel: Channel, closed: type[GateClosed]
    ) -> None:
        with pytest.raises(closed):
            await send(channel, parcel(harness.recipients(3), gate=_closing_after(0, closed)))
        assert harness.sends() == 0
        assert not harness.arrivals()

    async def test_a_gate_that_closes_midway_stops_what_follows(
        self, harness: Harness, channel: Channel
    ) -> None:
        to = harness.recipients(channel.capabilities.batch_size)
        try:
            await send(channel, parcel(to, gate=_closing_after(1, Cancelled)))
        except Cancelled:
            assert len(harness.arrivals()) < len(to)
        assert harness.sends() <= 1

    async def test_after_a_closed_gate_the_connector_still_works(
        self, harness: Harness, channel: Channel
    ) -> None:
        to = harness.recipients(2)
        with pytest.raises(Expired):
            await send(channel, parcel(to, gate=_closing_after(0, Expired)))
        said = await send(channel, parcel(to))
        assert set(said.outcomes.values()) <= {Outcome.ACCEPTED, Outcome.DELIVERED}

    @needs(Feature.GATEWAY)
    async def test_a_gateway_that_is_down_is_temporary(self, harness: Harness, channel: Channel) -> None:
        harness.faults.down = True
        said = await send(channel, parcel(harness.recipients(3)))
        assert set(said.outcomes.values()) == {Outcome.TEMPORARY}
        assert not harness.arrivals()

    @needs(Feature.GATEWAY)
    async def test_a_gateway_that_is_not_there_is_temporary(self, harness: Harness) -> None:
        async with opened(harness, where=Where.NOWHERE) as channel:
            said = await send(channel, parcel(harness.recipients(3)))
        assert set(said.outcomes.values()) == {Outcome.TEMPORARY}

    @needs(Feature.CREDENTIALS)
    async def test_refused_credentials_are_nobodys_address(self, harness: Harness) -> None:
        harness.faults.credentials = True
        async with opened(harness) as channel:
            said = await send(channel, parcel(harness.recipients(3)))
        assert set(said.outcomes.values()) == {Outcome.CREDENTIALS}
        assert not harness.arrivals()

    @needs(Feature.THROTTLE)
    async def test_a_rate_limit_is_throttle(self, harness: Harness, channel: Channel) -> None:
        harness.faults.throttle = 1.0
        said = await send(channel, parcel(harness.recipients(3)))
        assert set(said.outcomes.values()) == {Outcome.THROTTLE}
        assert not harness.arrivals()

    @needs(Feature.THROTTLE, Feature.RETRY_AFTER)
    async def test_a_rate_limit_says_when_to_come_back(self, harness: Harness, channel: Channel) -> None:
        harness.faults.throttle = 1.0
        said = await send(channel, parcel(harness.recipients(3)))
        assert said.results
        assert all(result.retry_after is not None for result in said.results)

    @needs(Feature.AMBIGUITY)
    async def test_silence_after_the_request_is_ambiguous(self, harness: Harness, channel: Channel) -> None:
        to = harness.recipients(3)
        harness.faults.silent = 1.0
        said = await send(channel, parcel(to))
        assert Outcome.AMBIGUOUS in said.outcomes.values()
        unsure = {recipient.address for recipient in to if said.outcomes[recipient.id] is Outcome.AMBIGUOUS}
        assert unsure == set(harness.arrivals())

    @needs(Feature.MANY_RECIPIENTS, Feature.EACH_RECIPIENT, Feature.PERMANENT)
    async def test_unknown_addresses_are_permanent_and_the_others_arrive(
        self, harness: Harness, channel: Channel
    ) -> None:
        to = harness.recipients(6)
        harness.faults.permanent = 0.5
        unknown = _some_hit(harness, "permanent", [recipient.address for recipient in to])
        said = await send(channel, parcel(to))
        refused = {r.address for r in to if said.outcomes[r.id] is Outcome.PERMANENT}
        assert refused == unknown
        if channel.capabilities.unit is Unit.PEOPLE:
            found = gone.found({each.recipient: each for each in said.results}, channel.capabilities)
            assert {r.address for r in to if r.id in {each.recipient for each in found}} == unknown, (
                "their reasons are in Capabilities.gone, each said of one alone: so they are held back"
            )
        assert Counter(harness.arrivals()) == {r.address: 1 for r in to if r.address not in unknown}

    @needs(Feature.TEMPORARY)
    async def test_refused_for_now_is_temporary_and_taken_the_second_time(
        self, harness: Harness, channel: Channel
    ) -> None:
        to = harness.recipients(3)
        harness.faults.temporary = 1.0
        first = await send(channel, parcel(to))
        assert set(first.outcomes.values()) == {Outcome.TEMPORARY}
        second = await send(channel, parcel(to, attempt=2))
        assert set(second.outcomes.values()) <= {Outcome.ACCEPTED, Outcome.DELIVERED}
        assert Counter(harness.arrivals()) == {recipient.address: 1 for recipient in to}

    @needs(Feature.REPEATS)
    async def test_a_retry_carries_the_same_bytes(self, harness: Harness, channel: Channel) -> None:
        to = harness.recipients(2)
        await send(channel, parcel(to))
        first = Counter(harness.bodies())
        await send(channel, parcel(to, attempt=2, resend=True))
        assert first
        assert Counter(harness.bodies()) == first + first

    @needs(Feature.GATEWAY)
    async def test_cancelling_a_send_closes_its_sockets(self, harness: Harness, channel: Channel) -> None:
        harness.faults.latency_s = HELD_S
        sending = asyncio.create_task(send(channel, parcel(harness.recipients(3))))
        await until(lambda: harness.in_flight() > 0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await until(lambda: harness.in_flight() == 0)

    @needs(Feature.GATEWAY)
    async def test_after_a_cancelled_send_the_connector_still_works(
        self, harness: Harness, channel: Channel
    ) -> None:
        harness.faults.latency_s = HELD_S
        sending = asyncio.create_task(send(channel, parcel(harness.recipients(2))))
        await until(lambda: harness.in_flight() > 0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        harness.faults.latency_s = 0.0
        said = await send(channel, parcel(harness.recipients(2)))
        assert set(said.outcomes.values()) <= {Outcome.ACCEPTED, Outcome.DELIVERED}

    async def test_a_probe_of_a_healthy_gateway_is_ok_and_reaches_nobody(
        self, harness: Harness, channel: Channel
    ) -> None:
        health = await channel.probe()
        assert health.ok, health.detail
        _say_it_in_both_languages(health)
        assert health.checked_at == NOW
        assert harness.sends() == 0
        assert not harness.arrivals()

    @pytest.mark.parametrize("trouble", TROUBLES)
    async def test_a_probe_never_raises_and_reaches_nobody(self, harness: Harness, trouble: str) -> None:
        suffer(harness, trouble)
        async with opened(harness) as channel:
            health = await channel.probe()
        _say_it_in_both_languages(health)
        away = trouble == "down" and Feature.GATEWAY not in harness.lacks
        if away or (trouble == "credentials" and Feature.CREDENTIALS not in harness.lacks):
            assert not health.ok
        assert harness.sends() == 0
        assert not harness.arrivals()

    @needs(Feature.GATEWAY)
    async def test_a_probe_of_a_gateway_that_is_not_there_is_not_ok(self, harness: Harness) -> None:
        async with opened(harness, where=Where.NOWHERE) as channel:
            health = await channel.probe()
        assert not health.ok
        _say_it_in_both_languages(health)

    @needs(Feature.GATEWAY)
    async def test_a_rehearsal_hub_refuses_a_gateway_that_is_not_loopback(self, harness: Harness) -> None:
        with pytest.raises(Refused):
            async with opened(harness, where=Where.REMOTE):
                pass

    @needs(Feature.GATEWAY, Feature.OWN_GATEWAY)
    async def test_a_production_hub_sends_nothing_to_a_rehearsal_gateway(self, harness: Harness) -> None:
        with pytest.raises(Refused):
            async with opened(harness, outbound=PRODUCTION) as channel:
                await send(channel, parcel(harness.recipients(3)))
        assert harness.sends() == 0
        assert not harness.arrivals()

    @needs(Feature.GATEWAY)
    async def test_a_production_hubs_probe_says_that_a_gateway_is_a_rehearsals(
        self, harness: Harness
    ) -> None:
        """Of what opens all the same: it is asked nothing meanwhile, or is a third party's."""
        channel = harness.channel(PRODUCTION)
        try:
            await channel.open()
        except Refused:
            return
        else:
            health = await channel.probe()
        finally:
            await channel.close()
        assert not health.ok
        _say_it_in_both_languages(health)


def _say_it_in_both_languages(health: Health) -> None:
    """Staff read it, in the language of their console; a name in a program is no sentence."""
    japanese, english = sides(health.detail)
    assert japanese != english, health.detail
    assert "Error" not in health.detail


def _some_hit(harness: Harness, kind: str, addresses: list[str]) -> set[str]:
    """Choose the seed so that some of the addresses suffer `kind` and some do not; return who does."""
    ratio: float = getattr(harness.faults, kind)
    for seed in range(1000):
        harness.faults.seed = seed
        hit = {address for address in addresses if harness.faults.hits(ratio, kind, address)}
        if 0 < len(hit) < len(addresses):
            return hit
    raise AssertionError("no seed divides the addresses: does `hits` depend on them?")


def _closing_after(passes: int, closed: type[GateClosed]) -> Callable[[], None]:
    left = iter(range(passes))

    def gate() -> None:
        if next(left, None) is None:
            raise closed("the gate of this test is closed")

    return gate
