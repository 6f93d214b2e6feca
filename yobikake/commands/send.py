"""`yobikake send` and `yobikake approve`: from the command line what the console does, with the same two people."""

import asyncio
from datetime import timedelta
from typing import Annotated

import typer

from hub import city as cities
from hub import keys as key_files
from hub.alert import DecisionMethod, Mode
from hub.authorise import Actor
from hub.clock import utc_now
from hub.codec import RecordCodec
from hub.draft import Message
from hub.errors import BadInput, Forbidden
from hub.evacuation import Level
from hub.gate import Stops
from hub.intake import Approval, Intake
from hub.ledger import Ledger, accounts
from hub.settings import Settings
from operator_ui.staff import passwords
from yobikake import compose, initialise
from yobikake.assembly import city_folder
from yobikake.commands.output import DEFAULT, SettingsFile, load, out

Login = Annotated[str, typer.Option("--as", help="Your login; the password is asked for.")]


def send(
    login: Login,
    template: Annotated[str, typer.Option(help="A template of the phrase bank, for example flood-4.")],
    grounds: Annotated[str, typer.Option(help="根拠: what the order rests on.")],
    area: Annotated[
        str | None, typer.Option(help="A preset of the city. Leave it out only with --whole-city.")
    ] = None,
    whole_city: Annotated[bool, typer.Option("--whole-city", help="Everyone registered.")] = False,
    channel: Annotated[list[str] | None, typer.Option(help="Repeat for several; without it: all.")] = None,
    mode: Annotated[Mode, typer.Option(help="A drill never reaches residents.")] = Mode.STAFF_DRILL,
    method: Annotated[
        DecisionMethod, typer.Option(help="決定方法: how the order was decided.")
    ] = DecisionMethod.HEADQUARTERS,
    hours: Annotated[int, typer.Option(min=1, max=24, help="How long the alert is valid.")] = 6,
    settings_file: SettingsFile = DEFAULT,
) -> None:
    """Prepare an alert and ask for its approval. Nothing is sent until a second person approves."""
    if (area is None) == (not whole_city):
        raise BadInput(
            "--area", "name either --area or --whole-city / 地域か全域のどちらかを指定してください"
        )
    settings = load(settings_file)
    city = cities.load(city_folder(settings.city))
    message = compose.message(
        compose.template(template),
        city,
        area=compose.preset(city, area) if area else None,
        mode=mode,
        channels=compose.channels(channel or (), settings.channels),
        method=method,
        ordered_at=utc_now(),
        grounds=grounds,
        valid_for=timedelta(hours=hours),
    )
    draft = asyncio.run(_submit(settings, message, login, _password()))
    out.print(f"Submitted / 提出しました: {draft}")
    out.print(
        f"A second person now runs: yobikake approve {draft} --as LOGIN --level {int(message.level or 0)}"
    )


def approve(
    draft: Annotated[str, typer.Argument(help="The draft's id.")],
    login: Login,
    level: Annotated[
        int, typer.Option(min=0, max=max(Level), help="The alert's level, typed by you. 0: no level.")
    ],
    settings_file: SettingsFile = DEFAULT,
) -> None:
    """Approve a draft and send it. The author cannot; the level must be the draft's."""
    number = asyncio.run(_approve(load(settings_file), draft, login, _password(), level))
    out.print(f"Accepted / 受け付けました: {number}. Follow it with: yobikake alerts {number}")


def _password() -> str:
    return str(typer.prompt("Password / パスワード", hide_input=True, err=True))


async def _submit(settings: Settings, message: Message, login: str, password: str) -> str:
    async with initialise.opened(settings) as ledger:
        actor = await _sign_in(ledger, login, password)
        intake = _intake(settings, ledger)
        made = await intake.save(message, actor)
        return (await intake.submit(made.id, actor, seen=made.version)).id


async def _approve(settings: Settings, draft: str, login: str, password: str, level: int) -> str:
    async with initialise.opened(settings) as ledger:
        actor = await _sign_in(ledger, login, password)
        intake = _intake(settings, ledger)
        seen = await intake.read(draft, actor)
        approval = Approval(draft=draft, version=seen.version, typed=Level(level) if level else None)
        return (await intake.accept(approval, actor)).number


async def _sign_in(ledger: Ledger, login: str, password: str) -> Actor:
    account = await ledger.read(lambda conn: accounts.find(conn, login))
    usable = account is not None and account.disabled_at is None
    stored = account.password_hash if account is not None and usable else None
    if not await asyncio.to_thread(passwords.verified, stored, password) or account is None:
        raise Forbidden("ログイン名かパスワードが違います / Login or password is wrong")
    return account.actor


def _intake(settings: Settings, ledger: Ledger) -> Intake:
    """The outbox carries the alert to the hub that serves; it wakes nobody by itself."""
    keys = key_files.load(settings.keys)
    city = cities.load(city_folder(settings.city))
    return Intake(
        ledger=ledger,
        records=RecordCodec(keys),
        keys=keys,
        stops=Stops(),
        sender=city.cap_sender,
        clock=utc_now,
        page=lambda topic, text: None,
        relay=lambda: None,
        channels=frozenset(settings.channels),
        towns=frozenset(city.towns),
    )
