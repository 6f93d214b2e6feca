"""Wi-Fi against a Meraki dashboard that remembers, through the channel suite and beyond it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import structs

from channels.wifi import Facility, Settings, Wifi
from channels.wifi.reconciler import Reconciler, Wanted
from channels.wifi.ssid import DISASTER
from channels.wifi.ssid import opened as opened_ssid
from hub.alert import Mode
from hub.channel import Channel
from hub.delivery import Outcome
from hub.errors import LeaseLost
from hub.outbound import Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.channel_harness import Feature, Harness, Where, send
from hub.testing.channel_suite import REHEARSAL, ChannelSuite, opened
from hub.testing.parcels import NOW, parcel
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.meraki import EVERYDAY, MerakiGateway

KEY = "not-a-key-of-anybody"
REFS = [f"hall-{number:02}" for number in range(1, 31)]
DRILLS_AT = REFS[0]
ADDRESSES = {Where.NOWHERE: "http://127.0.0.1:9/api/v1", Where.REMOTE: "https://gateway.example/api/v1"}


class WifiHarness(Harness):
    lacks: ClassVar[Mapping[Feature, str]] = {
        Feature.AMBIGUITY: "what is not certain is written again, which changes nothing",
        Feature.REPEATS: "a facility that is open already is not written to",
    }

    def __init__(self, gateway: MerakiGateway, folder: Path) -> None:
        self.gateway = gateway
        self.folder = folder
        self.key_file = folder / "meraki.key"
        self.key_file.write_text(KEY + "\n")
        self.facilities = tuple(facility(ref) for ref in REFS)

    @property
    def faults(self) -> Faults:
        return self.gateway.faults

    @property
    def secrets(self) -> Sequence[str]:
        return [KEY]

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY) -> Channel:
        return self.wifi(outbound, where)

    def wifi(self, outbound: Outbound = REHEARSAL, where: Where = Where.GATEWAY) -> Wifi:
        settings = Settings(
            api_key_file=self.key_file,
            saved_dir=self.folder / "saved",
            facilities=self.facilities,
            drill_facility=DRILLS_AT,
            base_url=ADDRESSES.get(where, self.gateway.base_url),
            requests_per_s=10_000,
        )
        return Wifi(settings, outbound=outbound, clock=lambda: NOW)

    def recipients(self, number: int) -> Sequence[Recipient]:
        return [Recipient(id=RecipientId(n), address=REFS[n]) for n in range(number)]

    def sends(self) -> int:
        return len(self.bodies())

    def bodies(self) -> Sequence[bytes]:
        return [request.body for request in self.gateway.requests if request.method == "PUT"]

    def arrivals(self) -> Sequence[str]:
        inbox = self.gateway.inbox
        return [
            arrival.address for network in inbox.addresses("wifi") for arrival in inbox.of("wifi", network)
        ]

    def in_flight(self) -> int:
        return self.gateway.in_flight


def facility(ref: str, *, number: int = 0, **more: Any) -> Facility:
    """Its network has the facility's own name, so that what the gateway saw can be told apart."""
    name = f"第{ref.removeprefix('hall-')}会館"
    return Facility(ref=ref, name=name, network_id=ref, ssid_number=number, **more)


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[WifiHarness]:
    async with MerakiGateway(Inbox(), api_key=KEY, networks=REFS, clock=lambda: NOW) as gateway:
        yield WifiHarness(gateway, tmp_path)


@pytest.fixture
async def wifi(harness: WifiHarness) -> AsyncIterator[Wifi]:
    wifi = harness.wifi()
    await wifi.open()
    yield wifi
    await wifi.close()


class TestWifi(ChannelSuite, of=WifiHarness):
    @pytest.fixture
    def harness(self, harness: WifiHarness) -> WifiHarness:
        return harness


def everyday(ssid: Mapping[str, Any]) -> bool:
    return {name: value for name, value in ssid.items() if name != "number"} == EVERYDAY


def open_as(ssid: Mapping[str, Any], name: str) -> bool:
    return all(ssid[field] == value for field, value in opened_ssid(name).items())


class Desk:
    """What the ledger and the staff want; changed by the tests."""

    def __init__(self, wifi: Wifi) -> None:
        self.wanted = Wanted()
        self.reconciler = Reconciler(wifi, self._ask)

    async def _ask(self) -> Wanted:
        return self.wanted

    async def problems(self, wanted: Wanted) -> dict[str, str]:
        """One round towards `wanted`; what did not work."""
        self.wanted = wanted
        return {state.ref: state.problem for state in await self.reconciler.run_once() if state.problem}


async def test_delivered_means_open_to_everyone(harness: WifiHarness, wifi: Wifi) -> None:
    said = await send(wifi, parcel(harness.recipients(2)))
    assert set(said.outcomes.values()) == {Outcome.DELIVERED}
    assert open_as(harness.gateway.ssid(REFS[0]), DISASTER)
    assert open_as(harness.gateway.ssid(REFS[1]), DISASTER)
    assert everyday(harness.gateway.ssid(REFS[2]))


