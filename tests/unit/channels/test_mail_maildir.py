"""A maildir by which mail comes in: what cannot be kept now is taken again."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from channels.mail.intake import maildir
from hub.errors import DatabaseAway

HANG_S = 60


@pytest.mark.parametrize(
    "away",
    [
        OperationalError("x", {}, Exception()),
        InterfaceError("x", {}, Exception()),
        NoConnection(),
        DatabaseAway("x"),
    ],
    ids=["away", "closed", "no connection", "did not answer"],
)
async def test_a_mail_waits_for_a_database_that_is_away(tmp_path: Path, away: Exception) -> None:
    source = maildir.Maildir(tmp_path / "in", every_s=0.01)
    maildir.keep(tmp_path / "in", b"Subject: x\r\n\r\ny")
    tries = 0
    taken = asyncio.Event()

    async def take(_mail: bytes) -> bool:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise away
        taken.set()
        return True

    running = asyncio.create_task(source.run(take))
    waiting = asyncio.create_task(taken.wait())
    await asyncio.wait([running, waiting], timeout=HANG_S, return_when=asyncio.FIRST_COMPLETED)
    assert taken.is_set(), running.exception()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
