"""The bubble of an alert: what stands in it, in which colours, and when there is none."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from channels.line.bubble import bubble
from channels.line.message import ALT_TEXT_LIMIT, BUBBLE_LIMIT_BYTES, compose, fits, messages
from channels.line.words import DETAILS
from hub.alert import Mode
from hub.cap import MsgType
from hub.channel import Content, Span
from hub.evacuation import Level
from hub.framing import frame
from hub.language import Language
from hub.testing.parcels import content
from yobikake.rehearsal.line_messages import Message, all_faults


def texts(component: dict[str, Any]) -> Iterator[str]:
    if component["type"] == "text":
        yield component["text"]
    for each in component.get("contents", ()):
        yield from texts(each)


def block(made: Content, name: str) -> list[str]:
    return list(texts(bubble(made)[name]))


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("level", [*Level, None])
def test_line_takes_it_in_every_language_at_every_level(language: Language, level: Level | None) -> None:
    made = replace(content(language), language=language, level=level)
    taken = msgspec.convert(messages(made), list[Message])
    assert list(all_faults(taken)) == []
    assert [each.type for each in taken] == ["flex", "text"]
    assert (taken[0].altText, taken[1].text) == (made.text(made.short), compose(made))


def test_the_level_stands_first_in_its_colour_and_in_words() -> None:
    made = content()
    assert bubble(made)["header"]["backgroundColor"] == Level.EVACUATE.meaning.colour
    assert block(made, "header") == ["警戒レベル4", "避難指示"]


def test_the_body_says_who_when_where_what_and_which_sites() -> None:
    made = replace(
        content(),
        body=(Span("前文\n洪水のときに使える避難場所：\n"), Span("・つつじ小学校：空いています", "shelters")),
    )
    assert block(made, "body") == [
        made.text(made.headline),
        made.text(made.short),
        "洪水のときに使える避難場所：",
        "・つつじ小学校：空いています",
    ]


def test_its_button_leads_to_the_alerts_page() -> None:
    made = content(Language.EN)
    [button] = bubble(made)["footer"]["contents"]
    assert button["action"] == {"type": "uri", "label": "Details", "uri": made.link}


def test_a_drill_says_so_above_its_level() -> None:
    plain = content()
    drill = replace(plain, mode=Mode.STAFF_DRILL, headline=frame(plain.headline, "headline", Language.JA))
    assert block(drill, "header")[0] == "【訓練】"
    assert "訓練" not in msgspec.json.encode(bubble(plain)).decode()


@pytest.mark.parametrize(("level", "ink"), [(Level.ADVISORY, "#000000"), (Level.SECURE_LIFE, "#FFFFFF")])
def test_letters_stand_out_from_the_levels_colour(level: Level, ink: str) -> None:
    first = bubble(replace(content(), level=level))["header"]["contents"][0]
    assert first["color"] == ink


@pytest.mark.parametrize("level", Level)
def test_the_contrast_is_enough_for_large_letters(level: Level) -> None:
    header = bubble(replace(content(), level=level))["header"]
    one, other = (_luminance(each) for each in (header["backgroundColor"], header["contents"][0]["color"]))
    assert (max(one, other) + 0.05) / (min(one, other) + 0.05) >= 3


def test_what_is_lifted_shows_no_level() -> None:
    assert "header" not in bubble(replace(content(), msg_type=MsgType.CANCEL))


def test_every_text_grows_with_the_readers_letters() -> None:
    def each(component: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield component
        for inner in component.get("contents", ()):
            yield from each(inner)

    made = bubble(content())
    found = [part for name in ("header", "body", "footer") for part in each(made[name])]
    assert all(part["scaling"] for part in found if part["type"] in ("text", "button"))


def test_the_longest_notification_has_a_bubble_and_a_longer_one_has_none() -> None:
    longest = replace(content(), short=(Span("長" * ALT_TEXT_LIMIT),))
    longer = replace(content(), short=(Span("長" * ALT_TEXT_LIMIT + "い"),))
    assert [each["type"] for each in messages(longest)] == ["flex", "text"]
    assert messages(longer) == [{"type": "text", "text": compose(longer)}]


def test_a_bubble_over_lines_limit_is_left_out() -> None:
    sites = Span("・" + "避" * (BUBBLE_LIMIT_BYTES // 3), "shelters")
    assert [each["type"] for each in messages(replace(content(), body=(sites,)))] == ["text"]


def test_without_the_whole_text_nothing_is_sent() -> None:
    assert not fits(replace(content(), body=(Span("長" * 5001),)))


def test_an_alert_without_a_link_has_no_button() -> None:
    assert "footer" not in bubble(replace(content(), link=""))


def test_labels_fit_lines_buttons() -> None:
    assert all(1 <= len(label) <= 20 for label in DETAILS.values())
    assert set(DETAILS) == set(Language)


def _luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
