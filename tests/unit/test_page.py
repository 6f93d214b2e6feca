"""Waking staff: always, soon, once a cause, and whatever else is broken."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from hub.authorise import Actor
from hub.background import Background
from hub.ledger import Ledger
from hub.page import LATELY, OVER, QUIET, Pager, acknowledge, unacknowledged
from hub.testing.databases import with_schema

NOW = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)
STAFF = Actor(login="sato", name="佐藤", roles=frozenset())


class Room:
    """A pager, what reached the people on call, and a clock to turn."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.now = NOW
        self.told: list[tuple[str, str]] = []
        self.background = Background()
        self.pager = Pager(
            ledger=ledger, notify=self._notify, clock=lambda: self.now, background=self.background
        )

    async def page(self, topic: str, text: str = "…") -> None:
        self.pager.page(topic, text)
        await self.background.finish(10)

    async def over(self, topic: str, text: str = "…") -> None:
        self.pager.recovered(topic, text)
        await self.background.finish(10)

    async def _notify(self, subject: str, text: str) -> None:
        self.told.append((subject, text))

    async def open_pages(self) -> list[str]:
        return [topic for _, _, topic, _ in await self.ledger.read(unacknowledged)]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    ledger = Ledger(with_schema(tmp_path / "ledger.db"))
    await ledger.open()
    yield Room(ledger)
    await ledger.close()


async def test_a_page_is_sent_and_stands_on_the_console(room: Room) -> None:
    await room.page("credentials mail", "設定を確認")
    assert room.told == [("[よびかけ] credentials mail", "設定を確認")]
    assert await room.open_pages() == ["credentials mail"]


async def test_one_cause_wakes_nobody_twice_and_another_does(room: Room) -> None:
    for topic in ("credentials mail", "credentials mail", "credentials line"):
        await room.page(topic)
    assert len(room.told) == 2
    room.now += QUIET
    await room.page("credentials mail")
    assert len(room.told) == 3


async def test_what_goes_on_stands_on_the_console_once_until_somebody_takes_it_on(room: Room) -> None:
    for text in ("9%", "8%"):
        await room.page("disk", text)
        room.now += QUIET
    ((page, at, _, text),) = await room.ledger.read(unacknowledged)
    assert (text, at) == ("8%", NOW + QUIET)
    await room.ledger.write(lambda conn: acknowledge(conn, page, STAFF, at=room.now))
    await room.page("disk", "7%")
    assert await room.open_pages() == ["disk"]


async def test_a_page_is_acknowledged_once(room: Room) -> None:
    await room.page("probe mail")
    ((page, *_),) = await room.ledger.read(unacknowledged)
    for at in (NOW, NOW + timedelta(hours=1)):
        await room.ledger.write(lambda conn, at=at: acknowledge(conn, page, STAFF, at=at))
    assert await room.open_pages() == []


async def test_staff_are_woken_also_when_the_ledger_is_what_is_broken(room: Room) -> None:
    await room.ledger.close()
    with structlog.testing.capture_logs() as lines:
        await room.page("disk full")
    assert [subject for subject, _ in room.told] == ["[よびかけ] disk full"]
    assert any(line["log_level"] == "error" for line in lines)


async def test_whoever_was_called_hears_once_that_it_is_over(room: Room) -> None:
    await room.page("probe mail", "応答しません")
    room.now += timedelta(hours=1)
    for _ in range(2):
        await room.over("probe mail", "応答が戻りました")
    assert [subject for subject, _ in room.told] == [
        "[よびかけ] probe mail",
        f"[よびかけ] {OVER}: probe mail",
    ]
    ((_, at, _, text),) = await room.ledger.read(unacknowledged)
    assert (text, at) == (f"{OVER}：応答が戻りました", room.now), "it does not vanish by itself"
    await room.page("probe mail", "応答しません")
    assert len(room.told) == 3, "a new fault is a new page, however soon"


async def test_nobody_is_told_that_what_they_never_heard_of_is_over(room: Room) -> None:
    await room.page("probe line")
    await room.over("probe mail")
    room.now += LATELY
    await room.over("probe line")
    assert len(room.told) == 1
