"""Text as TwiML: slowly, with a breath after each sentence, by the voice of its language.

https://www.twilio.com/docs/voice/twiml/say/text-speech lists the voices.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from twilio.twiml.voice_response import Gather, Say, SsmlProsody, VoiceResponse

from channels._xml import printable
from hub import measure
from hub.language import Language

_SAY_BYTES = 2500
"""UTF-8 bytes of text in one `<Say>`: the voices take 3,000 (https://www.twilio.com/docs/api/errors/13521)."""

RATE = "90%"
BREAK_MS = 700

Verbs: TypeAlias = VoiceResponse | Gather
"""What speech may stand in."""

Names = Mapping[Language, str]
"""Voices instead of those in `VOICES`, where Twilio no longer offers one."""


class Voice(NamedTuple):
    """`per_s`: characters it speaks in a second at `RATE`; an estimate for previews."""

    language: str
    name: str
    per_s: float


VOICES: Mapping[Language, Voice] = {
    Language.JA: Voice("ja-JP", "Polly.Mizuki", 5.0),
    Language.JA_EASY: Voice("ja-JP", "Polly.Mizuki", 5.0),
    Language.EN: Voice("en-US", "Polly.Joanna", 13.0),
    Language.ZH_HANS: Voice("cmn-CN", "Polly.Zhiyu", 3.8),
    Language.ZH_HANT: Voice("cmn-TW", "Google.cmn-TW-Standard-A", 3.8),
    Language.KO: Voice("ko-KR", "Polly.Seoyeon", 5.5),
    Language.VI: Voice("vi-VN", "Google.vi-VN-Standard-A", 14.0),
}
"""Twilio has no Nepali voice: who reads Nepali hears the fallback language."""


def say(into: Verbs, text: str, language: Language, names: Names) -> None:
    """Add `text` to what is spoken. Raises `KeyError` for a language without a voice."""
    voice = VOICES[language]
    for group in _groups(sentences(text)):
        said = Say(language=voice.language, voice=names.get(language, voice.name))
        said.nest(_slowly(group))
        into.append(said)


def sentences(text: str) -> list[str]:
    """In pieces that a breath follows, without what XML 1.0 cannot hold."""
    return measure.sentences(printable(text))


def seconds(text: str, language: Language) -> float:
    """About how long it speaks, once."""
    return measure.spoken_s(printable(text), measure.Pace(VOICES[language].per_s, BREAK_MS / 1000))


def _slowly(group: Sequence[str]) -> SsmlProsody:
    prosody = SsmlProsody(rate=RATE)
    for number, sentence in enumerate(group):
        if number:
            prosody.break_(time=f"{BREAK_MS}ms")
        prosody.nest(sentence)
    return prosody


def _groups(pieces: Sequence[str]) -> Iterator[list[str]]:
    """As many sentences together as one `<Say>` holds."""
    group: list[str] = []
    for piece in pieces:
        if group and len("".join([*group, piece]).encode()) > _SAY_BYTES:
            yield group
            group = []
        group.append(piece)
    if group:
        yield group
