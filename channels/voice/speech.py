"""An order as TwiML: spoken twice, slowly, with pauses; nobody needs to press a key, but staff who are asked whether
they come may at any moment (https://www.twilio.com/docs/voice/twiml/gather).

https://www.twilio.com/docs/voice/twiml/say/text-speech lists the voices. An answering machine
records the whole order, wherever in it the recording begins.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from twilio.twiml.voice_response import Gather, Say, SsmlProsody, VoiceResponse

from channels._xml import printable
from hub import measure
from hub.channel import Content
from hub.language import Language

TWIML_LIMIT = 4000
"""Characters of TwiML in a request (https://www.twilio.com/docs/api/errors/32018)."""

_SAY_BYTES = 2500
"""UTF-8 bytes of text in one `<Say>`: the voices take 3,000 (https://www.twilio.com/docs/api/errors/13521)."""

RATE = "90%"
LEAD_IN_S = 1
BETWEEN_S = 3
BREAK_MS = 700
KEY_WITHIN_S = 10
"""After the last word, where a key is waited for."""


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
"""Twilio has no Nepali voice: those recipients get the fallback language."""


def twiml(content: Content, *, names: Mapping[Language, str], answer_at: str = "") -> str:
    """The call as Twilio plays it. `names` replaces a voice that Twilio no longer offers. `answer_at`: as
    `hub.channel.Parcel` has it; the first key ends the speaking.

    May be longer than `TWIML_LIMIT`: then Twilio would refuse it.
    """
    voice = VOICES[content.language]
    voice = voice._replace(name=names.get(content.language, voice.name))
    response = VoiceResponse()
    response.pause(length=LEAD_IN_S)
    spoken: VoiceResponse | Gather = response
    if answer_at:
        keys = f"{answer_at}/keys/{content.language}"
        spoken = Gather(input="dtmf", num_digits=1, timeout=KEY_WITHIN_S, action=keys, method="POST")
        response.append(spoken)
    _order(spoken, content, voice)
    spoken.pause(length=BETWEEN_S)
    _order(spoken, content, voice)
    return str(response)


def seconds(content: Content) -> float:
    """About how long the whole call speaks, both times and all pauses; for previews and plans."""
    pace = measure.Pace(VOICES[content.language].per_s, BREAK_MS / 1000)
    order_s = measure.spoken_s(printable(Content.text(content.speech)), pace)
    return LEAD_IN_S + 2 * order_s + BETWEEN_S


def sentences(content: Content) -> list[str]:
    """The speech in pieces that a breath follows, without what XML 1.0 cannot hold."""
    return measure.sentences(printable(Content.text(content.speech)))


def _order(response: VoiceResponse | Gather, content: Content, voice: Voice) -> None:
    for group in _groups(sentences(content)):
        say = Say(language=voice.language, voice=voice.name)
        say.nest(_slowly(group))
        response.append(say)


def _slowly(group: list[str]) -> SsmlProsody:
    prosody = SsmlProsody(rate=RATE)
    for number, sentence in enumerate(group):
        if number:
            prosody.break_(time=f"{BREAK_MS}ms")
        prosody.nest(sentence)
    return prosody


def _groups(pieces: list[str]) -> Iterator[list[str]]:
    """As many sentences together as one `<Say>` holds."""
    group: list[str] = []
    for piece in pieces:
        if group and len("".join([*group, piece]).encode()) > _SAY_BYTES:
            yield group
            group = []
        group.append(piece)
    if group:
        yield group
