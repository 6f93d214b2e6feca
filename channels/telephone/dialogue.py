"""What is played after a key, as TwiML (https://www.twilio.com/docs/voice/twiml)."""

from twilio.twiml.voice_response import Gather, VoiceResponse

from channels.telephone import question, spoken
from channels.telephone.spoken import Names
from hub.language import Language
from hub.reply import Question

KEY_WITHIN_S = 10
"""After the last word, where a key is waited for."""


def gather(action: str, *, within_s: int = KEY_WITHIN_S) -> Gather:
    """Takes one key, which goes to `action`."""
    return Gather(input="dtmf", num_digits=1, timeout=within_s, action=action, method="POST")


def told(text: str, language: Language, names: Names, *, ask: Question | None = None) -> str:
    """The text, then the question, if there is anything to ask; then it is hung up."""
    response = VoiceResponse()
    spoken.say(response, text, language, names)
    if ask is not None and ask.keys:
        asking = gather(f"{ask.at}/{language}")
        spoken.say(asking, question.question(ask.keys, language), language, names)
        response.append(asking)
    return str(response)
