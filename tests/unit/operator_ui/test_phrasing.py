"""Where a draft's texts come from, found in the texts themselves."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from hub.alert import Mode
from hub.draft import Message
from hub.evacuation import Level
from hub.language import Language
from hub.phrases import Earlier
from hub.recipient import Targeting, Town, Towns, WholeCity
from hub.slots import Form
from operator_ui.staff import areas, phrasing
from operator_ui.staff.beginning import from_template
from operator_ui.staff.phrasing import TextState
from tests.unit.operator_ui.desk import CAPABILITIES, CITY, NOW, TEMPLATES

TODAY = NOW.date()


def message(template: str) -> Message:
    return from_template(TEMPLATES[template], Mode.LIVE, city=CITY, capabilities=CAPABILITIES, now=NOW)


def moved(old: Message, towns: tuple[str, ...]) -> Message:
    audience = Towns(towns=tuple(Town(town) for town in towns))
    return msgspec.structs.replace(
        old, targeting=Targeting(audience=audience, channels=old.targeting.channels)
    )


@pytest.mark.parametrize(
    "template", ["flood-3", "flood-4", "flood-5", "landslide-4", "earthquake", "flood-shelters"]
)
def test_the_texts_tell_their_template(template: str) -> None:
    found = phrasing.origin(message(template), TEMPLATES, CITY)
    assert found is not None
    assert found.template.id == template


def test_a_draft_written_by_hand_has_no_template() -> None:
    written = message("flood-4")
    infos = tuple(msgspec.structs.replace(info, headline="手で書いた") for info in written.infos)
    assert phrasing.origin(msgspec.structs.replace(written, infos=infos), TEMPLATES, CITY) is None


def test_one_changed_text_changes_the_state_of_its_language_alone() -> None:
    written = message("flood-4")
    first, *rest = written.infos
    changed = msgspec.structs.replace(written, infos=(msgspec.structs.replace(first, short="短く"), *rest))
    states = phrasing.states(changed, TEMPLATES, CITY, today=TODAY)
    assert states[first.language] is TextState.EDITED
    assert {states[info.language] for info in rest} == {TextState.TEMPLATE}


def test_a_check_past_its_date_no_longer_counts() -> None:
    template = TEMPLATES["flood-4"]
    verified = replace(template, verified={language: frozenset(Form) for language in Language})
    bank = {"flood-4": verified}
    before = phrasing.states(message("flood-4"), bank, CITY, today=verified.review_by)
    after = phrasing.states(message("flood-4"), bank, CITY, today=verified.review_by + timedelta(days=1))
    assert set(before.values()) == {TextState.VERIFIED}
    assert set(after.values()) == {TextState.TEMPLATE}


def test_texts_follow_the_area() -> None:
    old = message("flood-4")
    new = phrasing.rewritten(old, moved(old, ("13207-001",)), TEMPLATES, CITY)
    assert CITY.towns[Town("13207-001")].name.ja in new.infos[0].description
    assert "拝島町" not in new.infos[0].description


def test_a_text_changed_by_hand_stays_when_the_area_changes() -> None:
    old = message("flood-4")
    edited = msgspec.structs.replace(old.infos[0], description="拝島町の方は避難してください。")
    old = msgspec.structs.replace(old, infos=(edited, *old.infos[1:]))
    new = phrasing.rewritten(old, moved(old, ("13207-001",)), TEMPLATES, CITY)
    assert new.infos[0] == edited
    assert new.infos[1] != old.infos[1]


def test_a_level_without_a_template_leaves_the_texts_alone() -> None:
    old = message("landslide-4")
    new = phrasing.rewritten(old, msgspec.structs.replace(old, level=Level.ADVISORY), TEMPLATES, CITY)
    assert new.infos == old.infos


def test_a_correction_is_recognised_by_the_alert_it_speaks_of() -> None:
    earlier = Earlier(number="2026-0001", sent=NOW)
    texts = phrasing.write(TEMPLATES["correction"], CITY, WholeCity(), earlier=earlier)
    correction = msgspec.structs.replace(message("flood-4"), infos=texts, level=None, correction=True)
    found = phrasing.origin(correction, TEMPLATES, CITY, earlier=earlier)
    assert found is not None
    assert found.template.id == "correction"


def test_an_area_is_called_by_its_preset_its_towns_or_the_city() -> None:
    preset = CITY.presets["tamagawa-flood"]
    assert areas.described(Towns(towns=preset.towns), CITY) == preset.name.ja
    assert areas.described(WholeCity(), CITY) == "昭島市全域"
    two = Towns(towns=(Town("13207-001"), Town("13207-006")))
    assert areas.described(two, CITY) == "朝日町一丁目・東町一丁目"
    many = Towns(towns=tuple(CITY.towns)[:9])
    assert areas.described(many, CITY).endswith("など9地区")


def test_the_same_towns_in_another_order_are_the_same_preset() -> None:
    preset = CITY.presets["tamagawa-flood"]
    assert areas.choice_of(Towns(towns=preset.towns[::-1]), CITY) == "preset:tamagawa-flood"
