"""The alerts in force as GeoJSON (RFC 7946): for a map that shows where an order holds.

Whoever draws the file draws all of it. So what calls for nothing is not in it: no drill, and no order that was lifted.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from hub.alert import Alert, Mode
from hub.cap import MsgType
from hub.city import City
from hub.clock import cap_time
from hub.language import Language
from hub.recipient import Towns, WholeCity
from operator_ui.residents.notice import Notice
from operator_ui.residents.portal import alert_path, cap_path
from operator_ui.residents.snapshot import Snapshot

NOTICE = (
    "発令中の緊急情報です。町ごとの情報は町の中心の点で示し、区域の境界ではありません。 / "
    "Alerts in force. A town stands as the point of its centre, which is no boundary."
)


def alerts_geojson(
    snapshot: Snapshot,
    notices: Sequence[Mapping[Language, Notice]],
    head: Mapping[str, object],
    *,
    city: City,
    url: str,
) -> bytes:
    """`notices`: of each alert of the snapshot its texts by language. Where nothing could be checked, none stands here."""
    shown = [] if snapshot.stuck else [texts for texts in notices if _calls_for_something(_alert(texts))]
    members = {"checked_at": cap_time(snapshot.checked_at), "notice": NOTICE}
    features = [_feature(texts, city, url) for texts in shown]
    return msgspec.json.encode({"type": "FeatureCollection", **head, **members, "features": features})


def _alert(texts: Mapping[Language, Notice]) -> Alert:
    return next(iter(texts.values())).alert


def _calls_for_something(alert: Alert) -> bool:
    return alert.mode is Mode.LIVE and alert.msg_type is not MsgType.CANCEL


def _feature(texts: Mapping[Language, Notice], city: City, url: str) -> dict[str, object]:
    alert, number = _alert(texts), next(iter(texts.values())).number
    return {
        "type": "Feature",
        "id": alert.identifier,
        "geometry": _geometry(alert, city),
        "properties": {
            "number": number,
            "hazard": alert.hazard,
            "level": alert.level,
            "level_name": city.levels[alert.level].name if alert.level else None,
            "area": alert.area.description,
            "sent": cap_time(alert.sent),
            "expires": cap_time(alert.expires),
            "headline": {language.value: notice.headline for language, notice in texts.items()},
            "link": url + alert_path(number, Language.JA),
            "cap": url + cap_path(alert.identifier),
        },
    }


def _geometry(alert: Alert, city: City) -> dict[str, object] | None:
    """The city's outline, or its towns' centres; None («unlocated», §3.2) of an alert that goes by whom one reached.

    Longitude comes first (§3.1.1); an outer ring is closed and runs counterclockwise (§3.1.6).
    """
    match alert.targeting.audience:
        case WholeCity():
            return {"type": "Polygon", "coordinates": [_ring(city.boundary)]}
        case Towns(towns=towns):
            centres = [city.towns[town].centre for town in towns if town in city.towns]
            points = [[each.longitude, each.latitude] for each in centres]
            return {"type": "MultiPoint", "coordinates": points}
    return None


def _ring(boundary: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    closed = [*boundary, boundary[0]]
    doubled = sum((x2 - x1) * (y2 + y1) for (x1, y1), (x2, y2) in pairwise(closed))  # positive: clockwise
    return closed[::-1] if doubled > 0 else closed
