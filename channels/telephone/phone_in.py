"""What is said to whoever calls in, as TwiML: what is in force, then the same again, in a language chosen by a key.

Twilio plays one document at a time and is told there which to fetch next, so each is the same bytes for every caller.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from twilio.twiml.voice_response import Gather, VoiceResponse

from channels.telephone import spoken
from channels.telephone.dialogue import gather
from channels.telephone.spoken import Names, Verbs
from hub.language import Language

MENU: Mapping[str, Language] = {
    "1": Language.JA,
    "2": Language.EN,
    "3": Language.ZH_HANS,
    "4": Language.KO,
    "5": Language.VI,
    "6": Language.JA_EASY,
}
"""By key. Chinese is one language to the ear; Nepali has no voice, and its speakers are not told that it has."""

BETWEEN_S = 3

_PRESS: Mapping[Language, str] = {
    Language.JA: "日本語は、1。",
    Language.EN: "For English, press 2.",
    Language.ZH_HANS: "中文请按3。",
    Language.KO: "한국어는 4번.",
    Language.VI: "Tiếng Việt, bấm phím 5.",
    Language.JA_EASY: "やさしい日本語は、6。",
}
_ANY_KEY: Mapping[Language, str] = {
    Language.EN: "For English, press any key now.",
    Language.ZH_HANS: "中文，请现在按任意键。",
    Language.KO: "한국어는 지금 아무 번호나 누르십시오.",
    Language.VI: "Tiếng Việt, bấm phím bất kỳ ngay bây giờ.",
    Language.JA_EASY: "やさしい日本語は、今、番号を押してください。",
}


class Said(NamedTuple):
    """A piece in the language in which it is written."""

    language: Language
    text: str


def front(first: Sequence[Said], whole: Sequence[Said], names: Names, *, choose: str, then: str) -> str:
    """At once what is in force, in a few words; by which key another language is heard; then all of it.

    A key may be pressed at any moment and goes to `choose`. Without one it goes on at `then`.
    """
    response, listening = VoiceResponse(), gather(choose, within_s=BETWEEN_S)
    _say(listening, first, names)
    _say(listening, [Said(language, _PRESS[language]) for language in MENU.values()], names)
    listening.pause(length=1)
    _say(listening, whole, names)
    return _goes_on(response, listening, then)


def again(whole: Sequence[Said], names: Names, *, choose: str, then: str) -> str:
    """All of it. A key goes to `choose`; without one it goes on at `then`."""
    response, listening = VoiceResponse(), gather(choose, within_s=BETWEEN_S)
    _say(listening, whole, names)
    return _goes_on(response, listening, then)


def last(whole: Sequence[Said], names: Names) -> str:
    """All of it, after which it is hung up: a receiver that nobody holds must not hold a line."""
    response = VoiceResponse()
    _say(response, whole, names)
    response.hangup()
    return str(response)


def still(
    first: Sequence[Said], whole: Sequence[Said], names: Names, *, others: Mapping[Language, str]
) -> str:
    """As a file, which cannot ask which key it was: each language has a moment of its own, in which any key takes it.

    `others`: their documents. `first` comes before them; `whole` is played twice, and then it is hung up.
    """
    response = VoiceResponse()
    _say(response, first, names)
    for language, path in others.items():
        listening = Gather(input="dtmf", num_digits=1, timeout=1, action=path, method="GET")
        _say(listening, [Said(language, _ANY_KEY[language])], names)
        response.append(listening)
    for time in range(2):
        if time:
            response.pause(length=BETWEEN_S)
        _say(response, whole, names)
    response.hangup()
    return str(response)


def piece(said: Iterable[Said], names: Names) -> str:
    """What may be put into a document afterwards."""
    response = VoiceResponse()
    _say(response, said, names)
    return str(response).partition("<Response>")[2].removesuffix("</Response>")


def _goes_on(response: VoiceResponse, listening: Gather, then: str) -> str:
    response.append(listening)
    response.redirect(then, method="POST")
    return str(response)


def _say(into: Verbs, said: Iterable[Said], names: Names) -> None:
    for each in said:
        spoken.say(into, each.text, each.language, names)
