"""Wi-Fi against a gateway of each vendor that remembers, through the channel suite and beyond it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from msgspec import structs

from channels.wifi import Settings, Wifi
from channels.wifi.reconciler import Reconciler, Wanted
from hub.alert import Mode
from hub.delivery import Outcome
from hub.errors import LeaseLost
from hub.testing.channel_harness import send
from hub.testing.channel_suite import REHEARSAL, ChannelSuite
from hub.testing.parcels import NOW, parcel
from hub.testing.way_out import Authority, ForwardProxy
from tests.contract.wifi_vendors import (
    DISASTER,
    DRILLS_AT,
    REFS,
    VENDORS,
    MerakiHarness,
    OpenwrtHarness,
    UnifiHarness,
    WifiHarness,
)
from yobikake.rehearsal.meraki import MerakiGateway
from yobikake.rehearsal.mishap import Mishap, Strike

DRILL = "kunren-wifi"


@asynccontextmanager
async def opened(harness: WifiHarness) -> AsyncIterator[Wifi]:
    wifi = harness.wifi()
    await wifi.open()
    try:
        yield wifi
    finally:
        await wifi.close()


class TestMeraki(ChannelSuite, of=MerakiHarness):
    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncIterator[WifiHarness]:
        async with MerakiHarness.running(tmp_path) as harness:
            yield harness


class TestUnifi(ChannelSuite, of=UnifiHarness):
    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncIterator[WifiHarness]:
        async with UnifiHarness.running(tmp_path) as harness:
            yield harness


class TestOpenwrt(ChannelSuite, of=OpenwrtHarness):
    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncIterator[WifiHarness]:
        async with OpenwrtHarness.running(tmp_path) as harness:
            yield harness


@pytest.fixture(params=VENDORS)
async def harness(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WifiHarness]:
    async with VENDORS[request.param].running(tmp_path) as harness:
        yield harness


@pytest.fixture
async def wifi(harness: WifiHarness) -> AsyncIterator[Wifi]:
    async with opened(harness) as wifi:
        yield wifi


class Desk:
    """What the ledger and the staff want; changed by the tests."""

    def __init__(self, wifi: Wifi) -> None:
        self.wanted = Wanted()
        self.reconciler = Reconciler(wifi, self._ask, clock=lambda: NOW)

    async def _ask(self) -> Wanted:
        return self.wanted

    async def problems(self, wanted: Wanted) -> dict[str, str]:
        """One round towards `wanted`; what did not work."""
        self.wanted = wanted
        return {state.ref: state.problem for state in await self.reconciler.run_once() if state.problem}


async def test_delivered_means_open_to_everyone(harness: WifiHarness, wifi: Wifi) -> None:
    before = deepcopy(harness.ssid(REFS[2]))
    said = await send(wifi, parcel(harness.recipients(2)))
    assert set(said.outcomes.values()) == {Outcome.DELIVERED}
    assert [harness.shown(ref) for ref in REFS[:2]] == [DISASTER, DISASTER]
    assert harness.ssid(REFS[2]) == before


async def test_a_change_that_was_taken_but_not_made_is_not_delivered(
    harness: WifiHarness, wifi: Wifi
) -> None:
    harness.faults.temporary = 1.0
    said = await send(wifi, parcel(harness.recipients(1)))
    assert [(result.outcome, result.reason) for result in said.results] == [(Outcome.TEMPORARY, "read back")]
    again = await send(wifi, parcel(harness.recipients(1), attempt=2))
    assert again.outcomes == {0: Outcome.DELIVERED}
    assert harness.shown(REFS[0]) == DISASTER


@pytest.mark.parametrize("mode", [Mode.STAFF_DRILL, Mode.RESIDENT_DRILL])
async def test_a_drill_shows_its_own_name_at_chosen_facilities(
    harness: WifiHarness, wifi: Wifi, mode: Mode
) -> None:
    to = harness.recipients(3)
    said = await send(wifi, replace(parcel(to), mode=mode))
    assert said.outcomes == {0: Outcome.DELIVERED, 1: Outcome.UNSUPPORTED, 2: Outcome.UNSUPPORTED}
    assert [harness.shown(ref) == DRILL for ref in REFS[:3]] == [True, False, False]
    assert DISASTER.encode() not in b"".join(harness.bodies())


async def test_a_drill_never_takes_the_place_of_a_disaster(harness: WifiHarness, wifi: Wifi) -> None:
    to = harness.recipients(1)
    await send(wifi, parcel(to))
    said = await send(wifi, replace(parcel(to), mode=Mode.STAFF_DRILL))
    assert said.outcomes == {0: Outcome.UNSUPPORTED}
    assert harness.shown(DRILLS_AT) == DISASTER


async def test_ending_one_alert_leaves_open_what_another_needs(harness: WifiHarness, wifi: Wifi) -> None:
    before = deepcopy([harness.ssid(ref) for ref in REFS])
    desk = Desk(wifi)
    assert not await desk.problems(Wanted(alerts=frozenset({"A", "B"})))
    assert not await desk.problems(Wanted(alerts=frozenset({"B"})))
    assert {harness.shown(ref) for ref in REFS} == {DISASTER}
    changes = harness.sends()
    assert changes == len(REFS), "a second round changes nothing"
    assert not await desk.problems(Wanted())
    assert [_plain(harness.ssid(ref)) for ref in REFS] == [_plain(ssid) for ssid in before]


async def test_a_facility_held_by_hand_stays_open_alone(harness: WifiHarness, wifi: Wifi) -> None:
    desk = Desk(wifi)
    await desk.problems(Wanted(alerts=frozenset({"A"}), holds=frozenset({REFS[4]})))
    await desk.problems(Wanted(holds=frozenset({REFS[4]})))
    assert [ref for ref in REFS if harness.shown(ref) == DISASTER] == [REFS[4]]


async def test_a_hub_that_died_while_it_opened_a_facility_still_puts_it_back(
    harness: WifiHarness, wifi: Wifi
) -> None:
    """Wherever it dies: the gate closes before each request in turn."""
    before = _plain(harness.ssid(REFS[0]))
    for survived in range(9):
        gate = _closing_after(survived)
        with suppress(LeaseLost):
            await send(wifi, parcel(harness.recipients(1), gate=gate))
        async with opened(harness) as later:
            assert not await Desk(later).problems(Wanted())
        assert _plain(harness.ssid(REFS[0])) == before
        assert harness.shown(REFS[0]) != DISASTER
        assert not wifi.saved.all()


async def test_what_staff_changed_meanwhile_is_left_as_they_want_it(harness: WifiHarness, wifi: Wifi) -> None:
    desk = Desk(wifi)
    await desk.problems(Wanted(alerts=frozenset({"A"})))
    harness.rename(REFS[0], "Under-Repair")
    await desk.problems(Wanted())
    assert harness.shown(REFS[0]) == "Under-Repair"
    assert not wifi.saved.all()


async def test_a_drill_goes_on_when_the_disaster_ends(harness: WifiHarness, wifi: Wifi) -> None:
    before = _plain(harness.ssid(DRILLS_AT))
    desk = Desk(wifi)
    await desk.problems(Wanted(drilled=frozenset({DRILLS_AT, REFS[1]})))
    assert [harness.shown(ref) == DRILL for ref in REFS[:2]] == [True, False]
    await desk.problems(Wanted(drills=frozenset({"D"}), alerts=frozenset({"A"})))
    assert harness.shown(DRILLS_AT) == DISASTER
    await desk.problems(Wanted(drills=frozenset({"D"})))
    assert harness.shown(DRILLS_AT) == DRILL
    await desk.problems(Wanted())
    assert _plain(harness.ssid(DRILLS_AT)) == before


async def test_a_facility_that_cannot_be_changed_holds_up_no_other(harness: WifiHarness, wifi: Wifi) -> None:
    harness.remove(REFS[3])
    desk = Desk(wifi)
    problems = await desk.problems(Wanted(alerts=frozenset({"A"})))
    assert list(problems) == [REFS[3]]
    assert harness.shown(REFS[-1]) == DISASTER
    (state,) = [each for each in await desk.reconciler.run_once() if each.problem]
    assert (state.shows, state.failed) == (None, 2)


async def test_a_controller_that_is_silent_costs_a_round_two_waits_at_most(
    harness: WifiHarness, wifi: Wifi
) -> None:
    harness.faults.silent = 1.0
    before = len(harness.gateway.requests)
    problems = await Desk(wifi).problems(Wanted(alerts=frozenset({"A"})))
    assert len(problems) == len(REFS)
    assert list(problems.values()).count("silent") >= len(REFS) - 3
    asked = len(harness.gateway.requests) - before
    assert asked < len(REFS) / 2, "those that were under way, and once more where a connection dropped"


async def test_a_key_comes_back_with_its_ssid(harness: WifiHarness) -> None:
    harness.facilities = (
        harness.facility(REFS[0], psk_file=harness.psk_file),
        harness.facility(REFS[1]),
    )
    for ref in REFS[:2]:
        harness.lock(ref)
    untouched = deepcopy(harness.ssid(REFS[1]))
    async with opened(harness) as wifi:
        said = await send(wifi, parcel(harness.recipients(2)))
        if isinstance(harness, MerakiHarness):
            assert harness.ssid(REFS[1])["psk"]
        assert said.outcomes == {0: Outcome.DELIVERED, 1: Outcome.UNSUPPORTED}
        assert harness.shown(REFS[0]) == DISASTER
        assert not await Desk(wifi).problems(Wanted())
    assert harness.shown(REFS[0]) == ""
    assert b"himitsu-no-kagi" in harness.bodies()[-1]
    assert harness.ssid(REFS[1]) == untouched


async def test_hours_without_wifi_do_not_hold_in_a_disaster_and_come_back(tmp_path: Path) -> None:
    night = [{"startDay": "Monday", "startTime": "21:00", "endDay": "Tuesday", "endTime": "07:00"}]
    async with MerakiHarness.running(tmp_path) as harness, opened(harness) as wifi:
        for ref in REFS[:2]:
            harness.dashboard.hours(ref).update(enabled=True, ranges=night)
        harness.dashboard.hours(REFS[1])["enabled"] = False  # set, and not in force
        desk = Desk(wifi)
        assert not await desk.problems(Wanted(alerts=frozenset({"A"})))
        assert {harness.shown(ref) for ref in REFS} == {DISASTER}
        harness.dashboard.hours(REFS[1])["enabled"] = True  # staff, who did not know of the alert
        assert not await desk.problems(Wanted(alerts=frozenset({"A"})))
        assert harness.shown(REFS[1]) == DISASTER
        assert not await desk.problems(Wanted())
        assert harness.dashboard.hours(REFS[0]) == {"enabled": True, "ranges": night}


async def test_an_ssid_whose_hours_cannot_be_told_is_opened_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(gateway: MerakiGateway, request: web.Request) -> web.Response:
        return web.json_response({"errors": ["Not found"]}, status=404)

    monkeypatch.setattr(MerakiGateway, "_read_hours", none)
    async with MerakiHarness.running(tmp_path) as harness, opened(harness) as wifi:
        said = await send(wifi, parcel(harness.recipients(1)))
        assert said.outcomes == {0: Outcome.DELIVERED}
        assert harness.shown(REFS[0]) == DISASTER


async def test_a_probe_names_the_buildings_that_could_not_be_opened(harness: WifiHarness, wifi: Wifi) -> None:
    harness.remove(REFS[2])
    harness.of_members(REFS[5])
    health = await wifi.probe()
    assert not health.ok
    assert "30施設のうち2施設" in health.detail
    assert "設定した場所にWi-Fiがありません（第03会館）" in health.detail
    assert "設定を確かめてください（第06会館）" in health.detail
    assert health.detail.count(" / ") == 1, "one side in each language"


async def test_a_controller_that_is_silent_hides_no_other(tmp_path: Path) -> None:
    """Twelve that hang, and one that answers, within the time that a probe is given."""
    hanging, answering = MerakiHarness(tmp_path), MerakiHarness(tmp_path)
    forever = Strike(mishap=Mishap.HALF_OPEN, left=100)
    async with hanging.gateway, answering.gateway:
        stanzas = {
            name: structs.replace(each.stanza(each.gateway.url + each.path), timeout_s=timeout_s)
            for name, each, timeout_s in (("main", hanging, 0.5), ("other", answering, 20.0))
        }
        facilities = (
            *(hanging.facility(ref) for ref in REFS[:12]),
            structs.replace(answering.facility(REFS[12]), controller="other"),
        )
        settings = Settings(saved_dir=tmp_path / "saved", controllers=stanzas, facilities=facilities)
        wifi = Wifi(settings, outbound=REHEARSAL, clock=lambda: NOW)
        with hanging.gateway.mishaps.armed(forever):
            await wifi.open()
            health = await wifi.probe()
        await wifi.close()
    assert not health.ok
    assert "13施設のうち12施設" in health.detail
    named = "、".join(f"第{number:02}会館" for number in range(1, 6))
    assert f"機器が応答しません。電源と回線を確かめてください（{named}、ほか7施設）" in health.detail
    assert "第13会館" not in health.detail
    assert len(hanging.gateway.requests) < 12


@pytest.mark.parametrize("number", [0, 3])
async def test_a_probe_ends_in_time_whoever_hangs(tmp_path: Path, number: int) -> None:
    """One after the other they would take longer than a probe is given."""
    async with UnifiHarness.running(tmp_path) as harness:
        stanza = structs.replace(harness.stanza(harness.gateway.url + harness.path), timeout_s=0.5)
        settings = Settings(
            saved_dir=tmp_path / "saved", controllers={"main": stanza}, facilities=harness.facilities[:number]
        )
        wifi = Wifi(settings, outbound=REHEARSAL, clock=lambda: NOW)
        await wifi.open()
        with harness.gateway.mishaps.armed(Strike(mishap=Mishap.HALF_OPEN, left=100)):
            health = await wifi.probe()
        await wifi.close()
    assert health.ok is (number == 0)
    assert f"{number}施設を開放できま" in health.detail


async def test_staff_are_offered_every_facility(wifi: Wifi) -> None:
    assert [(target.ref, target.name) for target in wifi.targets()][:2] == [
        ("hall01", "第01会館"),
        ("hall02", "第02会館"),
    ]


def _closing_after(requests: int) -> Callable[[], None]:
    passes = iter(range(requests))

    def gate() -> None:
        if next(passes, None) is None:
            raise LeaseLost("the power went out")

    return gate


def _plain(ssid: dict[str, object]) -> dict[str, object]:
    """Without what says only what is taken for granted."""
    defaults = {"disabled": "0", "hidden": "0"}
    return {name: value for name, value in ssid.items() if defaults.get(name) != value}


@pytest.mark.parametrize("vendor", ["unifi", "openwrt"])
async def test_a_device_is_asked_through_the_proxy_where_its_stanza_says_so(
    vendor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with VENDORS[vendor].running(tmp_path) as harness, ForwardProxy() as proxy:
        directly = harness.stanza
        monkeypatch.setattr(harness, "stanza", lambda url: structs.replace(directly(url), through_proxy=True))
        authority = Authority(tmp_path)
        await harness.secure(authority.server())
        wifi = harness.wifi(replace(REHEARSAL, proxy=proxy.url, ca_file=authority.file))
        await wifi.open()
        said = await send(wifi, parcel(harness.recipients(1)))
        await wifi.close()
    assert set(said.outcomes.values()) == {Outcome.DELIVERED}
    assert proxy.tunnels
