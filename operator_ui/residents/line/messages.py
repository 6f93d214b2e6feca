"""Answers as messages of LINE: text that is read as it stands, and what may be touched next below it.

https://developers.line.biz/en/reference/messaging-api/#quick-reply
"""

from collections.abc import Iterator, Sequence
from typing import Any

from channels.line.message import TEXT_LIMIT, Message, utf16
from channels.line.replies import MOST
from channels.line.webhook import OURS
from hub.language import Language
from operator_ui.residents.line.words import WORDS
from operator_ui.window.reply import Choice, NamedAlert, Reply

LABEL_LIMIT = 20
DATA_LIMIT = 300
TOUCHES = 13
"""Quick replies of one message."""

ASK = "ask:"
SITES, ALERTS, REGISTER = "sites", "alerts", "register"
"""What the hub's own menu and quick replies ask for, behind `OURS`."""


def said(reply: Reply, *, url: str) -> list[Message]:
    """An answer of the window: every sentence of it in its order, each alert with its page, each site a line."""
    parts = [part for each in reply.each() for part in _parts(each, url)]
    messages: list[Message] = [
        {"type": "text", "text": text} for text in _packed([each for each in parts if each.strip()])
    ]
    return touchable(messages, reply.language, [choice for each in reply.each() for choice in each.choices])


def _parts(reply: Reply, url: str) -> Iterator[str]:
    yield from (each.text for each in reply.lead)
    yield from ("\n".join(_alert(each, url)) for each in reply.alerts)
    if reply.answer is not None:
        yield reply.answer.text
    if reply.sites or reply.heading is not None:
        lines = [reply.heading.text] if reply.heading is not None else []
        yield "\n".join([*lines, *(site.line.text for site in reply.sites)])
    yield from (each.text for each in reply.closing)


def touchable(messages: list[Message], language: Language, choices: Sequence[Choice] = ()) -> list[Message]:
    """With what may be touched next below the last one: the choices, then where I am, the sites, the alerts."""
    words = WORDS[language]
    items = [_postback(each.label.text, ASK + each.ask) for each in choices]
    items += [
        {"type": "action", "action": {"type": "location", "label": words.here}},
        _postback(words.sites, SITES),
        _postback(words.alerts, ALERTS),
        _postback(words.register, REGISTER),
    ]
    return [*messages[:-1], messages[-1] | {"quickReply": {"items": items[-TOUCHES:]}}]


def door(text: str, language: Language, address: str) -> Message:
    """The button that opens the page on which one registers."""
    words = WORDS[language]
    button = {
        "type": "button",
        "style": "primary",
        "color": "#1A4FA3",
        "scaling": True,
        "action": {"type": "uri", "label": words.register, "uri": address},
    }
    body = {"type": "text", "text": text, "wrap": True, "scaling": True, "size": "md"}
    return {
        "type": "flex",
        "altText": text,
        "contents": {
            "type": "bubble",
            "body": {"type": "box", "layout": "vertical", "contents": [body]},
            "footer": {"type": "box", "layout": "vertical", "contents": [button]},
        },
    }


def _alert(alert: NamedAlert, url: str) -> Iterator[str]:
    yield from (each.text for each in alert.said())
    yield url + alert.path


def _packed(parts: Sequence[str]) -> list[str]:
    """As few messages as they fit into; what would need more than LINE takes at once is left to the page."""
    packed: list[str] = []
    for part in parts:
        text = _cut(part)
        if packed and utf16(packed[-1]) + 2 + utf16(text) <= TEXT_LIMIT:
            packed[-1] = f"{packed[-1]}\n\n{text}"
        else:
            packed.append(text)
    return packed[:MOST]


def _cut(text: str) -> str:
    while utf16(text) > TEXT_LIMIT:
        text = text[: -max(1, (utf16(text) - TEXT_LIMIT) // 2)]
    return text


def _postback(label: str, command: str) -> dict[str, Any]:
    short = label if len(label) <= LABEL_LIMIT else f"{label[: LABEL_LIMIT - 1]}…"
    data = f"{OURS}{command}"[:DATA_LIMIT]
    return {
        "type": "action",
        "action": {"type": "postback", "label": short, "data": data, "displayText": label[:DATA_LIMIT]},
    }
