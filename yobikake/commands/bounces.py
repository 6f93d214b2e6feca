"""`yobikake bounces`: what came back, of mail by its reports and of every channel by its provider's word, and whom that
holds back."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import track
from rich.table import Table
from sqlalchemy import Connection

from channels.mail.bounces import Bounce, classify
from channels.mail.bounces import score as scoring
from hub import gone
from hub import keys as key_files
from hub.authorise import SYSTEM
from hub.clock import utc_now
from hub.errors import BadInput
from hub.keys import Keys
from hub.ledger import held_back, register
from hub.ledger.held_back import HeldBack
from hub.recipient import RecipientId
from hub.settings import Settings
from yobikake import initialise
from yobikake.commands.output import DEFAULT, AsJson, SettingsFile, answer, err, load, local, out
from yobikake.registration import ADDRESSES

OnChannel = Annotated[
    str | None, typer.Option("--channel", help=f"This one alone, of {', '.join(ADDRESSES)}. / この手段だけ")
]

bounces = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@bounces.callback()
def returned() -> None:
    """What came back, and whom that holds back. / 戻ってきたメールと、送信を止めた宛先"""


@bounces.command("classify")
def classify_(
    files: Annotated[list[Path], typer.Argument(help="Mails as they came, one in each file.")],
    as_json: AsJson = False,
) -> None:
    """Say of mails whom they report as not reached, and why. Needs no hub; shows addresses. / メールを読み分ける"""
    mails = [(file, _mail(file)) for file in files]
    shown = track(mails, "reading / 読んでいます", console=err, transient=True, disable=not err.is_terminal)
    answer([_classified(file, mail) for file, mail in shown], as_json=as_json, show=_list_classified)


@bounces.command("score")
def score_(
    folder: Annotated[Path, typer.Argument(help="Mails with expected_sisimai.json or expected_flufl.json.")],
    as_json: AsJson = False,
) -> None:
    """Compare how mails are read with what other programs said of them. / 読み分けを採点する"""
    found = scoring.score(folder)
    rates = {
        labels: {part: {**_counts(each), **each.rates()} for part, each in sorted(parts.items())}
        for labels, parts in found.items()
    }
    answer(rates, as_json=as_json, show=_list_scores)


@bounces.command("list")
def list_(
    addresses: Annotated[bool, typer.Option("--addresses", help="Show the addresses too.")] = False,
    channel: OnChannel = None,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show who is held back after two alerts came back as if nobody were there, the newest first. / 送信を止めた宛先"""
    found = asyncio.run(_held_back(load(settings_file), _channels(channel), addresses=addresses))
    answer(found, as_json=as_json, show=_list_held_back)


@bounces.command()
def lift(
    ids: Annotated[list[int] | None, typer.Argument(help="Ids of recipients, as `list` shows them.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who is held back.")] = False,
    channel: OnChannel = None,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Send to these again, and begin to count anew. / 送信を再び始める"""
    if bool(ids) == everybody:
        raise BadInput("lift", "name ids or --all / 番号か --all を指定してください")
    lifted = asyncio.run(_lift(load(settings_file), _channels(channel), None if everybody else ids or []))
    answer(
        {"lifted": lifted}, as_json=as_json, show=lambda _: out.print(f"Lifted / 解除しました: {lifted:,}")
    )


def _mail(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as e:
        raise BadInput(str(file), f"cannot be read: {e.strerror} / 読めません") from e


def _classified(file: Path, mail: bytes) -> dict[str, Any]:
    return {"file": str(file), "bounces": [_bounce(each) for each in classify(mail)]}


def _bounce(bounce: Bounce) -> dict[str, str]:
    return {"recipient": bounce.recipient, "kind": bounce.kind, "reason": bounce.reason}


def _counts(score: scoring.Score) -> dict[str, int]:
    return {"mails": score.mails, "unlabelled": score.unlabelled, "recipients": score.labelled}


def _channels(channel: str | None) -> Sequence[str]:
    """Raises `BadInput`."""
    if channel is not None and channel not in ADDRESSES:
        raise BadInput("--channel", f"is none of {', '.join(ADDRESSES)} / この手段はありません")
    return list(ADDRESSES) if channel is None else [channel]


async def _held_back(settings: Settings, channels: Sequence[str], *, addresses: bool) -> list[dict[str, Any]]:
    keys = key_files.load(settings.keys)
    async with initialise.opened(settings) as ledger:
        found = await ledger.read(lambda conn: held_back.listed(conn, channels))
        known = await ledger.read(lambda conn: _addresses(conn, keys, found)) if addresses else {}
    return [_held(each, known.get((each.channel, each.recipient))) for each in found]


def _addresses(conn: Connection, keys: Keys, found: Sequence[HeldBack]) -> dict[tuple[str, RecipientId], str]:
    return {
        (channel, who): address
        for channel in {each.channel for each in found}
        for who, address in register.addresses(
            conn, keys, channel, [each.recipient for each in found if each.channel == channel]
        ).items()
    }


def _held(each: HeldBack, address: str | None) -> dict[str, Any]:
    row = {
        "id": each.recipient,
        "channel": each.channel,
        "alerts": each.alerts,
        "reasons": list(each.reasons),
        "since": each.since,
        "others": list(each.others),
    }
    return row if address is None else row | {"address": address}


async def _lift(settings: Settings, channels: Sequence[str], ids: list[int] | None) -> int:
    keys = key_files.load(settings.keys)
    async with initialise.opened(settings) as ledger:
        found = await ledger.read(lambda conn: held_back.listed(conn, channels))
        if ids is not None and (unknown := set(ids) - {each.recipient for each in found}):
            raise BadInput(f"id {min(unknown)}", "is not held back / 止められていません")
        wanted = [each for each in found if ids is None or each.recipient in ids]
        for channel in channels:
            who = [each.recipient for each in wanted if each.channel == channel]
            if who:
                with err.status("letting in / 反映しています"):
                    await gone.lift(ledger, keys, channel, who, by=SYSTEM.login, at=utc_now())
    return len(wanted)


def _list_classified(found: list[dict[str, Any]]) -> None:
    for each in found:
        out.print(escape(each["file"]))
        for bounce in each["bounces"]:
            out.print(f"    {bounce['kind']:9} {bounce['reason']:15} {escape(bounce['recipient'])}")
        if not each["bounces"]:
            out.print("    no bounce / バウンスではありません")


def _list_scores(rates: dict[str, dict[str, dict[str, float]]]) -> None:
    names = list(next(iter(next(iter(rates.values())).values())))
    columns = [(labels, part) for labels, parts in rates.items() for part in parts]
    shown = Table(box=None, pad_edge=False)
    shown.add_column(no_wrap=True)
    for labels, part in columns:
        shown.add_column(f"{labels}\n{part}", justify="right")
    for name in names:
        shown.add_row(name, *(f"{rates[labels][part][name]:,}" for labels, part in columns))
    out.print(shown)


def _list_held_back(found: list[dict[str, Any]]) -> None:
    if not found:
        out.print("Nobody / ありません")
    for each in found:
        address = f"  {escape(each['address'])}" if "address" in each else ""
        reasons = escape(", ".join(each["reasons"]))
        others = ", ".join(each["others"]) or "no other way / ほかの手段なし"
        out.print(
            f"{each['id']:>8}  {each['channel']:7}  {local(each['since'])}  {each['alerts']}×  {reasons}  ({others}){address}"
        )
