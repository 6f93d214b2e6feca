"""`yobikake check`: is everything as it must be, without sending anything?"""

import asyncio
from typing import Annotated, Any

import msgspec
import typer

from hub import keys as key_files
from hub.channel import Health
from hub.clock import utc_now
from hub.errors import HubError
from hub.ledger import audit, deployment
from hub.outbound import Outbound
from yobikake import connectors, initialise
from yobikake.commands.output import DEFAULT, AsJson, SettingsFile, answer, load, out


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the answer."""

    what: str
    ok: bool
    detail: str


def check(
    channel: Annotated[str | None, typer.Argument(help="Only this channel.")] = None,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Read the settings, verify the audit trail, and probe every gateway. Reaches no resident.

    Ends with 1 if anything is not as it must be.
    """
    findings = asyncio.run(_check(settings_file, channel))
    answer(findings, as_json=as_json, show=_show)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


async def _check(settings_file: SettingsFile, only: str | None) -> list[Finding]:
    settings = load(settings_file)
    findings = [Finding(what="settings", ok=True, detail=str(settings_file))]
    async with initialise.opened(settings) as ledger:
        kind = await ledger.read(deployment.read)
        keys = key_files.load(settings.keys)
        rows = await ledger.read(lambda conn: audit.verify(conn, keys))
    findings.append(Finding(what="ledger", ok=True, detail=f"{kind}, {rows} audit rows, unbroken"))
    outbound = Outbound(deployment=kind, proxy=settings.proxy.url, ca_file=settings.proxy.ca_file)
    channels = connectors.build(settings, outbound, utc_now)
    if only is not None and only not in channels:
        raise typer.BadParameter(f"{only} is not configured; there are {', '.join(channels) or 'none'}")
    for name, configured in channels.items():
        if only in (None, name):
            findings.append(await _probe(name, configured))
    return findings


async def _probe(name: str, configured: connectors.Configured) -> Finding:
    channel = configured.channel
    try:
        await channel.open()
        health: Health = await channel.probe()
    except HubError as e:
        return Finding(what=name, ok=False, detail=e.message)
    finally:
        await channel.close()
    left = "" if health.remaining is None else f", {health.remaining} messages left"
    return Finding(what=name, ok=health.ok, detail=health.detail + left)


def _show(findings: Any) -> None:
    for finding in findings:
        mark = "[green]ok  [/]" if finding.ok else "[red]FAIL[/]"
        out.print(f"{mark} {finding.what:10} {finding.detail}")
