"""The menu under the chat: laid out, drawn, merged with a chatbot's, and put up without touching anybody else's."""

import json
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from channels._fonts import Fonts
from channels.line.menu import FILE, TALL, WIDTH, Menu, load
from channels.line.menu_picture import MOST_BYTES, Picture, draw
from channels.line.menus import Menus
from channels.line.settings import Settings
from channels.line.webhook import OURS
from config import folder
from hub import typed
from hub.errors import BadSettings, Conflict, CredentialsFailure, PermanentFailure, TemporaryFailure
from hub.outbound import Deployment, Outbound
from operator_ui.residents.line import messages
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.line_menus import RichMenu

URL, TELEPHONE = "https://hub.example", "042-000-0000"
PICTURE = Picture(b"\x89PNG not looked at", "image/png")
SIMPLE = 'chat_bar = "防災"\n[[areas]]\nlabel = "避難場所"\ntouch = "sites"\n'


def written(path: Path, text: str) -> Path:
    (path / FILE).write_text(text, encoding="utf-8")
    return path


def menu_of(path: Path, text: str = SIMPLE) -> Menu:
    return load(written(path, text), url=URL, telephone=TELEPHONE)


def akishima() -> Menu:
    return load(folder("akishima"), url=URL, telephone=TELEPHONE)


def taken(menu: Menu) -> RichMenu:
    return typed.convert(menu.definition(PICTURE.data), RichMenu)


def test_the_citys_menu_is_one_that_line_takes() -> None:
    assert list(taken(akishima()).faults()) == []


def test_every_pixel_belongs_to_one_area() -> None:
    bounds = [tile.bounds for tile in akishima().tiles]
    assert sum(each.width * each.height for each in bounds) == WIDTH * TALL
    assert not any(one.meets(other) for number, one in enumerate(bounds) for other in bounds[number + 1 :])


def test_what_is_touched_is_what_the_chat_understands() -> None:
    actions = [area.action for area in taken(akishima()).areas]
    known = {OURS + each for each in (messages.SITES, messages.ALERTS, messages.REGISTER)}
    assert {action["data"] for action in actions if action["type"] == "postback"} == known
    assert [action["uri"] for action in actions if action["type"] == "uri"] == [
        "https://hub.example/",
        "tel:0420000000",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "chat_bar"),
        (SIMPLE.replace("防災", "防" * 15), "chat_bar"),
        (SIMPLE.replace("sites", "dance"), r"\$\.areas\[0\]\.touch"),
        (SIMPLE.replace("避難場所", ""), r"\$\.areas\[0\]\.label"),
        ('chat_bar = "防災"\nareas = []\n', r"\$\.areas"),
        (SIMPLE + "colour = 1\n", "colour"),
        (
            SIMPLE + '[beside]\ndefinition = "none.json"\nimage = "x"\nplace = {x=0,y=0,width=9,height=9}\n',
            "none.json",
        ),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(BadSettings, match=place):
        menu_of(tmp_path, text)


# --- beside a chatbot ------------------------------------------------------------------------------

THEIRS: dict[str, Any] = {
    "richMenuId": "richmenu-1",
    "size": {"width": 1200, "height": 810},
    "selected": False,
    "name": "city bot",
    "chatBarText": "メニュー",
    "areas": [
        {
            "bounds": {"x": 0, "y": 0, "width": 1200, "height": 400},
            "action": {"type": "richmenuswitch", "richMenuAliasId": "b", "data": "to-b"},
        }
    ],
}
BESIDE = (
    '[beside]\ndefinition = "bot.json"\nimage = "bot.png"\nplace = {{x=0,y={y},width=1200,height={height}}}\n'
)


def beside(path: Path, *, y: int = 400, height: int = 410, size: tuple[int, int] = (1200, 810)) -> Menu:
    (path / "bot.json").write_text(json.dumps(THEIRS), encoding="utf-8")
    Image.new("RGB", size, "#E08000").save(path / "bot.png")
    return menu_of(path, SIMPLE + BESIDE.format(y=y, height=height))


def test_a_chatbots_areas_keep_their_actions_and_ours_stand_beside_them(tmp_path: Path) -> None:
    made = beside(tmp_path)
    definition = made.definition(PICTURE.data)
    assert definition["areas"][0] == THEIRS["areas"][0]
    assert [area["action"]["type"] for area in definition["areas"]] == ["richmenuswitch", "postback"]
    assert (definition["chatBarText"], definition["size"], definition["selected"]) == (
        "メニュー",
        THEIRS["size"],
        False,
    )
    assert "richMenuId" not in definition
    assert list(taken(made).faults()) == []


