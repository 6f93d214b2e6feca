"""`yobikake check`: is everything as it must be, without sending anything?"""

import asyncio
import logging
from collections.abc import Collection, Coroutine, Iterable, Iterator
from typing import Annotated, Any

import msgspec
import structlog
import typer
from rich.markup import escape

from channels._poster import faces
from channels._speech import engine
from hub import city as cities
from hub import keys as key_files
from hub import muster_rules, organisation
from hub.alert import Lane
from hub.bus.access import access
from hub.bus.transport import Unavailable
from hub.channel import Channel, LookedUp
from hub.clock import utc_now
from hub.disk import Disk, Room
from hub.errors import HubError, Refused
from hub.keys import Keys
from hub.ledger import audit, deployment, proof
from hub.ledger import register as recipients
from hub.ledger.audit import BrokenChain
from hub.opening import UNFORESEEN
from hub.outbound import Deployment, Outbound
from hub.settings import Settings
from shelters import device_check, device_rows, register
from shelters.crowding import load_thresholds
from shelters.device_check import load_devices
from shelters.site import Facility, Site, load_sites
from yobikake import connectors, initialise
from yobikake.assembly import city_folder
from yobikake.commands.output import DEFAULT, AsJson, SettingsFile, answer, load, out


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the answer."""

    what: str
    ok: bool
    detail: str
    warning: str = ""
    """What is no fault, and should be thought of before an emergency."""


def check(
    channel: Annotated[str | None, typer.Argument(help="Only this channel.")] = None,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Read the settings, verify the audit trail, and probe every gateway. Reaches no resident.

    Ends with 1 if anything is not as it must be, and with 2 if the settings cannot be read.
    """
    _log_what_no_finding_says()
    settings = load(settings_file)
    connectors.refuse_unknown(settings)
    if channel is not None:
        connectors.require(channel, settings)
    findings = [Finding(what="settings", ok=True, detail=str(settings_file))]
    findings += asyncio.run(_check(settings, [channel] if channel else list(settings.channels)))
    answer(findings, as_json=as_json, show=_show)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _log_what_no_finding_says() -> None:
    """A connector's warning is its finding once more; with `--verbose` it is wanted all the same."""
    if not structlog.get_logger().is_enabled_for(logging.DEBUG):
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


async def _check(settings: Settings, channels: Collection[str]) -> list[Finding]:
    """What fails keeps nothing else from being looked at. Without a database nobody knows which
    gateways may be asked."""
    city, ledger = await _finding("city", _city(settings)), await _finding("ledger", _ledger(settings))
    findings = [city, ledger, await _finding("audit", _audit(settings))]
    findings += [await _finding("alerts", _alerts(settings)), await _finding("disk", _disk(settings))]
    findings += [await _finding("devices", _devices(settings))]
    findings = list(_once(findings))
    findings += [] if settings.embedded else [await _finding("bus", _kafka(settings))]
    if not ledger.ok:
        return findings
    kind = Deployment(ledger.detail)
    outbound = Outbound(
        deployment=kind,
        proxy=settings.proxy.url,
        direct=settings.proxy.direct,
        ca_file=settings.proxy.ca_file,
    )
    if kind is Deployment.PRODUCTION and city.ok:
        findings.append(await _finding("contact", _contact(settings)))
    findings += [_fonts(), *_speech(channels)]
    probes = [_channel(name, settings, outbound) for name in channels]
    return findings + [finding for found in await asyncio.gather(*probes) for finding in found]


async def _finding(what: str, looking: Coroutine[Any, Any, str]) -> Finding:
    try:
        return Finding(what=what, ok=True, detail=await looking)
    except HubError as e:
        return Finding(what=what, ok=False, detail=e.message)


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """What several rest on (the city, the database) is said of the first; the others say that they wait for it."""
    first: dict[str, str] = {}
    for finding in findings:
        what = finding.what if finding.ok else first.setdefault(finding.detail, finding.what)
        if what == finding.what:
            yield finding
        else:
            yield msgspec.structs.replace(finding, detail=WAITS.format(what=what))


