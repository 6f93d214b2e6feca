"""`yobikake line menu`: looked at, put up, and not twice."""

from pathlib import Path

import pytest
from PIL import Image

from channels._fonts import Fonts
from hub import settings as settings_file
from yobikake.commands import line as command
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
        found, picture = settings_file.load(town.folder / "yobikake.toml"), tmp_path / "menu.png"
        shown = await command._shown(found, picture)
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
        installed = await command._installed(found, replace=False)
        assert line.shelf.shown == installed["id"]
        assert line.shelf.pictures[installed["id"]] == picture.read_bytes()
