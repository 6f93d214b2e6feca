"""Whoever changes what stands beside an alert's sealed payload is found out (I12)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from hub.cap import MsgType
from hub.delivery import Outcome
from hub.evacuation import Level
from hub.ledger import proof, tables
from hub.prepared import draft_id
from hub.testing.alerts import a_message
from tests.integration.engine import APPROVER, AUTHOR, KEYS, Engine, engine, mail
from tests.integration.test_engine_intake import approval


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Engine]:
    """An alert that stands, one that was stopped, one that was updated, one stopped and then corrected, one
    sent alone."""
    async with engine(tmp_path, channels={"mail": mail(9)}) as made:
        _, stopped, updated, corrected = [await made.send() for _ in range(4)]
        await made.intake.stop(stopped, AUTHOR)
        await made.send(msg_type=MsgType.UPDATE, references=(updated,))
        await made.intake.stop(corrected, AUTHOR)
        await made.intake.submit(draft_id(corrected), AUTHOR, seen=1)
        await made.intake.accept(approval(draft_id(corrected), typed=None), APPROVER)
        alone = await made.submit(a_message(level=Level.SECURE_LIFE))
        await made.intake.accept(approval(alone, typed=Level.SECURE_LIFE, break_glass="決壊"), AUTHOR)
        yield made


async def differences(hub: Engine, only: str | None = None) -> list[str]:
    return await hub.ledger.read(lambda conn: proof.differences(conn, KEYS, only=only))


async def change(hub: Engine, ends_with: str, **values: Any) -> None:
    await hub.ledger.write(
        lambda conn: conn.execute(
            update(tables.alerts).where(tables.alerts.c.number.like(f"%{ends_with}")).values(**values)
        )
    )


STANDS, STOPPED, UPDATED, CORRECTED, UPDATE, CORRECTION, ALONE = range(1, 8)


async def test_what_the_hub_wrote_agrees(hub: Engine) -> None:
    assert await differences(hub) == []


@pytest.mark.parametrize(
    ("which", "values"),
    [
        (STANDS, {"approver": "mori"}),
        (STANDS, {"author": "mori"}),
        (STANDS, {"break_glass": "その必要があった"}),
        (ALONE, {"break_glass": None}),
        (STANDS, {"digest": bytes(32)}),
        (STANDS, {"number": "2026-9999"}),
        (STANDS, {"lane": "routine"}),
        (STANDS, {"mode": "staff_drill"}),
        (STANDS, {"version": 7}),
        (STANDS, {"stopped_as": int(Outcome.CANCELLED)}),
        (STOPPED, {"stopped_as": None, "stopped_at": None, "stopped_by": None}),
        (STOPPED, {"stopped_by": "mori"}),
        (STOPPED, {"stopped_as": int(Outcome.SUPERSEDED)}),
        (UPDATED, {"ended_at": None}),
        (CORRECTED, {"stopped_as": int(Outcome.SUPERSEDED)}),
        (CORRECTED, {"ended_at": None}),
        (UPDATE, {"payload": b"{}"}),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else str(value),
)  # fmt: skip
async def test_a_changed_column_is_named(hub: Engine, which: int, values: dict[str, Any]) -> None:
    await change(hub, f"{which:04}", **values)
    found = await differences(hub)
    alert = f"akishima.example-{hub.clock().year}-{which:04}"
    assert found
    assert all(alert in difference for difference in found)
    column = next(iter(values))
    assert f"{column} was changed" in found[0]
    assert await differences(hub, alert) == found
    assert await differences(hub, alert[:-1] + "0") == []


@pytest.mark.parametrize("column", ["sent", "expires", "stopped_at"])
async def test_a_time_that_was_moved_shows(hub: Engine, column: str) -> None:
    await change(hub, f"{STOPPED:04}", **{column: hub.clock()})
    assert f"{column} was changed" in (await differences(hub))[0]


async def test_an_alert_that_was_removed_is_missed(hub: Engine) -> None:
    alert = f"akishima.example-{hub.clock().year}-{STANDS:04}"

    def work(conn: Any) -> None:
        conn.execute(delete(tables.plans).where(tables.plans.c.alert == alert))
        conn.execute(delete(tables.alerts).where(tables.alerts.c.identifier == alert))

    await hub.ledger.write(work)
    (found,) = await differences(hub)
    assert alert in found
    assert "removed" in found
    assert await differences(hub, alert) == [found]


async def test_an_alert_that_nobody_accepted_shows(hub: Engine) -> None:
    await hub.ledger.write(
        lambda conn: conn.execute(
            delete(tables.audit).where(tables.audit.c.action == proof.ACCEPT, tables.audit.c.seq < 4)
        )
    )
    assert "nobody accepted it" in (await differences(hub))[0]
