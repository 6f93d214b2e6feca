"""`yobikake init` and `yobikake account`: a new hub, and the people who work with it."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from hub.authorise import Role
from hub.clock import utc_now
from hub.outbound import Deployment
from yobikake import initialise, logins
from yobikake.commands.output import DEFAULT, SettingsFile, err, load, out

account = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

Login = Annotated[str, typer.Option(prompt="Login / ログイン名", help="Short, without spaces.")]
Name = Annotated[str, typer.Option(prompt="Name / 氏名", help="As colleagues know them.")]
Password = Annotated[
    str,
    typer.Option(
        prompt="Password / パスワード",
        hide_input=True,
        confirmation_prompt=True,
        help="At least 12 characters. Better typed than given here, where others may see it.",
    ),
]
Roles = Annotated[
    list[Role], typer.Option("--role", help="What they may do; several are given by repeating it.")
]


def init(
    folder: Annotated[Path, typer.Argument(help="Where the hub's settings, keys and data go.")] = Path(),
    city: Annotated[
        str | None, typer.Option(help="A city in config/, or the path of a folder made like one of those.")
    ] = None,
    production: Annotated[
        bool, typer.Option("--production", help="For real residents. Without it: a rehearsal hub.")
    ] = False,
    without_account: Annotated[
        bool, typer.Option("--without-account", help="Ask for no first account; add it later.")
    ] = False,
) -> None:
    """Make a new hub: settings, keys, database, and the first account. There is no default password.

    Whether it is a rehearsal's or in production is fixed in its database for good. Running it again
    mends what is missing and changes nothing that is there.
    """
    kind = Deployment.PRODUCTION if production else Deployment.REHEARSAL
    made = asyncio.run(initialise.initialise(folder, city, kind, at=utc_now()))
    out.print(f"Settings  {escape(str(made.settings_file))}{'' if made.new_settings else '  (was there)'}")
    out.print(f"Keys      {'made; back them up apart from the data' if made.new_keys else 'were there'}")
    out.print(
        f"Hub       {made.deployment}, for good / {'本番用' if production else '訓練用'}（後から変えられません）"
    )
    if production and made.city.contact.placeholder:
        err.print(f"[yellow]yobikake:[/] {escape(initialise.PLACEHOLDER)}", soft_wrap=True)
    if not without_account and not asyncio.run(logins.everyone(load(made.settings_file))):
        out.print("\nThe first account, who may add the others / 最初のアカウント（ほかの人を追加できます）")
        add(
            login=typer.prompt("Login / ログイン名"),
            name=typer.prompt("Name / 氏名"),
            password=typer.prompt("Password / パスワード", hide_input=True, confirmation_prompt=True),
            roles=list(Role),
            settings_file=made.settings_file,
        )
    out.print(f"\nNext: yobikake serve --settings {escape(str(made.settings_file))}", soft_wrap=True)


@account.callback()
def people() -> None:
    """The people who may sign in. / ログインできる人"""


@account.command()
def add(
    login: Login,
    name: Name,
    password: Password,
    roles: Roles,
    settings_file: SettingsFile = DEFAULT,
) -> None:
    """Add somebody. Sending to residents takes two people: a composer and another approver. / 追加する"""
    asyncio.run(
        logins.add(
            load(settings_file),
            login=login,
            name=name,
            password=password,
            roles=frozenset(roles),
            at=utc_now(),
        )
    )
    err.print(f"{login} may sign in now / {login} さんはログインできます")


@account.command("list")
def list_(settings_file: SettingsFile = DEFAULT) -> None:
    """Show who may sign in, and what they may do. / 一覧"""
    for each in asyncio.run(logins.everyone(load(settings_file))):
        state = "" if each.disabled_at is None else "  (disabled / 停止中)"
        out.print(f"{each.actor.login:16} {each.actor.name:16} {', '.join(sorted(each.actor.roles))}{state}")


@account.command()
def password(login: Login, password: Password, settings_file: SettingsFile = DEFAULT) -> None:
    """Set somebody's password anew. Signs them out everywhere. / パスワードを変える"""
    asyncio.run(logins.set_password(load(settings_file), login=login, password=password, at=utc_now()))
    err.print(f"{login} has a new password / {login} さんのパスワードを変えました")


@account.command()
def disable(login: Login, settings_file: SettingsFile = DEFAULT) -> None:
    """Let nobody sign in with it any more. Accounts are never deleted: the audit trail names them. /
    使えなくする
    """
    asyncio.run(logins.disable(load(settings_file), login=login, at=utc_now()))
    err.print(f"{login} may no longer sign in / {login} さんはログインできなくなりました")
