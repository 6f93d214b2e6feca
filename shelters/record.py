"""The durable record of shelters: every step and every report of staff, in the ledger.

Plain functions on a connection, for `ledger.write` and `ledger.read`. Rows are only ever added: the
last step of a site is where it stands.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, func, insert, select
from sqlalchemy.exc import IntegrityError

from hub import codec
from hub.bus import SHELTER_STEPS
from hub.codec import RecordCodec
from hub.errors import BadInput, Conflict
from hub.ledger import outbox
from hub.shelter_list import Crowding
from shelters import step_record
from shelters.reading import Reading, StaffWord
from shelters.shelter import Stage, Step, check
from shelters.site import SiteCode
from shelters.support import Support
from shelters.tables import shelter_reports, shelter_steps

STAFF = "staff"
"""What stands for the device in a reading that staff gave through the hub's own screens."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a member of staff reports of a site. `id` is made by the screen, so that a repeat counts once.

    `at` is the device's time: a report may have waited offline. `note` stays in the ledger.
    """

    id: str
    site: SiteCode
    at: datetime
    by: str
    people: int | None = None
    households: int | None = None
    need_support: int | None = None
    crowding: Crowding | None = None
    needs: tuple[str, ...] = ()
    support: dict[Support, int] = {}
    """How many of each kind, as far as it was said."""
    note: str = ""


class Received(NamedTuple):
    """A report, and when it arrived: later than its own time where it waited offline."""

    report: Report
    recorded_at: datetime


def take_step(
    conn: Connection, records: RecordCodec, step: Step, *, people: int | None, recorded_at: datetime
) -> bool:
    """Record `step`, if it follows, and announce it on `shelter-steps` with the same commit. `step.number` is one more
    than the last step the screen saw.

    Whether it was new: the same step again, by the same hand, changes nothing, since its answer may have been lost.
    `people`: how many are inside, as far as is known; a site is never closed with people in it.

    Raises:
        Conflict: somebody else took a step first.
        IllegalStep: it does not follow, or people are inside.
    """
    if _known(conn, step):
        return False
    last = current(conn, step.site)
    if step.number != last.number + 1:
        raise _changed(last)
    check(last.stage, step.stage, people=people)
    row = msgspec.structs.asdict(step) | {"recorded_at": recorded_at}
    try:
        conn.execute(insert(shelter_steps).values(row))
    except IntegrityError as e:
        raise _changed(last) from e
    outbox.put(
        conn,
        SHELTER_STEPS,
        step.site,
        step_record.sealed(records, step, recorded_at=recorded_at),
        at=recorded_at,
    )
    return True


def _known(conn: Connection, step: Step) -> bool:
    table = shelter_steps.c
    query = select(table.stage, table.by).where(table.site == step.site, table.number == step.number)
    row = conn.execute(query).first()
    return row is not None and (Stage(row.stage), row.by) == (step.stage, step.by)


def current(conn: Connection, site: SiteCode) -> Step:
    """Where a site stands: its last step, or step 0, 未開設."""
    query = select(shelter_steps).where(shelter_steps.c.site == site).order_by(shelter_steps.c.number.desc())
    row = conn.execute(query.limit(1)).mappings().first()
    return _step(row) if row else unopened(site)


def all_current(conn: Connection) -> dict[SiteCode, Step]:
    """The last step of every site that has one."""
    steps = shelter_steps
    last = select(steps.c.site, func.max(steps.c.number).label("number")).group_by(steps.c.site).subquery()
    query = select(steps).join(last, and_(steps.c.site == last.c.site, steps.c.number == last.c.number))
    return {row["site"]: _step(row) for row in conn.execute(query).mappings()}


def history(conn: Connection, site: SiteCode) -> Sequence[Step]:
    """Every step of a site, first to last."""
    query = select(shelter_steps).where(shelter_steps.c.site == site).order_by(shelter_steps.c.number)
    return [_step(row) for row in conn.execute(query).mappings()]


def histories(conn: Connection) -> dict[SiteCode, list[Step]]:
    """Every step of every site that has one, first to last."""
    found: dict[SiteCode, list[Step]] = {}
    query = select(shelter_steps).order_by(shelter_steps.c.site, shelter_steps.c.number)
    for row in conn.execute(query).mappings():
        found.setdefault(row["site"], []).append(_step(row))
    return found


def unopened(site: SiteCode) -> Step:
    """What stands for a site that never took a step."""
    return Step(site=site, number=0, stage=Stage.UNOPENED, at=datetime.min.replace(tzinfo=UTC), by="")


def report(conn: Connection, given: Report, *, recorded_at: datetime) -> bool:
    """Record a report. Whether it was new: the same id again changes nothing.

    Raises:
        BadInput: a number is negative or absurd, or there is nothing in it.
    """
    _check(given)
    known = conn.execute(select(shelter_reports.c.id).where(shelter_reports.c.id == given.id)).first()
    if known is not None:
        return False
    row = msgspec.structs.asdict(given) | {
        "needs": codec.encode(given.needs).decode(),
        "support": codec.encode(given.support).decode(),
        "recorded_at": recorded_at,
    }
    conn.execute(insert(shelter_reports).values(row))
    return True


def latest_report(conn: Connection, site: SiteCode) -> Received | None:
    """The newest by the devices' time: one that waited offline takes no newer one's place."""
    query = (
        select(shelter_reports).where(shelter_reports.c.site == site).order_by(shelter_reports.c.at.desc())
    )
    row = conn.execute(query.limit(1)).mappings().first()
    return Received(_report(row), row["recorded_at"]) if row else None


def reports_since(conn: Connection, site: SiteCode, since: datetime) -> Sequence[Report]:
    """Of one site, by the devices' time, first to last."""
    table = shelter_reports
    query = select(table).where(table.c.site == site, table.c.at >= since)
    return [_report(row) for row in conn.execute(query.order_by(table.c.at)).mappings()]