WAITS = "cannot be looked at before {what} is right / {what} を直すと調べられます"


async def _city(settings: Settings) -> str:
    folder = city_folder(settings.city)
    city, sites = cities.load(folder), load_sites(folder)
    load_devices(folder, sites)
    load_thresholds(folder)
    muster_rules.load(folder, organisation.load(folder))
    return f"{city.code}, {len(city.towns)} towns, {len(sites)} sites ({_known(sites.values())})"


async def _devices(settings: Settings) -> str:
    """Which register is in force. Once it is in the ledger, an edit of the city's file changes nothing."""
    folder, keys = city_folder(settings.city), key_files.load(settings.keys)
    file, sites = device_rows.read(folder), load_sites(folder)
    async with initialise.opened(settings) as ledger:
        rows, revision = await ledger.read(lambda conn: register.standing(conn, keys, file))
    device_check.devices(device_check.of_known_sites(rows, sites), sites)
    if lost := register.lost_sites(rows, sites):
        raise Refused(
            f"sites that are not in shelters.csv have devices: {', '.join(lost)} / 一覧にない避難所の機器があります"
        )
    if not revision:
        return f"{len(rows.devices)}, of devices.toml"
    differs = "" if rows == file else "; devices.toml says something else, and is not read"
    return f"{len(rows.devices)}, revision {revision} of the console{differs}"


def _known(sites: Collection[Site]) -> str:
    """Of how many sites the city's folder says what residents ask: without it no filter and no crowding word."""
    counts = {"capacity": sum(site.capacity is not None for site in sites)}
    counts |= {each.value: sum(each in site.facilities for site in sites) for each in Facility}
    return "known: " + ", ".join(f"{name} of {number}" for name, number in counts.items())


async def _ledger(settings: Settings) -> str:
    async with initialise.opened(settings) as ledger:
        return await ledger.read(deployment.read)


async def _audit(settings: Settings) -> str:
    keys: Keys = key_files.load(settings.keys)
    async with initialise.opened(settings) as ledger:
        try:
            rows = await ledger.read(lambda conn: audit.verify(conn, keys))
        except BrokenChain as e:
            raise Refused(
                f"{e.message}. Or {settings.keys} holds another hub's keys / 鍵が別のハブのものかもしれません"
            ) from e
    return f"{rows} rows, unbroken"


async def _alerts(settings: Settings) -> str:
    """Their rows against the audit trail, whose own chain is another finding."""
    keys: Keys = key_files.load(settings.keys)
    async with initialise.opened(settings) as ledger:
        differ = await ledger.read(lambda conn: proof.differences(conn, keys))
    if differ:
        more = f" (+{len(differ) - 1})" if len(differ) > 1 else ""
        raise Refused(f"{differ[0]}{more}")
    return "as the audit trail has them"


async def _disk(settings: Settings) -> str:
    disk = Disk(settings.data, limit=settings.limits.free_disk)
    if disk.room() is not Room.ENOUGH:
        raise Refused(disk.warning())
    return f"{disk.free():.0%} free"


async def _kafka(settings: Settings) -> str:
    from hub.bus.kafka import administration  # noqa: PLC0415 - loaded only by a hub that has Kafka

    try:
        async with administration(settings.bus.kafka, access(settings.bus)) as cluster:
            return f"{await cluster.brokers()} brokers by {settings.bus.security_protocol}"
    except Unavailable as e:
        raise Refused(
            f"Kafka does not answer ({e.reason}): alerts go out from the ledger, more slowly / "
            "Kafka が応答しません。配信は台帳から続けますが、遅くなります"
        ) from e


async def _contact(settings: Settings) -> str:
    await initialise.refuse_placeholders(settings)
    return "filled in"


