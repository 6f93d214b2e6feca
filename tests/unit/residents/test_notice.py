"""An alert as residents read it: the approved text, byte for byte, and nothing that was not approved."""

from datetime import timedelta

import pytest

from hub.alert import Mode
from hub.cap import MsgType
from hub.channel import Content, Span
from hub.delivery import Variant
from hub.hazard import Hazard
from hub.language import Language
from hub.ledger.alerts import Accepted
from hub.recipient import Zone
from hub.render import render
from hub.shelter_list import ShelterLines
from operator_ui.residents.notice import notice, split
from tests.unit.residents.portal_setup import NOW, Shelters, Slots, flood_order, open_some

NUMBER = "2026-0147"


def slots() -> Slots:
    shelters = Shelters()
    open_some(shelters)
    return Slots(shelters.board(NOW), "https://hub.example")


def accepted(**asked: object) -> Accepted:
    return Accepted(
        alert=flood_order(**asked),  # type: ignore[arg-type]
        number=NUMBER,
        author="sato",
        approver="tanaka",
        stopped_as=None,
        stopped_at=None,
        ended_at=None,
    )


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.RESIDENT_DRILL])
def test_its_lines_are_what_the_channels_send(language: Language, mode: Mode) -> None:
    each = accepted(mode=mode)
    sent = render(each.alert, Variant(language, None), slots(), lambda: NOW, number=NUMBER)
    shown = notice(each, language, slots(), lambda: NOW)
    lines = [*([shown.drill] if shown.drill else []), *map(Content.text, (*shown.told, *shown.actions))]
    if mode is not Mode.LIVE:
        lines.append(shown.drill)
    assert "\n".join(lines) == Content.text(sent.body)


def test_the_first_line_says_who_ordered_what_and_when() -> None:
    shown = notice(accepted(), Language.JA, slots(), lambda: NOW)
    assert (
        Content.text(shown.told[0])
        == "昭島市は21時47分、多摩川の洪水について警戒レベル4 避難指示を発令しました。"
    )
    assert len(shown.told) == 3


def test_a_list_of_sites_is_one_line_of_its_own() -> None:
    lines = split((Span("どこへ\n"), Span("・A\n・B", "shelters"), Span("\nおわり")))
    assert [[span.text for span in line] for line in lines] == [["どこへ"], ["・A\n・B"], ["おわり"]]


def test_a_drill_says_so_and_a_live_alert_does_not() -> None:
    assert notice(accepted(), Language.EN, slots(), lambda: NOW).drill == ""
    drill = notice(accepted(mode=Mode.RESIDENT_DRILL), Language.EN, slots(), lambda: NOW)
    assert drill.drill == "【訓練】[DRILL] This is a drill."
    assert drill.headline.startswith("【訓練】")


def test_a_language_the_alert_is_not_written_in_reads_its_fallback() -> None:
    shown = notice(accepted(languages=(Language.JA, Language.EN)), Language.NE, slots(), lambda: NOW)
    assert shown.language is Language.EN


def test_it_is_over_once_it_expired_ended_or_was_stopped() -> None:
    each = accepted()
    assert not notice(each, Language.JA, slots(), lambda: NOW).ended
    assert notice(each, Language.JA, slots(), lambda: each.alert.expires).ended
    assert notice(each._replace(ended_at=NOW), Language.JA, slots(), lambda: NOW).ended
    assert notice(each._replace(stopped_at=NOW), Language.JA, slots(), lambda: NOW).ended


def test_a_lifted_order_has_no_level_colour() -> None:
    shown = notice(accepted(msg_type=MsgType.CANCEL), Language.JA, slots(), lambda: NOW)
    assert (shown.lifted, shown.colour) == (True, 0)


class WrongSlots(Slots):
    """Names the city in a way that its slot's grammar refuses."""

    def city(self, language: Language) -> str:
        return "<市>"

    def shelters(self, zone: Zone | None, hazard: Hazard, language: Language) -> ShelterLines | None:
        return None


def test_what_cannot_be_rendered_still_shows_the_order() -> None:
    each = accepted()
    info = each.alert.infos[0]
    broken = each._replace(
        alert=flood_order_with_city_slot(each, info.headline + "{city}"),
    )
    shown = notice(broken, Language.JA, WrongSlots(Shelters().board(NOW), ""), lambda: NOW)
    assert (shown.event, shown.told, shown.colour) == ("避難指示", (), 4)
    assert not shown.names_area


def flood_order_with_city_slot(each: Accepted, headline: str):  # type: ignore[no-untyped-def]
    from msgspec.structs import replace

    infos = (replace(each.alert.infos[0], headline=headline), *each.alert.infos[1:])
    return replace(each.alert, infos=infos, expires=NOW + timedelta(hours=1))
