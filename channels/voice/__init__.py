"""Calls through Twilio Programmable Voice: for those whom nothing else reaches.

A call is created with its TwiML in the request and its outcome comes back to `callback_url`.
`completed` is DELIVERED, not ANSWERED: without answering machine detection nobody knows who or
what picked up, and with it the first seconds of the order would be lost on people. A key that is pressed is ANSWERED.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from channels._pace import paced
from channels._settings import AccountSid, PhoneNumber, TimeoutS, Url
from channels._twilio.account import BASE_URL, Account
from channels._twilio.answers import (
    ERRORS,
    NO_SUCH_NUMBER,
    Failure,
    classify,
    nothing_done,
    reference,
    understood,
    unseen,
)
from channels.voice import report, speech
from hub.capabilities import Capabilities
from hub.channel import Content, Health, Parcel, Receipt, Speaking
from hub.clock import Clock
from hub.delivery import Outcome, ProviderRef, Result
from hub.errors import TemporaryFailure
from hub.language import Language
from hub.outbound import Outbound
from hub.recipient import Recipient

CAPABILITIES = Capabilities(
    kind="voice",
    japanese="電話",
    batch_size=1,
    connections=2,
    single_requests=True,
    requests_per_s=1.0,
    body_limit=speech.TWIML_LIMIT,
    languages=frozenset(speech.VOICES),
    receipt_wait=timedelta(minutes=10),
    canary_every=timedelta(days=1),
    max_attempts=3,
    gone=NO_SUCH_NUMBER | report.NO_SUCH_NUMBER,
    once_more=frozenset({"13224"}),
    backoff=(timedelta(minutes=2), timedelta(minutes=5)),
)
"""At Twilio's default of one call a second; `calls_per_s` is what the contract says. `body_limit`: of `Voice.length`."""

VoiceName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9._-]*$",
        description="as Twilio names the voice: Polly.Tomoko-Neural / Twilioの一覧の名前のとおり（Polly.Tomoko-Neural のように）",
    ),
]

_SKEW = timedelta(minutes=1)
"""By how much Twilio's clock and ours may differ when an earlier call is looked for."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.voice]`. One fixed, published caller number: older people do not answer unknown ones.

    `callback_url` is the public address at which Twilio reports, exactly as Twilio is to call it:
    its signature covers every character. `lines`: calls at once, where the contract says so; screens reckon
    with it. `voices` replaces voice names by language tag. `keypad`: whether residents are asked by which key to say
    how they fare (`hub.reply`).
    """

    account_sid: AccountSid
    auth_token_file: Path
    from_number: PhoneNumber
    callback_url: Url
    base_url: Url = BASE_URL
    calls_per_s: Annotated[int, Meta(ge=1, le=1000)] = 1
    lines: Annotated[int, Meta(ge=1)] | None = None
    ring_s: Annotated[int, Meta(ge=5, le=600)] = 40
    voices: dict[Language, VoiceName] = {}
    keypad: bool = True
    timeout_s: TimeoutS = 20.0


