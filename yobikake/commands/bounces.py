"""`yobikake bounces`: what came back of our mail, and whom that holds back."""

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
from hub import keys as key_files
from hub.authorise import SYSTEM
from hub.clock import utc_now
from hub.errors import BadInput
from hub.keys import Keys
from hub.ledger import Ledger, audit, packing, register
from hub.ledger import bounces as table
from hub.ledger.bounces import Suppressed
from hub.recipient import RecipientId
from hub.settings import Settings
from yobikake import initialise
from yobikake.commands.output import DEFAULT, AsJson, SettingsFile, answer, err, load, local, out

MAIL = "mail"

bounces = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@bounces.callback()
def returned() -> None:
    """What came back of our mail, and whom that holds back. / 戻ってきたメールと、送信を止めた宛先"""


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
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show who is held back after mail came back hard for two alerts, the newest first. / 送信を止めた宛先"""
    found = asyncio.run(_suppressed(load(settings_file), addresses=addresses))
    answer(found, as_json=as_json, show=_list_suppressed)


@bounces.command()
def lift(
    ids: Annotated[list[int] | None, typer.Argument(help="Ids of recipients, as `list` shows them.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who is held back.")] = False,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Send to these again, and begin to count anew. / 送信を再び始める"""
    if bool(ids) == everybody:
        raise BadInput("lift", "name ids or --all / 番号か --all を指定してください")
    lifted = asyncio.run(_lift(load(settings_file), None if everybody else ids or []))
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


async def _suppressed(settings: Settings, *, addresses: bool) -> list[dict[str, Any]]:
    keys = key_files.load(settings.keys)
    async with initialise.opened(settings) as ledger:
        found = await ledger.read(lambda conn: table.suppressed(conn, MAIL))
        known = await ledger.read(lambda conn: _addresses(conn, keys, found)) if addresses else {}
    return [_held(each, known.get(each.recipient)) for each in found]


def _addresses(conn: Connection, keys: Keys, found: Sequence[Suppressed]) -> dict[RecipientId, str]:
    return register.addresses(conn, keys, MAIL, [each.recipient for each in found])


def _held(suppressed: Suppressed, address: str | None) -> dict[str, Any]:
    row = {
        "id": suppressed.recipient,
        "alerts": suppressed.alerts,
        "reasons": list(suppressed.reasons),
        "since": suppressed.since,
    }
    return row if address is None else row | {"address": address}


async def _lift(settings: Settings, ids: list[int] | None) -> int:
    keys = key_files.load(settings.keys)
    async with initialise.opened(settings) as ledger:
        lifted = await ledger.write(lambda conn: _lifted(conn, keys, ids))
        if lifted:
            await _repack(ledger, keys)
    return lifted


def _lifted(conn: Connection, keys: Keys, ids: list[int] | None) -> int:
    held = [each.recipient for each in table.suppressed(conn, MAIL)]
    wanted = held if ids is None else [RecipientId(each) for each in ids]
    if unknown := set(wanted) - set(held):
        raise BadInput(f"id {min(unknown)}", "is not held back / 止められていません")
    table.forget(conn, MAIL, wanted)
    table.settle(conn, MAIL)
    audit.append(
        conn,
        keys,
        at=utc_now(),
        actor=SYSTEM.login,
        action="bounces.lift",
        subject="register",
        detail={"recipients": wanted},
    )
    return len(wanted)


async def _repack(ledger: Ledger, keys: Keys) -> None:
    with err.status("packing / 反映しています"):
        await packing.repack(ledger, keys, [MAIL])


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


def _list_suppressed(found: list[dict[str, Any]]) -> None:
    if not found:
        out.print("Nobody / ありません")
    for each in found:
        address = f"  {escape(each['address'])}" if "address" in each else ""
        reasons = escape(", ".join(each["reasons"]))
        out.print(f"{each['id']:>8}  {local(each['since'])}  {each['alerts']}×  {reasons}{address}")
