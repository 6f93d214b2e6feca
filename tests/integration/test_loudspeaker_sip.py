"""A console that is called hears what was to be said, whole; and whatever else it answers is understood."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from channels._speech.speaker import Spoken, Voice
from channels.loudspeaker import Loudspeaker, Settings
from channels.loudspeaker.channel import CONSOLE
from channels.loudspeaker.settings import Hook, Sip
from channels.loudspeaker.sip_answers import classify
from hub.channel import Parcel, Span
from hub.delivery import Outcome
from hub.errors import Expired, Refused
from hub.recipient import Recipient, RecipientId
from hub.testing.answers import NO_ANSWER
from hub.testing.channel_harness import Said, send
from hub.testing.channel_suite import PRODUCTION, REHEARSAL, until
from hub.testing.parcels import NOW, always_open, content, parcel
from tests.integration.sip_console import (
    CHALLENGE,
    HANG_UP,
    PAUSE,
    answer,
    answering,
    asked,
    free_sip_port,
    heard,
    recording,
    recordings,
    verified,
)  # fmt: skip
from tests.servers.absence import absent
from tests.servers.sip import PROGRAMS
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.loudspeaker import LoudspeakerConsole
from yobikake.rehearsal.servers.program import advice, missing

pytestmark = pytest.mark.sip
BRIEFLY = Voice(times=1, speed=1.3, pause_s=0.2)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SAID = "川から離れてください。"


@pytest.fixture(autouse=True)
def _programs() -> None:
    if lacking := missing(PROGRAMS):
        absent(advice(lacking))


def channel(port: int, *, outbound: Any = REHEARSAL, **more: Any) -> Loudspeaker:
    sip = Sip(target=f"sip:console@127.0.0.1:{port}", local="127.0.0.1", **more)
    return Loudspeaker(Settings(sip=sip, voice=BRIEFLY), outbound=outbound, clock=lambda: NOW)


def order(gate: Callable[[], None] = always_open, text: str = SAID) -> Parcel:
    said = structs.replace(content(), speech=(Span(text),))
    return replace(parcel([Recipient(id=RecipientId(1), address=CONSOLE)], gate=gate), content=said)


def outcome(said: Said) -> tuple[Outcome, str]:
    assert said.failure is None
    (result,) = said.results
    return result.outcome, result.reason


async def test_the_console_hears_all_of_it(tmp_path: Path) -> None:
    async with recording(tmp_path / "console") as port:
        called = channel(port)
        assert (await called.probe()).ok
        assert outcome(await send(called, order())) == (Outcome.ACCEPTED, "")
    sound, spoken = heard(tmp_path / "console"), called.speaker.say(SAID)
    with wave.open(io.BytesIO(spoken.file)) as file:
        sent = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64)
    assert len(sound) / 8000 == pytest.approx(spoken.seconds, abs=1.0)
    assert likeness(sound, sent) > 0.95


def likeness(heard: Any, sent: Any) -> float:
    """The normalised peak of their cross-correlation: 1 for the same sound, wherever in the recording it begins."""
    size = len(heard) + len(sent)
    products = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sent, size)), size)
    return float(products.max() / (np.linalg.norm(heard) * np.linalg.norm(sent)))


@pytest.mark.parametrize(
    ("status", "known", "reason"),
    [
        ("486 Busy Here", Outcome.TEMPORARY, "486"), ("404 Not Found", Outcome.PERMANENT, "404"),
        ("403 Forbidden", Outcome.CREDENTIALS, "403"), ("503 Service Unavailable", Outcome.TEMPORARY, "503"),
        ("603 Decline", Outcome.PERMANENT, "603"), ("302 Moved Temporarily", Outcome.CREDENTIALS, "redirect"),
    ],
)  # fmt: skip
async def test_a_console_that_does_not_take_the_call(
    tmp_path: Path, status: str, known: Outcome, reason: str
) -> None:
    async with answering(tmp_path / "console", asked("INVITE"), answer(status), asked("ACK")) as port:
        assert outcome(await send(channel(port), order())) == (known, reason)


@pytest.mark.parametrize(
    ("password", "known"),
    [("right", (Outcome.ACCEPTED, "")), ("wrong", (Outcome.CREDENTIALS, "403")), ("", (Outcome.CREDENTIALS, "401"))],
)  # fmt: skip
async def test_a_console_that_wants_a_password(
    tmp_path: Path, password: str, known: tuple[Outcome, str]
) -> None:
    file = tmp_path / "password"
    file.write_text(password)
    steps = (
        asked("INVITE"), answer("401 Unauthorized", CHALLENGE), asked("ACK"),
        '<recv request="INVITE" crlf="true"><action>' + verified("yobikake", "right") + "</action></recv>",
        '<nop hide="true" test="9" next="2"/>', answer("403 Forbidden"), asked("ACK"), '<nop hide="true" next="3"/>',
        '<label id="2"/>', answer("200 OK", sdp=True), asked("ACK"), asked("BYE"), answer("200 OK"), '<label id="3"/>',
    )  # fmt: skip
    async with answering(tmp_path / "console", *steps) as port:
        called = channel(port, password_file=file if password else None)
        assert outcome(await send(called, order())) == known


@pytest.mark.parametrize(
    ("status", "known"),
    [("200 OK", (Outcome.ACCEPTED, "")), ("403 Forbidden", (Outcome.CREDENTIALS, "403"))],
)
async def test_a_console_that_has_to_know_us_first(
    tmp_path: Path, status: str, known: tuple[Outcome, str]
) -> None:
    steps = (
        '<recv request="REGISTER" crlf="true" optional="true" next="5"/>',
        asked("INVITE"), answer("200 OK", sdp=True), asked("ACK"), asked("BYE"), answer("200 OK"),
        '<nop hide="true" next="6"/>', '<label id="5"/>', answer(status), '<label id="6"/>',
    )  # fmt: skip
    async with answering(tmp_path / "console", *steps) as port:
        domain = f"127.0.0.1:{port}"
        assert outcome(await send(channel(port, register=True, domain=domain), order())) == known


async def test_who_does_not_take_a_request_is_called(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    async with recording(tmp_path / "console") as port:
        settings = Settings(
            webhook=Hook(url="http://127.0.0.1:1/console", secret_file=secret, private=True),
            sip=Sip(target=f"sip:console@127.0.0.1:{port}", local="127.0.0.1"),
            voice=BRIEFLY,
        )
        both = Loudspeaker(settings, outbound=REHEARSAL, clock=lambda: NOW)
        await both.open()
        assert outcome(await send(both, order())) == (Outcome.ACCEPTED, "")
        health = await both.probe()
        await both.close()
    assert not health.ok, "the first way is away"
    assert len(recordings(tmp_path / "console")) == 1


@pytest.mark.parametrize("status", ["413", "400", "422"])
async def test_who_refuses_a_request_for_good_is_called(tmp_path: Path, status: str) -> None:
    """A proxy in front of a console takes a megabyte; half a minute of sound is more."""
    async with both_ways(tmp_path) as (both, asked_for):
        asked_for.faults.instead = status
        assert outcome(await send(both, order())) == (Outcome.ACCEPTED, "")
    assert len(recordings(tmp_path / "console")) == 1


@pytest.mark.parametrize("status", ["500", "502", "504", NO_ANSWER])
async def test_who_may_be_broadcasting_is_not_called_into_it(tmp_path: Path, status: str) -> None:
    async with both_ways(tmp_path) as (both, asked_for):
        asked_for.faults.instead = status
        known, _ = outcome(await send(both, order()))
        assert known is Outcome.AMBIGUOUS
        asked_for.faults.instead = ""
        assert outcome(await send(both, replace(order(), resend=True))) == (Outcome.ACCEPTED, "")
        assert len(asked_for.inbox.of("loudspeaker", CONSOLE)) == 1
    assert recordings(tmp_path / "console") == []


@asynccontextmanager
async def both_ways(folder: Path) -> AsyncIterator[tuple[Loudspeaker, LoudspeakerConsole]]:
    """A console that takes requests and calls; the channel that knows both."""
    secret = folder / "secret"
    secret.write_text(SECRET)
    requests = LoudspeakerConsole(Inbox(), secret=SECRET, clock=lambda: NOW)
    async with requests, recording(folder / "console") as port:
        settings = Settings(
            webhook=Hook(url=requests.address, secret_file=secret, private=True),
            sip=Sip(target=f"sip:console@127.0.0.1:{port}", local="127.0.0.1"),
            voice=BRIEFLY,
        )
        both = Loudspeaker(settings, outbound=REHEARSAL, clock=lambda: NOW)
        await both.open()
        try:
            yield both, requests
        finally:
            await both.close()


async def test_nobody_there_is_temporary() -> None:
    called = channel(free_sip_port(), ring_s=1)
    known, _ = outcome(await send(called, order()))
    assert known is Outcome.TEMPORARY


async def test_a_console_that_rings_for_ever_is_left(tmp_path: Path) -> None:
    steps = (asked("INVITE"), answer("180 Ringing"), asked("CANCEL"), answer("200 OK"))
    async with answering(tmp_path / "console", *steps) as port:
        said = await send(channel(port, ring_s=1), order())
        assert outcome(said) == (Outcome.TEMPORARY, "no answer")


async def test_a_telephone_that_does_not_hang_up_is_told_to(tmp_path: Path) -> None:
    async with recording(tmp_path / "console") as port:
        called = channel(port)
        spoken = called.speaker.say(SAID * 10)

        class Shorter:
            """So that baresip still plays when it should be over."""

            async def fitting(self, longest_s: float | None) -> Spoken:
                return replace(spoken, seconds=0.1)

        assert (await called.handover.hand(order(), Shorter(), message="msg_1")).outcome is Outcome.ACCEPTED
    assert len(heard(tmp_path / "console")) / 8000 < spoken.seconds / 2


async def test_one_that_hangs_up_in_the_middle_is_in_doubt(tmp_path: Path) -> None:
    remember = '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="1"/>'
    steps = (
        f'<recv request="INVITE" crlf="true" rrs="true"><action>{remember}</action></recv>',
        answer("200 OK", sdp=True), asked("ACK"), PAUSE, HANG_UP.replace("[$1]", "To:[$1]"),
    )  # fmt: skip
    async with answering(tmp_path / "console", *steps) as port:
        said = await send(channel(port), order(text=SAID * 4))
        assert outcome(said) == (Outcome.AMBIGUOUS, "hung up")


async def test_a_telephone_that_dies_in_the_middle_is_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from channels.loudspeaker import sip

    async def dies(self: sip.BySip, running: Any, sound_s: float) -> Any:
        await running.kill()
        return await heard_(self, running, sound_s)

    heard_ = sip.BySip._heard
    monkeypatch.setattr(sip.BySip, "_heard", dies)
    async with recording(tmp_path / "console", left=True) as port:
        assert outcome(await send(channel(port), order())) == (Outcome.AMBIGUOUS, "NotRunning")


async def test_a_gate_that_is_closed_makes_no_call(tmp_path: Path) -> None:
    def closed() -> None:
        raise Expired("over")

    async with recording(tmp_path / "console") as port:
        with pytest.raises(Expired):
            await send(channel(port), order(closed))
    assert recordings(tmp_path / "console") == []


async def test_a_call_that_is_stopped_hangs_up(tmp_path: Path) -> None:
    async with recording(tmp_path / "console") as port:
        calling = asyncio.create_task(send(channel(port), order(text=SAID * 20)))
        await until(lambda: recordings(tmp_path / "console") != [])
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
    assert len(heard(tmp_path / "console")) / 8000 < 20, "it plays for half a minute"


async def test_a_production_hub_refuses_a_rehearsals_console(tmp_path: Path) -> None:
    server = "Server: yobikake-rehearsal"
    async with answering(tmp_path / "console", asked("OPTIONS"), answer("200 OK", server)) as port:
        health = await channel(port, outbound=PRODUCTION).probe()
    assert not health.ok
    assert "rehearsal gateway" in health.detail
    async with answering(
        tmp_path / "second", asked("INVITE"), answer("486 Busy", server), asked("ACK")
    ) as port:
        with pytest.raises(Refused):
            await send(channel(port, outbound=PRODUCTION), order())


def test_a_rehearsal_hub_calls_nobody_outside() -> None:
    with pytest.raises(Refused):
        Loudspeaker(Settings(sip=Sip(target="sip:console@192.0.2.30")), outbound=REHEARSAL, clock=lambda: NOW)


async def test_what_is_too_long_is_said_once_and_what_still_is_too_long_is_not_called(tmp_path: Path) -> None:
    called = channel(free_sip_port(), longest_s=10)
    long = await send(called, order(text=SAID * 30))
    assert long.failure is not None
    assert "too long" in long.failure.reason


def test_what_an_answer_means() -> None:
    assert classify(600, {}, now=NOW).outcome is Outcome.TEMPORARY
    assert classify(604, {}, now=NOW).outcome is Outcome.PERMANENT
    assert classify(500, {}, now=NOW).outcome is Outcome.TEMPORARY
    assert classify(503, {"retry-after": "9"}, now=NOW).retry_after == timedelta(seconds=9)
