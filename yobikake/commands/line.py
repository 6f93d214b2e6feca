"""`yobikake line`: the city's LINE account, as far as it is set up from here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from hub import city as cities
from hub.ledger import deployment
from hub.outbound import Outbound
from hub.settings import Settings, convert
from yobikake import connectors, initialise
from yobikake.assembly import city_folder
from yobikake.commands.output import DEFAULT, AsJson, SettingsFile, answer, err, load, out

if TYPE_CHECKING:
    from channels.line.menu import Menu
    from channels.line.menu_picture import Picture
    from channels.line.menus import Menus
    from channels.line.settings import Settings as LineSettings

line = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
menu = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
line.add_typer(menu, name="menu", help="The menu under the chat. / トーク画面のメニュー")


@line.callback()
def account() -> None:
    """The city's LINE account: its menu. / LINE公式アカウント"""


@menu.command()
def show(
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Also write the menu's picture to this file.")
    ] = None,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show the menu of `line_menu.toml`, and which menus the account has. Changes nothing there."""
    value = asyncio.run(_shown(load(settings_file), picture))
    answer(value, as_json=as_json, show=_print)


@menu.command()
def install(
    replace: Annotated[
        bool, typer.Option("--replace", help="Put aside the menu of somebody else that is shown now.")
    ] = False,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Draw the menu of `line_menu.toml` and show it to everybody. Menus of others stay; again, it changes nothing."""
    value = asyncio.run(_installed(load(settings_file), replace=replace))
    answer(value, as_json=as_json, show=_print_installed)


async def _shown(settings: Settings, file: Path | None) -> dict[str, Any]:
    own, made = _line(settings), _menu(settings)
    drawn = _drawn(own, made)
    if file is not None:
        await asyncio.to_thread(file.write_bytes, drawn.data)
    async with _menus(settings, own) as menus:
        state = await menus.state()
    name = made.definition(drawn.data)["name"]
    return {
        "areas": [
            {"label": tile.area.label, "touch": tile.area.touch, **_builtin(tile.bounds)}
            for tile in made.tiles
        ],
        "theirs": len(made.theirs),
        "picture": {"bytes": len(drawn.data), "type": drawn.content_type},
        "account": [
            {
                "id": each.richMenuId,
                "ours": each.ours,
                "shown": each.richMenuId == state.shown,
                "current": each.name == name,
            }
            for each in state.menus
        ],
    }


async def _installed(settings: Settings, *, replace: bool) -> dict[str, Any]:
    own, made = _line(settings), _menu(settings)
    drawn = _drawn(own, made)
    async with _menus(settings, own) as menus:
        with err.status("LINE …"):
            installed = await menus.install(made, drawn, replace=replace)
    return installed._asdict()


def _line(settings: Settings) -> "LineSettings":
    connectors.require("line", settings)
    from channels.line.settings import Settings as LineSettings  # noqa: PLC0415 - its library takes seconds

    return convert(settings.channels["line"], LineSettings, where="[channels.line]")


def _menu(settings: Settings) -> "Menu":
    from channels.line import menu as menus  # noqa: PLC0415

    folder = city_folder(settings.city)
    return menus.load(folder, url=settings.residents.url, telephone=cities.load(folder).contact.telephone)


def _drawn(own: "LineSettings", made: "Menu") -> "Picture":
    from channels._fonts import Fonts  # noqa: PLC0415
    from channels.line.menu_picture import draw  # noqa: PLC0415

    return draw(made, Fonts(own.menu_font_file, setting="[channels.line] menu_font_file"))


@asynccontextmanager
async def _menus(settings: Settings, own: "LineSettings") -> "AsyncIterator[Menus]":
    from channels.line.menus import Menus  # noqa: PLC0415

    async with initialise.opened(settings) as ledger:
        kind = await ledger.read(deployment.read)
    outbound = Outbound(
        deployment=kind,
        proxy=settings.proxy.url,
        direct=settings.proxy.direct,
        ca_file=settings.proxy.ca_file,
    )
    menus = Menus(own, outbound=outbound)
    await menus.open()
    try:
        yield menus
    finally:
        await menus.close()


def _builtin(bounds: Any) -> dict[str, int]:
    return {name: getattr(bounds, name) for name in ("x", "y", "width", "height")}


def _print(value: dict[str, Any]) -> None:
    shown = Table(box=None, pad_edge=False)
    for name in ("label", "touch", "x", "y", "width", "height"):
        shown.add_column(name, justify="left" if name in ("label", "touch") else "right")
    for area in value["areas"]:
        shown.add_row(*(escape(str(area[column.header])) for column in shown.columns))
    out.print(shown)
    if value["theirs"]:
        out.print(f"+ {value['theirs']} of the chatbot / チャットボットの領域")
    for each in value["account"]:
        whose = "ours" if each["ours"] else "another's"
        marks = [mark for mark, holds in (("shown", each["shown"]), ("as here", each["current"])) if holds]
        out.print(f"{each['id']}  {whose}  {', '.join(marks)}", soft_wrap=True)


def _print_installed(value: dict[str, Any]) -> None:
    what = "installed / 表示しました" if value["created"] else "as it was / 変わっていません"
    out.print(f"{value['id']}  {what}", soft_wrap=True)
