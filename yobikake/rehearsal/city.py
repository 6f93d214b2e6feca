"""A rehearsal city in a folder: gateways that run, residents who do not exist, a hub that knows no other.

Everything a hub needs lies in the folder afterwards (`yobikake.toml`, keys, secrets, a city with
invented capacities and facilities), so that the same rehearsal can be served by one process or by many.
"""

import csv
import secrets
import shutil
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import tomli_w

from channels._hook.signature import PREFIX
from channels._speech import engine
from channels.webpush import vapid
from hub import city as cities
from hub.city import City
from shelters.site import Facility, Site, SiteCode, load_sites
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.fax import DOMAIN, FaxGateway
from yobikake.rehearsal.http import HttpGateway
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.loudspeaker import LoudspeakerConsole
from yobikake.rehearsal.push import PushService
from yobikake.rehearsal.residents import Place
from yobikake.rehearsal.sensors import Sensors, with_inventions
from yobikake.rehearsal.smtp import SmtpGateway
from yobikake.rehearsal.twilio import TwilioGateway
from yobikake.rehearsal.twilio_handsets import Signal
from yobikake.rehearsal.twilio_messages import TwilioMessages
from yobikake.rehearsal.twilio_phones import Fates
from yobikake.rehearsal.webhook import Receiver
from yobikake.rehearsal.wifi import WifiGateways
from yobikake.rehearsal.x import XGateway

KEYS_PRESSED = ("1", "1", "", "1", "3", "")
"""Of those who are called and asked: most are on their way, some cannot get away, and a third press nothing."""
READING_EVERY = timedelta(seconds=60)


@dataclass(slots=True, kw_only=True)
class Conditions:
    """How the rehearsal's gateways behave. The defaults give a little of everything that happens."""

    mail: Faults = field(default_factory=lambda: Faults(latency_s=0.01, permanent=0.004, temporary=0.01))
    line: Faults = field(default_factory=lambda: Faults(latency_s=0.05))
    x: Faults = field(default_factory=lambda: Faults(latency_s=0.2))
    voice: Faults = field(default_factory=lambda: Faults(latency_s=0.05, permanent=0.01))
    sms: Faults = field(default_factory=lambda: Faults(latency_s=0.05, permanent=0.01))
    fax: Faults = field(default_factory=lambda: Faults(latency_s=0.05, temporary=0.1))
    webhook: Faults = field(default_factory=lambda: Faults(latency_s=0.05))
    loudspeaker: Faults = field(default_factory=lambda: Faults(latency_s=0.2))
    wifi: Faults = field(default_factory=lambda: Faults(latency_s=0.05, temporary=0.1))
    handsets: Signal = field(default_factory=lambda: Signal(undelivered=0.05))
    phones: Fates = field(
        default_factory=lambda: Fates(no_answer=0.1, busy=0.03, ring_s=0.5, talk_s=1.0, keys=KEYS_PRESSED)
    )
    webpush: Faults = field(default_factory=lambda: Faults(latency_s=0.05, permanent=0.02))
    calls_per_s: int = 30
    card: bool = False
    """Posts have pictures: each takes a fifth of a second of the processor."""


@dataclass(slots=True, kw_only=True)
class RehearsalCity:
    folder: Path
    city: City
    sites: Mapping[SiteCode, Site]
    sensors: Sensors
    inbox: Inbox
    smtp: SmtpGateway
    fax: FaxGateway
    http: Sequence[HttpGateway]
    push: PushService
    push_key: str
    """The city's public key, under which browsers subscribe."""

    @property
    def places(self) -> list[Place]:
        """Where its people live, in proportion to the towns' population where that is known."""
        return [Place(town.code, town.zone, town.population or 1_000) for town in self.city.towns.values()]


