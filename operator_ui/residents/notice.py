"""An alert as residents read it in one language: its approved text, cut where the page needs it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from hub import slots
from hub.alert import Alert, Mode
from hub.cap import MsgType
from hub.channel import Content, Span, Spans
from hub.clock import Clock
from hub.delivery import Variant
from hub.errors import HubError
from hub.language import Language
from hub.ledger.alerts import Accepted
from hub.render import SlotSource, render
from hub.slots import Form

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`language` is the text's own: the fallback's where the alert is not written in the reader's.

    `drill`: the renderer's line of a drill, empty in a live alert. `told` and `actions` hold the lines of the
    description and the instruction; a slot's own line ends stay inside its span.
    """

    alert: Alert
    number: str
    language: Language
    event: str
    headline: str
    short: str
    drill: str = ""
    told: tuple[Spans, ...] = ()
    actions: tuple[Spans, ...] = ()
    body: str = ""
    ended: bool = False

    @property
    def lifted(self) -> bool:
        return self.alert.msg_type is MsgType.CANCEL

    @property
    def names_area(self) -> bool:
        """Whether the text says where, with every name that the order has. In Japanese: others' names differ."""
        names = re.split("[・、]", self.alert.area.description)
        return self.language not in (Language.JA, Language.JA_EASY) or all(
            name in self.body for name in names
        )

    @property
    def colour(self) -> int:
        """The level whose colour the block has; a lifted order, and one without a level, has none (0)."""
        return 0 if self.lifted or self.alert.level is None else int(self.alert.level)


def notice(accepted: Accepted, language: Language, source: SlotSource, clock: Clock) -> Notice:
    """Never fails: if the text cannot be rendered now, what is left is what the order says without it."""
    alert, number = accepted.alert, accepted.number
    info = alert.info(language)
    ended = accepted.ended_at is not None or accepted.stopped_at is not None or alert.expires <= clock()
    try:
        content = render(alert, Variant(info.language, None), source, clock, number=number)
    except HubError as e:
        log.error(
            "an alert cannot be shown whole",
            alert=alert.identifier,
            language=info.language.value,
            reason=e.message,
        )
        return Notice(
            alert=alert,
            number=number,
            language=info.language,
            event=info.event,
            headline=info.event,
            short=info.event,
            ended=ended,
        )
    return _read(content, alert, number, ended=ended)


def texts_of(accepted: Accepted, source: SlotSource, clock: Clock) -> dict[Language, Notice]:
    """In every language in which the alert is written."""
    languages = [info.language for info in accepted.alert.infos]
    return {language: notice(accepted, language, source, clock) for language in languages}


def _read(content: Content, alert: Alert, number: str, *, ended: bool) -> Notice:
    info = alert.info(content.language)
    lines = split(content.body)
    drill = ""
    if alert.mode is not Mode.LIVE:
        drill, lines = Content.text(lines[0]), lines[1:-1]
    told = _lines_of(info.description, Form.DESCRIPTION, content.language)
    return Notice(
        alert=alert,
        number=number,
        language=content.language,
        event=info.event,
        headline=Content.text(content.headline),
        short=Content.text(content.short),
        drill=drill,
        told=tuple(lines[:told]),
        actions=tuple(lines[told:]),
        body=Content.text(content.body),
        ended=ended,
    )


def split(spans: Spans) -> Sequence[Spans]:
    """The lines of a text. Only approved line ends divide it: those inside a filled slot do not."""
    lines: list[list[Span]] = [[]]
    for span in spans:
        parts = span.text.split("\n") if span.slot in (None, slots.DRILL) else [span.text]
        for i, part in enumerate(parts):
            if i:
                lines.append([])
            if part:
                lines[-1].append(Span(part, span.slot))
    return [tuple(line) for line in lines]


def _lines_of(template: str, form: Form, language: Language) -> int:
    return len(split(slots.parse(template, place=f"$.{form}", form=form, language=language)))
