"""`yobikake send`, `approve` and `correct`: from the command line what the console does, with the same two people."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from hub import prepared
from hub.alert import DecisionMethod, Mode
from hub.approval import Approval
from hub.clock import JST
from hub.draft import Draft, State, check
from hub.errors import BadInput, Conflict
from hub.evacuation import Level
from hub.recipient import Reached, Targeting, Towns
from hub.schedule import ASK_BEFORE
from hub.settings import Settings
from hub.slots import Form
from yobikake import initialise, order
from yobikake.commands.output import DEFAULT, SettingsFile, load, local, out
from yobikake.commands.signed_in import Login, city, intake, password, sign_in


def send(
    login: Login,
    template: Annotated[
        str, typer.Option(help="A template of the phrase bank, for example flood-4. / 定型文（例：flood-4）")
    ],
    grounds: Annotated[
        str, typer.Option(help="What the order rests on. / 根拠（例：石原 氾濫危険水位に到達）")
    ],
    area: Annotated[
        str | None,
        typer.Option(
            help="A group of towns: the city's, or one made in the console. / 地域の組（画面で作った組も）"
        ),
    ] = None,
    whole_city: Annotated[
        bool,
        typer.Option(
            "--whole-city", help="Everyone registered, in place of --area. / 市の全域（--area の代わり）"
        ),
    ] = False,
    value: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="What the template asks for; repeat for each: place=中央公園 place.en='Chuo Park' "
            "from_at=2026-12-10T12:30 day=2026-12-10 telephone=042-000-0000. "
            "/ 定型文の差し込み。1つずつ、くり返して書きます",
        ),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHANNEL=REASON",
            help="A channel that is not used, and why; repeat for several: line=点検中. "
            "/ 使わない手段と理由。くり返して書けます",
        ),
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            help="live, or a drill of staff or with residents who take part. / 本番、職員訓練、住民参加訓練"
        ),
    ] = Mode.STAFF_DRILL,
    method: Annotated[
        DecisionMethod, typer.Option(help="How the order was decided. / 決定方法")
    ] = DecisionMethod.HEADQUARTERS,
    hours: Annotated[int, typer.Option(min=1, max=24, help="How long the alert is valid. / 有効な時間")] = 6,
    settings_file: SettingsFile = DEFAULT,
) -> None:
    """Prepare an alert and ask for its approval. Nothing is sent until a second person approves.

    配信を用意し、承認を求めます。ほかの人が承認するまで、何も送りません。

    It goes by every channel but those left out with a reason, and passes the console's checks.

    理由を付けて外した手段のほか、すべての手段を使います。画面と同じ確認をします。
    """
    if (area is None) == (not whole_city):
        raise BadInput(
            "--area", "name either --area or --whole-city / --area か --whole-city のどちらかを書いてください"
        )
    asked = order.Asked(
        template=template,
        grounds=grounds,
        area=area,
        mode=mode,
        method=method,
        valid_for=timedelta(hours=hours),
        values=value or (),
        leave_out=leave_out or (),
    )
    _say_submitted(asyncio.run(_submit(load(settings_file), asked, login)))


def approve(
    draft: Annotated[str, typer.Argument(help="The draft's id. / 下書きの番号")],
    login: Login,
    level: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=max(Level),
            help="The alert's level, typed by you. 0: no level. / 警戒レベルの数字。なければ0",
        ),
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="The version you read, as --show says it. / 読んだ版")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM-DDTHH:MM",
            help="Send it at this time, not now: staff are asked again before it, and at it. "
            "/ いまではなく、この時刻に送る。送る前にもう一度聞きます",
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print what would be sent, and send nothing. / 内容を見るだけ")
    ] = False,
    settings_file: SettingsFile = DEFAULT,
) -> None:
    """Approve a draft, in the version that you read, and send it; with --at, at a time.

    An author cannot, unless it is a staff drill; the level must be the draft's.

    下書きを承認して送ります。--at があれば、その時刻に送ります。
    """
    settings = load(settings_file)
    if show:
        _show(asyncio.run(_read(settings, draft, login, password())))
        return
    if level is None or version is None:
        raise BadInput(
            "--level" if level is None else "--version",
            f"read it first: yobikake approve {draft} --as {login} --show / 先に内容を確認してください",
        )
    approval = Approval(draft=draft, version=version, typed=Level(level) if level else None)
    if at is not None:
        when = _moment(at)
        asyncio.run(_schedule(settings, approval, when, login, password()))
        out.print(
            f"Scheduled / 予約しました: {draft}, {local(when)}. It is sent only if somebody says yes in the console, "
            f"from {local(when - ASK_BEFORE)} on / コンソールで「送る」と答えると送ります",
            soft_wrap=True,
        )
        return
    number = asyncio.run(_approve(settings, approval, login, password()))
    out.print(f"Accepted / 受け付けました: {number}. Follow it with: yobikake alerts {number}")


def correct(
    number: Annotated[str, typer.Argument(help="The alert's number, for example 2026-0147.")],
    login: Login,
    show: Annotated[
        bool, typer.Option("--show", help="Print what the correction says, and change nothing.")
    ] = False,
    settings_file: SettingsFile = DEFAULT,
) -> None:
    """Submit the correction of an alert: prepared when the alert was sent, it says that there was a mistake.

    It goes to whoever the alert reached, or may have reached, once a second person approves it.
    """
    settings = load(settings_file)
    draft = asyncio.run(_correct(settings, number, login, password(), submit=not show))
    if show:
        _show(draft)
    else:
        _say_submitted(draft)


def _moment(typed: str) -> datetime:
    """As staff write it: Japanese time, unless an offset stands behind it."""
    try:
        found = datetime.fromisoformat(typed)
    except ValueError as e:
        raise BadInput(
            "--at", f"{typed} is no time like 2026-12-10T09:00 / 2026-12-10T09:00 のように書いてください"
        ) from e
    return (found if found.tzinfo else found.replace(tzinfo=JST)).astimezone(UTC)


def _say_submitted(draft: Draft) -> None:
    level = int(draft.message.level or 0)
    out.print(f"Submitted / 提出しました: {draft.id} (version {draft.version})")
    out.print("A second person now reads it, then approves what was read:", soft_wrap=True)
    out.print(f"  yobikake approve {draft.id} --as LOGIN --show", soft_wrap=True)
    out.print(
        f"  yobikake approve {draft.id} --as LOGIN --level {level} --version {draft.version}", soft_wrap=True
    )


def _show(draft: Draft) -> None:
    message = draft.message
    facts = {
        "Draft / 下書き": f"{draft.id}, version {draft.version}, {draft.state}",
        "Authors / 作成": ", ".join(draft.authors),
        "Mode / 種別": message.mode,
        "Level / レベル": "–" if message.level is None else int(message.level),
        "Area / 地域": f"{message.area.description} ({_whom(message.targeting)})",
        "Channels / 手段": ", ".join(message.targeting.channels),
        "Left out / 使わない手段": "; ".join(f"{each.channel} ({each.reason})" for each in message.left_out)
        or "–",
        "Order / 発令": f"{message.order.issuer}, {message.order.method}, {local(message.order.ordered_at)}",
        "Grounds / 根拠": message.order.grounds,
        "Valid / 有効": f"{message.valid_for}",
    }
    for name, fact in facts.items():
        _say(f"{name}: {fact}")
    for info in message.infos:
        _say("")
        for form in Form:
            _say(f"[{info.language} {form}] {getattr(info, form)}")


def _whom(targeting: Targeting) -> str:
    match targeting.audience:
        case Towns(towns=towns):
            return ", ".join(towns)
        case Reached(identifier=identifier):
            return f"whoever {identifier} reached / {identifier} の対象者"
        case _:
            return "whole city / 全域"


def _say(text: str) -> None:
    """As it is: brackets are no markup, and no line is broken."""
    out.print(text, markup=False, soft_wrap=True)


async def _submit(settings: Settings, asked: order.Asked, login: str) -> Draft:
    """What is wrong is said before the password is asked for."""
    async with initialise.opened(settings) as ledger:
        message = await order.message(settings, ledger, asked)
        actor = await sign_in(ledger, login, password())
        engine = intake(settings, ledger)
        made = await engine.save(message, actor)
        return await engine.submit(made.id, actor, seen=made.version)


async def _correct(settings: Settings, number: str, login: str, typed: str, *, submit: bool) -> Draft:
    """Submitted; or, not `submit`, as it would be. One that waits for its approval already stays as it is."""
    async with initialise.opened(settings) as ledger:
        actor = await sign_in(ledger, login, typed)
        engine = intake(settings, ledger)
        identifier = f"{city(settings).cap_sender}-{number}"
        if not submit:
            return await engine.read(prepared.draft_id(identifier), actor)
        found = await engine.correct(identifier, actor)
        if found.state is State.SUBMITTED:
            return found
        if actor.login not in found.authors:
            raise Conflict(
                f"{found.author} が編集中です。画面で確認してください / {found.author} is editing it: look in the console"
            )
        return await engine.submit(found.id, actor, seen=found.version)


async def _read(settings: Settings, draft: str, login: str, typed: str) -> Draft:
    async with initialise.opened(settings) as ledger:
        actor = await sign_in(ledger, login, typed)
        found = await intake(settings, ledger).read(draft, actor)
        check(found.message)  # what a terminal would not show is refused here, not after
        return found


async def _approve(settings: Settings, approval: Approval, login: str, typed: str) -> str:
    async with initialise.opened(settings) as ledger:
        actor = await sign_in(ledger, login, typed)
        return (await intake(settings, ledger).accept(approval, actor)).number


async def _schedule(settings: Settings, approval: Approval, at: datetime, login: str, typed: str) -> Draft:
    async with initialise.opened(settings) as ledger:
        actor = await sign_in(ledger, login, typed)
        return await intake(settings, ledger).schedule(approval, at, actor)
