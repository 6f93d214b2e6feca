"""Drafts: what an approval binds, and how a draft may move."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import slots
from hub.alert import Area, Mode
from hub.cap import MsgType
from hub.details import Details
from hub.draft import TRANSITIONS, Draft, LeftOut, Message, State, check
from hub.errors import BadInput, Conflict, Refused
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.recipient import Reached, Targeting, Town, Towns, WholeCity
from hub.testing.alerts import SENT, a_message

OTHERWISE: dict[str, Any] = {
    "mode": Mode.STAFF_DRILL,
    "msg_type": MsgType.UPDATE,
    "hazard": Hazard.LANDSLIDE,
    "level": Level.ELDERLY_EVACUATE,
    "order": msgspec.structs.replace(a_message().order, issuer="副市長"),
    "area": Area(description="拝島町"),
    "targeting": Targeting(audience=Towns(towns=(Town("t1"),)), channels=("mail",)),
    "infos": a_message().infos[:1],
    "valid_for_s": 60,
    "references": ("a-1",),
    "correction": True,
    "left_out": (LeftOut(channel="line", reason="点検中"),),
    "details": Details(heat_index=35),
}


def test_an_approval_binds_every_field() -> None:
    assert OTHERWISE.keys() == set(Message.__struct_fields__)
    digests = {a_message(**{name: value}).digest() for name, value in OTHERWISE.items()}
    assert len(digests | {a_message().digest()}) == len(OTHERWISE) + 1


def test_an_approval_binds_the_channels_their_audience_and_every_letter() -> None:
    by_two = Targeting(audience=WholeCity(), channels=("mail", "line"))
    (info, *rest) = a_message().infos
    typo = (msgspec.structs.replace(info, speech=info.speech + "。"), *rest)
    assert len({m.digest() for m in (a_message(), a_message(targeting=by_two), a_message(infos=typo))}) == 3


def test_an_approval_binds_what_the_slots_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    before = a_message().digest()
    changed = {name: version + 1 for name, version in slots.VERSIONS.items()}
    monkeypatch.setattr(slots, "VERSIONS", changed)
    assert a_message().digest() != before


def test_the_same_message_has_the_same_digest_also_after_a_journey() -> None:
    again = msgspec.json.decode(msgspec.json.encode(a_message()), type=Message)
    assert again.digest() == a_message().digest()


def a_draft(state: State) -> Draft:
    return Draft(
        id="d", version=1, state=state, author="sato", authors=("sato",), message=a_message(), created_at=SENT, updated_at=SENT
    )  # fmt: skip


@given(st.sampled_from(State), st.sampled_from(State))
def test_a_draft_moves_only_as_the_table_says(old: State, new: State) -> None:
    if new in TRANSITIONS.get(old, frozenset()):
        a_draft(old).become(new)
        return
    with pytest.raises(Conflict):
        a_draft(old).become(new)


def test_only_what_was_submitted_is_ever_sent_at_once_or_at_its_time() -> None:
    def before(state: State) -> set[State]:
        return {each for each in State if state in TRANSITIONS.get(each, ())}

    assert before(State.SENT) == {State.SUBMITTED, State.SCHEDULED}
    assert before(State.SCHEDULED) == {State.SUBMITTED}
    with pytest.raises(Conflict, match="すでに配信済み"):
        a_draft(State.SENT).become(State.SENT)


def test_everything_but_a_staff_drill_takes_two_people() -> None:
    assert [mode for mode in Mode if not a_message(mode=mode).needs_approval()] == [Mode.STAFF_DRILL]


@pytest.mark.parametrize("seconds", [1, 24 * 3600])
def test_an_alert_lasts_up_to_a_day(seconds: int) -> None:
    check(a_message(valid_for_s=seconds))


@pytest.mark.parametrize("seconds", [-1, 0, 24 * 3600 + 1])
def test_and_no_longer(seconds: int) -> None:
    with pytest.raises(BadInput, match="valid_for_s"):
        check(a_message(valid_for_s=seconds))


@pytest.mark.parametrize("field", ["issuer", "grounds"])
def test_an_order_says_whose_and_why(field: str) -> None:
    order = msgspec.structs.replace(a_message().order, **{field: " "})
    with pytest.raises(BadInput, match=rf"order\.{field}"):
        check(a_message(order=order))


@pytest.mark.parametrize(
    ("place", "order", "area"),
    [
        ("order.issuer", {"issuer": "市\u202e長"}, "全域"),
        ("order.issuer", {"issuer": "市長\n副市長"}, "全域"),
        ("order.grounds", {"grounds": "氾濫\x1b危険水位"}, "全域"),
        ("area", {}, "多摩川\u200b沿い"),
        ("area", {}, "多摩川\n沿い"),
    ],
)
def test_what_nobody_sees_is_not_in_an_order(place: str, order: dict[str, str], area: str) -> None:
    changed = msgspec.structs.replace(a_message().order, **order)
    with pytest.raises(BadInput, match=rf"^\$\.{place}: "):
        check(a_message(order=changed, area=Area(description=area)))


def test_grounds_may_have_several_lines() -> None:
    check(a_message(order=msgspec.structs.replace(a_message().order, grounds="石原\r\n氾濫危険水位")))


@pytest.mark.parametrize("field", ["issuer", "grounds"])
def test_the_order_of_a_live_alert_does_not_speak_of_a_drill(field: str) -> None:
    order = msgspec.structs.replace(a_message().order, **{field: "訓練"})
    with pytest.raises(Refused, match=rf"order\.{field}"):
        check(a_message(order=order))
    with pytest.raises(Refused, match="area"):
        check(a_message(area=Area(description="訓練会場")))
    check(a_message(order=order, mode=Mode.RESIDENT_DRILL))


def test_a_correction_goes_to_the_audience_of_what_it_corrects() -> None:
    reached = Targeting(audience=Reached(identifier="a-1"), channels=("mail",))
    with pytest.raises(BadInput, match="audience"):
        check(a_message(targeting=reached, msg_type=MsgType.UPDATE, references=("a-2",)))
    check(a_message(targeting=reached, msg_type=MsgType.UPDATE, references=("a-1",)))
