"""What is posted of an alert: one post if it fits, else a thread cut at sentence ends."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from channels.x.weight import LIMIT, units, weight
from hub.channel import Content, Spans
from hub.clock import JST
from hub.language import Language
from hub.shelter_list import clock_words
from hub.slots import DRILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """`mark` is the text's last line. No other post of the account holds it: it names the alert, the
    time, the language and the place in the thread. X changes nothing in it, and writes a picture's link behind it."""

    text: str
    mark: str


def thread(content: Content) -> tuple[Post, ...]:
    """The `short` text, the link and the mark in each post, so that each can be passed on alone: in a drill
    each says that it is one (I6)."""
    drill, text = _short(content)
    alone = _post(drill + text, content, place="")
    if weight(alone.text) <= LIMIT:
        return (alone,)
    room = LIMIT - weight(f"{drill}\n{_post('', content, place=' (99/99)').text}")
    parts = split(text, room)
    return tuple(
        _post(drill + part, content, place=f" ({number}/{len(parts)})")
        for number, part in enumerate(parts, start=1)
    )


def _short(content: Content) -> tuple[str, str]:
    """What the renderer put in front of a drill's text, and the text."""
    framing = 1 if content.short and content.short[0].slot == DRILL else 0
    return _as_posted(content.short[:framing]), _once(_as_posted(content.short[framing:]), content)


def _once(text: str, content: Content) -> str:
    """Without its last brackets, where they hold nothing but the number, and the time, that the mark has."""
    brackets = _LAST_BRACKETS.search(text)
    if brackets is None or not any(span.slot == "number" for span in content.short[-2:]):
        return text
    inside = brackets[1].replace(content.number, "").replace(clock_words(content.sent, content.language), "")
    return text if inside.strip() else text[: brackets.start()]


def _as_posted(spans: Spans) -> str:
    return "".join(unit.text for unit in units(Content.text(spans)))


def split(text: str, room: int) -> list[str]:
    """Parts of at most `room` in weight: whole sentences where they fit, else whole phrases, else
    whatever fits without cutting a URL or an emoji."""
    parts = [""]
    for piece in _pieces(text, room):
        if weight((parts[-1] + piece).rstrip()) <= room:
            parts[-1] += piece
        else:
            parts.append(piece)
    return [part.strip() for part in parts if part.strip()]


def _post(text: str, content: Content, *, place: str) -> Post:
    mark = f"[{content.number} {content.sent.astimezone(JST):%H:%M}{_tag(content.language)}]{place}"
    return Post(text="\n".join(line for line in (text, content.link, mark) if line), mark=mark)


def _tag(language: Language) -> str:
    """In words: it tells the languages' posts apart, for whoever reads them and for us."""
    return "" if language is Language.JA else f" {language.autonym}"


def _pieces(text: str, room: int) -> Iterator[str]:
    for sentence in _SENTENCE.findall(text):
        rest = sentence
        while weight(rest.rstrip()) > room:
            cut = _cut(rest, room)
            yield rest[:cut]
            rest = rest[cut:]
        yield rest


def _cut(sentence: str, room: int) -> int:
    """Behind the last pause that fits, or behind the last thing that fits; always behind something."""
    used = fits = pause = 0
    for unit in units(sentence):
        used += unit.weight
        if used > room and fits:
            break
        fits += len(unit.text)
        if unit.text in _PAUSES:
            pause = fits
    return pause or fits


_LAST_BRACKETS = re.compile(r"\s*[（(]([^（）()]*)[）)]\Z")
_PAUSES = frozenset("、，, \u3000\n・")
_SENTENCE = re.compile(
    r".+?(?:[。！？!?।]+[」』）)”\"]*\s*"
    r"|(?<!\bNo)\.\s+"  # “No. 2026-0147” is no end
    r"|\n+"
    r"|\Z)",
    re.DOTALL,
)