@pytest.mark.parametrize(("where", "said"), [({"y": 399}, "lies over"), ({"y": 500}, "is not inside")])
def test_ours_take_no_others_place(tmp_path: Path, where: dict[str, int], said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        beside(tmp_path, **where)


# --- the picture -----------------------------------------------------------------------------------

needs_a_font = pytest.mark.skipif(
    not Fonts(None, setting="test").found, reason="there is no Japanese font here: fonts-noto-cjk"
)


@needs_a_font
def test_the_picture_is_as_large_as_the_menu_and_every_tile_has_its_own_words() -> None:
    menu = akishima()
    made = draw(menu, Fonts(None, setting="test"))
    assert len(made.data) <= MOST_BYTES
    image = Image.open(BytesIO(made.data))
    assert (image.size, image.format, made.content_type) == ((WIDTH, TALL), "PNG", "image/png")
    tiles = {
        image.crop((b.x + 20, b.y + 90, b.x + b.width - 20, b.y + b.height - 20)).tobytes()
        for b in (tile.bounds for tile in menu.tiles)
    }
    assert len(tiles) == len(menu.tiles)


@needs_a_font
def test_the_picture_is_the_same_each_time(tmp_path: Path) -> None:
    one, other = (draw(beside(tmp_path), Fonts(None, setting="test")) for _ in range(2))
    assert one == other


@needs_a_font
def test_a_chatbots_picture_stays_where_it_is_its_own(tmp_path: Path) -> None:
    image = Image.open(BytesIO(draw(beside(tmp_path), Fonts(None, setting="test")).data)).convert("RGB")
    theirs, ours = image.crop((0, 0, 1200, 390)), image.crop((0, 400, 1200, 810))
    assert all(abs(low - high) < 8 for low, high in theirs.getextrema())
    assert any(high - low > 100 for low, high in ours.getextrema())


@needs_a_font
def test_a_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="1200×809"):
        draw(beside(tmp_path, size=(1200, 809)), Fonts(None, setting="test"))


@needs_a_font
def test_a_letter_that_the_font_has_not_is_no_box(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="the font has no"):
        draw(menu_of(tmp_path, SIMPLE.replace("避難場所", "避\U0001f9ff")), Fonts(None, setting="test"))


def test_without_a_font_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels._fonts.PLACES", ())
    with pytest.raises(BadSettings, match="fonts-noto-cjk"):
        draw(menu_of(tmp_path), Fonts(None, setting="test"))


# --- putting it up ---------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def line() -> AsyncIterator[LineGateway]:
    async with LineGateway(Inbox()) as gateway:
        yield gateway


@pytest_asyncio.fixture
async def menus(line: LineGateway, tmp_path: Path) -> AsyncIterator[Menus]:
    token = tmp_path / "token"
    token.write_text("not-a-token-of-anybody\n")
    menus = Menus(
        Settings(access_token_file=token, base_url=line.url, data_url=line.url),
        outbound=Outbound(deployment=Deployment.REHEARSAL),
    )
    await menus.open()
    yield menus
    await menus.close()


def changes(line: LineGateway) -> list[str]:
    return [request.method for request in line.requests if request.method != "GET"]


async def test_everybody_sees_it_and_again_changes_nothing(line: LineGateway, menus: Menus) -> None:
    first = await menus.install(akishima(), PICTURE)
    assert (first.created, line.shelf.shown, line.shelf.pictures[first.id]) == (True, first.id, PICTURE.data)
    before = changes(line)
    assert await menus.install(akishima(), PICTURE) == (first.id, False, 0)
    assert changes(line) == before


async def test_another_picture_or_area_takes_the_earlier_ones_place(
    line: LineGateway, menus: Menus, tmp_path: Path
) -> None:
    await menus.install(akishima(), PICTURE)
    second = await menus.install(akishima(), Picture(b"another", "image/png"))
    third = await menus.install(menu_of(tmp_path), PICTURE)
    assert (second.removed, third.removed) == (1, 1)
    assert list(line.shelf.menus) == [third.id] == [line.shelf.shown]


@pytest.mark.parametrize("cut_off_after", [1, 2])
async def test_what_was_cut_off_is_taken_up(line: LineGateway, menus: Menus, cut_off_after: int) -> None:
    """Created, or created and drawn, and not shown."""
    definition = akishima().definition(PICTURE.data)
    id_ = await menus._create(definition)
    if cut_off_after == 2:
        await menus._draw(id_, PICTURE)
    installed = await menus.install(akishima(), PICTURE)
    assert (installed.id, installed.created, line.shelf.shown) == (id_, False, id_)
    assert len(line.shelf.menus) == 1


async def test_a_menu_of_others_is_put_aside_only_when_asked_and_never_taken_away(
    line: LineGateway, menus: Menus
) -> None:
    theirs = await menus._create({key: THEIRS[key] for key in THEIRS if key != "richMenuId"})
    await menus._draw(theirs, PICTURE)
    await menus._asked("POST", f"/v2/bot/user/all/richmenu/{theirs}")
    with pytest.raises(Conflict, match=theirs):
        await menus.install(akishima(), PICTURE)
    assert (line.shelf.shown, list(line.shelf.menus)) == (theirs, [theirs])
    installed = await menus.install(akishima(), PICTURE, replace=True)
    assert (line.shelf.shown, set(line.shelf.menus)) == (installed.id, {theirs, installed.id})
    await menus.install(akishima(), Picture(b"another", "image/png"))
    assert theirs in line.shelf.menus


@pytest.mark.parametrize(
    ("fault", "raised"),
    [("down", TemporaryFailure), ("credentials", CredentialsFailure), ("throttle", TemporaryFailure)],
)
async def test_what_line_refuses_is_said(
    line: LineGateway, menus: Menus, fault: str, raised: type[Exception]
) -> None:
    setattr(line.faults, fault, 1.0 if fault == "throttle" else True)
    with pytest.raises(raised):
        await menus.install(akishima(), PICTURE)
    assert line.shelf.menus == {}


async def test_a_menu_that_line_does_not_take_is_permanent(line: LineGateway, menus: Menus) -> None:
    with pytest.raises(PermanentFailure):
        await menus._create({"size": {"width": 1, "height": 1}})
    assert line.shelf.menus == {}
