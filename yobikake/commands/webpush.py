"""`yobikake webpush`: the city's key, under which browsers subscribe."""

from pathlib import Path
from typing import Annotated

import typer

from channels.webpush import vapid
from hub.errors import BadInput, BadSettings
from yobikake.commands.output import out

webpush = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The city's key for notifications in browsers. / ブラウザの通知の鍵",
)


@webpush.callback()
def _options() -> None:
    """A group, though it has one command."""


@webpush.command("keys")
def keys(
    file: Annotated[Path, typer.Argument(help="Where the key is written: [channels.webpush] key_file.")],
) -> None:
    """Make the key, readable by you alone. It lasts for as long as the subscriptions do: keep a copy with the
    hub's other keys. With another key every resident would have to subscribe anew.

    鍵をつくります。住民の登録はこの鍵で行われるので、失くすと全員の登録し直しになります。控えを保管してください。
    """
    try:
        public = vapid.create(file)
    except FileExistsError:
        raise BadInput(
            str(file),
            "is there already and is left as it is: those who subscribed under it need it / "
            "すでにあります。登録した人に必要な鍵なので、そのままにします",
        ) from None
    except OSError as e:
        raise BadSettings(str(file), f"cannot be written: {e.strerror} / 書き込めません") from e
    out.print(f"public key / 公開鍵: {public}", soft_wrap=True)
