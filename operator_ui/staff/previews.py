"""What residents will see, channel by channel, and whether it fits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.alert import Alert
from hub.channel import Capabilities, Content
from hub.clock import JST, Clock
from hub.delivery import Variant
from hub.draft import Message
from hub.errors import HubError
from hub.language import Language
from hub.measure import MEASURES, Measure
from hub.render import SlotSource, render
from operator_ui.staff.console import Console, Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One channel's wording in one language. `parts`: a subject and a body, or the posts of a thread."""

    kind: str
    parts: Sequence[str]
    measured: int
    """The longest part in any language, as the channel counts."""
    limit: int | None

    @property
    def too_long(self) -> int:
        """By how much; 0 when it fits."""
        return max(0, self.measured - self.limit) if self.limit else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Previews:
    """`error`: why nothing can be shown. `content`: the chosen language's, before a channel words it."""

    language: Language
    channels: Sequence[Shown] = ()
    content: Content | None = None
    error: HubError | None = None


async def previews(console: Console, message: Message, language: Language) -> Previews:
    """Rendered as a delivery would be, with the shelters of this moment."""
    slots = await console.slots()
    alert = provisional(message, console.city.cap_sender, now=console.clock())
    try:
        contents = {
            info.language: _content(alert, info.language, slots, console.clock) for info in alert.infos
        }
    except HubError as e:
        return Previews(language=language, error=e)
    chosen = contents.get(language) or next(iter(contents.values()))
    return Previews(
        language=chosen.language,
        content=chosen,
        channels=[
            _shown(
                has,
                console.previews.get(has.kind, headline_and_body),
                MEASURES[has.body_measure],
                chosen,
                list(contents.values()),
            )
            for has in console.capabilities.values()
        ],
    )


def headline_and_body(content: Content) -> Sequence[str]:
    """For a channel that says nothing better."""
    return (content.text(content.headline), content.text(content.body))


def provisional(message: Message, sender: str, *, now: datetime) -> Alert:
    """The alert that the message would become now."""
    return Alert(
        identifier=f"{sender}-preview",
        sender=sender,
        sent=now,
        mode=message.mode,
        msg_type=message.msg_type,
        hazard=message.hazard,
        level=message.level,
        order=message.order,
        area=message.area,
        targeting=message.targeting,
        infos=message.infos,
        expires=now + message.valid_for,
        references=message.references,
        correction=message.correction,
    )


def _content(alert: Alert, language: Language, slots: SlotSource, clock: Clock) -> Content:
    number = f"{alert.sent.astimezone(JST).year}-0000"
    return render(alert, Variant(language, None), slots, clock, number=number)


def _shown(
    has: Capabilities, preview: Preview, measure: Measure, chosen: Content, contents: Sequence[Content]
) -> Shown:
    written = [content for content in contents if has.languages is None or content.language in has.languages]
    return Shown(
        kind=has.kind,
        parts=preview(chosen),
        measured=max((measure(part) for content in written for part in preview(content)), default=0),
        limit=has.body_limit,
    )
