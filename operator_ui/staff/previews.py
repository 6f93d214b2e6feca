"""What residents will see, channel by channel, and whether it fits."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Any, NamedTuple, Protocol

from channels.manual import Field
from hub.alert import Alert
from hub.capabilities import Capabilities, Unit
from hub.channel import Content, Speaking, Target
from hub.city import City
from hub.clock import JST, Clock
from hub.delivery import Variant
from hub.draft import Message
from hub.errors import HubError
from hub.language import Language
from hub.measure import MEASURES, loudspeaker, segments
from hub.render import SlotSource, render, with_longest_list
from shelters.board import Board

Preview = Callable[[Content], Sequence[str]]
"""A content as one channel words it: one text, or several (a mail's subject and body, a thread's posts)."""
ChatMessage = Mapping[str, Any]
"""As LINE's Messaging API has it."""
Length = Callable[[Content], int]
"""How long a content is, as the channel's provider counts."""
Speak = Callable[[Content], Speaking]
SheetText = Callable[[Content], Sequence[Field]]
"""A content as a form asks for it, field by field."""


class Recording(NamedTuple):
    """A sound: its name, under which the console can be asked for it, and how long it plays, by its samples."""

    name: str
    seconds: float


Aloud = Callable[[str, str], Awaitable[Recording | None]]
"""A text as a channel says it; None where nobody here speaks, or has not yet said it."""


async def silent(kind: str, text: str) -> Recording | None:
    """Of a hub without a voice."""
    return None


class Hub(Protocol):
    """What previews are made from; the console is one."""

    @property
    def city(self) -> City: ...
    @property
    def capabilities(self) -> Mapping[str, Capabilities]: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def slots(self) -> Callable[[], Awaitable[SlotSource]]: ...
    @property
    def board(self) -> Callable[[], Awaitable[Board]]: ...
    @property
    def previews(self) -> Mapping[str, Preview]: ...
    @property
    def lengths(self) -> Mapping[str, Length]: ...
    @property
    def speaking(self) -> Mapping[str, Speak]: ...
    @property
    def targets(self) -> Mapping[str, Sequence[Target]]: ...
    @property
    def sheets(self) -> Mapping[str, Mapping[str, SheetText]]: ...
    @property
    def aloud(self) -> Aloud: ...


class Sheet(NamedTuple):
    """What is carried over by hand, and by whom (empty: nobody is named). `seconds`: to read it out once, 0 where
    it is not read out. An empty `text`: there is none to copy. `sound`: the name of its recording, which then gives the
    seconds."""

    name: str
    text: str
    by: str
    seconds: int
    sound: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One channel's wording in one language. `parts`: a subject and a body, or the posts of a thread."""

    kind: str
    parts: Sequence[str]
    measured: int
    """The longest part in any language, as the channel counts, with the longest list of sites that may be in it when it is
    sent."""
    limit: int | None
    longest: Language | None = None
    """Whose text is the longest, of the languages that it sends."""
    seconds: float = 0
    """How long it speaks, of what is spoken."""
    said_once: Collection[Language] = ()
    """Languages in which it may be too long to be spoken twice."""
    segments: int = 0
    """How many short messages its parts take, of what is sent as such."""
    charge: int = 1
    """For how many requests one message counts against the contract's rate, at most in any language."""
    sheets: Sequence[Sheet] = ()
    read_out: bool = False
    """Loudspeakers say it, in Japanese."""
    sound: str = ""
    """The name of the recording, which then gives the seconds."""
    chat: Sequence[ChatMessage] = ()
    """What LINE is handed: the bubble and the text."""

    @property
    def too_long(self) -> int:
        """By how much; 0 when it fits."""
        return max(0, self.measured - self.limit) if self.limit else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Previews:
    """`error`: why nothing can be shown. `content`: the chosen language's, before a channel words it; `contents`:
    every language's."""

    language: Language
    channels: Sequence[Shown] = ()
    content: Content | None = None
    contents: Mapping[Language, Content] = field(default_factory=dict)
    error: HubError | None = None