async def test_a_change_that_was_taken_but_not_made_is_not_delivered(
    harness: WifiHarness, wifi: Wifi
) -> None:
    harness.faults.temporary = 1.0
    said = await send(wifi, parcel(harness.recipients(1)))
    assert [(result.outcome, result.reason) for result in said.results] == [(Outcome.TEMPORARY, "read back")]


@pytest.mark.parametrize("mode", [Mode.STAFF_DRILL, Mode.RESIDENT_DRILL])
async def test_a_drill_shows_its_own_name_at_one_facility(
    harness: WifiHarness, wifi: Wifi, mode: Mode
) -> None:
    to = harness.recipients(3)
    said = await send(wifi, replace(parcel(to), mode=mode))
    assert said.outcomes == {0: Outcome.DELIVERED, 1: Outcome.UNSUPPORTED, 2: Outcome.UNSUPPORTED}
    assert open_as(harness.gateway.ssid(DRILLS_AT), "kunren-wifi")
    assert all(everyday(harness.gateway.ssid(ref)) for ref in REFS[1:3])
    assert DISASTER.encode() not in b"".join(harness.bodies())


async def test_a_drill_never_takes_the_place_of_a_disaster(harness: WifiHarness, wifi: Wifi) -> None:
    to = harness.recipients(1)
    await send(wifi, parcel(to))
    said = await send(wifi, replace(parcel(to), mode=Mode.STAFF_DRILL))
    assert said.outcomes == {0: Outcome.UNSUPPORTED}
    assert open_as(harness.gateway.ssid(DRILLS_AT), DISASTER)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"drill_ssid_name": "00000JAPAN"}, "drill_ssid_name"),
        ({"drill_ssid_name": "00000japan-kunren"}, "drill_ssid_name"),
        ({"drill_ssid_name": "く" * 11}, "drill_ssid_name"),
        ({"drill_facility": "nowhere"}, "drill_facility"),
        ({"facilities": (facility("a"), facility("a", number=1))}, "same ref"),
        ({"facilities": (facility("a"), structs.replace(facility("a"), ref="b"))}, "SSID"),
    ],
)
def test_settings_that_could_do_harm_are_refused(wrong: dict[str, Any], named: str) -> None:
    right: dict[str, Any] = {"api_key_file": Path("k"), "saved_dir": Path("s"), "facilities": ()}
    with pytest.raises(ValueError, match=named):
        Settings(**right | wrong)


async def test_ending_one_alert_leaves_open_what_another_needs(harness: WifiHarness, wifi: Wifi) -> None:
    desk = Desk(wifi)
    assert not await desk.problems(Wanted(alerts=frozenset({"A", "B"})))
    assert not await desk.problems(Wanted(alerts=frozenset({"B"})))
    assert all(open_as(harness.gateway.ssid(ref), DISASTER) for ref in REFS)
    assert not await desk.problems(Wanted())
    assert all(everyday(harness.gateway.ssid(ref)) for ref in REFS)


async def test_a_facility_held_by_hand_stays_open_alone(harness: WifiHarness, wifi: Wifi) -> None:
    desk = Desk(wifi)
    await desk.problems(Wanted(alerts=frozenset({"A"}), holds=frozenset({REFS[4]})))
    await desk.problems(Wanted(holds=frozenset({REFS[4]})))
    assert [ref for ref in REFS if open_as(harness.gateway.ssid(ref), DISASTER)] == [REFS[4]]


async def test_a_second_round_changes_nothing(harness: WifiHarness, wifi: Wifi) -> None:
    desk = Desk(wifi)
    await desk.problems(Wanted(alerts=frozenset({"A"})))
    changes = harness.sends()
    assert changes == len(REFS)
    await desk.problems(Wanted(alerts=frozenset({"A"})))
    assert harness.sends() == changes


async def test_what_was_there_before_survives_a_restart(harness: WifiHarness, wifi: Wifi) -> None:
    before = harness.gateway.ssid(REFS[0]) | {"name": "Kominkan", "splashPage": "SMS authentication"}
    harness.gateway.ssid(REFS[0]).update(before)
    await send(wifi, parcel(harness.recipients(1)))
    async with opened(harness) as later:
        assert isinstance(later, Wifi)
        await send(later, parcel(harness.recipients(1), attempt=2))
        assert not await Desk(later).problems(Wanted())
    assert harness.gateway.ssid(REFS[0]) == before


async def test_a_hub_that_died_while_it_opened_a_facility_still_puts_it_back(
    harness: WifiHarness, wifi: Wifi
) -> None:
    passes = iter(range(2))

    def gate() -> None:
        if next(passes, None) is None:
            raise LeaseLost("the power went out after the change, before it was read back")

    with pytest.raises(LeaseLost):
        await send(wifi, parcel(harness.recipients(1), gate=gate))
    assert open_as(harness.gateway.ssid(REFS[0]), DISASTER)
    async with opened(harness) as later:
        assert isinstance(later, Wifi)
        assert not await Desk(later).problems(Wanted())
    assert everyday(harness.gateway.ssid(REFS[0]))
    assert not wifi.saved.all()


