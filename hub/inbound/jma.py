"""気象庁防災情報XML: a telegram's bytes become a `Telegram`.

Reads warnings of the weather (気象警報・注意報), of landslides (土砂災害警戒情報) and of rivers
(指定河川洪水予報, 水位周知河川), in the form before and since the change of 28 May 2026 (レベル４氾濫危険警報).
Of any other telegram it reads the head and the areas its headline names.

Source: 気象庁防災情報XMLフォーマット, jmx.xsd, jmx_ib.xsd, jmx_mete.xsd and the code tables beside them.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple, TypeVar

from lxml import etree

from hub.errors import BadInput
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.inbound.warning import LEVELLED, InfoType, Place, State, Status, Telegram, Warned

MAX_BYTES = 8 * 1024 * 1024
"""The largest telegram 気象庁 sends, the nationwide summary of warnings (集約通報), stays below this."""

_NAMESPACES = {
    "jmx": "http://xml.kishou.go.jp/jmaxml1/",
    "ib": "http://xml.kishou.go.jp/jmaxml1/informationBasis1/",
    "mete": "http://xml.kishou.go.jp/jmaxml1/body/meteorology1/",
}

E = TypeVar("E", bound=StrEnum)


def parse(data: bytes) -> Telegram:
    """The telegram in `data`.

    Raises:
        BadInput: too large, not XML, with a document type or entities, or not a telegram; names the
            place, `Report/Head/ReportDateTime` or `line 12`.
    """
    report = _root(data)
    title = _text(report, "jmx:Control/jmx:Title")
    return Telegram(
        kind=title,
        office=_text(report, "jmx:Control/jmx:PublishingOffice", default=""),
        status=_one_of(Status, report, "jmx:Control/jmx:Status"),
        info_type=_one_of(InfoType, report, "ib:Head/ib:InfoType"),
        title=_text(report, "ib:Head/ib:Title"),
        event_id=_text(report, "ib:Head/ib:EventID", default=""),
        serial=_text(report, "ib:Head/ib:Serial", default=""),
        issued_at=_moment(report, "ib:Head/ib:ReportDateTime"),
        headline=_text(report, "ib:Head/ib:Headline/ib:Text", default=""),
        warnings=tuple(_merged(_warnings(report, title))),
    )


def _root(data: bytes) -> etree._Element:
    if len(data) > MAX_BYTES:
        raise BadInput(
            "telegram", f"has {len(data)} bytes; at most {MAX_BYTES} are read / 電文が大きすぎます"
        )
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise BadInput("telegram", "has a document type; telegrams have none / 電文ではありません")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as e:
        raise BadInput(f"line {e.lineno}", f"is not XML: {e.msg} / XMLとして読めません") from e
    # Another encoding than UTF-8 could have hidden it from the look at the bytes.
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadInput("telegram", "has a document type; telegrams have none / 電文ではありません")
    if root.tag != f"{{{_NAMESPACES['jmx']}}}Report":
        raise BadInput("Report", "is missing: this is no telegram of 気象庁 / 気象庁の電文ではありません")
    return root


def _text(element: etree._Element, path: str, *, default: str | None = None) -> str:
    found = element.findtext(path, namespaces=_NAMESPACES)
    if found is not None and found.strip():
        return " ".join(found.split())
    if default is None:
        raise BadInput(_place(path), "is missing or empty / 必要な項目がありません")
    return default


def _one_of(kind: type[E], report: etree._Element, path: str) -> E:
    value = _text(report, path)
    try:
        return kind(value)
    except ValueError as e:
        raise BadInput(_place(path), f"{value!r} is none of {', '.join(kind)}") from e


def _moment(report: etree._Element, path: str) -> datetime:
    value = _text(report, path)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as e:
        raise BadInput(_place(path), f"{value!r} is not a time / 時刻ではありません") from e
    if moment.tzinfo is None:
        raise BadInput(_place(path), f"{value!r} has no offset / 時差がありません")
    return moment.astimezone(UTC)


def _place(path: str) -> str:
    return "Report/" + re.sub(r"\w+:", "", path)


def _warnings(report: etree._Element, title: str) -> Iterator[Warned]:
    """From the body where it holds each area's state, else from the headline."""
    found = list(_of_body(report, title))
    return iter(found) if found else _of_headline(report, title)


_FINEST = re.compile(r"（市町村等）$|^土砂災害警戒情報$")
"""Types of Body/Warning with a state for each municipality."""


def _of_body(report: etree._Element, title: str) -> Iterator[Warned]:
    for warning in report.iterfind("mete:Body/mete:Warning", _NAMESPACES):
        if not _FINEST.search(warning.get("type", "")):
            continue
        for areas, kind in _kinds(warning, "mete"):
            if state := _STATES.get(kind.status):
                yield _warned(title, kind, state, areas)


def _of_headline(report: etree._Element, title: str) -> Iterator[Warned]:
    headline = _text(report, "ib:Head/ib:Headline/ib:Text", default="")
    for information in report.iterfind("ib:Head/ib:Headline/ib:Information", _NAMESPACES):
        for areas, kind in _kinds(information, "ib"):
            yield _warned(title, kind, _headline_state(kind, headline), areas)


class _Kind(NamedTuple):
    name: str
    code: str
    condition: str
    status: str


