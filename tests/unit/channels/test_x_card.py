"""The picture beside a post, and the words for who does not see it."""

import struct
from pathlib import Path

import msgspec
import pytest

from channels import _fonts as fonts
from channels._fonts import Fonts
from channels.x import card
from channels.x.card import LONGEST_ALT, SIZE, NoCard, alt_text, draw, wrapped
from hub.alert import Mode
from hub.channel import Content, Span
from hub.evacuation import Level
from hub.framing import FRAMINGS, frame
from hub.language import Language
from hub.level_words import LEVEL_WORDS
from hub.testing.parcels import content

needs_font = pytest.mark.skipif(
    not any(path.is_file() for path in fonts.PLACES), reason="there is no Japanese font (fonts-noto-cjk)"
)


@pytest.fixture
def found() -> Fonts:
    return Fonts(None, setting="test")


@needs_font
def test_it_is_a_png_of_its_size_and_the_same_each_time(found: Fonts) -> None:
    png = draw(content(), found)
    assert png.startswith(b"\x89PNG")
    assert struct.unpack(">II", png[16:24]) == SIZE
    assert len(png) < 200_000
    assert draw(content(), found) == png


@needs_font
def test_each_level_is_another_picture_and_a_drill_is_seen_to_be_one(found: Fonts) -> None:
    drawn = {draw(_of(level=level), found) for level in Level}
    said = frame((Span("避難指示"),), "short", Language.JA)
    assert len(drawn) == len(Level)
    assert draw(_of(mode=Mode.RESIDENT_DRILL, short=said), found) != draw(_of(short=said), found)


@needs_font
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"level": None}, "no level"),
        ({"short": (Span("अहिले निस्कनुहोस्।"),)}, "no letter U\\+0905"),
        ({"short": (Span("避難" * 1_000),)}, "no room"),
        ({"headline": (Span("避難" * 200),)}, "no room"),
        ({"sender": "避" * 200}, "no room"),
    ],
)
def test_what_cannot_be_drawn_whole_is_not_drawn(found: Fonts, changes: dict[str, object], why: str) -> None:
    with pytest.raises(NoCard, match=why):
        draw(_of(**changes), found)


def test_without_a_font_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "PLACES", (Path("/nowhere.ttc"),))
    with pytest.raises(NoCard, match="no font"):
        draw(content(), Fonts(None, setting="test"))


@pytest.mark.parametrize("language", Language)
def test_the_words_say_level_headline_text_city_time_and_number(language: Language) -> None:
    words = alt_text(content(language))
    assert LEVEL_WORDS[language].names[Level.EVACUATE] in words.splitlines()[0]
    assert "4" in words.splitlines()[0]
    for part in (content(language).headline, content(language).short):
        assert Content.text(part) in words
    last = words.splitlines()[-1]
    assert last.startswith(content(language).sender)
    assert last.endswith("2026-0147")
    assert "2026-09-08" in last
    assert ("危険な場所から全員避難" in words) is (language is Language.JA)


@pytest.mark.parametrize("language", Language)
def test_the_words_of_a_drill_say_that_it_is_one(language: Language) -> None:
    said = {form: frame(getattr(content(language), form), form, language) for form in ("headline", "short")}
    words = alt_text(_of(language, mode=Mode.STAFF_DRILL, **said))
    assert FRAMINGS[language].mark in words.splitlines()[1]


def test_the_words_are_no_longer_than_x_takes() -> None:
    words = alt_text(_of(short=(Span("避難" * 1_000),)))
    assert len(words) == LONGEST_ALT
    assert words.endswith("…")


class Ruler:
    """Every character is ten wide."""

    def getlength(self, text: str) -> float:
        return 10.0 * len(text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("避難指示です。", ["避難指示", "です。"]),
        ("避難場所。", ["避難場", "所。"]),
        ("あいう「え」", ["あいう", "「え」"]),
        ("川へ21時47分", ["川へ", "21時", "47分"]),
        ("Go up now", ["Go", "up", "now"]),
        ("一行目\n二行目", ["一行目", "二行目"]),
    ],
)
def test_lines_end_where_japanese_lines_may(text: str, lines: list[str]) -> None:
    assert wrapped(text, Ruler(), 45) == lines  # type: ignore[arg-type]


@needs_font
@pytest.mark.parametrize(
    "language", [each for each in Language if each is not Language.NE]
)  # its letters join: no card
@pytest.mark.parametrize("level", Level)
def test_a_levels_name_has_room_in_every_language(found: Fonts, language: Language, level: Level) -> None:
    lettering = found.of(language)
    name = card._name(_of(language), level)
    assert lettering is not None
    assert not lettering.missing(name)
    lines = card._beneath(card._Pen(None, lettering.sized), name)  # type: ignore[arg-type]
    assert (" " if " " in name else "").join(line for _, line in lines) == name
    assert sum(1.2 * size for size, _ in lines) <= card._NAME_HEIGHT


def _of(language: Language = Language.JA, **changes: object) -> Content:
    return msgspec.structs.replace(content(language), **changes)
