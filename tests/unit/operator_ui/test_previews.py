"""What staff are shown of a channel before anything is sent."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from channels.manual import Field
from channels.voice import CAPABILITIES as VOICE
from channels.voice.speech import TWIML_LIMIT, VOICES
from hub.background import Background
from hub.capabilities import Capabilities, Unit
from hub.channel import Content, Target
from hub.hazard import Hazard
from hub.language import Language
from hub.measure import loudspeaker, segments
from operator_ui.staff.previews import Previews, Recording, Shown, previews
from shelters.board import Board
from tests.unit.operator_ui.desk import CAPABILITIES, SITES, Desk, Slots
from tests.unit.operator_ui.test_looks import FLOOD_SITE, a_board, a_draft, doubts
from tests.unit.test_connectors import built
from yobikake.previews import lengths, speaking

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


async def test_a_channel_is_measured_in_the_languages_that_it_sends(desk: Desk) -> None:
    """Posts are made in two: a long text in a third one stops nobody."""
    draft = a_draft()
    longer = {Language.KO: "가" * 400, Language.EN: "e" * 270}
    infos = tuple(
        msgspec.structs.replace(info, short=longer.get(info.language, "短")) for info in draft.infos
    )
    x = replace(CAPABILITIES["x"], body_limit=280, body_measure="weighted")
    console = replace(
        desk.console(Background(), "http://console.example"), capabilities={"x": x}, previews={"x": short}
    )
    [shown] = (await previews(console, msgspec.structs.replace(draft, infos=infos), Language.JA)).channels
    assert (shown.measured, shown.longest, shown.too_long) == (270, Language.EN, 0)


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


# --- how long ------------------------------------------------------------------------------------


async def by_telephone(desk: Desk, folder: Path, sentences: int) -> Shown:
    """An order of so many sentences in English, as the telephone's connector measures it."""
    secret = folder / "token"
    secret.write_text("not-a-token-of-anybody")
    account = {"account_sid": f"AC{'0' * 32}", "auth_token_file": str(secret), "from_number": "+815000000000"}
    there = {"callback_url": "http://127.0.0.1/callbacks/voice", "base_url": "http://127.0.0.1:1"}
    channels = built(voice=account | there)
    console = replace(
        desk.console(Background(), "http://console.example"),
        capabilities={"voice": channels["voice"].capabilities},
        lengths=lengths(channels),
        speaking=speaking(channels),
    )
    draft = a_draft()
    infos = [
        msgspec.structs.replace(info, speech="Leave for a safe place. " * sentences)
        if info.language is Language.EN
        else info
        for info in draft.infos
    ]
    [shown] = (
        await previews(console, msgspec.structs.replace(draft, infos=tuple(infos)), Language.EN)
    ).channels
    return shown


@pytest.mark.parametrize(
    ("sentences", "once", "too_long"), [(10, [], False), (60, [Language.EN], False), (120, [], True)]
)
async def test_a_call_is_as_long_as_its_request_and_says_so_when_it_is_said_once(
    desk: Desk, tmp_path: Path, sentences: int, once: list[Language], too_long: bool
) -> None:
    shown = await by_telephone(desk, tmp_path, sentences)
    assert (shown.limit, list(shown.said_once), bool(shown.too_long)) == (TWIML_LIMIT, once, too_long)
    assert shown.measured > sentences * len("Leave for a safe place.")
    seconds = len("Leave for a safe place.") * sentences / VOICES[Language.EN].per_s
    assert (shown.seconds > 2 * seconds) == (sentences == 10)


async def test_what_is_said_only_once_is_a_doubt_for_the_second_person(desk: Desk, tmp_path: Path) -> None:
    shown = await by_telephone(desk, tmp_path, 60)
    draft = a_draft()
    targeting = msgspec.structs.replace(draft.targeting, channels=("voice",))
    message = msgspec.structs.replace(draft, targeting=targeting)
    known = {"shown": Previews(language=Language.EN, channels=[shown]), "capabilities": {"voice": VOICE}}
    assert any("English" in look.message and "1回しか" in look.message for look in doubts(message, **known))


async def test_every_channel_is_measured_with_the_longest_list_that_may_come(desk: Desk) -> None:
    """Whatever is open while it is written: what fits then fits when it is sent."""
    console = desk.console(Background(), "http://console.example")
    every = [site for site in SITES.values() if site.designated_for(Hazard.FLOOD)]
    measured = []
    for board in (a_board(), a_board(FLOOD_SITE), a_board(*every)):

        async def slots(board: Board = board) -> Slots:
            return Slots(board)

        found = await previews(replace(console, slots=slots), a_draft(), Language.EN)
        measured.append({each.kind: each.measured for each in found.channels})
    assert measured[0] == measured[1] == measured[2]
    now = max(len(each.text(each.body)) for each in found.contents.values())
    assert measured[0]["mail"] >= now > 500
