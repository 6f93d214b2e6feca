"""Hand-over by a request, signed as Standard Webhooks says (docs/loudspeaker.md)."""

from channels._hook.answer import Answer
from channels._hook.line import line_to
from channels.loudspeaker.answers import UNFIT, classify
from channels.loudspeaker.broadcast import body
from channels.loudspeaker.handover import Speech
from channels.loudspeaker.settings import HOOK, Hook, Settings
from hub.channel import Parcel
from hub.clock import Clock
from hub.outbound import Outbound


class ByHook:
    """Implements `channels.loudspeaker.handover.Handover`."""

    def __init__(self, hook: Hook, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        """Raises `Refused` or `BadSettings` where these settings cannot work in this hub."""
        self.speaks = hook.sound
        self._settings = settings
        self._clock = clock
        self._line = line_to(
            hook.url,
            name=settings.name,
            setting=HOOK,
            secret_files=(hook.secret_file, hook.next_secret_file),
            private=hook.private,
            third_party=False,  # the city's own console
            outbound=outbound,
            timeout_s=hook.timeout_s,
        )

    async def open(self) -> None:
        await self._line.session.open()
        await self._line.recognise()

    async def close(self) -> None:
        await self._line.session.close()

    async def hand(self, parcel: Parcel, speech: Speech, *, message: str) -> Answer:
        written = body(
            parcel.content,
            expires=parcel.expires_at,
            spoken=await speech.fitting(None) if self.speaks else None,
            rate_hz=self._settings.spoken.rate_hz,
            fits=self._settings.display,
        )
        return await self._line.tell(parcel, message, written, at=self._clock(), classify=classify)

    async def away(self) -> str:
        return await self._line.away(at=self._clock(), unfit=UNFIT)
