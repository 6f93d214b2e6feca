"""CAP 1.2 documents, against the standard's own schema."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree
from msgspec.structs import replace

from hub.alert import Alert, Mode
from hub.cap import MsgType
from hub.language import Language
from hub.ledger.alerts import Accepted
from operator_ui.residents.cap import NAMESPACE, document
from operator_ui.residents.notice import notice
from tests.unit.residents.portal_setup import CITY, NOW, Shelters, Slots, flood_order, open_some

CAP = f"{{{NAMESPACE}}}"
SHARED = Path(os.environ.get("YOBIKAKE_SHARED", Path(__file__).parents[3].parent / "shared"))
SCHEMA = SHARED / "data" / "cap" / "schema" / "CAP-v1.2.xsd"


def made(alert: Alert, references: tuple[Alert, ...] = ()) -> etree._Element:
    shelters = Shelters()
    open_some(shelters)
    slots = Slots(shelters.board(NOW), "https://hub.example")
    accepted = Accepted(alert, "2026-0147", "sato", "tanaka", None, None, None)
    notices = [notice(accepted, info.language, slots, lambda: NOW) for info in alert.infos]
    return etree.fromstring(document(alert, notices, references, city=CITY, url="https://hub.example"))


CASES = {
    "live": flood_order(),
    "drill": flood_order(mode=Mode.RESIDENT_DRILL),
    "whole city": flood_order(whole_city=True),
    "no level": replace(flood_order(), level=None),
    "update": flood_order(msg_type=MsgType.UPDATE, references=("x-2026-0146",), sequence=2),
    "lifted": flood_order(msg_type=MsgType.CANCEL, references=("x-2026-0146",), sequence=2),
}


@pytest.mark.skipif(not SCHEMA.exists(), reason="the CAP 1.2 schema is not here (YOBIKAKE_SHARED)")
@pytest.mark.parametrize("case", CASES)
def test_it_is_valid(case: str) -> None:
    alert = CASES[case]
    earlier = (replace(alert, identifier="x-2026-0146", sent=NOW - timedelta(hours=1)),)
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    schema.assertValid(made(alert, earlier if alert.references else ()))


def test_it_has_an_info_in_every_language_with_the_text_that_was_sent() -> None:
    infos = made(CASES["live"]).findall(f"{CAP}info")
    assert [info.findtext(f"{CAP}language") for info in infos] == [language.value for language in Language]
    japanese = infos[0]
    assert japanese.findtext(f"{CAP}description", "").startswith("昭島市は21時47分、多摩川の洪水について")
    assert "国営昭和記念公園：空いています" in japanese.findtext(f"{CAP}instruction", "")
    assert japanese.findtext(f"{CAP}web") == "https://hub.example/ja/a/2026-0147"
    assert japanese.findtext(f"{CAP}parameter/{CAP}value") == "4"
    triple = [japanese.findtext(f"{CAP}{name}") for name in ("urgency", "severity", "certainty")]
    assert triple == ["Immediate", "Extreme", "Likely"]


def test_times_have_japans_offset() -> None:
    root = made(CASES["live"])
    assert root.findtext(f"{CAP}sent") == "2026-09-12T21:48:00+09:00"
    assert root.findtext(f"{CAP}info/{CAP}expires") == "2026-09-13T00:48:00+09:00"


def test_a_drill_is_an_exercise_and_says_so() -> None:
    root = made(CASES["drill"])
    assert root.findtext(f"{CAP}status") == "Exercise"
    assert "これは訓練です" in root.findtext(f"{CAP}note", "")
    assert all(head.text.startswith("【訓練】") for head in root.iterfind(f"{CAP}info/{CAP}headline"))
    assert made(CASES["live"]).find(f"{CAP}note") is None


def test_an_update_names_what_it_takes_the_place_of() -> None:
    earlier = replace(CASES["live"], identifier="x-2026-0146", sent=NOW - timedelta(hours=1))
    root = made(CASES["update"], (earlier,))
    assert root.findtext(f"{CAP}references") == f"{CITY.cap_sender},x-2026-0146,2026-09-12T20:49:00+09:00"


def test_a_lifted_order_is_all_clear() -> None:
    info = made(CASES["lifted"]).find(f"{CAP}info")
    assert info is not None
    assert info.findtext(f"{CAP}responseType") == "AllClear"
    assert info.findtext(f"{CAP}urgency") == "Past"


def test_the_whole_city_has_its_outline_closed_and_latitude_first() -> None:
    outline = made(CASES["whole city"]).findtext(f"{CAP}info/{CAP}area/{CAP}polygon", "").split()
    assert outline[0] == outline[-1]
    assert all(35 < float(point.split(",")[0]) < 36 for point in outline)
    assert made(CASES["live"]).find(f"{CAP}info/{CAP}area/{CAP}polygon") is None


def test_what_xml_cannot_hold_is_left_out() -> None:
    alert = CASES["live"]
    order = replace(alert.order, issuer="昭島\x01市\ud800長\uffff")
    assert made(replace(alert, order=order)).findtext(f"{CAP}source") == "昭島市長"
