"""Hand-over by a call: the console answers, and broadcasts what it hears until we hang up."""

import asyncio
import time
from urllib.parse import urlsplit

import structlog

from channels._hook.answer import Answer
from channels._speech.speaker import Spoken
from channels.loudspeaker.baresip import Account, Message, NotRunning, Phone, phone
from channels.loudspeaker.handover import Speech
from channels.loudspeaker.settings import SIP, Settings, Sip
from channels.loudspeaker.sip_answers import classify
from hub.channel import Parcel
from hub.clock import Clock
from hub.delivery import Outcome
from hub.errors import BadSettings, Refused
from hub.outbound import Outbound
from hub.secret import read_secret

log = structlog.get_logger(__name__)

PROBE_S = 10.0
LINGER_S = 2.0
"""How much longer than its sound a call lasts, where baresip hangs up by itself."""

END_S = 5.0
"""Until it has hung up, where it is told to."""

SHORT_S = 1.0
"""A call that was this much shorter than its sound was heard whole: the last of it is a pause."""

REGISTER_S = 600


class BySip:
    """Implements `channels.loudspeaker.handover.Handover`."""

    speaks = True

    def __init__(self, sip: Sip, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        """Raises `Refused` or `BadSettings` where these settings cannot work in this hub."""
        host = urlsplit(sip.target.replace("sip:", "sip://", 1)).hostname or ""
        outbound.allow(host, setting=f"{SIP} target")
        password = read_secret(sip.password_file, setting=SIP) if sip.password_file else ""
        if any(each in password for each in ';>"'):
            raise BadSettings(f"{SIP} password_file", 'holds one of ; > " / パスワードに ; > " は使えません')
        self._sip, self._name = sip, settings.name
        self._outbound, self._clock = outbound, clock
        self._account = Account(
            address=f"sip:{sip.user}@{sip.domain or host}",
            auth_user=sip.auth_user or sip.user,
            password=password,
            local=sip.local,
            register_s=REGISTER_S if sip.register else 0,
        )

    async def open(self) -> None:
        """Nothing: a probe tells who is there, and whoever answers a call says it before anything is heard."""

    async def close(self) -> None:
        """Nothing stays open between calls."""

    async def away(self) -> str:
        try:
            answer = await self._asked()
        except Refused as e:
            return e.message
        except NotRunning as e:
            return str(e)
        except TimeoutError:
            return f"{self._name} timeout"
        # one that does not know OPTIONS is there all the same
        well = answer.status is not None and (answer.status < 400 or answer.status in (405, 501, 486))
        return "" if well else f"{self._name} {answer.status}"

    async def hand(self, parcel: Parcel, speech: Speech, *, message: str) -> Answer:
        spoken = await speech.fitting(self._sip.longest_s)
        try:
            async with phone(self._account, spoken.file, lasts_s=self._lasts_s(spoken)) as running:
                await self._registered(running)
                parcel.gate()
                await running.order(f"dial {self._sip.target}")
                return await self._call(running, spoken.seconds)
        except NotRunning:
            log.warning("no call could be made", channel="loudspeaker", exc_info=True)
            return Answer(outcome=Outcome.TEMPORARY, reason="baresip")
        except _Refusal as e:
            return e.answer

    def _lasts_s(self, spoken: Spoken) -> float:
        return PROBE_S + self._sip.ring_s + spoken.seconds + 2 * END_S

    async def _asked(self) -> Message:
        """The console's answer to OPTIONS, and to REGISTER before. Raises `NotRunning`, `TimeoutError` or `Refused`."""
        async with asyncio.timeout(PROBE_S), phone(self._account, None, lasts_s=2 * PROBE_S) as running:
            try:
                await self._registered(running)
            except _Refusal as e:
                return e.message
            await running.order(f"options {self._sip.target}")
            answer = await self._final(running, "OPTIONS")
            self._recognise(answer)
            return answer

    async def _registered(self, running: Phone) -> None:
        """Raises `_Refusal` where the account is not taken."""
        if not self._sip.register:
            return
        async with asyncio.timeout(PROBE_S):
            answer = await self._final(running, "REGISTER")
        if (answer.status or 0) >= 300:
            raise _Refusal(answer, classify(answer.status or 0, answer.headers, now=self._clock()))

    async def _call(self, running: Phone, sound_s: float) -> Answer:
        """Follow a call that was begun, to its end."""
        try:
            async with asyncio.timeout(self._sip.ring_s):
                answer = await self._final(running, "INVITE")
        except TimeoutError:
            return Answer(outcome=Outcome.TEMPORARY, reason="no answer")
        self._recognise(answer)
        if answer.status is None or answer.status >= 300:
            if answer.status is not None and answer.status < 400:
                await running.kill()  # it would call whoever the answer names
            return classify(answer.status or 0, answer.headers, now=self._clock())
        return await self._heard(running, sound_s)

    async def _heard(self, running: Phone, sound_s: float) -> Answer:
        """From the moment at which somebody answered: what is not known to have been heard whole is in doubt."""
        begun = time.monotonic()
        try:
            bye = await self._bye(running, sound_s)
        except (NotRunning, TimeoutError) as e:
            return Answer(outcome=Outcome.AMBIGUOUS, reason=type(e).__name__)
        heard_s = time.monotonic() - begun
        log.info(
            "call ended",
            channel="loudspeaker",
            ours=bye.ours,
            heard_s=round(heard_s),
            sound_s=round(sound_s),
        )
        if heard_s < sound_s - SHORT_S:
            return Answer(outcome=Outcome.AMBIGUOUS, reason="hung up")
        return Answer(outcome=Outcome.ACCEPTED)

    async def _bye(self, running: Phone, sound_s: float) -> Message:
        """Whose soever. A baresip that goes on in silence behind its sound is told to hang up. Raises `NotRunning`, or
        `TimeoutError` where that does not help."""
        try:
            async with asyncio.timeout(sound_s + LINGER_S):
                return await self._request(running, "BYE")
        except TimeoutError:
            await running.order("hangup")
        async with asyncio.timeout(END_S):
            return await self._request(running, "BYE")

    async def _request(self, running: Phone, method: str) -> Message:
        while True:
            message = await running.message()
            if message.method == method and message.status is None:
                return message

    async def _final(self, running: Phone, method: str) -> Message:
        """The answer that ends a request. A first 401 or 407 asks for the password, where there is one."""
        challenged = not self._account.password
        while True:
            message = await running.message()
            if message.method != method or message.status is None or message.status < 200:
                continue
            if message.status in (401, 407) and not challenged:
                challenged = True
                continue
            return message

    def _recognise(self, answer: Message) -> None:
        said = answer.headers.get("server") or answer.headers.get("user-agent")
        self._outbound.recognise(said, setting=f"{SIP} target")


class _Refusal(Exception):
    def __init__(self, message: Message, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.message, self.answer = message, answer
