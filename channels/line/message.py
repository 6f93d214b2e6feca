"""What one alert is in a chat: a bubble that is understood at a glance, and under it the whole text.

Both, because neither is enough (docs/decisions/0042): a bubble cannot be copied, searched or translated, and in a
wall of text the level is not seen. LINE counts people, not message objects, so two cost what one costs.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from channels.line.bubble import bubble
from hub.channel import Content

TEXT_LIMIT = 5000
"""UTF-16 code units. https://developers.line.biz/en/docs/messaging-api/text-character-count/"""

ALT_TEXT_LIMIT = 1500
"""UTF-16 code units. https://developers.line.biz/en/reference/messaging-api/#flex-message"""

BUBBLE_LIMIT_BYTES = 30_000
"""As JSON. https://developers.line.biz/en/reference/messaging-api/#bubble (30 KB)"""

Message = dict[str, Any]


def messages(content: Content) -> list[Message]:
    """The bubble, then the text; where something does not fit into the bubble, the text alone.

    The same content gives the same messages, byte for byte. Whoever sends checks first that the text `fits`.
    """
    text: Message = {"type": "text", "text": compose(content)}
    flex = _flex(content)
    return [text] if flex is None else [flex, text]


def text_alone(said: Sequence[Message]) -> list[Message]:
    return [each for each in said if each["type"] == "text"]


def fits(content: Content) -> bool:
    """The whole text fits into one message. Without it nothing is sent: a bubble alone is no order."""
    return utf16(compose(content)) <= TEXT_LIMIT


def compose(content: Content) -> str:
    """The headline as first line, the body, the link."""
    parts = (content.text(content.headline), "", content.text(content.body), content.link)
    return "\n".join(parts).strip()


def preview(content: Content) -> list[str]:
    """What a telephone's lock screen shows, if there is a bubble, and the whole text."""
    return [each["text"] if each["type"] == "text" else each["altText"] for each in messages(content)]


def utf16(text: str) -> int:
    """Code units, as LINE counts."""
    return len(text.encode("utf-16-le")) // 2


def _flex(content: Content) -> Message | None:
    """Its alternative is the approved short text: level, place and action, as notifications show it."""
    alternative, contents = content.text(content.short).strip(), bubble(content)
    if not alternative or utf16(alternative) > ALT_TEXT_LIMIT:
        return None
    if len(msgspec.json.encode(contents)) > BUBBLE_LIMIT_BYTES:
        return None
    return {"type": "flex", "altText": alternative, "contents": contents}
