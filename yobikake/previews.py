"""What each channel would make of a content, for the console's previews: the connectors' own words."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from hub.channel import Content, Measured, Speaking, Speaks
from hub.language import Language
from hub.measure import LOUDSPEAKER, spoken_s
from yobikake.connectors import Configured

Preview = Callable[[Content], Sequence[str]]

BETWEEN_S = 5
"""Around 「繰り返します」."""


def previews(channels: Mapping[str, Configured]) -> dict[str, Preview]:
    """For the channels that are configured; one without a form of its own shows headline and body."""
    return {kind: preview for kind, preview in _PREVIEWS.items() if kind in channels} | _displays(channels)


def lengths(channels: Mapping[str, Configured]) -> Mapping[str, Callable[[Content], int]]:
    """How long a content is, of the channels that count by themselves."""
    own = {kind: configured.channel for kind, configured in channels.items()}
    return {kind: channel.length for kind, channel in own.items() if isinstance(channel, Measured)}


def speaking(channels: Mapping[str, Configured]) -> Mapping[str, Callable[[Content], Speaking]]:
    """How long each channel that speaks takes to say it, and how often it does."""
    own = {kind: configured.channel for kind, configured in channels.items()}
    found = {kind: channel.speaking for kind, channel in own.items() if isinstance(channel, Speaks)}
    return found | ({"loudspeaker": _by_loudspeaker} if "loudspeaker" in channels else {})


def _displays(channels: Mapping[str, Configured]) -> dict[str, Preview]:
    """The loudspeakers' words, and what displays of this city's size show of them."""
    if "loudspeaker" not in channels:
        return {}
    from channels.loudspeaker.channel import Loudspeaker, words  # noqa: PLC0415 - a connector is loaded when configured
    from channels.loudspeaker.settings import Display  # noqa: PLC0415

    configured = channels["loudspeaker"]
    channel = configured.channel if configured else None
    fits = channel.settings.display if isinstance(channel, Loudspeaker) else Display()
    return {"loudspeaker": partial(words, fits=fits)}


def _mail(content: Content) -> Sequence[str]:
    from channels.mail.message import letter  # noqa: PLC0415 - a connector is loaded when configured

    written = letter(content)
    return written.subject, written.text


def _line(content: Content) -> Sequence[str]:
    from channels.line.message import preview  # noqa: PLC0415

    return preview(content)


def _x(content: Content) -> Sequence[str]:
    from channels.x.thread import thread  # noqa: PLC0415

    return [post.text for post in thread(content)]


def _voice(content: Content) -> Sequence[str]:
    from channels.voice.speech import sentences  # noqa: PLC0415

    return sentences(content)


def _by_loudspeaker(content: Content) -> Speaking:
    """As it is reckoned, before anything has been spoken."""
    if content.language is not Language.JA:
        return Speaking(0, 0)
    return Speaking(2 * spoken_s(content.text(content.speech), LOUDSPEAKER) + BETWEEN_S, 2)


def _sms(content: Content) -> Sequence[str]:
    from channels.sms.wording import text  # noqa: PLC0415

    return (text(content),)


def _webpush(content: Content) -> Sequence[str]:
    from channels.webpush.message import notification  # noqa: PLC0415

    shown = notification(content)
    return shown.title, shown.body


def _short(content: Content) -> Sequence[str]:
    return (content.text(content.short), content.link)


_PREVIEWS: dict[str, Preview] = {
    "mail": _mail,
    "line": _line,
    "x": _x,
    "voice": _voice,
    "sms": _sms,
    "webpush": _webpush,
    "website": _short,
}
