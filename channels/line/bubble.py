"""The bubble: one alert as a Flex Message, the level first, in its colour and in words.

    https://developers.line.biz/en/docs/messaging-api/flex-message-elements/

Of the alert it holds approved spans and nothing of our own making; around them stand the level's name and a button.
Its letters grow with those that the reader has set for the chat (`scaling`), and no colour says what no word says.
"""

from collections.abc import Iterator
from typing import Any

from channels.line.words import DETAILS
from hub.cap import MsgType
from hub.channel import Content, Span
from hub.evacuation import Level
from hub.level_words import LEVEL_WORDS
from hub.slots import DRILL

LINK_LIMIT = 1000
"""Characters. https://developers.line.biz/en/reference/messaging-api/#uri-action"""

Component = dict[str, Any]


def bubble(content: Content) -> Component:
    """The Flex container. The same content gives the same bubble: a repeat has to be the same (0005)."""
    made: Component = {"type": "bubble", "size": "giga"}
    if blocks := list(_level(content)):
        made["header"] = _box(blocks, spacing="xs", paddingAll="lg") | {"backgroundColor": _colour(content)}
    made["body"] = _box(list(_body(content)), spacing="md", paddingAll="lg")
    if content.link and len(content.link) <= LINK_LIMIT:
        made["footer"] = _box([_button(content)], paddingAll="lg")
    return made


def _level(content: Content) -> Iterator[Component]:
    """A cancelled order has no level any more."""
    level = content.level
    if level is None or content.msg_type is MsgType.CANCEL:
        return
    words, ink = LEVEL_WORDS[content.language], _ink(level)
    for mark in _drill(content):
        yield _text(mark, size="md", weight="bold", color=ink)
    yield _text(f"{words.level}{level.value}", size="xxl", weight="bold", color=ink)
    if name := words.names.get(level):
        yield _text(name, size="xl", weight="bold", color=ink)


def _body(content: Content) -> Iterator[Component]:
    if headline := content.text(content.headline).strip():
        yield _text(headline, size="lg", weight="bold")
    if short := content.text(content.short).strip():
        yield _text(short, size="md")
    if sites := list(_sites(content.body)):
        yield {"type": "separator", "margin": "lg"}
        yield from sites


def _sites(body: tuple[Span, ...]) -> Iterator[Component]:
    """The list of sites, or the sentence that stands in its place; above it the line that announces it."""
    before = ""
    for span in body:
        if span.slot == "shelters" and span.text.strip():
            if before.endswith(("：", ":")):
                yield _text(before, size="md", weight="bold")
            yield _text(span.text.strip(), size="md")
        before = (span.text.strip().splitlines() or [""])[-1]


def _drill(content: Content) -> Iterator[str]:
    """【訓練】 above the level: the renderer's own mark (I6)."""
    return (span.text.strip() for span in content.headline if span.slot == DRILL and span.text.strip())


def _button(content: Content) -> Component:
    action = {"type": "uri", "label": DETAILS[content.language], "uri": content.link}
    return {"type": "button", "style": "primary", "color": "#1A4FA3", "scaling": True, "action": action}


def _colour(content: Content) -> str:
    assert content.level is not None  # noqa: S101 - only called where there is a header
    return content.level.meaning.colour


def _ink(level: Level) -> str:
    """At least 3:1 for large bold letters (WCAG 2.2, 1.4.3)."""
    return "#000000" if level <= Level.ADVISORY else "#FFFFFF"


def _text(text: str, **look: str) -> Component:
    return {"type": "text", "text": text, "wrap": True, "scaling": True, **look}


def _box(contents: list[Component], **look: str) -> Component:
    return {"type": "box", "layout": "vertical", "contents": contents, **look}