def _fonts() -> Finding:
    """Of posters, and of the pages of a fax."""
    lacking = faces.warning()
    detail = "missing / 足りません" if lacking else "in every PDF / PDFに入ります"
    return Finding(what="fonts", ok=True, detail=detail, warning=str(lacking or ""))


def _speech(channels: Collection[str]) -> list[Finding]:
    """Of a hub that has something to read out by hand; what loudspeakers need, their own finding says."""
    if "manual" not in channels or engine.installed():
        return []
    return [Finding(what="speech", ok=True, detail="estimated / 目安", warning=ESTIMATED)]


ESTIMATED = (
    "the speech engine is not installed: seconds to read a text out are estimates, and nobody can listen to it "
    "(docs/loudspeaker.md) / 音声合成エンジンがないため、読み上げの秒数は目安です。音声は聞けません"
)


async def _channel(name: str, settings: Settings, outbound: Outbound) -> list[Finding]:
    """Its gateway; and the routine lane's, where that is another one."""
    try:
        made = connectors.configured(name, settings, outbound, utc_now)
    except HubError as e:
        return [Finding(what=name, ok=False, detail=e.message)]
    first, left = await _probed(name, made.channel)
    found = [first]
    if made.apart:
        found.append((await _probed(f"{name} routine", made.by_lane[Lane.ROUTINE]))[0])
    warning = UNPACED.format(name=name) if made.unpaced else await _short(name, left, settings)
    return [
        msgspec.structs.replace(found[0], warning=warning),
        *found[1:],
        *await _standing(name, made.channel),
    ]


async def _standing(name: str, channel: Channel) -> list[Finding]:
    """What receivers look up about it, where they look up anything."""
    if not isinstance(channel, LookedUp):
        return []
    try:
        remarks = await channel.standing()
    except HubError as e:
        return [Finding(what=f"{name} DNS", ok=False, detail=e.message)]
    return [
        Finding(what=f"{name} {each.what}", ok=each.ok, detail=each.detail, warning=each.advice)
        for each in remarks
    ]


UNPACED = (
    "does this gateway queue what it takes? Then urgent mail would wait behind routine mail: write drain_per_s, "
    "or [channels.{name}.routine] with a host of its own / "
    "中継サーバーがためてから送る場合、緊急の配信が通常の配信の後ろで待ちます。drain_per_s を書くか、"
    "[channels.{name}.routine] に別の host を書いてください"
)


async def _short(name: str, left: int | None, settings: Settings) -> str:
    """Where one alert to everybody registered is more than the month's messages that are left."""
    if left is None:
        return ""
    async with initialise.opened(settings) as ledger:
        people = sum((await ledger.read(lambda conn: recipients.headcount(conn, name))).values())
    return SHORT.format(left=left, people=people) if left < people else ""


SHORT = (
    "{left:,} messages are left this month, and {people:,} people are registered: buy more, or a larger plan / "
    "今月の残りは{left:,}通、登録者は{people:,}人です。追加メッセージか上位プランにしてください"
)


async def _probed(what: str, channel: Channel) -> tuple[Finding, int | None]:
    """And how many messages its gateway says are left."""
    try:
        await channel.open()
        health = await channel.probe()
    except HubError as e:
        return Finding(what=what, ok=False, detail=e.message), None
    except Exception as e:  # the hub's log has it whole; one connector's fault hides no finding about another
        return Finding(what=what, ok=False, detail=f"{type(e).__name__}: {UNFORESEEN}"), None
    finally:
        await channel.close()
    left = "" if health.remaining is None else f", {health.remaining} messages left"
    return Finding(what=what, ok=health.ok, detail=health.detail + left), health.remaining


def _show(findings: Iterable[Finding]) -> None:
    for finding in findings:
        mark = "[green]ok  [/]" if finding.ok else "[red]FAIL[/]"
        out.print(f"{mark} {finding.what:10} {escape(finding.detail)}", soft_wrap=True)
        if finding.warning:
            out.print(f"[yellow]note[/] {finding.what:10} {escape(finding.warning)}", soft_wrap=True)
