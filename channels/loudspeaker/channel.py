"""The connector: what is to be said becomes sound, and goes to the console once."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from channels._hook.answer import Answer
from channels._hook.signature import message_id
from channels._speech.engine import MISSING
from channels._speech.speaker import Speaker, Spoken, speaker
from channels.loudspeaker.broadcast import shown
from channels.loudspeaker.either import Either
from channels.loudspeaker.handover import Handover, TooLong
from channels.loudspeaker.hook import ByHook
from channels.loudspeaker.settings import Display, Settings
from channels.loudspeaker.sip import BySip
from hub.alert import Mode
from hub.capabilities import Capabilities, Drilling, Unit
from hub.channel import Content, Health, Parcel, Target
from hub.city import City
from hub.clock import Clock
from hub.delivery import Outcome, Result
from hub.errors import BadSettings
from hub.language import Language
from hub.outbound import Outbound
from hub.place import Position
from hub.recipient import Recipient

TOO_LONG = "音声が1回の通話に収まりません。読み上げの文を短くしてください / the sound is longer than a call may be: shorten what is read out"

log = structlog.get_logger(__name__)

SPEAKING = Answer(outcome=Outcome.THROTTLE, reason="broadcasting", retry_after=timedelta(seconds=5))
"""While another order is being handed over, which lasts as long as a call: two broadcasts at once nobody understands."""

AROUND_A_CALL_S = 30.0
"""Starting the telephone, registering, ending."""

CONSOLE = "console"
"""The only target: the console itself knows which loudspeakers stand where."""

CAPABILITIES = Capabilities(
    kind="loudspeaker",
    japanese="屋外スピーカー・戸別受信機",
    unit=Unit.SYSTEMS,
    batch_size=1,
    one_instance=True,
    languages=frozenset({Language.JA}),
    drilling=Drilling.PREVIEW_ONLY,
    backoff=(timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)),
)


class Loudspeaker:
    """Implements `hub.channel.Channel`, `Targets` and `Mapped`."""

    def __init__(self, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        """Raises `Refused` or `BadSettings` where these settings cannot work in this hub, also for lack of the engine."""
        self.settings = settings
        self.speaker = speaker({}, settings.spoken)
        self._clock = clock
        self._turn = asyncio.Lock()
        self.handover, deadline = _handover(settings, outbound, clock)
        if self.handover.speaks and not self.speaker.able:
            raise BadSettings("[channels.loudspeaker]", MISSING)
        known_again = settings.sip is None  # a repeat, by its id; a call has none
        self.capabilities = replace(CAPABILITIES, request_deadline=deadline, retries_whole_batch=known_again)

    def know(self, city: City, sites: Mapping[str, Position]) -> None:
        self.speaker = speaker(city.readings, self.settings.spoken)

    def targets(self) -> Sequence[Target]:
        return [Target(ref=CONSOLE, name=self.settings.name, read_out=True)]

    async def open(self) -> None:
        await self.handover.open()

    async def close(self) -> None:
        await self.handover.close()

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        for recipient in parcel.to:
            answer = await self._broadcast(parcel, recipient)
            ref = message_id(parcel.content, recipient.address)
            yield answer.result(recipient, ref, alone=answer is SPEAKING)

    async def probe(self) -> Health:
        away = await self.handover.away()
        detail = away or f"{self.settings.name}が応答しました / it answers"
        return Health(ok=not away, detail=detail, checked_at=self._clock())

    async def _broadcast(self, parcel: Parcel, recipient: Recipient) -> Answer:
        if parcel.mode is not Mode.LIVE:
            return Answer(outcome=Outcome.UNSUPPORTED, reason="drill")
        if recipient.address != CONSOLE:
            return Answer(outcome=Outcome.PERMANENT, reason="no longer registered")
        if self._turn.locked():
            return SPEAKING
        parcel.prepare()
        message = message_id(parcel.content, recipient.address)
        async with self._turn:
            try:
                return await self.handover.hand(
                    parcel, _Speech(self.speaker, parcel.content), message=message
                )
            except RuntimeError:  # the engine's
                log.exception("the speech engine failed")
                return Answer(outcome=Outcome.TEMPORARY, reason="speech")


class _Speech:
    """Implements `channels.loudspeaker.handover.Speech`."""

    def __init__(self, speaker: Speaker, content: Content) -> None:
        self._speaker, self._text = speaker, content.text(content.speech)

    async def fitting(self, longest_s: float | None) -> Spoken:
        for times in (self._speaker.voice.times, 1):
            spoken = await self._speaker.spoken(self._text, times=times)
            if longest_s is None or spoken.seconds <= longest_s:
                return spoken
        raise TooLong("too long", TOO_LONG)


def words(content: Content, *, fits: Display) -> Sequence[str]:
    """What is said, and what displays show, where something fits them."""
    display = shown(content, fits)
    return [content.text(content.speech), *([display] if display is not None else [])]


def _handover(settings: Settings, outbound: Outbound, clock: Clock) -> tuple[Handover, timedelta]:
    """And how long it may take."""
    ways: list[Handover] = []
    longest_s = 0.0
    if settings.webhook is not None:
        ways.append(ByHook(settings.webhook, settings, outbound=outbound, clock=clock))
        longest_s += settings.webhook.timeout_s
    if settings.sip is not None:
        ways.append(BySip(settings.sip, settings, outbound=outbound, clock=clock))
        longest_s += settings.sip.ring_s + settings.sip.longest_s + AROUND_A_CALL_S
    return ways[0] if len(ways) == 1 else Either(*ways), timedelta(seconds=longest_s)
