"""What the second person is told to look at, and what to do about it."""

from typing import Any

import msgspec
import pytest

from hub.alert import Mode
from hub.cap import MsgType
from hub.channel import Health
from hub.delivery import Variant
from hub.draft import LeftOut, Message
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.language import Language
from hub.ledger.alerts import Accepted
from hub.recipient import Reached, Targeting, Town, Towns, WholeCity
from hub.render import render
from operator_ui.staff.beginning import from_template
from operator_ui.staff.looks import Known, Look, looks
from operator_ui.staff.phrasing import TextState
from operator_ui.staff.previews import Previews, Shown, provisional
from shelters.board import Board, board
from shelters.shelter import Stage, Step
from tests.unit.operator_ui.desk import CAPABILITIES, CITY, NOW, SITES, TEMPLATES, Slots
from tests.unit.test_phrases import DETAILS

FLOOD_SITE = next(site for site in SITES.values() if site.designated_for(Hazard.FLOOD))


def a_board(*receiving: Any) -> Board:
    steps = {
        site.code: Step(site=site.code, number=6, stage=Stage.RECEIVING, at=NOW, by="tanaka")
        for site in receiving
    }
    return board(SITES, steps, {}, now=NOW)


def a_draft(template: str = "flood-4", **changes: Any) -> Message:
    bank = TEMPLATES[template]
    made = from_template(
        bank,
        Mode.LIVE,
        city=CITY,
        capabilities=CAPABILITIES,
        grounds="水位",
        details=bank.takes(DETAILS),
        now=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def sent(message: Message, number: str = "2026-0147") -> Accepted:
    alert = msgspec.structs.replace(
        provisional(message, "akishima.example", now=NOW), identifier=f"akishima.example-{number}"
    )
    return Accepted(alert, number, "sato", "tanaka", None, None, None)


def found(message: Message, **changes: Any) -> list[Look]:
    shelters = changes.pop("board", a_board(FLOOD_SITE))
    alert = provisional(message, "akishima.example", now=NOW)
    contents = {
        info.language: render(
            alert, Variant(info.language, None), Slots(shelters), lambda: NOW, number="2026-0000"
        )
        for info in message.infos
    }
    known: dict[str, Any] = {
        "city": CITY,
        "capabilities": CAPABILITIES,
        "states": dict.fromkeys(Language, TextState.VERIFIED),
        "health": {},
        "shown": Previews(language=Language.JA, content=contents[Language.JA], contents=contents),
        "sites": [],
        "board": shelters,
        "standing": [],
        "before": None,
    }
    return looks(message, Known(**(known | changes)))


def doubts(message: Message, **changes: Any) -> list[Look]:
    return [look for look in found(message, **changes) if not look.ok]


@pytest.mark.parametrize("template", [name for name, each in TEMPLATES.items() if not each.correction])
def test_every_template_says_who_when_where_and_what(template: str) -> None:
    if "earlier" in TEMPLATES[template].parameters:
        pytest.skip("a lifting is written from the alert it lifts")
    assert [look.message for look in doubts(a_draft(template)) if "文面" in look.message] == []


def test_what_is_in_order_is_said_too_and_asks_nothing() -> None:
    every = found(a_draft())
    assert all(look.ok and not look.todo for look in every)
    assert len(every) >= 6


@pytest.mark.parametrize(
    ("form", "text", "lacking"),
    [
        ("short", "昭島市は21時47分、洪水について発令しました。", "短い文（地域）"),
        ("short", "21時47分、拝島町の洪水です。", "短い文（市の名前）"),
        ("speech", "昭島市は、拝島町の洪水について発令しました。", "読み上げ（時刻）"),
        ("speech", "昭島市は、２１：４７、拝島町に避難を指示しました。", "読み上げ（災害の種類）"),
    ],
)
def test_a_text_that_lacks_one_of_the_four_is_named(form: str, text: str, lacking: str) -> None:
    message = a_draft(targeting=Targeting(audience=Towns(towns=(_haijima(),)), channels=("mail",)))
    first, *rest = message.infos
    changed = msgspec.structs.replace(first, **{form: text})
    (look,) = [
        look
        for look in doubts(msgspec.structs.replace(message, infos=(changed, *rest)))
        if "だれが" in look.todo
    ]
    assert lacking in look.message
    assert look.message.count("（") == 1


def _haijima() -> Town:
    return next(code for code, town in CITY.towns.items() if "拝島町" in town.name.ja)


def test_a_lower_level_beside_a_higher_one_is_a_contradiction() -> None:
    (look,) = doubts(a_draft("flood-3"), standing=[sent(a_draft("flood-4"))])
    assert "レベル4（2026-0147、21:47）が続いています。これより低いレベルです" in look.message
    assert look.href == "/alerts/akishima.example-2026-0147"
    assert look.todo


def test_a_second_alert_of_the_same_level_or_above_is_pointed_out() -> None:
    (look,) = doubts(a_draft("flood-5"), standing=[sent(a_draft("flood-4"))])
    assert "2つの配信が並びます" in look.message


@pytest.mark.parametrize(
    "other",
    [
        a_draft("landslide-4"),
        a_draft("flood-4", mode=Mode.STAFF_DRILL),
        a_draft("flood-4", level=None),
        a_draft("flood-4", targeting=Targeting(audience=Reached(identifier="a-1"), channels=("mail",))),
        a_draft(
            "flood-4", targeting=Targeting(audience=Towns(towns=(Town("t-elsewhere"),)), channels=("mail",))
        ),
    ],
)
def test_another_hazard_place_or_drill_contradicts_nothing(other: Message) -> None:
    assert doubts(a_draft("flood-3"), standing=[sent(other)]) == []


def test_an_update_below_what_was_ordered_is_pointed_out_and_one_above_is_said() -> None:
    before = sent(a_draft("flood-4"))
    follow = {"msg_type": MsgType.UPDATE, "references": (before.alert.identifier,)}
    (look,) = doubts(a_draft("flood-3", **follow), before=before, standing=[before])
    assert "前の発令（レベル4、21:47）より低いレベルです" in look.message
    assert "より上の" in "".join(look.message for look in found(a_draft("flood-5", **follow), before=before))


def test_without_a_receiving_site_the_page_says_where_to_open_one() -> None:
    (look,) = doubts(a_draft(), board=a_board())
    assert "受入開始したところがありません" in look.message
    assert look.href == "/shelters"
    unfit = next(site for site in SITES.values() if not site.designated_for(Hazard.FLOOD))
    assert doubts(a_draft(), board=a_board(unfit)) == [look]


def test_what_the_law_designates_no_site_for_asks_for_none() -> None:
    audience = Targeting(audience=WholeCity(), channels=("mail",))
    message = a_draft("flood-4", hazard=Hazard.UTILITY, level=None, targeting=audience)
    assert not any(look.href == "/shelters" for look in found(message, board=a_board()))


def test_a_channel_without_room_says_by_how_much() -> None:
    shown = Previews(
        language=Language.JA,
        channels=[Shown(kind="x", parts=["…"], measured=296, limit=280, longest=Language.EN)],
    )
    (look,) = doubts(a_draft(), shown=shown)
    assert look.message.startswith("X（旧Twitter）に入りません（English：296、上限280）")


def test_every_doubt_says_what_to_do() -> None:
    message = a_draft(level=Level.ELDERLY_EVACUATE, left_out=(LeftOut(channel="line", reason="点検中"),))
    message = msgspec.structs.replace(message, order=msgspec.structs.replace(message.order, grounds=""))
    every = doubts(
        message,
        states=dict.fromkeys(Language, TextState.TEMPLATE) | {Language.EN: TextState.EDITED},
        board=a_board(),
        standing=[sent(a_draft(), "2026-0001"), sent(a_draft("flood-5"), "2026-0002")],
    )
    assert len(every) >= 7
    assert [look.message for look in every if not look.todo] == []


def _by_line() -> Message:
    draft = a_draft()
    return msgspec.structs.replace(
        draft, targeting=msgspec.structs.replace(draft.targeting, channels=("line",))
    )


@pytest.mark.parametrize(
    ("left", "wanted", "said"), [(300, 1200, True), (1200, 1200, False), (None, 9, False)]
)
def test_fewer_messages_left_than_people_is_said_before_it_is_sent(
    left: int | None, wanted: int, said: bool
) -> None:
    health = {"line": Health(ok=True, detail="LINE", checked_at=NOW, remaining=left)}
    found = [look.message for look in doubts(_by_line(), health=health, counts={"line": wanted})]
    assert [message for message in found if "900人に届かないおそれ" in message] == found
    assert bool(found) is said


def test_a_quota_that_is_used_up_is_not_called_a_line_that_is_down() -> None:
    health = {"line": Health(ok=False, detail="LINE", checked_at=NOW, remaining=0)}
    [look] = doubts(_by_line(), health=health, counts={"line": 5})
    assert "5人に届かないおそれ" in look.message
