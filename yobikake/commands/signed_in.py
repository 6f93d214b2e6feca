"""Acting on a hub from the command line: as somebody who signs in, by the engine's own ways, beside the hub that serves."""

import asyncio
from typing import Annotated

import typer

from hub import city as cities
from hub import keys as key_files
from hub.authorise import Actor
from hub.city import City
from hub.clock import utc_now
from hub.codec import RecordCodec
from hub.disk import Disk
from hub.errors import Forbidden
from hub.gate import Stops
from hub.ledger import Ledger, accounts
from hub.scheduling import Scheduling
from hub.settings import Settings
from operator_ui.staff import passwords
from yobikake.assembly import city_folder, correction

Login = Annotated[
    str,
    typer.Option(
        "--as", help="Your login; the password is asked for. / 自分のログイン名。パスワードは次に聞きます"
    ),
]


def password() -> str:
    return str(typer.prompt("Password / パスワード", hide_input=True, err=True))


async def sign_in(ledger: Ledger, login: str, typed: str) -> Actor:
    """Raises `Forbidden`."""
    account = await ledger.read(lambda conn: accounts.find(conn, login))
    usable = account is not None and account.usable
    stored = account.password_hash if account is not None and usable else None
    if not await asyncio.to_thread(passwords.verified, stored, typed) or account is None:
        raise Forbidden("ログイン名かパスワードが違います / Login or password is wrong")
    return account.actor


def intake(settings: Settings, ledger: Ledger) -> Scheduling:
    """The outbox carries the alert to the hub that serves; it wakes nobody by itself."""
    keys = key_files.load(settings.keys)
    found = city(settings)
    return Scheduling(
        ledger=ledger,
        records=RecordCodec(keys),
        keys=keys,
        stops=Stops(),
        sender=found.cap_sender,
        clock=utc_now,
        page=lambda topic, text: None,
        relay=lambda: None,
        channels=frozenset(settings.channels),
        towns=frozenset(found.towns),
        prepare=correction(found),
        disk=Disk(settings.data, limit=settings.limits.free_disk),
    )


def city(settings: Settings) -> City:
    return cities.load(city_folder(settings.city))
