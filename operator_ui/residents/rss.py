"""The latest alerts as an RSS 2.0 feed (https://www.rssboard.org/rss-specification), each with its page."""

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from lxml import etree

from hub.clock import JST
from hub.language import Language
from operator_ui.residents.cap import printable
from operator_ui.residents.masthead import Masthead
from operator_ui.residents.notice import Notice
from operator_ui.residents.portal import alert_path, feed_path, home_path

CONTENT_TYPE = "application/rss+xml"
FILE = "feed.rss"
_ATOM = "http://www.w3.org/2005/Atom"


def rss(notices: Sequence[Notice], language: Language, masthead: Masthead) -> bytes:
    """UTF-8 with an XML declaration, the newest first. An item's guid is the address of its page."""
    _, url, title, checked_at = masthead
    root = etree.Element("rss", version="2.0", nsmap={"atom": _ATOM})
    channel = etree.SubElement(root, "channel")
    _add(channel, "title", title)
    _add(channel, "link", url + home_path(language))
    _add(channel, "description", title)
    _add(channel, "language", language.value)
    _add(channel, "lastBuildDate", _time(max((each.alert.sent for each in notices), default=checked_at)))
    _add(channel, "ttl", "1")
    itself = {"href": url + feed_path(language, FILE), "rel": "self", "type": CONTENT_TYPE}
    etree.SubElement(channel, f"{{{_ATOM}}}link", itself)
    for each in notices:
        _add_item(channel, each, language, url)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _add_item(channel: etree._Element, each: Notice, language: Language, url: str) -> None:
    item = etree.SubElement(channel, "item")
    page = url + alert_path(each.number, language)
    _add(item, "title", each.headline)
    _add(item, "link", page)
    _add(item, "description", each.short)
    _add(item, "category", each.event)
    etree.SubElement(item, "guid", isPermaLink="true").text = page
    _add(item, "pubDate", _time(each.alert.sent))


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, name).text = printable(text)


def _time(moment: datetime) -> str:
    """RFC 822 with a year of four digits, as the specification asks."""
    return format_datetime(moment.astimezone(JST).replace(microsecond=0))
