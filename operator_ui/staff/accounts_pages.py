"""The accounts of staff, for whoever administers them. Every change is audited; nothing is deleted.

Nobody changes their own rights or locks themselves: another administrator does, and one always remains.
"""

import re
from collections.abc import Callable
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from hub.authorise import Action, Actor, Role, authorise
from hub.errors import Conflict, Forbidden, Refused
from hub.hazard import Hazard
from hub.ledger import accounts, audit
from hub.ledger.accounts import NO_PASSWORD, Account
from hub.organisation import Organisation
from operator_ui import form
from operator_ui.failures import status_of
from operator_ui.form import Form, Problem
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page, see_other
from operator_ui.staff.sessions import LINK_LASTS
from operator_ui.staff.sign_in import SESSIONS

_LOGIN = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}"

ROLES = {
    Role.COMPOSER: ("起案", "文面を作り、承認を求める"),
    Role.APPROVER: ("承認", "ほかの人の文面を承認し、配信する"),
    Role.SHELTERS: ("避難所", "避難所の段階と人数を報告する"),
    Role.PHONES: ("電話対応", "住民からの電話に答え、件数を数える"),
    Role.PHONES: ("電話窓口", "電話の件数を数え、答えを読む"),
    Role.WELFARE: ("福祉", "電話で「避難が難しい」と答えた人を見て、連絡する"),
    Role.VIEWER: ("閲覧", "見るだけ"),
    Role.ADMIN: ("管理", "アカウントと設定。配信はできない"),
}
"""What each role is called, and what it is for."""

ACTIONS = {
    "session.open": "サインインした",
    "session.close": "サインアウトした",
    "account.add": "作った",
    "account.change": "権限を変えた",
    "account.disable": "止めた",
    "account.enable": "また使えるようにした",
    "account.link": "リンクを出した",
    "account.password": "パスワードを決めた",
    "account.review": "点検した",
}
"""What the record says of an account, in words."""


def routes() -> list[web.RouteDef]:
    login = r"/accounts/{login:" + _LOGIN.replace("{0,63}", "*") + "}"
    return [
        web.get("/accounts", show_all),
        web.post("/accounts", add),
        web.get(login, show),
        web.post(login, change),
        web.post(login + "/lock", lock),
        web.post(login + "/unlock", unlock),
        web.post(login + "/link", offer_link),
    ]


async def show_all(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.ADMINISTER)
    return await _show_all(request)


async def add(request: web.Request) -> web.Response:
    """A new account without a password: its holder chooses one with the link that is shown once."""
    authorise(request[ACTOR], Action.ADMINISTER)
    console, typed = request.app[CONSOLE], await form.read(request)
    given = _given(typed, typed.text("login"), console.organisation)
    problems = _problems(given)
    if not problems:
        try:
            await console.ledger.write(lambda conn: _add(conn, console, given, request[ACTOR]))
        except Conflict as e:
            problems = [Problem("login", e.message)]
    if problems:
        return await _show_all(request, typed=given, problems=problems)
    return await _show_link(request, given.login)


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.ADMINISTER)
    return await _show(request)


async def change(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.ADMINISTER)
    console, typed, login = request.app[CONSOLE], await form.read(request), request.match_info["login"]
    given = _given(typed, login, console.organisation)
    if problems := _problems(given):
        return await _show(request, typed=given, problems=problems, status=422)

    def work(conn: Connection) -> None:
        before = accounts.get(conn, login).actor
        if login == request[ACTOR].login and _rights(given) != _rights(before):
            raise Forbidden(
                "自分の権限は変えられません。ほかの管理者に頼んでください / "
                "Nobody changes their own rights: ask another administrator"
            )
        accounts.change(conn, given)
        if Role.ADMIN in before.roles:
            accounts.keep_an_admin(conn)
        _audit(conn, console, request[ACTOR], "account.change", login, **_told(given))

    return await _write(request, work)


async def lock(request: web.Request) -> web.Response:
    """Nobody signs in with it any more, and whoever is signed in with it is out at once."""
    authorise(request[ACTOR], Action.ADMINISTER)
    console, login = request.app[CONSOLE], request.match_info["login"]
    return await _write(request, lambda conn: lock_account(conn, console, login, request[ACTOR]))


async def unlock(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.ADMINISTER)
    console, login = request.app[CONSOLE], request.match_info["login"]

    def work(conn: Connection) -> None:
        accounts.enable(conn, login)
        _audit(conn, console, request[ACTOR], "account.enable", login)

    return await _write(request, work)


async def offer_link(request: web.Request) -> web.Response:
    """Shown once, to be handed over; the password stays until it is used."""
    authorise(request[ACTOR], Action.ADMINISTER)
    try:
        return await _show_link(request, request.match_info["login"])
    except Refused as e:
        return await _show(request, problems=[Problem("account", e.message)], status=409)


