"""Which sites a reply names, and in what order."""

from collections.abc import Sequence

from hub.language import Language
from hub.place import Position
from hub.shelter_list import Crowding
from operator_ui.window import going
from shelters.public_list import Entry
from shelters.suited import Suited
from tests.unit.window.asking import bank

HERE = Position(latitude=35.7, longitude=139.35)


def entries(*sites: tuple[int, Crowding]) -> list[Entry]:
    """Metres to the north of `HERE`, and the word."""
    return [
        Entry(
            code=f"E{metres}", ja=f"第{metres}小学校", en=f"No. {metres} School", address="", opens_at=None,
            latitude=HERE.latitude + metres / 111_200, longitude=HERE.longitude, suited=Suited.RECOMMENDED,
            people=metres, capacity=1000, crowding=crowding, as_of=None,
        )
        for metres, crowding in sites
    ]  # fmt: skip


def said(found: Sequence[Entry]) -> list[str]:
    shown = going.most_useful(found, HERE)
    return [site.line.text for site in going.named(shown, bank(), Language.JA, HERE)]


def test_of_sites_with_one_word_the_nearest_is_number_one() -> None:
    full = Crowding.CROWDED
    lines = said(entries((900, full), (700, full), (200, full)))
    assert [line.partition("：")[0] for line in lines] == ["第200小学校", "第700小学校", "第900小学校"]
    assert lines[0].endswith("直線0.2km（いちばん近い）")
    assert sum("いちばん近い" in line for line in lines) == 1


def test_room_comes_first_where_the_words_differ_and_the_nearest_is_marked() -> None:
    lines = said(entries((900, Crowding.HAS_ROOM), (700, Crowding.CROWDED), (200, Crowding.CROWDED)))
    assert [line.partition("：")[0] for line in lines] == ["第900小学校", "第700小学校", "第200小学校"]
    assert ["いちばん近い" in line for line in lines] == [False, False, True]


def test_another_order_than_by_way_is_said() -> None:
    by_room = entries((900, Crowding.HAS_ROOM), (200, Crowding.CROWDED))
    assert going.ranked(going.named(by_room, bank(), Language.JA, HERE))
    assert not going.ranked(going.named(by_room[::-1], bank(), Language.JA, HERE))
    assert not going.ranked(going.named(by_room, bank(), Language.JA, None))


def test_one_site_alone_is_not_called_the_nearest() -> None:
    [line] = said(entries((900, Crowding.HAS_ROOM)))
    assert line == "第900小学校：空いています、直線0.9km"


def test_the_nearest_of_all_is_among_the_first() -> None:
    room = Crowding.HAS_ROOM
    lines = said(entries((900, room), (700, room), (800, room), (200, room)))
    assert [line.partition("：")[0] for line in lines] == ["第200小学校", "第700小学校", "第900小学校"]


def test_the_order_is_kept_where_nobody_said_from_where() -> None:
    found = entries((900, Crowding.CROWDED), (200, Crowding.CROWDED))
    assert going.most_useful(found, None) == found
    assert not any("いちばん" in site.line.text for site in going.named(found, bank(), Language.JA, None))


def test_every_language_marks_it() -> None:
    shown = entries((200, Crowding.CROWDED), (900, Crowding.CROWDED))
    for language in Language:
        first, second = going.named(shown, bank(), language, HERE)
        assert len(first.line.text) > len(second.line.text), language
