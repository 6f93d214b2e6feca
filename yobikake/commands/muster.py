"""`yobikake muster`: calling staff together from the command line, as the console does."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar
from uuid import uuid4

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from hub import keys as key_files
from hub import organisation, roster
from hub.alert import Mode
from hub.authorise import Actor
from hub.capabilities import Unit
from hub.clock import utc_now
from hub.contact import TYPED
from hub.errors import BadInput
from hub.keys import Keys
from hub.ledger import Ledger, deployment, musters
from hub.muster import Answer, CalledGroup, Muster, Roll, Said, counts, first_coming, said
from hub.mustering import Mustering
from hub.outbound import Outbound
from hub.recipient import RecipientId
from hub.settings import Settings
from shelters.site import load_sites
from yobikake import connectors, initialise
from yobikake.assembly import city_folder
from yobikake.commands.output import DEFAULT, AsJson, SettingsFile, answer, load, local, out
from yobikake.commands.signed_in import Login, intake, password, sign_in

T = TypeVar("T")
MODES = (Mode.LIVE, Mode.STAFF_DRILL)
Number = Annotated[int, typer.Argument(help="The muster's number, as `list` shows it. / 参集の番号")]
Channels = Annotated[
    list[str] | None,
    typer.Option(
        "--channel",
        help="By which to call; repeat for several. Left out: all there are. / 手段。くり返して書けます。なければ全部",
    ),
]

muster = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@muster.callback()
def mustering() -> None:
    """Call staff together, and see who comes. / 参集：職員を呼び、だれが来るかを見る"""


@muster.command("groups")
def groups_(settings_file: SettingsFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show which groups can be called, and how many are in each. / 呼べる組"""
    settings = load(settings_file)
    found = asyncio.run(_read(settings, lambda conn, keys: _groups(conn, keys, settings)))
    rows = [
        {"code": each.code, "name": each.name.ja, "name_en": each.name.en, "people": len(each.members)}
        for each in found
        if each.members
    ]
    answer(rows, as_json=as_json, show=_list_groups)


