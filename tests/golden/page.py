"""A golden page: everything that every channel says of one alert, in all languages, as one text to read and to compare.

The four rendered texts stand there whole. Where a channel carries one of them, `«body»` stands in its place: so a page is
short, and a changed phrase changes one line. A form that is for machines (HTML, TwiML, JSON) is there by its length and
hash, and whole on the pages of `WHOLE`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from unittest.mock import patch

import msgspec

from channels import manual
from channels._poster import faces
from channels._poster.around import Around, Here
from channels._poster.page import poster
from channels.line.message import messages
from channels.loudspeaker import broadcast
from channels.loudspeaker.settings import Display
from channels.mail.markup import END, html
from channels.voice.speech import VOICES, twiml
from channels.webhook import event
from channels.webpush.message import payload
from channels.website.notice import Masthead, Notices, as_html, as_rss, notice
from channels.website.wordpress_post import draft
from channels.x.card import alt_text
from hub.channel import Content
from hub.errors import PermanentFailure
from hub.language import Language
from hub.place import Position
from tests.golden.published import Published
from tests.unit.channels.pdf import lines, pages
from yobikake.connectors import CONNECTORS
from yobikake.previews import previews

FORMS = ("body", "speech", "short", "headline")
WHOLE = frozenset({Language.JA, Language.EN})
"""Languages whose machine forms stand whole on a page that asks for it."""

SHOWN: Mapping[str, Sequence[str]] = {
    "mail": ("mail", "mail html"),
    "line": ("line", "line messages"),
    "x": ("x", "x picture"),
    "voice": ("voice", "voice twiml"),
    "sms": ("sms",),
    "fax": ("fax page",),
    "wifi": (),  # it shows a name, whatever the alert says
    "webpush": ("webpush", "webpush payload"),
    "website": ("website", "website html", "website rss", "wordpress post"),
    "webhook": ("webhook event",),
    "loudspeaker": ("loudspeaker", "loudspeaker broadcast"),
    "manual": tuple(f"sheet {sheet.ref}" for sheet in manual.SHEETS),
}
"""What of each connector stands on a page, by the names it has there."""

_CORNERS = [
    Position(longitude=139.3 + east, latitude=35.7 + north)
    for east, north in ((0, 0), (0, 1), (1, 1), (1, 0))
]
SQUARE = Around(here=Here("", _CORNERS[0]), boundary=_CORNERS, towns=(), sites={}, telephone="042-000-0000")
"""A city without a map of its own."""

_PREVIEWS = previews(dict.fromkeys(CONNECTORS))  # type: ignore[arg-type]  # only which there are


def page(
    title: str, contents: Mapping[Language, Content], published: Published, *, whole: bool = False
) -> str:
    """`contents` by the language that was asked for."""
    lines = [f"# {title}"]
    for language, content in contents.items():
        lines += ["", f"== {language.value} {language.autonym} =="]
        for form in reversed(FORMS):
            lines += [f"-- {form}", *content.text(getattr(content, form)).split("\n")]
        for name, parts in said(content).items():
            lines += [f"-- {name}", *_shown(parts, content)]
        for name, written in (forms(content) | published.by_language[language]).items():
            lines += [f"-- {name}", *_form(written, whole=whole and language in WHOLE)]
    lines += ["", "== in all languages at once =="]
    for name, written in published.once.items():
        lines += [f"-- {name}", *_form(written, whole=False)]
    return "\n".join(lines) + "\n"


def said(content: Content) -> dict[str, Sequence[str]]:
    """What each channel says in so many words, by its own composer; of the sheets, in Japanese, each by itself."""
    texts = {kind: tuple(preview(content)) for kind, preview in sorted(_PREVIEWS.items())}
    texts["x picture"] = (alt_text(content),)
    if content.language is not Language.JA:
        del texts["loudspeaker"]
    else:
        texts |= {f"sheet {sheet.ref}": _sheet(content, sheet) for sheet in manual.SHEETS}
    return texts


def forms(content: Content) -> dict[str, bytes]:
    """What goes over the wire around the words, of the channels that have a form of their own."""
    expires = content.sent + timedelta(hours=6)
    shown = Notices(generated=content.sent, notices=(notice(content, expires=expires),))
    written = {
        "mail html": (html(content) + END).encode(),
        "line messages": msgspec.json.encode(messages(content)),
        "website html": as_html(shown),
        "website rss": as_rss(shown, Masthead(title="緊急情報", link="https://city.example/")),
        "wordpress post": msgspec.json.encode(draft(content, category=None)),
        "webhook event": event.body(content, expires=expires),
        "webpush payload": payload(content) or b"",
    }
    if content.language is Language.JA:
        written["loudspeaker broadcast"] = broadcast.body(
            content, expires=expires, spoken=None, rate_hz=16_000, fits=Display()
        )
    if content.language not in (Language.VI, Language.NE):
        written["fax page"] = _set(content)
    if content.language in VOICES:
        written["voice twiml"] = twiml(content, names={}).encode()
    return written


@cache
def _set(content: Content) -> bytes:
    """What stands on the one page that comes out of a fax machine, and in colour on a wall: in the fonts that a page only
    names, which are the same on every machine, and lack two languages."""
    with patch.object(faces, "of", lambda _: ()):
        pdf = poster(content, SQUARE, colour=False)
    assert pages(pdf) == 1
    return "\n".join(lines(pdf)).encode()


def _sheet(content: Content, sheet: manual.Sheet) -> Sequence[str]:
    try:
        return [field.text for field in manual.fields(content, sheet)]
    except PermanentFailure as e:
        return [f"! {e.reason}"]


def _shown(parts: Sequence[str], content: Content) -> Iterator[str]:
    if form := _in_pieces(parts, content):
        yield f"«{form}» in {len(parts)} pieces of {' '.join(str(len(part)) for part in parts)}"
        return
    for number, part in enumerate(parts):
        if number:
            yield "--- next"
        yield from _named(part, content).split("\n")


def _in_pieces(parts: Sequence[str], content: Content) -> str | None:
    """Of which text these are all the pieces, in order."""
    joined = _squeezed("".join(parts))
    texts = {form: _squeezed(content.text(getattr(content, form))) for form in FORMS}
    return next((form for form, text in texts.items() if len(parts) > 1 and text == joined), None)


def _named(text: str, content: Content) -> str:
    for form in FORMS:
        if whole := content.text(getattr(content, form)):
            text = text.replace(whole, f"«{form}»")
    return text


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _form(written: bytes, *, whole: bool) -> Iterator[str]:
    if whole:
        yield from written.decode().replace("\r\n", "\n").split("\n")
    else:
        yield f"{len(written)} bytes, sha256 {hashlib.sha256(written).hexdigest()[:16]}"
