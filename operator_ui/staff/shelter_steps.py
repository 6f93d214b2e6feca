"""Steps of shelters, as staff take them: recorded and audited in one commit."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from hub.clock import JST
from hub.codec import RecordCodec
from hub.errors import BadInput, HubError
from hub.ledger import audit
from operator_ui.staff import device_time
from operator_ui.staff.console import Console
from shelters import record
from shelters.shelter import Step


async def take(console: Console, step: Step, *, people: int | None, device_at: str = "") -> None:
    """`device_at`: what a device's clock said, of a step that may have waited there.

    Raises `Conflict` and `IllegalStep`, as `record.take_step` does.
    """
    await console.ledger.write(lambda conn: _record(conn, console, step, people, device_at))


def opens_at(text: str, now: datetime) -> datetime | None:
    """「22:30」: the next time that the clock shows this.

    Raises:
        BadInput: it is no time of the day.
    """
    if not text:
        return None
    try:
        hour, minute = (int(part) for part in text.split(":"))
        local = now.astimezone(JST).replace(hour=hour, minute=minute, second=0, microsecond=0)
    except ValueError as e:
        raise BadInput(
            "opens_at", "開設予定の時刻を 22:30 のように入れてください / A time such as 22:30"
        ) from e
    return local if local > now else local + timedelta(days=1)


def told(error: HubError) -> str:
    """The message without the field in front of it."""
    prefix = f"{error.path}: " if isinstance(error, BadInput) else ""
    return error.message.removeprefix(prefix)


def _record(conn: Connection, console: Console, step: Step, people: int | None, device_at: str) -> None:
    records = RecordCodec(console.keys)
    if not record.take_step(conn, records, step, people=people, recorded_at=console.clock()):
        return
    audit.append(
        conn,
        console.keys,
        at=console.clock(),
        actor=step.by,
        action="shelter.step",
        subject=step.site,
        detail={"number": step.number, "stage": step.stage} | device_time.told(device_at),
    )
