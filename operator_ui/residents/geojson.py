"""The sites as GeoJSON (RFC 7946): those one may be told of now, and apart from them the law's list.

Two kinds of file, because whoever draws a map of all points in a file sends people to all of them. A file of the
present therefore holds only what the list beside an alert holds (I16); the standing one says nothing of the present.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any

import msgspec

from hub.clock import cap_time
from hub.hazard import Hazard
from operator_ui.residents.snapshot import Snapshot
from shelters.crowding import JAPANESE as CROWDING
from shelters.public_list import Entry, public_list
from shelters.site import Facility, Site, SiteCode
from shelters.suited import Suited

STANDING = (
    "法律にもとづき指定された場所の一覧です。いま開いていること、受け入れていることを示すものではありません。 / "
    "These places are designated by law. Nothing here says that one is open or receives anybody."
)
PRESENT = (
    "いまの緊急情報の災害に使える場所だけです。空のときは、案内できる場所がありません。 / "
    "Only places that may be used for the hazard of the alerts in force. Empty: there is none to be named."
)
STATES = {
    Suited.RECOMMENDED: "受入中",
    Suited.FULL: "満員",
    Suited.FILLING: "受入中（まもなく満員）",
    Suited.PLANNED: "開設予定",
}


def present(snapshot: Snapshot, hazard: Hazard | None, head: Mapping[str, object]) -> bytes:
    """What may be shown for `hazard`; None: for every hazard of the alerts in force at once. Drills name nothing.

    Of several hazards, a site that is not for one of them may be a trap in it: it stands in the other's own file.
    """
    hazards = [each for each in snapshot.live_hazards if hazard in (None, each)]
    # a program reads no warning that nothing could be checked since: then no site is named at all
    shown = () if snapshot.stuck else listed(snapshot, hazards)
    features = [_feature(entry, snapshot.sites[SiteCode(entry.code)]) for entry in shown]
    members = {"checked_at": cap_time(snapshot.checked_at), "in_force": hazards, "notice": PRESENT}
    return _collection(features, {**head, **members})


def standing(sites: Iterable[Site], head: Mapping[str, object]) -> bytes:
    """Every designated site, with what it is designated for."""
    features = [_point(site, _designation(site)) for site in sites]
    return _collection(features, {**head, "notice": STANDING})


def listed(snapshot: Snapshot, hazards: Sequence[Hazard]) -> Sequence[Entry]:
    """What may be shown whichever of these hazards the reader has in mind, in the order of the first's list."""
    lists = [public_list(snapshot.board, hazard) for hazard in hazards]
    if not lists:
        return ()
    everywhere = reduce(set.intersection, ({entry.code for entry in each} for each in lists))
    return [entry for entry in lists[0] if entry.code in everywhere]


def _feature(entry: Entry, site: Site) -> dict[str, object]:
    said = {
        "state": entry.suited,
        "state_ja": STATES[entry.suited],
        "opens_at": _time(entry.opens_at),
        "people": entry.people,
        "few": entry.few,
        "crowding": entry.crowding,
        "crowding_ja": CROWDING[entry.crowding] if entry.crowding else None,
        "as_of": _time(entry.as_of),
        "fresh_until": _time(entry.fresh_until),
    }
    return _point(site, _designation(site) | said)


def _designation(site: Site) -> dict[str, object]:
    return {
        "code": site.code,
        "name": site.name.ja,
        "name_en": site.name.en,
        "address": site.address,
        "emergency_id": site.emergency_id,
        "evacuation_id": site.evacuation_id,
        "designated_for": [hazard for hazard in Hazard if site.designated_for(hazard)],
        "capacity": site.capacity,
        "facilities": [each for each in Facility if each in site.facilities],
    }


def _point(site: Site, properties: Mapping[str, object]) -> dict[str, object]:
    """Longitude comes first (RFC 7946 §3.1.1)."""
    place = [site.position.longitude, site.position.latitude]
    return {
        "type": "Feature",
        "id": site.code,
        "geometry": {"type": "Point", "coordinates": place},
        "properties": properties,
    }


def _collection(features: Sequence[Mapping[str, Any]], members: Mapping[str, object]) -> bytes:
    """`members`: foreign ones (RFC 7946 §6.1), in front, where they are read."""
    return msgspec.json.encode({"type": "FeatureCollection", **members, "features": features})


def _time(moment: datetime | None) -> str | None:
    return cap_time(moment) if moment else None