async def test_a_facility_that_left_the_settings_is_put_back(harness: WifiHarness, wifi: Wifi) -> None:
    await send(wifi, parcel(harness.recipients(2)))
    harness.facilities = harness.facilities[1:]
    harness.facilities = (facility(DRILLS_AT, number=3), *harness.facilities)
    async with opened(harness) as later:
        assert isinstance(later, Wifi)
        assert not await Desk(later).problems(Wanted(alerts=frozenset({"A"})))
    assert everyday(harness.gateway.ssid(DRILLS_AT, 0))
    assert open_as(harness.gateway.ssid(DRILLS_AT, 3), DISASTER)
    assert open_as(harness.gateway.ssid(REFS[1]), DISASTER)


async def test_a_facility_that_others_opened_is_theirs_to_close(harness: WifiHarness, wifi: Wifi) -> None:
    harness.gateway.ssid(DRILLS_AT).update(opened_ssid(DISASTER))
    desk = Desk(wifi)
    await desk.problems(Wanted(alerts=frozenset({"A"})))
    assert await desk.problems(Wanted(drills=frozenset({"D"}))) == {DRILLS_AT: "in use"}
    await desk.problems(Wanted())
    assert open_as(harness.gateway.ssid(DRILLS_AT), DISASTER)


async def test_what_staff_changed_meanwhile_is_left_as_they_want_it(harness: WifiHarness, wifi: Wifi) -> None:
    desk = Desk(wifi)
    await desk.problems(Wanted(alerts=frozenset({"A"})))
    harness.gateway.ssid(REFS[0])["name"] = "Under-Repair"
    await desk.problems(Wanted())
    assert harness.gateway.ssid(REFS[0])["name"] == "Under-Repair"
    assert not wifi.saved.all()


async def test_a_drill_goes_on_when_the_disaster_ends(harness: WifiHarness, wifi: Wifi) -> None:
    desk = Desk(wifi)
    await desk.problems(Wanted(drills=frozenset({"D"})))
    await desk.problems(Wanted(drills=frozenset({"D"}), alerts=frozenset({"A"})))
    assert open_as(harness.gateway.ssid(DRILLS_AT), DISASTER)
    await desk.problems(Wanted(drills=frozenset({"D"})))
    assert open_as(harness.gateway.ssid(DRILLS_AT), "kunren-wifi")
    await desk.problems(Wanted())
    assert everyday(harness.gateway.ssid(DRILLS_AT))


async def test_a_facility_that_cannot_be_changed_holds_up_no_other(harness: WifiHarness, wifi: Wifi) -> None:
    harness.gateway.networks -= {REFS[3]}
    desk = Desk(wifi)
    assert await desk.problems(Wanted(alerts=frozenset({"A"}))) == {REFS[3]: "404"}
    assert open_as(harness.gateway.ssid(REFS[-1]), DISASTER)


async def test_a_key_comes_back_with_its_ssid(harness: WifiHarness) -> None:
    key_file = harness.folder / "hall.psk"
    key_file.write_text("himitsu-no-kagi\n")
    harness.facilities = (facility(REFS[0], psk_file=key_file), facility(REFS[1]))
    for ref in REFS[:2]:
        harness.gateway.ssid(ref).update(authMode="psk", psk="himitsu-no-kagi", wpaEncryptionMode="WPA2 only")
    before = dict(harness.gateway.ssid(REFS[0]))
    async with opened(harness) as wifi:
        assert isinstance(wifi, Wifi)
        said = await send(wifi, parcel(harness.recipients(2)))
        assert said.outcomes == {0: Outcome.DELIVERED, 1: Outcome.UNSUPPORTED}
        assert not await Desk(wifi).problems(Wanted())
    assert harness.gateway.ssid(REFS[0]) == before
    assert harness.gateway.ssid(REFS[1])["authMode"] == "psk"


async def test_a_dedicated_ssid_is_switched_on_and_off(harness: WifiHarness, wifi: Wifi) -> None:
    harness.gateway.ssid(REFS[0]).update(name=DISASTER, enabled=False, splashPage="None")
    before = dict(harness.gateway.ssid(REFS[0]))
    desk = Desk(wifi)
    await desk.problems(Wanted(alerts=frozenset({"A"})))
    assert open_as(harness.gateway.ssid(REFS[0]), DISASTER)
    await desk.problems(Wanted())
    assert harness.gateway.ssid(REFS[0]) == before


async def test_a_probe_names_the_buildings_that_could_not_be_opened(harness: WifiHarness, wifi: Wifi) -> None:
    harness.gateway.networks -= {REFS[2]}
    harness.gateway.ssid(REFS[5])["authMode"] = "8021x-radius"
    health = await wifi.probe()
    assert not health.ok
    assert "28 / 30" in health.detail
    assert "第03会館、第06会館" in health.detail


async def test_staff_are_offered_every_facility(wifi: Wifi) -> None:
    assert [(target.ref, target.name) for target in wifi.targets()][:2] == [
        ("hall-01", "第01会館"),
        ("hall-02", "第02会館"),
    ]
