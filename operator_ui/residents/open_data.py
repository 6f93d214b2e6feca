"""The same as the pages, as JSON for other programs: the alerts in force, and the shelters.

Further files, for catalogues and maps, are in `data_files`. Times are ISO 8601 with Japan's offset. `null` is «not known», never «none» and never «room».
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from hub.city import City
from hub.clock import cap_time
from hub.hazard import Hazard
from hub.language import Language
from hub.outbound import Deployment
from operator_ui.residents.notice import Notice
from operator_ui.residents.portal import alert_path, cap_path
from operator_ui.residents.publisher import LICENCE, LICENCE_URL, Publisher
from operator_ui.residents.snapshot import Snapshot
from shelters.public_list import Entry, public_list


def alerts_json(
    snapshot: Snapshot,
    notices: Sequence[Mapping[Language, Notice]],
    *,
    city: City,
    publisher: Publisher,
    url: str,
    deployment: Deployment,
) -> bytes:
    """`notices`: for each alert of the snapshot, its texts by language."""
    return msgspec.json.encode(
        _head(snapshot, city, deployment)
        | credit(city, publisher, deployment)
        | {"alerts": [_alert(texts, city, url) for texts in notices]}
    )


def shelters_json(snapshot: Snapshot, *, city: City, publisher: Publisher, deployment: Deployment) -> bytes:
    """By hazard of the alerts in force; without one there is no list, because no site may be named (I16).

    `drills`: the hazards that are there because of a drill alone. Where nothing could be checked for a while, the lists are
    empty: a program reads no warning.
    """
    hazards = {hazard.value: _shelters(snapshot, hazard) for hazard in snapshot.hazards}
    drills = [hazard for hazard in snapshot.hazards if hazard not in snapshot.live_hazards]
    return msgspec.json.encode(
        _head(snapshot, city, deployment)
        | credit(city, publisher, deployment)
        | {"drills": drills, "hazards": hazards}
    )


def credit(city: City, publisher: Publisher, deployment: Deployment) -> dict[str, object]:
    """Whose the data is and how it may be used; and whether it is a rehearsal's, and true of nothing."""
    return {
        "license": LICENCE,
        "license_url": LICENCE_URL,
        "attribution": city.names[Language.JA],
        "source": publisher.site_source,
        "rehearsal": deployment is Deployment.REHEARSAL,
    }


def banner_json(
    snapshot: Snapshot,
    first: Mapping[Language, Notice],
    parts: Mapping[Language, str],
    *,
    city: City,
    url: str,
    deployment: Deployment,
) -> bytes:
    """`first`: the texts of the alert that comes first, empty while none is in force. `parts`: by language, as HTML."""
    texts = {
        language.value: {"headline": first[language].headline if language in first else "", "html": part}
        for language, part in parts.items()
    }
    notice = next(iter(first.values()), None)
    return msgspec.json.encode(
        _head(snapshot, city, deployment)
        | {
            "active": notice is not None,
            "level": notice.colour or None if notice else None,
            "link": url + "/",
            "texts": texts if notice else {},
        }
    )


def _head(snapshot: Snapshot, city: City, deployment: Deployment) -> dict[str, object]:
    return {
        "version": snapshot.version,
        "checked_at": cap_time(snapshot.checked_at),
        "city": {"code": city.code, "name": city.names[Language.JA]},
        "rehearsal": deployment is Deployment.REHEARSAL,
    }


def _alert(texts: Mapping[Language, Notice], city: City, url: str) -> dict[str, object]:
    notice = next(iter(texts.values()))
    alert = notice.alert
    return {
        "identifier": alert.identifier,
        "number": notice.number,
        "status": alert.status,
        "msg_type": alert.msg_type,
        "hazard": alert.hazard,
        "level": alert.level,
        "level_name": city.levels[alert.level].name if alert.level else None,
        "area": alert.area.description,
        "issuer": alert.order.issuer,
        "ordered_at": cap_time(alert.order.ordered_at),
        "sent": cap_time(alert.sent),
        "expires": cap_time(alert.expires),
        "references": alert.references,
        "correction": alert.correction,
        "texts": {language.value: _text(text) for language, text in texts.items()},
        "link": url + alert_path(notice.number, Language.JA),
        "cap": url + cap_path(alert.identifier),
    }


def _text(notice: Notice) -> dict[str, str]:
    return {
        "event": notice.event,
        "headline": notice.headline,
        "body": notice.body,
        "short": notice.short,
    }


def _shelters(snapshot: Snapshot, hazard: Hazard) -> list[dict[str, object]]:
    shown = () if snapshot.stuck else public_list(snapshot.board, hazard)
    return [_shelter(entry) for entry in shown]


def _shelter(entry: Entry) -> dict[str, object]:
    return msgspec.structs.asdict(entry) | {
        "as_of": _time(entry.as_of),
        "opens_at": _time(entry.opens_at),
        "fresh_until": _time(entry.fresh_until),
    }


def _time(moment: datetime | None) -> str | None:
    return cap_time(moment) if moment else None
