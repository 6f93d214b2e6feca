"""What staff are shown of a channel before anything is sent."""

from dataclasses import replace

from channels.manual import Field
from hub.background import Background
from hub.channel import Capabilities, Content, Target, Unit
from hub.language import Language
from hub.measure import loudspeaker, segments
from operator_ui.staff.previews import Recording, previews
from tests.unit.operator_ui.desk import CAPABILITIES, Desk
from tests.unit.operator_ui.test_looks import a_draft

SMS = Capabilities(kind="sms", japanese="SMS", batch_size=1, body_measure="sms")
LOUDSPEAKER = Capabilities(
    kind="loudspeaker", japanese="屋外スピーカー・戸別受信機", unit=Unit.SYSTEMS, batch_size=1
)
VAN = Target(ref="van", name="広報車", by="防災課", read_out=True)


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


async def test_what_loudspeakers_say_is_as_long_as_its_recording(desk: Desk) -> None:
    async def aloud(kind: str, text: str) -> Recording:
        return Recording("a" * 64, len(text) + (0.2 if kind == "manual" else 0))

    console = replace(
        desk.console(Background(), "http://console.example"),
        capabilities={**CAPABILITIES, "loudspeaker": LOUDSPEAKER},
        targets={"loudspeaker": [Target(ref="console", name="操作卓", read_out=True)], "manual": [VAN]},
        sheets={"manual": {"van": speech}},
        aloud=aloud,
    )
    found = await previews(console, a_draft(), Language.EN)
    shown = {each.kind: each for each in found.channels}
    japanese = found.contents[Language.JA]
    said = shown["loudspeaker"]
    assert said.read_out, "in Japanese, whatever language staff look at"
    assert (said.sound, said.seconds) == ("a" * 64, len(japanese.text(japanese.speech)))
    [van] = shown["manual"].sheets
    assert (van.sound, van.seconds) == ("a" * 64, len(van.text) + 1)
    assert not shown["mail"].read_out
