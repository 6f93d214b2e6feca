"""An order as TwiML: spoken twice, slowly, with pauses; nobody needs to press a key.

Residents may be asked how they fare, once they have heard all of it; staff who are asked whether they come may press a
key at any moment (https://www.twilio.com/docs/voice/twiml/gather). An answering machine records the whole order,
wherever in it the recording begins.
"""

from collections.abc import Sequence

from twilio.twiml.voice_response import VoiceResponse

from channels.telephone import question, spoken
from channels.telephone.dialogue import KEY_WITHIN_S, gather
from channels.telephone.spoken import VOICES, Names, Verbs
from hub.channel import Content
from hub.evacuation import Level
from hub.reply import BEFORE_A_FLOOD, Question

__all__ = ["TWIML_LIMIT", "VOICES", "seconds", "sentences", "twiml"]

TWIML_LIMIT = 4000
"""Characters of TwiML in a request (https://www.twilio.com/docs/api/errors/32018)."""

LEAD_IN_S = 1
BETWEEN_S = 3


def twiml(content: Content, *, names: Names, answer_at: str = "", ask: Question | None = None) -> str:
    """The call as Twilio plays it. `names` replaces a voice that Twilio no longer offers. `answer_at`: as
    `hub.channel.Parcel` has it; the first key ends the speaking. `ask`: only the repetition can be cut short.

    A question for which there is no room is left out, never the order. May be longer than `TWIML_LIMIT` all the same:
    then Twilio would refuse it.
    """
    if answer_at:
        return _answered_at_any_moment(content, names, f"{answer_at}/keys/{content.language}")
    if ask is not None:
        for times in (2, 1):
            asking = _with_question(content, names, ask, times=times)
            if len(asking) <= TWIML_LIMIT:
                return asking
    response = _begun()
    _twice(response, content, names)
    return str(response)


def seconds(content: Content, *, keypad: bool = False) -> float:
    """About how long the call speaks, both times and all pauses; for previews and plans. `keypad`: with the longer
    question, both times, and the wait for a key, where a level tells that one is asked."""
    once_s = spoken.seconds(_text(content), content.language)
    waits_s = 0
    if keypad and (content.level or 0) >= Level.ELDERLY_EVACUATE:
        once_s += spoken.seconds(question.question(BEFORE_A_FLOOD, content.language), content.language)
        waits_s = KEY_WITHIN_S
    return LEAD_IN_S + 2 * once_s + BETWEEN_S + waits_s


def sentences(content: Content) -> Sequence[str]:
    """The speech in pieces that a breath follows, without what XML 1.0 cannot hold."""
    return spoken.sentences(_text(content))


def _answered_at_any_moment(content: Content, names: Names, keys: str) -> str:
    response = _begun()
    asking = gather(keys)
    _twice(asking, content, names)
    response.append(asking)
    return str(response)


def _with_question(content: Content, names: Names, ask: Question, *, times: int) -> str:
    """The order whole, then the question; then both again, or the order alone."""
    language = content.language
    asked = question.question(ask.keys, language)
    response = _begun()
    _order(response, content, names)
    asking = gather(f"{ask.at}/{language}")
    spoken.say(asking, asked, language, names)
    asking.pause(length=BETWEEN_S)
    _order(asking, content, names)
    if times == 2:
        spoken.say(asking, asked, language, names)
    response.append(asking)
    return str(response)


def _begun() -> VoiceResponse:
    response = VoiceResponse()
    response.pause(length=LEAD_IN_S)
    return response


def _twice(into: Verbs, content: Content, names: Names) -> None:
    _order(into, content, names)
    into.pause(length=BETWEEN_S)
    _order(into, content, names)


def _order(into: Verbs, content: Content, names: Names) -> None:
    spoken.say(into, _text(content), content.language, names)


def _text(content: Content) -> str:
    return Content.text(content.speech)
