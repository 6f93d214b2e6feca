"""The process that drives the Wi-Fi: what it asks the ledger, and a drill from beginning to end on real wires."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from channels.wifi.saved import JsonFiles, Saved
from hub import keys as key_files
from hub import wifi_desk, wifi_drill, wifi_state
from hub.alert import Mode
from hub.authorise import Actor, Role
from hub.clock import utc_now
from hub.ledger import Ledger, alerts, deployment
from hub.live.memory import MemoryLive
from hub.outbound import Deployment
from hub.recipient import Targeting, WholeCity
from hub.testing.alerts import an_alert
from hub.testing.databases import with_schema
from hub.wifi_desk import Change
from tests.contract.wifi_vendors import DISASTER, DRILLS_AT, REFS, OpenwrtHarness
from yobikake import wifi_role

SATO = Actor(login="sato", name="佐藤", roles=frozenset({Role.COMPOSER}))
HANG_S = 60


@pytest_asyncio.fixture
async def assembly(tmp_path: Path) -> AsyncIterator[Any]:
    """As much of a hub as the role asks for."""
    key_files.create(tmp_path / "keys")
    ledger = Ledger(with_schema(tmp_path / "ledger.db"))
    await ledger.open()
    await ledger.write(lambda conn: deployment.establish(conn, Deployment.REHEARSAL, "132071", at=utc_now()))
    paged: list[str] = []
    yield SimpleNamespace(
        ledger=ledger,
        keys=key_files.load(tmp_path / "keys"),
        clock=utc_now,
        live=MemoryLive(),
        channels={},
        paged=paged,
        pager=SimpleNamespace(page=lambda _topic, text: paged.append(text)),
    )
    await ledger.close()


async def publish(assembly: Any, identifier: str, *, mode: Mode = Mode.LIVE, channel: str = "wifi") -> None:
    alert = an_alert(
        identifier=identifier,
        sent=assembly.clock() - timedelta(minutes=1),
        mode=mode,
        targeting=Targeting(audience=WholeCity(), channels=(channel,)),
    )

    def work(conn: Connection) -> None:
        alerts.insert_alert(
            conn,
            assembly.keys,
            alert,
            number=identifier,
            digest=bytes(32),
            author="sato",
            approver="tanaka",
            break_glass=None,
        )

    await assembly.ledger.write(work)


async def change(assembly: Any, act: Callable[[Change], object]) -> None:
    def work(conn: Connection) -> None:
        seen = wifi_desk.read(conn, assembly.keys).number
        act(Change(conn, assembly.keys, SATO, seen=seen, at=assembly.clock()))

    await assembly.ledger.write(work)


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(HANG_S):
        while not await true():
            await asyncio.sleep(0.02)


async def test_who_asks_for_it(assembly: Any) -> None:
    await publish(assembly, "A-1")
    await publish(assembly, "A-2", mode=Mode.STAFF_DRILL)
    await publish(assembly, "A-3", channel="mail")
    await change(assembly, lambda desk: desk.hold(["a"], ["a"], hours=1, reason="停電"))
    await change(assembly, lambda desk: desk.begin_trial(["b"], ["b"], minutes=5))
    asked = await wifi_role.wanted(assembly)
    assert (asked.alerts, asked.drills) == ({"A-1"}, {"A-2"})
    assert (asked.holds, asked.drilled) == ({"a"}, {"b"})
    await change(assembly, lambda desk: desk.put_back(["A-1"], reason="水が引いた"))
    asked = await wifi_role.wanted(assembly)
    assert not asked.alerts
    assert not asked.holds
    await publish(assembly, "A-4")
    assert (await wifi_role.wanted(assembly)).alerts == {"A-4"}, "a later alert opens it again"


async def test_a_drill_opens_what_was_chosen_puts_it_back_and_writes_it_down(
    assembly: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wifi_role, "LOOK_S", 0.02)
    harness = OpenwrtHarness(tmp_path)
    harness.facilities = harness.facilities[:3]
    async with harness.gateway:
        wifi = harness.wifi()
        wifi._clock = utc_now
        await wifi.open()
        assembly.channels["wifi"] = SimpleNamespace(channel=wifi)
        running = asyncio.create_task(wifi_role.run(assembly))
        harness.remove(REFS[2])

        async def record() -> wifi_drill.Record | None:
            kept: list[wifi_drill.Record] = await assembly.ledger.read(
                lambda conn: wifi_drill.history(conn, assembly.keys)
            )
            return kept[0] if kept else None

        async def shown() -> bool:
            found = await record()
            return found is not None and found.parts[0].shown_at is not None

        async def back() -> bool:
            found = await record()
            return found is not None and found.parts[0].restored_at is not None

        await change(assembly, lambda desk: desk.begin_trial([DRILLS_AT], [DRILLS_AT], minutes=5))
        await until(shown)
        assert [harness.shown(ref) for ref in REFS[:2]] == ["kunren-wifi", "City-Free-Wi-Fi"]
        await change(assembly, lambda desk: desk.end_trial())
        await until(back)
        assert harness.shown(DRILLS_AT) == "City-Free-Wi-Fi"
        assert DISASTER.encode() not in b"".join(harness.bodies())
        told = await wifi_state.known(assembly.live)
        assert told is not None
        looks = [told.look(state) for state in told.states]
        assert looks == [wifi_state.Look.EVERYDAY, wifi_state.Look.EVERYDAY, wifi_state.Look.UNKNOWN]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await wifi.close()


class Damaged(JsonFiles):
    """A disk that fails, while it does."""

    fails = True

    def all(self) -> Sequence[Saved]:
        if self.fails:
            raise OSError("the disk fails")
        return super().all()


async def test_a_round_that_fails_ends_no_role_and_is_told(
    assembly: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wifi_role, "EVERY_S", 0.02)
    harness = OpenwrtHarness(tmp_path)
    harness.facilities = harness.facilities[:1]
    async with harness.gateway:
        wifi = harness.wifi()
        wifi.saved = disk = Damaged(tmp_path / "saved")
        await wifi.open()
        assembly.channels["wifi"] = SimpleNamespace(channel=wifi)
        running = asyncio.create_task(wifi_role.run(assembly))

        async def paged() -> bool:
            return bool(assembly.paged)

        async def told() -> bool:
            return await wifi_state.known(assembly.live) is not None

        await until(paged)
        assert "想定外の誤り" in assembly.paged[0]
        disk.fails = False
        await until(told)
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await wifi.close()


async def test_whoever_is_on_call_is_asked_once_it_is_due(assembly: Any) -> None:
    await publish(assembly, "A-1")
    soon = known(assembly, ask_after_s=3600)
    await wifi_role._tell(assembly, soon)
    assert not assembly.paged
    await wifi_role._tell(assembly, known(assembly, ask_after_s=30))
    assert "まだ必要ですか" in assembly.paged[0]
    await change(assembly, lambda desk: desk.keep(hours=1))
    await wifi_role._tell(assembly, known(assembly, ask_after_s=30))
    assert len(assembly.paged) == 1


async def test_somebody_is_told_of_facilities_that_fail(assembly: Any) -> None:
    failed = tuple(
        wifi_state.FacilityState(ref=str(number), name=f"第{number}会館", problem="503", failed=3)
        for number in range(7)
    )
    await wifi_role._tell(assembly, known(assembly, states=failed))
    (text,) = assembly.paged
    assert "第4会館 ほか2施設" in text


def known(assembly: Any, **changes: Any) -> wifi_state.Known:
    values = {"ask_after_s": 3600, "states": ()} | changes
    return wifi_state.Known(at=assembly.clock(), ssid_name=DISASTER, drill_ssid_name="kunren-wifi", **values)
