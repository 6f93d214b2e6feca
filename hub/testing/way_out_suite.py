"""How a connector reaches its gateway: through the city's proxy, and under an authority of the city's own."""

from dataclasses import replace
from pathlib import Path

import pytest

from hub.delivery import Outcome
from hub.outbound import Outbound
from hub.testing.answers_suite import forms, what_is_said
from hub.testing.channel_harness import REHEARSAL, Feature, Harness, needs, opened, send
from hub.testing.parcels import parcel
from hub.testing.way_out import LOGIN, Authority, ForwardProxy, Mute

DONE = {Outcome.ACCEPTED, Outcome.DELIVERED}


class WayOutSuite:
    """A part of the channel suite. Every gateway here has a certificate of a private authority."""

    @pytest.fixture
    def trusting(self, tmp_path: Path) -> Outbound:
        return replace(REHEARSAL, ca_file=tmp_path / "authority.pem")

    @needs(Feature.NETWORK)
    async def test_a_private_authority_is_trusted_where_it_is_set_and_nowhere_else(
        self, harness: Harness, trusting: Outbound, tmp_path: Path
    ) -> None:
        await harness.secure(Authority(tmp_path).server())
        async with opened(harness) as channel:
            said = await send(channel, parcel(harness.recipients(1)))
            assert not (await channel.probe()).ok
        assert set(said.outcomes.values()) <= {Outcome.TEMPORARY, Outcome.CREDENTIALS}
        assert harness.sends() == 0
        async with opened(harness, outbound=trusting) as channel:
            said = await send(channel, parcel(harness.recipients(1)))
            assert (await channel.probe()).ok
        assert set(said.outcomes.values()) <= DONE

    @needs(Feature.NETWORK)
    async def test_the_citys_proxy_is_the_way_out_unless_it_says_why_not(
        self, harness: Harness, trusting: Outbound, tmp_path: Path
    ) -> None:
        await harness.secure(Authority(tmp_path).server())
        async with (
            ForwardProxy() as proxy,
            opened(harness, outbound=replace(trusting, proxy=proxy.url)) as channel,
        ):
            said = await send(channel, parcel(harness.recipients(1)))
        assert set(said.outcomes.values()) <= DONE
        assert bool(proxy.tunnels) is (Feature.PROXY not in harness.lacks)
        assert {tunnel.partition(":")[0] for tunnel in proxy.tunnels} <= {"127.0.0.1"}

    @needs(Feature.NETWORK, Feature.PROXY)
    async def test_nothing_goes_past_a_proxy_that_cannot_get_out(
        self, harness: Harness, trusting: Outbound, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        await harness.secure(Authority(tmp_path).server())
        with what_is_said(caplog) as everything:
            async with (
                ForwardProxy(refuses=True) as proxy,
                opened(harness, outbound=replace(trusting, proxy=proxy.url)) as channel,
            ):
                said = await send(channel, parcel(harness.recipients(1)))
                everything += [str(said), repr(await channel.probe())]
        assert set(said.outcomes.values()) == {Outcome.TEMPORARY}
        assert proxy.tunnels
        assert harness.sends() == 0
        assert not [form for form in forms(LOGIN.partition(":")[2]) if form in "\n".join(everything)]

    @needs(Feature.NETWORK)
    async def test_a_handshake_that_never_ends_is_a_request_that_never_left(
        self, harness: Harness, trusting: Outbound, tmp_path: Path
    ) -> None:
        """A timeout before the first byte of a request."""
        await harness.secure(Authority(tmp_path).server())
        async with Mute(await harness.stop()), opened(harness, outbound=trusting) as channel:
            said = await send(channel, parcel(harness.recipients(1)))
        assert set(said.outcomes.values()) == {Outcome.TEMPORARY}
