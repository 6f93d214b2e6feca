"""What staff listen to is what was said; a page does not wait for ever, and nothing is said twice at once."""

import threading
from typing import NoReturn

import pytest

from channels._speech.speaker import Speaker, Spoken, Voice, speaker
from hub.background import Background
from yobikake import sounds
from yobikake.sounds import KEPT, Sounds


class Slow(Speaker):
    """Says nothing before it is let go."""

    def __init__(self) -> None:
        super().__init__((), Voice())
        self.go = threading.Event()
        self.asked: list[str] = []

    def say(self, text: str, *, times: int | None = None) -> Spoken:
        self.asked.append(text)
        self.go.wait()
        return Spoken(file=text.encode(), name=text, seconds=7.5, kana="")


async def test_a_recording_is_as_long_as_its_sound_and_can_be_heard() -> None:
    voice = speaker({}, Voice(times=1))
    made = Sounds({"manual": voice}, Background())
    recording = None
    while recording is None:  # a machine may take longer than a page waits
        recording = await made.aloud("manual", "避難してください。")
    assert recording.seconds == voice.say("避難してください。").seconds
    assert (made.file(recording.name) or b"")[:4] == b"RIFF"
    assert made.file("another") is None


async def test_a_page_does_not_wait_for_a_long_one_and_the_next_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sounds, "PATIENCE_S", 0.01)
    voice, background = Slow(), Background()
    made = Sounds({"loudspeaker": voice}, background)
    assert await made.aloud("loudspeaker", "text") is None
    assert await made.aloud("loudspeaker", "text") is None
    voice.go.set()
    await background.finish(60)
    monkeypatch.setattr(sounds, "PATIENCE_S", 60)
    assert await made.aloud("loudspeaker", "text") == ("text", 7.5)
    assert voice.asked == ["text", "text"], "one while the first was under way, one to have it"


async def test_the_oldest_go() -> None:
    voice = Slow()
    voice.go.set()
    made = Sounds({"loudspeaker": voice}, Background())
    for number in range(KEPT + 1):
        assert await made.aloud("loudspeaker", str(number)) is not None
    assert made.file("0") is None
    assert made.file(str(KEPT)) is not None


async def test_who_does_not_speak_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: Speaker, text: str, *, times: int | None = None) -> NoReturn:
        raise RuntimeError("HTS_Engine_synthesize_from_strings failed")

    made = Sounds({"loudspeaker": speaker({}, Voice(speed=1.3))}, Background())
    assert await made.aloud("manual", "text") is None
    monkeypatch.setattr(Speaker, "say", fail)
    assert await made.aloud("loudspeaker", "text") is None
