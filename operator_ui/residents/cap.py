"""An alert as a CAP 1.2 document (OASIS standard of 1 July 2010): for other systems to read."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from hub.alert import Alert, Mode
from hub.cap import MsgType
from hub.channel import Content, Spans
from hub.city import City
from hub.clock import cap_time
from hub.evacuation import Level, triple
from hub.framing import FRAMINGS
from hub.language import Language
from hub.recipient import WholeCity
from operator_ui.residents.notice import Notice
from operator_ui.residents.portal import alert_path

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
CONTENT_TYPE = "application/cap+xml"

_RESPONSES: Mapping[Level, str] = {
    Level.SECURE_LIFE: "Shelter",
    Level.EVACUATE: "Evacuate",
    Level.ELDERLY_EVACUATE: "Prepare",
    Level.ADVISORY: "Monitor",
    Level.EARLY: "Monitor",
}
"""info/responseType. Level 3 tells the elderly to leave and everyone else to prepare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the alert stands: what every `info` says alike."""

    alert: Alert
    number: str
    city: City
    url: str


def document(
    alert: Alert,
    notices: Sequence[Notice],
    references: Iterable[Alert],
    *,
    city: City,
    url: str,
) -> bytes:
    """UTF-8 with an XML declaration. `notices`: one a language, at least one; `references`: what `alert` refers to."""
    root = etree.Element(_tag("alert"), nsmap={None: NAMESPACE})
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", cap_time(alert.sent))
    _add(root, "status", alert.status)
    _add(root, "msgType", alert.msg_type)
    _add(root, "source", alert.order.issuer)
    _add(root, "scope", "Public")
    if alert.mode is not Mode.LIVE:
        _add(root, "note", f"訓練 {FRAMINGS[Language.JA].sentence} {FRAMINGS[Language.EN].sentence}")
    if names := [f"{each.sender},{each.identifier},{cap_time(each.sent)}" for each in references]:
        _add(root, "references", " ".join(names))
    place = _Place(alert=alert, number=notices[0].number, city=city, url=url)
    for notice in notices:
        _add_info(root, notice, place)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _add_info(root: etree._Element, notice: Notice, place: _Place) -> None:
    alert, language = place.alert, notice.language
    urgency, severity, certainty = triple(alert.level, alert.msg_type)
    info = etree.SubElement(root, _tag("info"))
    for name, text in [
        ("language", language.value),
        ("category", alert.hazard.category),
        ("event", notice.event),
        ("responseType", _response(alert)),
        ("urgency", urgency),
        ("severity", severity),
        ("certainty", certainty),
        ("effective", cap_time(alert.sent)),
        ("expires", cap_time(alert.expires)),
        ("senderName", place.city.names[language]),
        ("headline", notice.headline),
        ("description", _joined(notice.told)),
        ("instruction", _joined(notice.actions)),
        ("web", place.url + alert_path(place.number, language)),
        ("contact", place.city.contact.telephone),
    ]:
        if text:
            _add(info, name, text)
    if alert.level is not None:
        _add_pair(info, "parameter", "警戒レベル", str(int(alert.level)))
    _add_area(info, place)


def _add_area(info: etree._Element, place: _Place) -> None:
    """The words for the place and the city's code. An outline only for the whole city: towns have none."""
    area = etree.SubElement(info, _tag("area"))
    _add(area, "areaDesc", place.alert.area.description)
    if isinstance(place.alert.targeting.audience, WholeCity):
        ring = [*place.city.boundary, place.city.boundary[0]]
        _add(area, "polygon", " ".join(f"{latitude},{longitude}" for longitude, latitude in ring))
    _add_pair(area, "geocode", "JIS X 0402", place.city.code)


def _response(alert: Alert) -> str:
    if alert.msg_type is MsgType.CANCEL:
        return "AllClear"
    return "" if alert.level is None else _RESPONSES[alert.level]


def _joined(lines: Sequence[Spans]) -> str:
    return "\n".join(Content.text(line) for line in lines).strip()


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, _tag(name)).text = printable(str(text))


def printable(text: str) -> str:
    """`text` without the characters that XML 1.0 cannot hold (§2.2, Char)."""
    return _NOT_XML.sub("", text)


_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _add_pair(parent: etree._Element, name: str, key: str, value: str) -> None:
    pair = etree.SubElement(parent, _tag(name))
    _add(pair, "valueName", key)
    _add(pair, "value", value)


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
