"""The messages that a simulated LINE takes, and what it says of those that it does not.

Limits: https://developers.line.biz/en/reference/messaging-api/#message-objects
"""

from collections.abc import Iterator
from typing import Any

import msgspec

TEXT_LIMIT = 5000
ALT_TEXT_LIMIT = 1500
BUBBLE_LIMIT_BYTES = 30 * 1024
URI_LIMIT = 1000
LABEL_LIMIT = 20
QUICK_REPLIES = 13


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of an error's `details`."""

    message: str
    property: str


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A text or a Flex message; the only kinds this gateway takes."""

    type: str
    text: str = ""
    altText: str = ""  # noqa: N815 - LINE's own names
    contents: dict[str, Any] = {}
    quickReply: dict[str, Any] = {}  # noqa: N815

    @property
    def read(self) -> str:
        """What its reader sees, from top to bottom; of a bubble its notification first."""
        return self.text if self.type == "text" else "\n".join([self.altText, *_texts(self.contents)])

    def faults(self, place: str) -> Iterator[Fault]:
        if self.type == "text":
            yield from _sized(self.text, TEXT_LIMIT, f"{place}.text")
        elif self.type == "flex":
            yield from _sized(self.altText, ALT_TEXT_LIMIT, f"{place}.altText")
            yield from _container(self.contents, f"{place}.contents")
        else:
            yield Fault(message="Must be one of the following values: [text, flex]", property=f"{place}.type")
        if len(self.quickReply.get("items", ())) > QUICK_REPLIES:
            yield Fault(
                message=f"Size must be between 1 and {QUICK_REPLIES}", property=f"{place}.quickReply.items"
            )


def all_faults(messages: list[Message]) -> Iterator[Fault]:
    """Of the messages of one request."""
    if not 1 <= len(messages) <= 5:
        yield Fault(message="Size must be between 1 and 5", property="messages")
    for number, message in enumerate(messages):
        yield from message.faults(f"messages[{number}]")


def _sized(text: str, limit: int, place: str) -> Iterator[Fault]:
    if not text:
        yield Fault(message="May not be empty", property=place)
    if len(text.encode("utf-16-le")) // 2 > limit:
        yield Fault(message=f"Length must be between 0 and {limit}", property=place)


def _container(contents: dict[str, Any], place: str) -> Iterator[Fault]:
    if contents.get("type") != "bubble":
        yield Fault(message="Must be one of the following values: [bubble]", property=f"{place}.type")
        return
    if len(msgspec.json.encode(contents)) > BUBBLE_LIMIT_BYTES:
        yield Fault(message="The size of the bubble is over the limit", property=place)
    for block in ("header", "body", "footer"):
        if block in contents:
            yield from _component(contents[block], f"{place}.{block}")


def _component(component: dict[str, Any], place: str) -> Iterator[Fault]:
    match component.get("type"):
        case "box":
            for number, each in enumerate(component.get("contents", ())):
                yield from _component(each, f"{place}.contents[{number}]")
        case "text":
            if not component.get("text"):
                yield Fault(message="must be non-empty text", property=f"{place}.text")
        case "button":
            yield from _action(component.get("action", {}), f"{place}.action")
        case "separator":
            pass
        case _:
            yield Fault(message="unknown component", property=f"{place}.type")


def _action(action: dict[str, Any], place: str) -> Iterator[Fault]:
    if not 1 <= len(action.get("label", "")) <= LABEL_LIMIT:
        yield Fault(message=f"must not be longer than {LABEL_LIMIT} characters", property=f"{place}.label")
    if action.get("type") == "uri":
        uri = action.get("uri", "")
        if not uri.startswith(("http://", "https://", "line://", "tel:")) or len(uri) > URI_LIMIT:
            yield Fault(message="invalid uri", property=f"{place}.uri")


def _texts(component: dict[str, Any]) -> Iterator[str]:
    """In reading order."""
    if component.get("type") == "text":
        yield component["text"]
    inside = component.get("contents", ())
    for part in (
        *(component[block] for block in ("header", "body", "footer") if block in component),
        *inside,
    ):
        yield from _texts(part)
