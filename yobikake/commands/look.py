"""`yobikake alerts`: what was sent, and how far it came."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from hub import keys as key_files
from hub.clock import JST, utc_now
from hub.errors import BadInput
from hub.ledger import alerts, deployment, proof
from hub.ledger.alerts import Accepted
from hub.outbound import Outbound
from hub.progress import Tally, progress
from hub.settings import Settings
from yobikake import connectors, initialise
from yobikake.commands.output import DEFAULT, AsJson, SettingsFile, answer, err, load, local, out


def show_alerts(
    number: Annotated[str | None, typer.Argument(help="One alert's number, for example 2026-0147.")] = None,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List the newest alerts, or say of one how far it has come on each channel."""
    settings = load(settings_file)
    if number is None:
        found = asyncio.run(_recent(settings))
        answer([_summary(each) for each in found], as_json=as_json, show=lambda _: _list(found))
    else:
        tallies = asyncio.run(_progress(settings, number))
        answer(tallies, as_json=as_json, show=_tallies)


async def _recent(settings: Settings) -> list[Accepted]:
    keys = key_files.load(settings.keys)
    async with initialise.opened(settings) as ledger:
        return await ledger.read(lambda conn: alerts.recent(conn, keys))


async def _progress(settings: Settings, number: str) -> dict[str, Tally]:
    keys = key_files.load(settings.keys)
    async with initialise.opened(settings) as ledger:
        found = await ledger.read(lambda conn: alerts.recent(conn, keys, limit=10_000))
        matching = [each.alert.identifier for each in found if each.number == number]
        if not matching:
            raise BadInput(number, "there is no such alert / この番号の配信はありません")
        for difference in await ledger.read(lambda conn: proof.differences(conn, keys, only=matching[0])):
            err.print(f"[red]yobikake:[/] {escape(difference)}", soft_wrap=True)
        kind = await ledger.read(deployment.read)
        capabilities = {
            name: configured.capabilities
            for name, configured in connectors.build(settings, Outbound(deployment=kind), utc_now).items()
        }
        return await ledger.read(lambda conn: progress(conn, matching[0], capabilities, now=utc_now()))


def _list(found: list[Accepted]) -> None:
    if not found:
        out.print("No alert was sent yet / まだ配信はありません")
        return
    table = Table("number", "sent", "mode", "level", "area", "state", box=None)
    for each in found:
        alert = each.alert
        level = "–" if alert.level is None else str(int(alert.level))
        table.add_row(
            each.number, local(alert.sent), alert.mode, level, escape(alert.area.description), _state(each)
        )
    out.print(table)


def _state(accepted: Accepted) -> str:
    if accepted.stopped_as is not None:
        return accepted.stopped_as.name.lower()
    if accepted.ended_at is not None:
        return "ended"
    return "expired" if accepted.alert.expires <= utc_now() else "in force"


def _summary(accepted: Accepted) -> dict[str, Any]:
    alert = accepted.alert
    return {
        "number": accepted.number,
        "identifier": alert.identifier,
        "sent": alert.sent,
        "expires": alert.expires,
        "mode": alert.mode,
        "msg_type": alert.msg_type,
        "hazard": alert.hazard,
        "level": alert.level,
        "area": alert.area.description,
        "state": _state(accepted),
    }


def _tallies(tallies: dict[str, Tally]) -> None:
    """Each row adds up; the headings are short, so that it fits a terminal of 80 columns."""
    table = Table(box=None, pad_edge=False)
    table.add_column("channel")
    for heading in ("planned", "accept", "deliv", "answer", "ambig", "fail", "pending", "first", "last"):
        table.add_column(heading, justify="right")
    for channel, tally in tallies.items():
        counts = (
            tally.planned,
            tally.accepted,
            tally.delivered,
            tally.answered,
            tally.ambiguous,
            tally.failed,
            tally.pending,
        )
        table.add_row(channel, *map(str, counts), _clock(tally.first_at), _clock(tally.last_at))
    out.print(table)
    if not all(tally.complete for tally in tallies.values()):
        out.print(
            "Accepted, but not planned yet: does `yobikake serve` run? / 受け付け済み、配信の準備はまだです"
        )


def _clock(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(JST).strftime("%H:%M:%S")
