"""How long each text is by itself, under the field in which it is typed.

What decides is the whole message as a channel words it (`previews`); this is for whoever shortens a sentence.
`counters.js` counts the same while somebody types.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from hub.alert import AlertInfo
from hub.channel import Content, Spans
from hub.language import Language
from hub.measure import MEASURES
from hub.slots import DRILL, Form, normalise
from operator_ui.staff.draft_form import field

WORDS = {
    "characters": "%(number)s字",
    "utf16": "LINE %(number)s",
    "weighted": "X %(number)s（全角は2）",
    "segments": "SMS %(number)s通",
    "loudspeaker": "屋外スピーカー 約%(number)s秒",
}
"""What the screen calls each measure; the catalogues have them."""

_MEASURES: Mapping[Form, tuple[str, ...]] = {
    Form.HEADLINE: ("characters",),
    Form.DESCRIPTION: ("characters", "utf16"),
    Form.INSTRUCTION: ("characters", "utf16"),
    Form.SHORT: ("characters", "weighted", "segments"),
    Form.SPEECH: ("characters", "loudspeaker"),
}
_READ_OUT = frozenset({Language.JA, Language.JA_EASY})
"""Loudspeakers speak Japanese."""


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent with a text: `slots` fill its gaps, by name; `before` and `after` are a drill's framing."""

    slots: dict[str, str] = {}
    before: str = ""
    after: str = ""

    def filled(self, text: str) -> str:
        gaps = _GAP.sub(lambda gap: self.slots.get(gap[1], gap[0]), normalise(text))
        return f"{self.before}{gaps}{self.after}"


class Counter(NamedTuple):
    """`counts` by the names of `WORDS`. `around`: JSON of what the script needs to count anew."""

    counts: Mapping[str, int]
    around: str


def counters(infos: tuple[AlertInfo, ...], contents: Mapping[Language, Content]) -> dict[str, Counter]:
    """By the id of the field. Of a language that cannot be rendered now, as it stands there, gaps and all."""
    return {
        field(info, form): _counter(info, form, contents.get(info.language))
        for info in infos
        for form in _MEASURES
    }


def _counter(info: AlertInfo, form: Form, content: Content | None) -> Counter:
    around = _around(form, content) if content else Around()
    text = around.filled(getattr(info, form))
    return Counter(
        {name: MEASURES[name](text) for name in _measures(form, info.language)},
        msgspec.json.encode(around).decode(),
    )


def _measures(form: Form, language: Language) -> Iterator[str]:
    return (name for name in _MEASURES[form] if name != "loudspeaker" or language in _READ_OUT)


def _around(form: Form, content: Content) -> Around:
    spans: Spans = getattr(content, _TEXTS[form])
    if not spans:
        return Around()
    first, last = (spans[place].text if spans[place].slot == DRILL else "" for place in (0, -1))
    return Around(
        slots={span.slot: span.text for span in spans if span.slot and span.slot != DRILL},
        before="" if form is Form.INSTRUCTION else first,
        after=last if form in (Form.INSTRUCTION, Form.SPEECH) else "",
    )


_TEXTS = {
    Form.HEADLINE: "headline",
    Form.DESCRIPTION: "body",
    Form.INSTRUCTION: "body",
    Form.SHORT: "short",
    Form.SPEECH: "speech",
}
_GAP = re.compile(r"\{([^{}\n]*)\}")
