"""When a rule meets its event: once, and never on what is a test, elsewhere, or weaker."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from config import folder
from hub import muster_rules, organisation
from hub.errors import BadSettings
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.headquarters import Standing
from hub.inbound.warning import InfoType, Place, State, Status, Telegram, Warned
from hub.muster_rules import Cause, Found, Received, Rule, by_stage, by_telegrams

NOW = datetime(2026, 9, 12, 12, 40, tzinfo=UTC)
AREA, CITY, ELSEWHERE = (Place(code=code, name=code) for code in ("351", "1320700", "9920200"))
CODES = {AREA.code, CITY.code}
QUAKE = Rule(code="quake", cause=Cause.QUAKE, intensity="5弱", groups=("keys",))
FLOOD = Rule(code="flood", cause=Cause.WARNING, hazard=Hazard.FLOOD, level=Level(3), groups=("keys",))


def warned(name: str, hazard: Hazard, level: int | None = None, **changes: object) -> Warned:
    base = Warned(
        name=name,
        code="",
        hazard=hazard,
        level=Level(level) if level else None,
        state=State.ISSUED,
        areas=(CITY,),
    )
    return msgspec.structs.replace(base, **changes)


def telegram(minute: int, *warnings: Warned, **changes: object) -> Received:
    at = NOW + timedelta(minutes=minute)
    base = Telegram(
        kind="k", office="", status=Status.NORMAL, info_type=InfoType.ISSUE, title="t", event_id="20260912214000",
        serial="", issued_at=at, headline="", warnings=warnings,
    )  # fmt: skip
    return Received(msgspec.structs.replace(base, **changes), at)


def found(rule: Rule, *received: Received) -> list[Found]:
    return list(by_telegrams(rule, received, CODES))


def shaking(intensity: str, place: Place = AREA) -> Warned:
    return warned(f"震度{intensity}", Hazard.EARTHQUAKE, areas=(place,))


def test_a_quake_is_one_event_however_many_telegrams_tell_of_it() -> None:
    first, second = telegram(2, shaking("５弱")), telegram(6, shaking("５強"))
    assert {each.event for each in found(QUAKE, first, second)} == {"quake 20260912214000"}
    assert found(QUAKE, first)[0].words == "震度５弱"
    other = telegram(30, shaking("７"), event_id="20260912221000")
    assert len({each.event for each in found(QUAKE, first, other)}) == 2


def test_a_weaker_quake_one_elsewhere_and_a_test_call_nobody() -> None:
    assert found(QUAKE, telegram(0, shaking("４"))) == []
    assert found(QUAKE, telegram(0, shaking("７", ELSEWHERE))) == []
    assert found(QUAKE, telegram(0, shaking("７"), status=Status.TEST)) == []
    assert found(QUAKE, telegram(0, shaking("７"), info_type=InfoType.CANCEL)) == []
    assert found(QUAKE, telegram(0, warned("レベル５氾濫発生情報", Hazard.FLOOD, 5))) == []


def test_a_warning_is_one_event_until_it_is_lifted() -> None:
    level_3, level_4 = warned("a", Hazard.FLOOD, 3), warned("b", Hazard.FLOOD, 4)
    night: Sequence[Received] = (
        telegram(0, warned("c", Hazard.FLOOD, 2)),
        telegram(10, level_3),
        telegram(20, level_4),
        telegram(30, msgspec.structs.replace(level_4, state=State.CONTINUED)),
        telegram(40, msgspec.structs.replace(level_3, state=State.LIFTED)),
        telegram(50, level_3),
    )
    events = found(FLOOD, *night)
    assert [each.at for each in events] == [night[1].at, night[5].at]
    assert len({each.event for each in events}) == 2, "the event id of a river stays the same for ever"
    lowered = telegram(35, warned("d", Hazard.FLOOD, 2, state=State.LOWERED))
    assert len(found(FLOOD, *night[:4], lowered, night[5])) == 2


def test_a_telegram_that_was_missed_is_made_up_for_by_the_next() -> None:
    continued = warned("a", Hazard.FLOOD, 4, state=State.CONTINUED)
    assert len(found(FLOOD, telegram(0, continued))) == 1


def test_without_a_hazard_any_warning_but_a_quake() -> None:
    anything = msgspec.structs.replace(FLOOD, hazard=None, level=None)
    assert len(found(anything, telegram(0, warned("暴風警報", Hazard.STORM)))) == 1
    assert found(anything, telegram(0, shaking("７"))) == []


def test_a_drill_is_a_drill_and_uses_no_event_up() -> None:
    drill, real = telegram(0, shaking("７"), status=Status.DRILL), telegram(5, shaking("７"))
    first, second = found(QUAKE, drill, real)
    assert (first.drill, second.drill) == (True, False)
    assert first.event != second.event
    flood = warned("a", Hazard.FLOOD, 4)
    assert [
        each.drill for each in found(FLOOD, telegram(0, flood, status=Status.DRILL), telegram(5, flood))
    ] == [
        True,
        False,
    ]


def test_the_headquarters_calls_as_it_grows_and_not_as_it_shrinks() -> None:
    city = organisation.load(folder("akishima"))
    rule = Rule(code="stage", cause=Cause.STAGE, stage="headquarters-1", groups=("disaster",))

    def history(*stages: str) -> list[Standing]:
        return [
            Standing(stage=stage, since=NOW, by="sato", recorded_at=NOW, note="", number=number)
            for number, stage in reversed(list(enumerate(stages, start=1)))
        ]

    assert by_stage(rule, history("alert"), city) is None
    grown = by_stage(rule, history("alert", "headquarters-2"), city)
    assert grown is not None
    assert grown.event == "stage 2"
    assert by_stage(rule, history("headquarters-1", "headquarters-2"), city) is None
    assert by_stage(rule, history("headquarters-2", ""), city) is None
    again = by_stage(rule, history("headquarters-2", "", "headquarters-1"), city)
    assert again is not None
    assert again.event == "stage 3"


def test_the_rules_of_the_shipped_city_are_off() -> None:
    rules = muster_rules.load(folder("akishima"), organisation.load(folder("akishima")))
    assert rules.rules
    assert not any(rule.on for rule in rules.rules)


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ('cause = "quake"\nintensity = "8"\ngroups = ["keys"]', "r intensity"),
        ('cause = "stage"\nstage = "none"\ngroups = ["keys"]', "r stage"),
        ('cause = "quake"\nintensity = "7"\ngroups = ["nobody"]', "r groups: nobody"),
        ('cause = "quake"\nintensity = "7"\ngroups = []', "r groups"),
    ],
)
def test_a_rule_of_a_citys_file_that_cannot_work_is_named(tmp_path: Path, wrong: str, place: str) -> None:
    (tmp_path / muster_rules.FILE).write_text(f'[[rules]]\ncode = "r"\n{wrong}\n')
    with pytest.raises(BadSettings, match=f"musters.toml {place}"):
        muster_rules.load(tmp_path, organisation.load(folder("akishima")))