def readings_since(conn: Connection, recorded_from: datetime) -> Sequence[Reading]:
    """Reports recorded since, as readings: what the transport may have lost on the way."""
    query = select(shelter_reports).where(shelter_reports.c.recorded_at >= recorded_from)
    rows = conn.execute(query.order_by(shelter_reports.c.recorded_at)).mappings()
    readings = (reading(_report(row), received_at=row["recorded_at"]) for row in rows)
    return [given for given in readings if given]


def reading(given: Report, *, received_at: datetime) -> Reading | None:
    """The part of a report that counts people, to be published on `readings`; None when it has none."""
    if given.people is None and given.crowding is None:
        return None
    return Reading(
        site=given.site,
        device=STAFF,
        id=given.id,
        at=given.at,
        received_at=received_at,
        measure=StaffWord(people=given.people, crowding=given.crowding),
    )


def _check(given: Report) -> None:
    numbers: dict[str, int | None] = {
        name: getattr(given, name) for name in ("people", "households", "need_support")
    }
    numbers |= {f"support-{kind}": number for kind, number in given.support.items()}
    for name, number in numbers.items():
        if number is not None and not 0 <= number <= 100_000:
            raise BadInput(
                name, f"{number} is not between 0 and 100000 / 0から100000までの数を入力してください"
            )
    if given.crowding is Crowding.UNKNOWN:
        raise BadInput("crowding", "leave it out when it is not known / 分からないときは選ばないでください")
    said = [number for number in numbers.values() if number is not None]
    if not (said or given.crowding or given.needs or given.note):
        raise BadInput("report", "is empty / 何も入力されていません")


def _changed(last: Step) -> Conflict:
    return Conflict(
        f"ほかの人が先に変更しました。いまは「{last.stage.japanese}」です。新しい内容を確認してください / "
        f"Someone changed this: it is now {last.stage.value}. Review the new version"
    )


def _step(row: Any) -> Step:
    values = {name: row[name] for name in Step.__struct_fields__}
    return Step(**values | {"stage": Stage(row["stage"])})


def _report(row: Any) -> Report:
    values = {name: row[name] for name in Report.__struct_fields__}
    values["crowding"] = Crowding(row["crowding"]) if row["crowding"] else None
    values["needs"] = tuple(codec.decode(list[str], row["needs"], what="shelter_reports needs"))
    values["support"] = codec.decode(dict[Support, int], row["support"], what="shelter_reports support")
    return Report(**values)
