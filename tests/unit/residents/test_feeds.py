"""The feeds in their three forms, and the alerts for maps."""

import dataclasses
import json
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from lxml import etree
from msgspec.structs import replace
from shapely.geometry import Point, shape

from hub.alert import Alert, Mode
from hub.cap import MsgType
from hub.language import Language
from hub.ledger.alerts import Accepted
from hub.recipient import Reached, Targeting
from operator_ui.residents.alerts_geojson import alerts_geojson
from operator_ui.residents.feeds import FEEDS, Feed
from operator_ui.residents.masthead import Masthead
from operator_ui.residents.notice import texts_of
from operator_ui.residents.snapshot import Snapshot
from tests.unit.residents.portal_setup import CITY, NOW, Shelters, Slots, flood_order, open_some

URL = "https://hub.example"
ATOM, RSS, JSON = FEEDS
ATOM_LINK = "{http://www.w3.org/2005/Atom}link"


def accepted(alert: Alert, number: str = "2026-0147") -> Accepted:
    return Accepted(alert, number, "sato", "tanaka", None, None, None)


def snapshot(*alerts: Alert, stuck: bool = False) -> Snapshot:
    shelters = Shelters()
    open_some(shelters)
    board = shelters.board(NOW)
    found = tuple(accepted(each) for each in alerts)
    return Snapshot(checked_at=NOW, alerts=found, board=board, slots=Slots(board, URL), stuck=stuck)


def written(feed: Feed, *alerts: Alert, language: Language = Language.EN) -> bytes:
    now = snapshot(*alerts)
    notices = [texts_of(each, now.slots, lambda: NOW)[language] for each in now.alerts]
    return feed.write(notices, language, Masthead(CITY, URL, "Alerts", NOW))


def on_a_map(*alerts: Alert, stuck: bool = False) -> list[dict[str, Any]]:
    now = snapshot(*alerts, stuck=stuck)
    texts = [texts_of(each, now.slots, lambda: NOW) for each in now.alerts]
    collection = json.loads(alerts_geojson(now, texts, {"rehearsal": False}, city=CITY, url=URL))
    assert collection["type"] == "FeatureCollection"
    features: list[dict[str, Any]] = collection["features"]
    return features


def test_rss_has_what_the_specification_asks_of_a_channel_and_an_item() -> None:
    root = etree.fromstring(written(RSS, flood_order()))
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    (channel,) = root
    assert all(channel.findtext(name) for name in ("title", "link", "description"))
    assert parsedate_to_datetime(channel.findtext("lastBuildDate", "")) == flood_order().sent
    itself = channel.find(ATOM_LINK)
    assert itself is not None
    assert itself.get("href") == f"{URL}/en/feed.rss"
    (item,) = channel.iterfind("item")
    assert "Evacuation Order" in item.findtext("title", "")
    assert item.findtext("guid") == item.findtext("link") == f"{URL}/en/a/2026-0147"
    assert parsedate_to_datetime(item.findtext("pubDate", "")).utcoffset() == timedelta(hours=9)


def test_a_json_feed_has_what_the_version_asks_for() -> None:
    feed = json.loads(written(JSON, flood_order(), flood_order(number="2026-0148", mode=Mode.RESIDENT_DRILL)))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == f"{URL}/en/feed.json"
    live, drill = feed["items"]
    assert live["id"] == live["url"] == f"{URL}/en/a/2026-0147"
    assert live["content_text"]
    assert live["date_published"] == "2026-09-12T21:48:00+09:00"
    assert live["_alert"] == {"status": "Actual", "level": 4, "over": False}
    assert drill["_alert"]["status"] == "Exercise"
    assert drill["title"].startswith("[DRILL]") or "訓練" in drill["title"], drill["title"]


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_feed_without_an_alert_is_whole_and_breaks_on_no_character(feed: Feed) -> None:
    now = snapshot(flood_order())
    notice = texts_of(now.alerts[0], now.slots, lambda: NOW)[Language.EN]
    odd = dataclasses.replace(notice, headline="\x01<b>&amp;", short="\x02</item>]]>")
    assert written(feed)
    body = feed.write([odd], Language.EN, Masthead(CITY, URL, "<Alerts>", NOW))
    if feed is JSON:
        (item,) = json.loads(body)["items"]
        assert item["title"].endswith("<b>&amp;")
    else:
        assert "<b>&amp;" in [each.text for each in etree.fromstring(body).iter()]


def test_an_alert_stands_on_a_map_where_it_holds() -> None:
    towns, city = on_a_map(flood_order(), flood_order(number="2026-0148", whole_city=True))
    points = shape(towns["geometry"])
    outline = shape(city["geometry"])
    assert points.geom_type == "MultiPoint"
    assert outline.is_valid
    assert outline.exterior.is_ccw
    assert outline.contains(Point(CITY.centre.longitude, CITY.centre.latitude))
    assert all(outline.contains(point) for point in points.geoms)
    assert towns["properties"]["level"] == 4
    assert towns["properties"]["headline"].keys() == {language.value for language in Language}


def test_what_calls_for_nothing_is_on_no_map() -> None:
    lifted = flood_order(msg_type=MsgType.CANCEL, references=("x",), sequence=2)
    assert on_a_map(lifted, flood_order(mode=Mode.RESIDENT_DRILL)) == []
    assert on_a_map(flood_order(), stuck=True) == []


def test_a_correction_to_those_who_were_reached_has_no_place() -> None:
    alert = flood_order(msg_type=MsgType.UPDATE, references=("x",), sequence=2)
    targeting = Targeting(audience=Reached(identifier="x"), channels=alert.targeting.channels)
    (feature,) = on_a_map(replace(alert, targeting=targeting))
    assert feature["geometry"] is None
