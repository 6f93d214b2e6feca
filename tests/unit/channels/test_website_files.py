"""Files that are pulled while they are written."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from channels._durable import replace_file
from channels.website import Settings, Website
from channels.website.folder import STATE
from hub.recipient import Recipient, RecipientId
from hub.testing.channel_harness import send
from hub.testing.channel_suite import REHEARSAL
from hub.testing.parcels import NOW, parcel


def website(folder: Path) -> Website:
    settings = Settings(directory=folder, title="緊急情報", link="https://city.example/")
    return Website(settings, outbound=REHEARSAL, clock=lambda: NOW)


async def publish(folder: Path, identifier: str) -> None:
    """As a process of its own would: with a connector of its own."""
    whole = parcel([Recipient(id=RecipientId(1), address="the-page")])
    content = structs.replace(whole.content, identifier=identifier)
    await send(website(folder), replace(whole, content=content))


async def test_alerts_that_are_published_at_once_all_stand_there(tmp_path: Path) -> None:
    identifiers = {f"alert-{number}" for number in range(12)}
    await asyncio.gather(*(publish(tmp_path, identifier) for identifier in identifiers))
    shown = json.loads((tmp_path / STATE).read_bytes())["notices"]
    assert {notice["identifier"] for notice in shown} == identifiers


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "alerts.html"
    replace_file(path, b"old", mode=0o640)
    with path.open("rb") as reader:
        replace_file(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "alerts.html"
    path.mkdir()
    with pytest.raises(OSError, match="alerts"):
        replace_file(path, b"new")
    assert list(tmp_path.iterdir()) == [path]
