"""`yobikake voice`: the telephone, from the command line."""

import asyncio
from typing import Annotated

import msgspec
import typer

from hub import keys as key_files
from hub.clock import utc_now
from hub.delivery import REACHED, Result
from hub.settings import Settings
from yobikake import initialise, trial_call
from yobikake.commands.output import DEFAULT, AsJson, SettingsFile, answer, load, out
from yobikake.commands.signed_in import Login, city, password, sign_in

voice = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """`outcome`: of the gateway's word, as `hub.delivery` names it. No number."""

    recipient: int
    outcome: str
    reason: str
    japanese: str
    english: str


@voice.callback()
def telephone() -> None:
    """Call a registered number for a trial. / 電話の試し"""


@voice.command("test")
def call_(
    number: Annotated[str, typer.Argument(help="A registered number, as 090-0000-0000. / 登録した電話番号")],
    login: Login,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Call one registered number, so that its owner knows the city's. / 登録した番号に試しに電話する

    It says that it is no disaster information. Ends with 1 if the gateway did not take the call.
    """
    tried = asyncio.run(_tried(load(settings_file), number, login, password()))
    answer(tried, as_json=as_json, show=_show)
    if tried.outcome not in {each.name.lower() for each in REACHED}:
        raise typer.Exit(1)


async def _tried(settings: Settings, number: str, login: str, typed: str) -> Tried:
    async with initialise.opened(settings) as ledger:
        actor = await sign_in(ledger, login, typed)
        keys = key_files.load(settings.keys)
        found = await trial_call.call(
            settings, ledger, keys, number, actor, city=city(settings), clock=utc_now
        )
    return _of(found)


def _of(result: Result) -> Tried:
    japanese, english = result.outcome.sentence
    return Tried(
        recipient=result.recipient,
        outcome=result.outcome.name.lower(),
        reason=result.reason,
        japanese=japanese,
        english=english,
    )


def _show(tried: Tried) -> None:
    reason = f" ({tried.reason})" if tried.reason else ""
    out.print(f"{tried.english} / {tried.japanese}{reason}")