@asynccontextmanager
async def rehearsal_city(
    folder: Path,
    *,
    residents_port: int,
    staff_port: int,
    conditions: Conditions,
    seed: int = 1,
    inbox: Inbox | None = None,
) -> AsyncIterator[RehearsalCity]:
    """Write the folder and run its gateways. Nothing of a city's own configuration is read. `inbox`: None: a new one."""
    city_folder = folder / "city"
    sites, sensors = _write_city(city_folder, seed)
    keys = _secrets(folder / "secrets")
    inbox = inbox or Inbox()
    account_sid = f"AC{secrets.token_hex(16)}"
    smtp = SmtpGateway(inbox, faults=conditions.mail)
    line = LineGateway(inbox, faults=conditions.line)
    x = XGateway(inbox, faults=conditions.x)
    twilio = TwilioGateway(
        inbox,
        account_sid=account_sid,
        auth_token=keys["twilio"].read_text(),
        faults=conditions.voice,
        fates=conditions.phones,
        countries=("+81",),
    )
    messages = TwilioMessages(
        inbox,
        account_sid=account_sid,
        auth_token=keys["twilio"].read_text(),
        faults=conditions.sms,
        signal=conditions.handsets,
        countries=("+81",),
    )
    fax = FaxGateway(inbox, faults=conditions.fax)
    partners = Receiver(inbox, secret=keys["webhook"].read_text(), faults=conditions.webhook)
    speakers = LoudspeakerConsole(inbox, secret=keys["webhook"].read_text(), faults=conditions.loudspeaker)
    push = PushService(inbox, faults=conditions.webpush)
    push_key = vapid.create(folder / "secrets" / "webpush")
    wifi = WifiGateways(inbox, key_file=keys["wifi"], faults=conditions.wifi)
    async with AsyncExitStack() as stack:
        started: list[HttpGateway | SmtpGateway] = [
            smtp,
            line,
            x,
            twilio,
            messages,
            fax,
            partners,
            speakers,
            push,
            *wifi.gateways,
        ]
        for gateway in started:
            await gateway.start()
            stack.push_async_callback(gateway.stop)
        (folder / "website").mkdir()
        public = f"http://127.0.0.1:{residents_port}"
        channels = {
            "mail": _mail(smtp),
            "line": {
                "access_token_file": str(keys["line"]),
                "channel_secret_file": str(keys["line_secret"]),
                "base_url": line.url,
                "data_url": line.url,
            },
            "x": _x(x, keys, card=conditions.card),
            "voice": {
                "account_sid": account_sid,
                "auth_token_file": str(keys["twilio"]),
                "from_number": "+815000000000",
                "callback_url": f"{public}/callbacks/voice",
                "base_url": twilio.url,
                "calls_per_s": conditions.calls_per_s,
            },
            "sms": {
                "account_sid": account_sid,
                "auth_token_file": str(keys["twilio"]),
                "sender": "YOBIKAKE",
                "callback_url": f"{public}/callbacks/sms",
                "base_url": messages.url,
                "segments_per_s": conditions.calls_per_s,
            },
            "fax": {
                "host": "127.0.0.1",
                "port": fax.port,
                "security": "none",
                "sender": "bosai@akishima.example",
                "address": f"{{number}}@{DOMAIN}",
                "per_minute": 600,
            },
            "webpush": {
                "key_file": str(folder / "secrets" / "webpush"),
                "subject": "mailto:bosai@akishima.example",
                "services": [push.url],
            },
            "wifi": wifi.stanza(saved_dir=folder / "wifi"),
            "website": {
                "directory": str(folder / "website"),
                "title": "昭島市 緊急情報（訓練用の町）",
                "link": public,
            },
            "webhook": {"systems": _systems(partners, keys["webhook"])},
            "loudspeaker": _loudspeaker(speakers, keys["webhook"]),
            "manual": {},
        }
        settings = {
            "data": "data",
            "city": str(city_folder),
            "staff": {"port": staff_port},
            "residents": {"port": residents_port},
            "on_call": {"mail": ["p9000000@work.example"]},
            "shelters": {
                "forecast": False
            },  # a minute of its evening passes in a second: all would fill at once
            "phone_in": {"number": "050-0000-0000"},
            "delivery": {"backoff_s": [0.5, 1.0, 2.0]},
            "limits": {"free_disk": 0.01},  # on somebody's laptop, which may be nearly full
            "channels": channels,
        }
        (folder / "yobikake.toml").write_text(tomli_w.dumps(settings), encoding="utf-8")
        yield RehearsalCity(
            folder=folder,
            city=cities.load(city_folder),
            sites=sites,
            sensors=sensors,
            inbox=inbox,
            smtp=smtp,
            fax=fax,
            http=(line, x, twilio, messages, partners, speakers, push, *wifi.gateways),
            push=push,
            push_key=push_key,
        )


def _write_city(folder: Path, seed: int) -> tuple[dict[SiteCode, Site], Sensors]:
    """Akishima's towns and sites, with invented capacities, facilities and counters at the doors that may open in a flood."""
    with resources.as_file(resources.files("config") / "akishima") as akishima:
        shutil.copytree(akishima, folder, ignore=shutil.ignore_patterns("__*"))
    sites = with_inventions(load_sites(folder).values(), seed=seed)
    _write_inventions(folder / "shelters.csv", sites)
    sensors = Sensors(sites, seed=seed, interval=READING_EVERY)
    (folder / "devices.toml").write_text(sensors.toml(), encoding="utf-8")
    return sites, sensors


def _write_inventions(path: Path, sites: Mapping[SiteCode, Site]) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        site = sites[SiteCode(row["code"])]
        row["capacity"] = str(site.capacity)
        row |= {each.value: "1" if each in site.facilities else "" for each in Facility}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _secrets(folder: Path) -> dict[str, Path]:
    """A new secret of each kind, in a file of its own."""
    folder.mkdir(parents=True, mode=0o700)
    values = {
        "line": secrets.token_urlsafe(64),
        "line_secret": secrets.token_hex(16),
        "twilio": secrets.token_hex(16),
        "webhook": f"{PREFIX}{b64encode(secrets.token_bytes(32)).decode()}",
        "wifi": secrets.token_hex(20),
        "x_consumer_key": secrets.token_hex(12),
        "x_consumer_secret": secrets.token_hex(25),
        "x_access_token": f"1000000001-{secrets.token_hex(20)}",
        "x_access_token_secret": secrets.token_hex(22),
    }
    paths = {name: folder / name for name in values}
    for name, value in values.items():
        paths[name].touch(mode=0o600)
        paths[name].write_text(value)
    return paths


def _mail(smtp: SmtpGateway) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": smtp.port, "security": "none", "sender": "bosai@akishima.example"}


def _systems(partners: Receiver, key: Path) -> list[dict[str, Any]]:
    names = {"cable-tv": "ケーブルテレビ", "schools": "学校連絡システム"}
    return [
        {"ref": ref, "name": name, "url": partners.url_of(ref), "secret_file": str(key), "private": True}
        for ref, name in names.items()
    ]


def _loudspeaker(console: LoudspeakerConsole, key: Path) -> dict[str, Any]:
    """A demo without the speech engine has a console that speaks by itself."""
    hook = {"url": console.address, "secret_file": str(key), "private": True, "sound": engine.installed()}
    return {"name": "防災行政無線（操作卓）", "webhook": hook}


def _x(x: XGateway, keys: Mapping[str, Path], *, card: bool) -> dict[str, Any]:
    names = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    return {
        "account": {f"{name}_file": str(keys[f"x_{name}"]) for name in names},
        "base_url": x.url,
        "card": card,
    }