@muster.command("list")
def list_(settings_file: SettingsFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show the newest musters: who called, how many come. / 参集の一覧"""
    found = asyncio.run(_read(load(settings_file), _recent))
    answer(found, as_json=as_json, show=_list_musters)


@muster.command("show")
def show_(number: Number, settings_file: SettingsFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show who answered what, who is silent, and who opens which shelter. / 答えを見る"""
    found = asyncio.run(_read(load(settings_file), lambda conn, keys: _whole(conn, keys, number)))
    answer(found, as_json=as_json, show=_show)


@muster.command("call")
def call_(
    login: Login,
    reason: Annotated[str, typer.Option(help="Why, in one line that everybody reads. / 理由（1行）")],
    group: Annotated[
        list[str],
        typer.Option(
            help="Whom to call, by code as `groups` shows it; `keys`: every shelter's key-holders. Repeat for several. "
            "/ 呼ぶ組。keys は全避難所の鍵当番。くり返して書けます"
        ),
    ],
    channel: Channels = None,
    mode: Annotated[Mode, typer.Option(help="live or staff_drill. / 本番か職員訓練")] = Mode.STAFF_DRILL,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Call the groups now. No second person is needed: only staff are called. / いま呼ぶ"""
    settings = load(settings_file)
    if mode not in MODES:
        raise BadInput("--mode", f"{mode} is none: live or staff_drill / live か staff_drill です")
    roll = asyncio.run(_roll(settings, reason, group, channel or ()))
    number = asyncio.run(
        _act(settings, login, lambda by, actor: by.call(roll, mode, actor, form=str(uuid4())))
    )
    answer(
        {"number": number, "people": len(roll.people)},
        as_json=as_json,
        show=lambda done: out.print(
            f"Called / 呼びました: {done['number']} ({done['people']}). "
            f"See the answers with: yobikake muster show {done['number']}"
        ),
    )


@muster.command("again")
def again_(
    number: Number,
    login: Login,
    channel: Channels = None,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Call once more who is silent; the earlier calls end. / 返事のない人をもう一度呼ぶ"""
    people = asyncio.run(
        _act(load(settings_file), login, lambda by, actor: by.again(number, channel or (), actor))
    )
    answer(
        {"number": number, "people": people},
        as_json=as_json,
        show=lambda done: out.print(f"Called again / もう一度呼びました: {done['people']}"),
    )


@muster.command("cancel")
def cancel_(
    number: Number, login: Login, settings_file: SettingsFile = DEFAULT, as_json: AsJson = False
) -> None:
    """It was a mistake, or is needed no more: everybody is told not to come. / 取り消し、全員に知らせる"""
    asyncio.run(_act(load(settings_file), login, lambda by, actor: by.cancel(number, actor)))
    _say_over(number, "Cancelled, and everybody is told / 取り消しました。全員に知らせます", as_json=as_json)


@muster.command("end")
def end_(
    number: Number, login: Login, settings_file: SettingsFile = DEFAULT, as_json: AsJson = False
) -> None:
    """Take no more answers, and call nobody any more. / 参集を終える"""
    asyncio.run(_act(load(settings_file), login, lambda by, actor: by.end(number, actor)))
    _say_over(number, "Ended / 終えました", as_json=as_json)


def _say_over(number: int, words: str, *, as_json: bool) -> None:
    answer({"number": number, "ended": True}, as_json=as_json, show=lambda _: out.print(f"{words}: {number}"))


async def _read(settings: Settings, work: Callable[[Connection, Keys], T]) -> T:
    keys = key_files.load(settings.keys)
    async with initialise.opened(settings) as ledger:
        return await ledger.read(lambda conn: work(conn, keys))


async def _act(settings: Settings, login: str, work: Callable[[Mustering, Actor], Awaitable[T]]) -> T:
    async with initialise.opened(settings) as ledger:
        actor = await sign_in(ledger, login, password())
        by = Mustering(
            ledger=ledger,
            keys=key_files.load(settings.keys),
            intake=intake(settings, ledger),
            clock=utc_now,
        )
        return await work(by, actor)


async def _roll(settings: Settings, reason: str, codes: Sequence[str], channels: Sequence[str]) -> Roll:
    """Raises `BadInput`: names the option, and what there is."""
    async with initialise.opened(settings) as ledger:
        known = await _people_channels(settings, ledger)
        keys = key_files.load(settings.keys)
        groups = await ledger.read(lambda conn: _groups(conn, keys, settings))
    there = [each.code for each in groups if each.members]
    for code in codes:
        if code not in (*there, roster.KEY_HOLDERS):
            raise BadInput(
                "--group",
                f"{code} has nobody in it, or is none. There are: {', '.join(there) or '–'} / "
                "その組はないか、だれもいません。職員名簿を確かめてください",
            )
    for channel in channels:
        if channel not in known:
            raise BadInput(
                "--channel", f"{channel} is none of: {', '.join(known) or '–'} / その手段はありません"
            )
    by = tuple(each for each in known if not channels or each in channels)
    return Roll(reason=reason, channels=by, groups=roster.chosen(groups, codes))


async def _people_channels(settings: Settings, ledger: Ledger) -> list[str]:
    """By which people are called, of those the hub has."""
    kind = await ledger.read(deployment.read)
    built = connectors.build(settings, Outbound(deployment=kind), utc_now)
    return [name for name, has in built.items() if has.capabilities.unit is Unit.PEOPLE and name in TYPED]


def _groups(conn: Connection, keys: Keys, settings: Settings) -> list[CalledGroup]:
    folder = city_folder(settings.city)
    kept, _ = roster.listed(conn, keys)
    sites = {str(code): site.name for code, site in load_sites(folder).items()}
    return roster.groups(kept, organisation.load(folder), sites)


def _recent(conn: Connection, keys: Keys) -> list[dict[str, Any]]:
    return [_summary(each, said(musters.answers(conn, each.id))) for each in musters.recent(conn, keys)]


def _whole(conn: Connection, keys: Keys, number: int) -> dict[str, Any]:
    found = musters.get(conn, keys, number)
    known = said(musters.answers(conn, number))
    return _summary(found, known) | {
        "people": [_person(name, known.get(person)) for person, name in found.roll.people.items()],
        "shelters": [_shelter(group, known) for group in found.roll.groups if group.site],
    }


def _summary(found: Muster, known: Mapping[RecipientId, Said]) -> dict[str, Any]:
    """called = the sum of the answers + silent, always."""
    counted = counts(found.roll.people, known)
    return {
        "number": found.id,
        "mode": found.mode,
        "reason": found.roll.reason,
        "called_at": found.called_at,
        "called_by": found.called_by,
        "rule": found.rule,
        "state": "cancelled" if found.cancelled else "running" if found.running else "ended",
        "called": counted.called,
        "coming": counted.coming,
        "answers": {each.value: counted.by[each] for each in Answer},
        "silent": counted.silent,
    }


def _person(name: str, known: Said | None) -> dict[str, Any]:
    return {
        "name": name,
        "answer": known and known.answer,
        "at": known and known.at,
        "arrives_at": known and known.arrives_at,
    }


def _shelter(group: CalledGroup, known: Mapping[RecipientId, Said]) -> dict[str, Any]:
    first = first_coming(group, known)
    return {
        "site": group.site,
        "name": group.name.ja,
        "opened_by": first and first.name,
        "arrives_at": known[first.recipient].arrives_at if first else None,
    }


def _list_groups(rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.print("Nobody is on the staff list yet / 職員名簿にまだだれもいません")
        return
    table = Table("code", "group", "people", box=None)
    for row in rows:
        table.add_row(row["code"], escape(f"{row['name']} / {row['name_en']}"), str(row["people"]))
    out.print(table)


def _list_musters(rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.print("Staff were not called yet / まだ参集はありません")
        return
    table = Table("no.", "called", "mode", "state", "come", "silent", "of", "reason", box=None)
    for row in rows:
        table.add_row(
            str(row["number"]), local(row["called_at"]), row["mode"], row["state"], str(row["coming"]),
            str(row["silent"]), str(row["called"]), escape(row["reason"]),
        )  # fmt: skip
    out.print(table)


def _show(found: dict[str, Any]) -> None:
    _list_musters([found])
    people = Table("name", "answer", "at", "there by", box=None)
    for each in found["people"]:
        words = "–" if each["answer"] is None else f"{each['answer'].japanese} / {each['answer'].name_in.en}"
        people.add_row(escape(each["name"]), words, local(each["at"]), local(each["arrives_at"]))
    out.print(people)
    if not found["shelters"]:
        return
    shelters = Table("shelter", "opened by", "there by", box=None)
    for each in found["shelters"]:
        shelters.add_row(escape(each["name"]), escape(each["opened_by"] or "–"), local(each["arrives_at"]))
    out.print(shelters)
