"""The latest alerts as an Atom feed (RFC 4287), each with its page and its CAP document."""

from collections.abc import Sequence

from lxml import etree

from hub.clock import cap_time
from hub.language import Language
from operator_ui.residents.cap import CONTENT_TYPE as CAP_TYPE
from operator_ui.residents.cap import printable
from operator_ui.residents.masthead import Masthead
from operator_ui.residents.notice import Notice
from operator_ui.residents.portal import alert_path, cap_path, feed_path, home_path

NAMESPACE = "http://www.w3.org/2005/Atom"
CONTENT_TYPE = "application/atom+xml"
FILE = "feed.atom"


def atom(notices: Sequence[Notice], language: Language, masthead: Masthead) -> bytes:
    """UTF-8 with an XML declaration, the newest first. A drill's title says that it is one."""
    city, url, title, checked_at = masthead
    root = etree.Element(_tag("feed"), nsmap={None: NAMESPACE})
    root.set("{http://www.w3.org/XML/1998/namespace}lang", language.value)
    _add(root, "id", url + feed_path(language, FILE))
    _add(root, "title", title)
    _add(root, "updated", cap_time(max((notice.alert.sent for notice in notices), default=checked_at)))
    _link(root, "self", url + feed_path(language, FILE), CONTENT_TYPE)
    _link(root, "alternate", url + home_path(language), "text/html")
    _add(etree.SubElement(root, _tag("author")), "name", city.names[language])
    for notice in notices:
        _add_entry(root, notice, language, url)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _add_entry(root: etree._Element, notice: Notice, language: Language, url: str) -> None:
    entry = etree.SubElement(root, _tag("entry"))
    page = url + alert_path(notice.number, language)
    _add(entry, "id", page)
    _add(entry, "title", notice.headline)
    _add(entry, "updated", cap_time(notice.alert.sent))
    _add(entry, "published", cap_time(notice.alert.sent))
    _link(entry, "alternate", page, "text/html")
    _link(entry, "related", url + cap_path(notice.alert.identifier), CAP_TYPE)
    _add(entry, "summary", notice.short)
    etree.SubElement(entry, _tag("category"), term=notice.alert.status, label=printable(notice.event))


def _link(parent: etree._Element, rel: str, href: str, kind: str) -> None:
    etree.SubElement(parent, _tag("link"), rel=rel, href=href, type=kind)


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, _tag(name)).text = printable(text)


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
