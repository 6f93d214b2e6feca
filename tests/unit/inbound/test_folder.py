"""Telegrams laid into a folder become occasions, once; what cannot be read is kept, with the reason, and told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.errors import BadSettings
from hub.inbound import occasions
from hub.inbound.folder import TelegramFolder
from hub.ledger import Ledger
from hub.testing.databases import with_schema
from yobikake.rehearsal.telegram import FORECAST_AREA, flood_forecast

NOW = datetime(2026, 9, 12, 12, 40, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Laid:
    path: Path
    ledger: Ledger
    paged: list[str] = field(default_factory=list)
    codes: frozenset[str] = frozenset({FORECAST_AREA})

    async def look(self) -> None:
        folder = TelegramFolder(
            self.path,
            ledger=self.ledger,
            codes=self.codes,
            page=lambda _topic, text: self.paged.append(text),
            clock=lambda: NOW,
        )
        await folder.look()

    async def waiting(self) -> list[tuple[str, datetime]]:
        return [(each.source, each.received_at) for each in await self.ledger.read(occasions.waiting)]

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file())


@pytest.fixture
async def laid(tmp_path: Path) -> AsyncIterator[Laid]:
    ledger = Ledger(with_schema(tmp_path / "ledger.db"))
    await ledger.open()
    (tmp_path / "telegrams").mkdir()
    yield Laid(path=tmp_path / "telegrams", ledger=ledger)
    await ledger.close()


async def test_a_telegram_about_the_city_waits_for_a_decision_once(laid: Laid) -> None:
    for name in ("a.xml", "again.xml"):
        (laid.path / name).write_bytes(flood_forecast(NOW))
    (laid.path / "b.xml").write_bytes(flood_forecast(NOW, serial=2))
    (laid.path / "half.part").write_bytes(b"<Rep")
    await laid.look()
    await laid.look()
    assert await laid.waiting() == [("a.xml", NOW), ("b.xml", NOW)]
    assert laid.files() == ["half.part", "taken/a.xml", "taken/again.xml", "taken/b.xml"]
    assert laid.paged == []


async def test_one_about_other_places_is_put_aside(laid: Laid) -> None:
    laid.codes = frozenset({"1320700"})
    (laid.path / "a.xml").write_bytes(flood_forecast(NOW))
    await laid.look()
    assert (await laid.waiting(), laid.files()) == ([], ["others/a.xml"])


async def test_one_that_cannot_be_read_is_kept_with_its_reason_and_stops_no_other(laid: Laid) -> None:
    (laid.path / "a.xml").write_bytes(b"<Report><Control>")
    (laid.path / "b.xml").write_bytes(flood_forecast(NOW))
    await laid.look()
    assert await laid.waiting() == [("b.xml", NOW)]
    assert laid.files() == ["refused/a.xml", "refused/a.xml.reason.txt", "taken/b.xml"]
    reason = (laid.path / "refused" / "a.xml.reason.txt").read_text(encoding="utf-8")
    (told,) = laid.paged
    assert "line 1" in reason
    assert reason.strip() in told
    assert "refused フォルダーの a.xml" in told


async def test_a_name_that_is_used_again_takes_no_earlier_files_place(laid: Laid) -> None:
    for content in (flood_forecast(NOW), flood_forecast(NOW, serial=2), b"<Report>", b"<Other>"):
        (laid.path / "a.xml").write_bytes(content)
        await laid.look()
    assert laid.files() == [
        "refused/a-1.xml", "refused/a-1.xml.reason.txt", "refused/a.xml", "refused/a.xml.reason.txt",
        "taken/a-1.xml", "taken/a.xml",
    ]  # fmt: skip


async def test_where_no_folder_can_be_made_the_setting_is_named(laid: Laid) -> None:
    laid.path = laid.path / "file" / "telegrams"
    laid.path.parent.write_text("in the way")
    with pytest.raises(BadSettings, match=r"\[warnings\] folder.*cannot be made"):
        await laid.look()