def _kinds(parent: etree._Element, prefix: str) -> Iterator[tuple[tuple[Place, ...], _Kind]]:
    """Each item's areas with each of its kinds; items without either say nothing about any place."""
    for item in parent.iterfind(f"{prefix}:Item", _NAMESPACES):
        areas = _areas(item, prefix)
        for kind in item.iterfind(f"{prefix}:Kind", _NAMESPACES):
            read = _Kind(
                *(
                    _text(kind, f"{prefix}:{tag}", default="")
                    for tag in ("Name", "Code", "Condition", "Status")
                )
            )
            if read.name and areas:
                yield areas, read


def _areas(item: etree._Element, prefix: str) -> tuple[Place, ...]:
    """`Area` stands alone or inside `Areas`. An area without a code cannot be the city's."""
    path = f"{prefix}:Area|{prefix}:Areas/{prefix}:Area"
    places = (
        Place(code=_text(area, f"{prefix}:Code", default=""), name=_text(area, f"{prefix}:Name", default=""))
        for area in item.xpath(path, namespaces=_NAMESPACES)
    )
    return tuple(place for place in places if place.code)


_STATES = {
    "発表": State.ISSUED,
    "継続": State.CONTINUED,
    "解除": State.LIFTED,
    "特別警報から危険警報": State.LOWERED,
    "特別警報から警報": State.LOWERED,
    "特別警報から注意報": State.LOWERED,
    "危険警報から警報": State.LOWERED,
    "危険警報から注意報": State.LOWERED,
    "警報から注意報": State.LOWERED,
}
"""Body: Kind/Status. Anything else (なし, 発表警報・注意報はなし) means that nothing stands there."""


def _headline_state(kind: _Kind, headline: str) -> State:
    """A river's telegram says its state in the kind's name, and 〔継続〕 in the headline."""
    if "解除" in kind.name or kind.condition == "解除":
        return State.LIFTED
    if kind.condition == "継続" or "〔継続〕" in headline:
        return State.CONTINUED
    return State.ISSUED


def _warned(title: str, kind: _Kind, state: State, areas: tuple[Place, ...]) -> Warned:
    hazard = _hazard(title, kind)
    level = _level(title, kind) if hazard in LEVELLED else None
    return Warned(name=kind.name, code=kind.code, hazard=hazard, level=level, state=state, areas=areas)


_HAZARDS: tuple[tuple[str, Hazard], ...] = (
    ("土砂", Hazard.LANDSLIDE),
    ("高潮", Hazard.STORM_SURGE),
    ("洪水", Hazard.FLOOD),
    ("氾濫", Hazard.FLOOD),
    ("河川", Hazard.FLOOD),
    ("大雨", Hazard.INLAND_FLOOD),
    ("津波", Hazard.TSUNAMI),
    ("震", Hazard.EARTHQUAKE),
    ("噴火", Hazard.VOLCANO),
    ("降灰", Hazard.VOLCANO),
    ("暴風", Hazard.STORM),
    ("強風", Hazard.STORM),
    ("竜巻", Hazard.STORM),
    ("熱中症", Hazard.HEAT),
)
"""The first word that occurs decides: in the warning's name and condition, else in the telegram's title."""


def _hazard(title: str, kind: _Kind) -> Hazard:
    for text in (kind.name + kind.condition, title):
        for word, hazard in _HAZARDS:
            if word in text:
                return hazard
    return Hazard.OTHER


_LEVEL = re.compile(r"レベル([2-5])")
_FLOOD_CODE = re.compile(r"([2-5])[0-9]")

_BEFORE_2026: tuple[tuple[str, Level], ...] = (
    ("大雨特別警報", Level.SECURE_LIFE),
    ("大雨警報", Level.ELDERLY_EVACUATE),
    ("洪水警報", Level.ELDERLY_EVACUATE),
    ("大雨注意報", Level.ADVISORY),
    ("洪水注意報", Level.ADVISORY),
    ("高潮注意報", Level.ADVISORY),
)
"""警戒レベル相当情報 of names without a level, where the name alone decides it. Of 高潮 only the 注意報 does."""


def _level(title: str, kind: _Kind) -> Level | None:
    """The 警戒レベル a warning stands for; digits may be full-width.

    River forecasts before 2026 say it by the tens of the code (20 注意, 30 警戒, 40 危険, 50 発生).
    """
    if found := _LEVEL.search(unicodedata.normalize("NFKC", kind.name)):
        return Level(int(found[1]))
    if title == "土砂災害警戒情報":
        return Level.EVACUATE if kind.name == "警戒" else None
    if "氾濫" in kind.name and (tens := _FLOOD_CODE.fullmatch(kind.code)):
        return Level(int(tens[1]))
    return next((level for word, level in _BEFORE_2026 if word in kind.name), None)


def _merged(warnings: Iterator[Warned]) -> Iterator[Warned]:
    """Warnings that differ only in their areas, as one."""
    areas: dict[tuple[str, str, Hazard, Level | None, State], list[Place]] = {}
    for each in warnings:
        key = (each.name, each.code, each.hazard, each.level, each.state)
        areas.setdefault(key, []).extend(each.areas)
    for (name, code, hazard, level, state), places in areas.items():
        yield Warned(
            name=name, code=code, hazard=hazard, level=level, state=state, areas=tuple(dict.fromkeys(places))
        )
