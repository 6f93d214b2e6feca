"""What an alert comes to on the residents' listener: its page, the feeds, and the files for other programs.

The city's own data around the texts is Akishima's; the texts are those of the golden pages.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

from lxml import html
from msgspec.structs import replace

from hub.alert import Alert
from hub.language import Language
from hub.ledger.alerts import Accepted
from hub.outbound import Deployment
from hub.render import SlotSource
from hub.testing.parcels import NOW
from operator_ui.residents import cap, open_data
from operator_ui.residents.alerts_geojson import alerts_geojson
from operator_ui.residents.feeds import FEEDS
from operator_ui.residents.masthead import Masthead
from operator_ui.residents.notice import texts_of
from operator_ui.residents.portal import Residents
from operator_ui.residents.press import Press
from operator_ui.residents.publisher import CITY_ITSELF
from operator_ui.residents.snapshot import Snapshot
from tests.unit.residents.portal_setup import CITY, Shelters

URL = "https://hub.example"


class Published(NamedTuple):
    """`by_language`: what there is in each; `once`: what has all languages in it."""

    by_language: Mapping[Language, Mapping[str, bytes]]
    once: Mapping[str, bytes]


def published(alert: Alert, source: SlotSource, number: str) -> Published:
    """As it is at `NOW`, while the alert is in force."""
    in_force = replace(alert, expires=alert.sent + timedelta(hours=6))
    accepted = Accepted(in_force, number, "sato", "tanaka", None, None, None)
    snapshot = Snapshot(checked_at=NOW, alerts=(accepted,), board=Shelters().board(NOW), slots=source)
    texts = texts_of(accepted, source, lambda: NOW)
    head = open_data.credit(CITY, CITY_ITSELF, Deployment.PRODUCTION)
    by_language = {
        language: {
            feed.name.lower(): feed.write([texts[language]], language, Masthead(CITY, URL, "Alerts", NOW))
            for feed in FEEDS
        }
        | {"portal page": _read(_press().alert(language, snapshot, accepted).body)}
        for language in texts
    }
    once = {
        "cap": cap.document(in_force, list(texts.values()), (), city=CITY, url=URL),
        "alerts geojson": alerts_geojson(snapshot, [texts], head, city=CITY, url=URL),
        "alerts json": open_data.alerts_json(
            snapshot, [texts], city=CITY, publisher=CITY_ITSELF, url=URL, deployment=Deployment.PRODUCTION
        ),
    }
    return Published(by_language, once)


def _read(page: bytes) -> bytes:
    """The alert's article as people read it: what stands around it is the page's."""
    (article,) = html.fromstring(page.decode()).xpath("//article")
    lines = (line.strip() for line in article.text_content().split("\n"))
    return "\n".join(line for line in lines if line).encode()


@cache
def _press() -> Press:
    nothing: Any = None
    return Press(
        Residents(
            city=CITY,
            ledger=nothing,
            keys=nothing,
            board=nothing,
            slots=nothing,
            clock=lambda: NOW,
            deployment=Deployment.PRODUCTION,
            url=URL,
        )
    )