async def previews(hub: Hub, message: Message, language: Language) -> Previews:
    """Rendered as a delivery would be, with the shelters of this moment."""
    slots = await hub.slots()
    alert = provisional(message, hub.city.cap_sender, now=hub.clock())
    try:
        contents = {info.language: _content(alert, info.language, slots, hub.clock) for info in alert.infos}
    except HubError as e:
        return Previews(language=language, error=e)
    chosen = contents.get(language) or next(iter(contents.values()))
    sites = {row.site.name for row in (await hub.board()).rows if row.site.designated_for(message.hazard)}
    longest = [with_longest_list(content, sites) for content in contents.values()]
    return Previews(
        language=chosen.language,
        content=chosen,
        contents=contents,
        channels=await asyncio.gather(
            *(_shown(hub, has, chosen, contents, longest) for has in hub.capabilities.values())
        ),
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


async def _shown(
    hub: Hub,
    has: Capabilities,
    chosen: Content,
    contents: Mapping[Language, Content],
    longest: Iterable[Content],
) -> Shown:
    """`longest`: every language's, as it may come to be."""
    preview, speak = hub.previews.get(has.kind, headline_and_body), hub.speaking.get(has.kind)
    read_out = has.unit is not Unit.SHEETS and any(each.read_out for each in hub.targets.get(has.kind, ()))
    content = contents.get(Language.JA, chosen) if read_out else chosen
    parts = preview(content)
    recording = await hub.aloud(has.kind, content.text(content.speech)) if read_out else None
    sends = _languages(hub, has)
    written = [content for content in longest if sends is None or content.language in sends]
    measured, tongue = await asyncio.to_thread(_measured, hub, has, written)
    return Shown(
        kind=has.kind,
        parts=parts,
        measured=measured,
        limit=has.body_limit,
        longest=tongue,
        seconds=recording.seconds if recording else speak(content).seconds if speak else 0,
        said_once=[content.language for content in written if speak and speak(content).times == 1],
        segments=sum(map(segments, parts)) if has.body_measure == "sms" else 0,
        charge=max((has.charge(preview(content)) for content in written), default=1),
        sheets=await _sheets(hub, has.kind, contents.get(Language.JA, chosen)),
        read_out=read_out,
        sound=recording.name if recording else "",
        chat=_chat(content) if has.kind == "line" else (),
    )


def _chat(content: Content) -> Sequence[ChatMessage]:
    from channels.line.message import messages  # noqa: PLC0415 - a connector is loaded when configured

    return messages(content)


def _languages(hub: Hub, has: Capabilities) -> Collection[Language] | None:
    """Those in which it sends anything, None where that is every one: a fixed target has one of its own."""
    targets = hub.targets.get(has.kind)
    return {target.language for target in targets} if targets else has.languages


def _measured(hub: Hub, has: Capabilities, contents: Sequence[Content]) -> tuple[int, Language | None]:
    """The longest, and its language."""
    measure, preview = MEASURES[has.body_measure], hub.previews.get(has.kind, headline_and_body)

    def longest_part(content: Content) -> int:
        return max(map(measure, preview(content)), default=0)

    length = hub.lengths.get(has.kind, longest_part)
    lengths = [(length(content), content.language) for content in contents]
    return max(lengths, key=lambda each: each[0], default=(0, None))


async def _sheets(hub: Hub, kind: str, content: Content) -> Sequence[Sheet]:
    """In Japanese: they are carried into systems of this country."""
    if hub.capabilities[kind].unit is not Unit.SHEETS:
        return ()
    return await asyncio.gather(*(_sheet(hub, kind, target, content) for target in hub.targets.get(kind, ())))


async def _sheet(hub: Hub, kind: str, target: Target, content: Content) -> Sheet:
    """A text that cannot be written says why."""
    write = hub.sheets.get(kind, {}).get(target.ref)
    try:
        text = "\n".join(field.text for field in write(content)) if write else ""
    except HubError as e:
        return Sheet(target.name, e.message, target.by, 0)
    if not target.read_out:
        return Sheet(target.name, text, target.by, 0)
    recording = await hub.aloud(kind, text)
    if recording is None:
        return Sheet(target.name, text, target.by, loudspeaker(text))
    return Sheet(target.name, text, target.by, ceil(recording.seconds), recording.name)
