"""What staff are shown of a channel before anything is sent."""

from dataclasses import replace

from channels.manual import Field
from hub.background import Background
from hub.channel import Capabilities, Content
from hub.language import Language
from hub.measure import loudspeaker, segments
from operator_ui.staff.previews import previews
from tests.unit.operator_ui.desk import CAPABILITIES, Desk
from tests.unit.operator_ui.test_looks import a_draft

SMS = Capabilities(kind="sms", japanese="SMS", batch_size=1, body_measure="sms")


def short(content: Content) -> tuple[str, ...]:
    return (content.text(content.short),)


def speech(content: Content) -> list[Field]:
    return [Field("", content.text(content.speech), 0, 0)]


async def test_short_messages_are_counted_and_what_is_read_out_has_its_seconds(desk: Desk) -> None:
    console = replace(
        desk.console(Background(), "http://console.example"),
        capabilities={**CAPABILITIES, "sms": SMS},
        previews={"sms": short},
        sheets={"manual": {"van": speech, "area-mail": speech}},
    )
    shown = {each.kind: each for each in (await previews(console, a_draft(), Language.JA)).channels}
    assert shown["sms"].segments == segments(shown["sms"].parts[0]) > 1
    assert shown["mail"].segments == 0
    van, area_mail = shown["manual"].sheets
    assert (van.name, van.by, van.seconds) == ("広報車", "防災課", loudspeaker(van.text))
    assert van.seconds > 20
    assert (area_mail.by, area_mail.seconds) == ("", 0)