def lock_account(conn: Connection, console: Console, login: str, actor: Actor) -> None:
    """Lock it, with its audit row.

    Raises:
        Forbidden: it is the actor's own.
        Refused: nobody would be left who administers accounts.
        BadInput: there is no such account.
    """
    if login == actor.login:
        raise Forbidden("自分のアカウントは止められません / Nobody locks their own account")
    was_admin = Role.ADMIN in accounts.get(conn, login).actor.roles
    accounts.disable(conn, login, at=console.clock())
    if was_admin:
        accounts.keep_an_admin(conn)
    _audit(conn, console, actor, "account.disable", login)


async def _write(request: web.Request, work: Callable[[Connection], None]) -> web.Response:
    try:
        await request.app[CONSOLE].ledger.write(work)
    except (Forbidden, Refused) as e:
        return await _show(request, problems=[Problem("account", e.message)], status=status_of(e))
    return see_other(f"/accounts/{request.match_info['login']}?saved")


async def _show_all(
    request: web.Request, *, typed: Actor | None = None, problems: list[Problem] | None = None
) -> web.Response:
    console = request.app[CONSOLE]
    everyone = await console.ledger.read(accounts.everyone)
    return page(
        request,
        "accounts.html",
        status=422 if problems else 200,
        accounts=sorted(everyone, key=_order),
        typed=typed or Actor(login="", name="", roles=frozenset()),
        problems=problems or [],
        now=console.clock(),
        **_choices(console.organisation),
    )


async def _show(
    request: web.Request,
    *,
    typed: Actor | None = None,
    problems: list[Problem] | None = None,
    status: int = 200,
) -> web.Response:
    console, login = request.app[CONSOLE], request.match_info["login"]
    account = await console.ledger.read(lambda conn: accounts.find(conn, login))
    if account is None:
        raise web.HTTPNotFound
    return page(
        request,
        "account_edit.html",
        status=status,
        account=account,
        typed=typed or account.actor,
        problems=problems or [],
        saved="saved" in request.query,
        own=login == request[ACTOR].login,
        actions=ACTIONS,
        log=await console.ledger.read(lambda conn: audit.about(conn, [login], limit=20)),
        **_choices(console.organisation),
    )


async def _show_link(request: web.Request, login: str) -> web.Response:
    console = request.app[CONSOLE]
    token = await request.app[SESSIONS].offer_link(login, request[ACTOR])
    account = await console.ledger.read(lambda conn: accounts.get(conn, login))
    return page(
        request,
        "account_link.html",
        account=account,
        link=f"{console.url}/link#{token}",
        until=console.clock() + LINK_LASTS,
    )


def _choices(organisation: Organisation) -> dict[str, Any]:
    return {"roles": ROLES, "hazards": list(Hazard), "organisation": organisation}


def _given(typed: Form, login: str, organisation: Organisation) -> Actor:
    """What the form says of an account. Without a kind of alert ticked: the department's own kinds."""
    department = organisation.department(typed.text("department"))
    ticked = frozenset(Hazard(each) for each in typed.all("hazard") if each in set(Hazard))
    return Actor(
        login=login,
        name=typed.text("name"),
        roles=frozenset(Role(each) for each in typed.all("role") if each in set(Role)),
        department=department.code if department else "",
        hazards=ticked or (department.hazards if department else frozenset()),
    )


def _problems(given: Actor) -> list[Problem]:
    problems = []
    if not re.fullmatch(_LOGIN, given.login):
        problems.append(
            Problem(
                "login",
                "ログイン名は半角の英数字と . _ - で64文字までです / Letters, digits and . _ - only, 64 at most",
            )
        )
    if not given.name or not given.name.isprintable() or len(given.name) > 100:
        problems.append(Problem("name", "氏名を書いてください / Write the name"))
    if not given.roles:
        problems.append(Problem("role", "役割を1つ以上選んでください / Choose at least one role"))
    return problems


def _add(conn: Connection, console: Console, given: Actor, by: Actor) -> None:
    accounts.add(
        conn,
        login=given.login,
        name=given.name,
        password_hash=NO_PASSWORD,
        roles=given.roles,
        department=given.department,
        hazards=given.hazards,
        at=console.clock(),
    )
    _audit(conn, console, by, "account.add", given.login, **_told(given))


def _audit(
    conn: Connection, console: Console, actor: Actor, action: str, login: str, **detail: object
) -> None:
    audit.append(
        conn,
        console.keys,
        at=console.clock(),
        actor=actor.login,
        action=action,
        subject=login,
        detail=detail,
    )


def _told(given: Actor) -> dict[str, object]:
    return {
        "roles": sorted(given.roles),
        "department": given.department,
        "hazards": sorted(given.hazards),
    }


def _rights(actor: Actor) -> tuple[object, ...]:
    return actor.roles, actor.department, actor.hazards


def _order(account: Account) -> tuple[bool, str, str]:
    """Those in use first, by department."""
    return account.disabled_at is not None, account.actor.department, account.actor.login
