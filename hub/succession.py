"""Succession: nothing of an alert starts while what it replaces is on its way on the same channel (I5, I11)."""

import asyncio
from collections.abc import Sequence

import structlog

from hub.alert import Alert
from hub.cap import MsgType
from hub.ledger import Ledger, batches, corrections

log = structlog.get_logger(__name__)

PATIENCE_S = 4.0
"""What an update leaves to what it replaces: half a second until every worker knows of the stop, two until
it closes its sockets, and the record."""

LOOK_AGAIN_S = 0.1


async def frozen(ledger: Ledger, chain: Sequence[str], channel: str) -> None:
    """Wait until it is known who was told what a correction corrects, however long that takes.

    A claim ends with its holder's answer, two seconds after the stop, or with its holder's life: the
    wait is bounded by that, and another channel's claims are not waited for.
    """
    for corrected in chain:
        while True:
            await _landed(ledger, corrected, channel)
            if await ledger.write(lambda conn: corrections.freeze(conn, corrected, channel)):  # noqa: B023
                break


async def landed(ledger: Ledger, alert: Alert, channel: str) -> None:
    """Let what an update replaces land, for `PATIENCE_S` at the most: the gate is closed, and people wait.

    What is under way after that belongs to a holder that is gone, or whose record is late.
    """
    if alert.msg_type is MsgType.ALERT:
        return
    try:
        async with asyncio.timeout(PATIENCE_S):
            for replaced in alert.references:
                await _landed(ledger, replaced, channel)
    except TimeoutError:
        log.warning("an update does not wait any longer", alert=alert.identifier, channel=channel)


async def _landed(ledger: Ledger, alert: str, channel: str) -> None:
    # Another process may hold the claims: only the ledger knows.
    while await ledger.read(lambda conn: batches.in_flight(conn, alert, channel)):  # noqa: ASYNC110
        await asyncio.sleep(LOOK_AGAIN_S)
