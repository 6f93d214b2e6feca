"""The forms in which the latest alerts can be followed: each in every language, all of the same alerts."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from hub.language import Language
from operator_ui.residents import atom, json_feed, rss
from operator_ui.residents.masthead import Masthead
from operator_ui.residents.notice import Notice

LENGTH = 20
"""Alerts in a feed."""


class Feed(NamedTuple):
    """`file`: its name behind a language; at the root it is the Japanese one."""

    name: str
    file: str
    content_type: str
    write: Callable[[Sequence[Notice], Language, Masthead], bytes]


FEEDS = (
    Feed("Atom", atom.FILE, atom.CONTENT_TYPE, atom.atom),
    Feed("RSS", rss.FILE, rss.CONTENT_TYPE, rss.rss),
    Feed("JSON Feed", json_feed.FILE, json_feed.CONTENT_TYPE, json_feed.json_feed),
)
