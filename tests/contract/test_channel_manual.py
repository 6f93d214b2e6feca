"""Sheets for what has no API: what the console is given, and what is said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from msgspec import structs

from channels._fit import full_width
from channels.manual import DRILL, SHEETS, Manual, Settings, Sheet, reference, sheet_text, ticked
from hub.alert import Mode
from hub.channel import Callbacks, Channel, Span, Targets
from hub.delivery import Outcome, fold, merge
from hub.errors import Cancelled
from hub.outbound import Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.channel_harness import Feature, Harness, Where, send
from hub.testing.channel_suite import PRODUCTION, REHEARSAL, ChannelSuite
from hub.testing.parcels import NOW, content, parcel
from yobikake.rehearsal.faults import Faults


def manual(*sheets: Sheet) -> Manual:
    settings = Settings(sheets=sheets) if sheets else Settings()
    return Manual(settings, outbound=REHEARSAL, clock=lambda: NOW)


def everyone(channel: Manual) -> Sequence[Recipient]:
    return [
        Recipient(id=RecipientId(number), address=target.ref)
        for number, target in enumerate(channel.targets())
    ]


class ManualHarness(Harness):
    kind = "manual"
    lacks: ClassVar[Mapping[Feature, str]] = dict.fromkeys(
        set(Feature) - {Feature.MANY_RECIPIENTS}, "nobody is asked: staff carry a sheet over by hand"
    )

    def __init__(self) -> None:
        self._faults = Faults()

    @property
    def faults(self) -> Faults:
        return self._faults

    @property
    def secrets(self) -> Sequence[str]:
        return []

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY) -> Channel:
        return Manual(
            Settings(sheets=tuple(structs.replace(SHEETS[0], ref=f"sheet-{n}") for n in range(7))),
            outbound=outbound,
            clock=lambda: NOW,
        )

    def recipients(self, number: int) -> Sequence[Recipient]:
        return [Recipient(id=RecipientId(n), address=f"sheet-{n}") for n in range(min(number, 7))]

    def sends(self) -> int:
        return 0

    def bodies(self) -> Sequence[bytes]:
        return []

    def arrivals(self) -> Sequence[str]:
        return []

    def in_flight(self) -> int:
        return 0


class TestManual(ChannelSuite, of=ManualHarness):
    @pytest.fixture
    def harness(self) -> ManualHarness:
        return ManualHarness()


async def test_every_sheet_is_ready_and_none_is_called_delivered() -> None:
    channel = manual()
    said = await send(channel, parcel(everyone(channel)))
    assert said.failure is None
    assert [result.recipient for result in said.results] == list(range(len(SHEETS)))
    assert {result.outcome for result in said.results} == {Outcome.ACCEPTED}


async def test_a_tick_comes_back_under_the_sheets_reference() -> None:
    channel = manual()
    said = await send(channel, parcel(everyone(channel)))
    receipt = ticked("rehearsal-2026-0147", "radio", at=NOW + timedelta(minutes=4))
    assert said.results[3].ref == receipt.ref
    assert merge(Outcome.ACCEPTED, fold(Outcome.PENDING, receipt.outcome)) is Outcome.DELIVERED
    assert receipt.ref != reference("another-alert", "radio")


async def test_a_closed_gate_prepares_nothing() -> None:
    channel = manual()

    def gate() -> None:
        raise Cancelled("the gate of this test is closed")

    with pytest.raises(Cancelled):
        await send(channel, parcel(everyone(channel), gate=gate))


@pytest.mark.parametrize("mode", [Mode.STAFF_DRILL, Mode.RESIDENT_DRILL])
async def test_a_drill_is_a_preview_only(mode: Mode) -> None:
    channel = manual()
    said = await send(channel, replace(parcel(everyone(channel)), mode=mode))
    assert {result.outcome for result in said.results} == {Outcome.UNSUPPORTED}


async def test_what_cannot_be_shortened_is_said_of_that_sheet_alone() -> None:
    channel = manual(Sheet(ref="tiny", name="小さい", limit=20), SHEETS[0])
    said = await send(channel, parcel(everyone(channel)))
    assert said.outcomes == {0: Outcome.UNSUPPORTED, 1: Outcome.ACCEPTED}


async def test_a_sheet_that_left_the_settings_is_permanent() -> None:
    said = await send(manual(), parcel([Recipient(id=RecipientId(1), address="telex")]))
    assert said.outcomes == {1: Outcome.PERMANENT}


async def test_the_probe_and_the_protocols() -> None:
    channel: Channel = manual()
    await channel.open()
    health = await channel.probe()
    await channel.close()
    assert health.ok
    assert health.checked_at == NOW
    assert isinstance(channel, Targets)
    assert not isinstance(channel, Callbacks)


def test_the_channels_of_the_country_are_on_the_list() -> None:
    assert [target.name for target in manual().targets()] == [
        "緊急速報メール",
        "Yahoo!防災速報",
        "コミュニティFM・ケーブルテレビ",
        "防災行政無線",
        "文字表示付き戸別受信機",
        "広報車",
    ]


def test_what_the_loudspeakers_connector_does_is_on_the_list_no_more() -> None:
    left = [sheet.ref for sheet in Settings().beside({"mail", "loudspeaker"}).sheets]
    assert "radio" not in left
    assert "text-receiver" not in left
    assert "van" in left
    own = Settings(sheets=(Sheet(ref="radio", name="防災行政無線（手動）", limit=200),))
    assert own.beside({"loudspeaker"}) == own


def test_a_display_shows_the_level_first_in_its_own_lines() -> None:
    receiver = Sheet(
        ref="text",
        name="戸別受信機",
        limit=60,
        measure="full_width",
        text="display",
        headline=False,
        columns=16,
    )
    text = sheet_text(content(), receiver)
    assert text.startswith("【警戒レベル4】よびかけ市")
    assert all(full_width(line) <= 17 for line in text.split("\n"))
    assert full_width(text.replace("\n", "")) <= 60


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.ref)
def test_a_drills_sheet_cannot_be_mistaken(sheet: Sheet) -> None:
    text = sheet_text(structs.replace(content(), mode=Mode.STAFF_DRILL), sheet)
    assert text.startswith(DRILL)
    assert "訓練" not in sheet_text(content(), sheet)
    assert len(text) <= sheet.limit


def test_a_rehearsal_hubs_sheet_cannot_be_mistaken_either() -> None:
    title, text = manual().fields(content(), SHEETS[0])
    assert (title.text[:4], text.text.startswith(DRILL)) == ("【訓練】", True)
    real = Manual(Settings(), outbound=PRODUCTION, clock=lambda: NOW)
    assert not real.fields(content(), SHEETS[0])[-1].text.startswith(DRILL)


def test_a_spoken_sheet_takes_the_spoken_text() -> None:
    radio = next(sheet for sheet in SHEETS if sheet.ref == "radio")
    long = structs.replace(
        content(), speech=(Span("こちらは、よびかけ市です。" + "川から離れてください。" * 25),)
    )
    text = sheet_text(long, radio)
    assert text.startswith("こちらは、よびかけ市です。川から離れてください。")
    assert text.endswith("ください。"), "nobody reads out that something is left out"
