"""`yobikake line menu`: looked at, put up, and not twice."""

import json
from pathlib import Path

import pytest
from PIL import Image

from channels._fonts import Fonts
from tests.integration.command_line import run_apart
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, rehearsal_city
from yobikake.rehearsal.line import LineGateway

pytestmark = pytest.mark.skipif(
    not Fonts(None, setting="test").found, reason="there is no Japanese font here: fonts-noto-cjk"
)


async def test_the_menu_is_shown_and_then_put_up(tmp_path: Path) -> None:
    async with rehearsal_city(
        tmp_path / "town", residents_port=0, staff_port=0, conditions=Conditions()
    ) as town:
        await evening.set_up(town, evening.clerks(), number=0, seed=1, progress=lambda *_: None)
        line = next(gateway for gateway in town.http if isinstance(gateway, LineGateway))
        settings, picture = town.folder / "yobikake.toml", tmp_path / "menu.png"
        said = await run_apart("line", "menu", "show", "-s", settings, "--json", "--picture", picture)
        assert said.code == 0, said.err
        shown = json.loads(said.out)
        assert [area["touch"] for area in shown["areas"]] == [
            "sites",
            "alerts",
            "register",
            "page",
            "telephone",
        ]
        assert shown["account"] == []
        with Image.open(picture) as drawn:
            assert drawn.size == (2500, 1686)
        assert line.shelf.menus == {}
        said = await run_apart("line", "menu", "install", "-s", settings)
        assert said.code == 0, said.err
        assert line.shelf.shown is not None
        assert line.shelf.pictures[line.shelf.shown] == picture.read_bytes()
