"""An order as TwiML: spoken twice, slowly, with pauses; nobody needs to press a key.

Residents may be asked how they fare, once they have heard all of it; staff who are asked whether they come may press a
key at any moment (https://www.twilio.com/docs/voice/twiml/gather). An answering machine records the whole order,
wherever in it the recording begins, unless it is so long that it is said once.
"""

from collections.abc import Sequence
from typing import NamedTuple

from twilio.twiml.voice_response import Gather, VoiceResponse

from channels.telephone import question, spoken
from channels.telephone.dialogue import KEY_WITHIN_S, gather
from channels.telephone.spoken import VOICES, Names, Verbs
from hub.channel import Content
from hub.evacuation import Level
from hub.language import Language
from hub.reply import BEFORE_A_FLOOD, Question

__all__ = ["TWIML_LIMIT", "VOICES", "Saying", "length", "said", "seconds", "sentences", "twiml"]

TWIML_LIMIT = 4000
"""Characters of TwiML in a request (https://www.twilio.com/docs/api/errors/32018)."""

LEAD_IN_S = 1
BETWEEN_S = 3


class Saying(NamedTuple):
    """Which of a content's texts is said, how often, and behind how many of these times a key is asked for."""

    form: str
    times: int
    questions: int = 0


ORDER = "speech"

_SAYINGS = [
    Saying(form, times, questions)
    for form in (ORDER, "short", "headline")
    for times in (2, 1)
    for questions in range(times, -1, -1)
]
"""The first that a request holds is said: nobody goes without a call because the order is long."""


def twiml(content: Content, *, names: Names, answer_at: str = "", ask: Question | None = None) -> str:
    """The call as Twilio plays it. `names` replaces a voice that Twilio no longer offers. `answer_at`: as
    `hub.channel.Parcel` has it; the first key ends the speaking. `ask`: only the repetition can be cut short.

    Where `TWIML_LIMIT` does not hold the order twice with the question each time, the questions go first, then the
    repetition; then the short text is said instead, or the headline. Longer only where not even that fits, once: then
    Twilio would refuse it.
    """
    return _first(content, names, answer_at, ask)[1]


def said(content: Content, *, names: Names, answer_at: str = "") -> Saying:
    """What `twiml` says of it, where nothing is asked."""
    return _first(content, names, answer_at, None)[0]


def length(content: Content, *, names: Names) -> int:
    """Characters of TwiML in the shortest request that says the whole order."""
    return len(_written(content, Saying(ORDER, 1), names))


def seconds(content: Content, *, keypad: bool = False, times: int = 2) -> float:
    """About how long the call speaks the order, so many times, and all pauses; for previews and plans. `keypad`: with the
    longer question, each time, and the wait for a key, where a level tells that one is asked."""
    once_s = spoken.seconds(_text(content, ORDER), content.language)
    waits_s = 0
    if keypad and (content.level or 0) >= Level.ELDERLY_EVACUATE:
        once_s += spoken.seconds(question.question(BEFORE_A_FLOOD, content.language), content.language)
        waits_s = KEY_WITHIN_S
    return LEAD_IN_S + times * once_s + (times - 1) * BETWEEN_S + waits_s


def sentences(content: Content) -> Sequence[str]:
    """The speech in pieces that a breath follows, without what XML 1.0 cannot hold."""
    return spoken.sentences(_text(content, ORDER))


def _first(content: Content, names: Names, answer_at: str, ask: Question | None) -> tuple[Saying, str]:
    asks = ask is not None and not answer_at
    for saying in _SAYINGS:
        if saying.questions and not asks:
            continue
        written = _written(content, saying, names, answer_at=answer_at, ask=ask)
        if len(written) <= TWIML_LIMIT:
            break
    return saying, written


def _written(
    content: Content, saying: Saying, names: Names, *, answer_at: str = "", ask: Question | None = None
) -> str:
    text, language = _text(content, saying.form), content.language
    response = VoiceResponse()
    response.pause(length=LEAD_IN_S)
    if answer_at:
        asking = gather(f"{answer_at}/keys/{language}")
        _repeated(asking, text, language, names, saying.times)
        response.append(asking)
    elif ask is not None and saying.questions:
        spoken.say(response, text, language, names)
        response.append(_question(text, language, names, ask, saying))
    else:
        _repeated(response, text, language, names, saying.times)
    return str(response)


def _repeated(into: Verbs, text: str, language: Language, names: Names, times: int) -> None:
    for time in range(times):
        if time:
            into.pause(length=BETWEEN_S)
        spoken.say(into, text, language, names)


def _question(text: str, language: Language, names: Names, ask: Question, saying: Saying) -> Gather:
    """What follows the first time: the question, then both again, or the text alone."""
    asked = question.question(ask.keys, language)
    asking = gather(f"{ask.at}/{language}")
    spoken.say(asking, asked, language, names)
    if saying.times > 1:
        asking.pause(length=BETWEEN_S)
        spoken.say(asking, text, language, names)
    if saying.questions > 1:
        spoken.say(asking, asked, language, names)
    return asking


def _text(content: Content, form: str) -> str:
    return Content.text(getattr(content, form))