class Voice:
    """Implements `hub.channel.Channel`, `Callbacks`, `AsksBack`, `Measured` and `Speaks`."""

    capabilities: Capabilities = CAPABILITIES

    def __init__(self, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        self.capabilities = replace(
            CAPABILITIES,
            batch_size=settings.calls_per_s,
            requests_per_s=float(settings.calls_per_s),
            lines=settings.lines,
            takes_keys=settings.keypad,
            request_deadline=timedelta(seconds=settings.timeout_s),
        )
        self._settings = settings
        self._clock = clock
        self._account = Account(
            sid=settings.account_sid,
            token_file=settings.auth_token_file,
            base_url=settings.base_url,
            outbound=outbound,
            deadline=self.capabilities.request_deadline,
            connections=2 * settings.calls_per_s,
            setting="[channels.voice]",
        )

    async def open(self) -> None:
        await self._account.open()

    async def close(self) -> None:
        await self._account.close()

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        failure = _unsupported(parcel, self._settings) or await self._account.unready(parcel)
        if failure:
            for recipient in parcel.to:
                yield failure.result(recipient)
            return
        call = self._caller(parcel)
        async with aclosing(paced(parcel.to, call, turn=parcel.turn)) as results:
            async for result in results:
                yield result

    def length(self, content: Content) -> int:
        """As `hub.channel.Measured` has it: characters of TwiML."""
        return speech.length(content, names=self._settings.voices)

    def speaking(self, content: Content) -> Speaking:
        """As `hub.channel.Speaks` has it."""
        if content.language not in speech.VOICES:
            return Speaking(0, 0)
        saying = speech.said(content, names=self._settings.voices)
        times = saying.times if saying.form == speech.ORDER else 0
        return Speaking(speech.seconds(content, keypad=self._settings.keypad, times=times or 1), times)

    async def probe(self) -> Health:
        return await self._account.health(self._clock())

    def signed_form(self, headers: Mapping[str, str], body: bytes, *, url: str) -> Mapping[str, str]:
        return self._account.signed_form(headers, body, url=url)

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
        fields = self._account.signed_form(headers, body, url=self._settings.callback_url)
        return report.receipts(fields, now=self._clock())

    def _caller(self, parcel: Parcel) -> Callable[[Recipient], Coroutine[Any, Any, Result]]:
        async def call(recipient: Recipient) -> Result:
            return await self._earlier(parcel, recipient) or await self._create(parcel, recipient)

        return call

    async def _earlier(self, parcel: Parcel, recipient: Recipient) -> Result | None:
        """What became of an earlier try, if there was one; None: there is no call, or none that came through.

        Twilio's list says nothing of a call's alert. A call from our number since the alert was sent counts
        only where the ledger rules out that it was made for another one.
        """
        if parcel.attempt == 1 and not parcel.resend:
            return None
        parcel.gate()
        try:
            with understood():
                calls = await self._account.client.calls.list_async(
                    to=recipient.address, from_=self._settings.from_number, limit=20, page_size=20
                )
                recent = {reference(call): call for call in calls if _since(parcel.content.sent, call)}
        except ERRORS as e:
            failure = nothing_done(classify(e))
            return unseen(failure, parcel).result(recipient)
        try:
            ours = await parcel.surely_ours(recipient.id, recent.keys()) if recent else ()
        except TemporaryFailure as e:
            outcome = Outcome.AMBIGUOUS if parcel.resend else Outcome.TEMPORARY
            return Result(recipient.id, outcome, reason=e.reason)
        made = [call for ref, call in recent.items() if ref in ours]
        through = [call.sid for call in made if call.status not in report.MISSED]
        if through:
            return Result(recipient.id, Outcome.ACCEPTED, ProviderRef(through[0]))
        missed = Result(recipient.id, Outcome.TEMPORARY, reason="missed", alone=True, cleared=True)
        return missed if made and parcel.resend else None

    async def _create(self, parcel: Parcel, recipient: Recipient) -> Result:
        """https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource."""
        twiml = speech.twiml(
            parcel.content,
            names=self._settings.voices,
            answer_at=parcel.answer_at,
            ask=parcel.ask(recipient.id),
        )
        try:
            with understood():
                async with self._account.gated(parcel.gate):
                    call = await self._account.client.calls.create_async(
                        to=recipient.address,
                        from_=self._settings.from_number,
                        twiml=twiml,
                        timeout=self._settings.ring_s,
                        status_callback=self._settings.callback_url,
                        status_callback_method="POST",
                        status_callback_event=["completed"],
                    )
                ref = reference(call)
        except ERRORS as e:
            return classify(e, recipient).result(recipient)
        return Result(recipient.id, Outcome.ACCEPTED, ref)


def _since(sent: datetime, call: Any) -> bool:
    return call.date_created is not None and call.date_created >= sent - _SKEW


def _unsupported(parcel: Parcel, settings: Settings) -> Failure | None:
    content = parcel.content
    if content.language not in speech.VOICES:
        return Failure(outcome=Outcome.UNSUPPORTED, reason="language")
    if not speech.sentences(content):
        return Failure(outcome=Outcome.UNSUPPORTED, reason="no words")
    twiml = speech.twiml(content, names=settings.voices, answer_at=parcel.answer_at)
    if len(twiml) > speech.TWIML_LIMIT:
        return Failure(outcome=Outcome.UNSUPPORTED, reason="too long")
    return None
