"""Short messages (SMS) through Twilio's Messages API: the short text and the public page, to a mobile number.

A message is created with the address of its report in the request; carriers report `delivered` for most handsets.
`validity_period` ends with the alert: what waits for a phone that is off is dropped there, not shown a day late (I8).
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from channels._pace import paced
from channels._settings import AccountSid, TimeoutS, Url
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
from channels.sms import report
from channels.sms.wording import LIMIT, text
from hub import measure
from hub.capabilities import Capabilities
from hub.channel import Health, Parcel, Receipt
from hub.clock import Clock
from hub.delivery import Outcome, ProviderRef, Result
from hub.errors import TemporaryFailure
from hub.outbound import Outbound
from hub.recipient import Recipient

NO_MOBILE = "21614"
"""A number that takes no short messages."""

CAPABILITIES = Capabilities(
    kind="sms",
    japanese="SMS",
    batch_size=1,
    connections=2,
    single_requests=True,
    requests_per_s=1.0,
    body_limit=LIMIT,
    body_measure="sms",
    charged_by="segments",
    receipt_wait=timedelta(minutes=10),
    canary_every=timedelta(days=1),
    max_attempts=2,
    gone=NO_SUCH_NUMBER | {NO_MOBILE} | report.NO_SUCH_HANDSET,
    backoff=(timedelta(minutes=2), timedelta(minutes=5)),
)
"""At one segment a second; `segments_per_s` is what the contract says."""

VALIDITY_S = (1, 36_000)
"""Seconds for which Twilio may try (https://www.twilio.com/docs/messaging/api/message-resource)."""

_SKEW = timedelta(minutes=1)
"""By how much Twilio's clock and ours may differ when an earlier message is looked for."""

Sender = Annotated[
    str,
    Meta(
        pattern=r"^(\+[1-9]\d{6,14}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}|MG[0-9a-fA-F]{32})$",
        description="as a number (+819012345678), a name of up to 11 letters and digits (BOUSAI), or a service's MG… / "
        "番号（+819012345678）、11文字までの英数字の名前（BOUSAI）、サービスの MG… のどれかで",
    ),
]
"""A number in E.164, a name of up to eleven letters and digits, or a messaging service's SID."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.sms]`. `sender` is published, so that residents know it. `callback_url` is the public address at
    which Twilio reports, exactly as Twilio is to call it: its signature covers every character. `segments_per_s` is
    the contract's: Twilio counts the parts of a message (https://www.twilio.com/docs/api/errors/30001)."""

    account_sid: AccountSid
    auth_token_file: Path
    sender: Sender
    callback_url: Url
    base_url: Url = BASE_URL
    segments_per_s: Annotated[int, Meta(ge=1, le=1000)] = 1
    timeout_s: TimeoutS = 20.0


class Sms:
    """Implements `hub.channel.Channel` and `hub.channel.Callbacks`."""

    capabilities: Capabilities = CAPABILITIES

    def __init__(self, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        """Raises `Refused` where this hub may not talk to `base_url`, `BadSettings` for a bad token file."""
        self.capabilities = replace(
            CAPABILITIES,
            batch_size=settings.segments_per_s,
            requests_per_s=float(settings.segments_per_s),
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
            connections=2 * settings.segments_per_s,
            setting="[channels.sms]",
        )

    async def open(self) -> None:
        await self._account.open()

    async def close(self) -> None:
        await self._account.close()

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        failure = _unsupported(parcel) or await self._account.unready(parcel)
        if failure:
            for recipient in parcel.to:
                yield failure.result(recipient)
            return
        charge = self.capabilities.charge([text(parcel.content)])
        turn = partial(parcel.turn, charge)
        async with aclosing(paced(parcel.to, self._sender(parcel), turn=turn)) as results:
            async for result in results:
                yield result

    async def probe(self) -> Health:
        return await self._account.health(self._clock())

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
        fields = self._account.signed_form(headers, body, url=self._settings.callback_url)
        return report.receipts(fields, now=self._clock())

    def _sender(self, parcel: Parcel) -> Callable[[Recipient], Coroutine[Any, Any, Result]]:
        body = text(parcel.content)

        async def send(recipient: Recipient) -> Result:
            return await self._earlier(parcel, recipient, body) or await self._create(parcel, recipient, body)

        return send

    async def _earlier(self, parcel: Parcel, recipient: Recipient, body: str) -> Result | None:
        """What became of an earlier try, if there was one; None: there is no message, or none that may arrive.

        The same words since the alert was sent are this alert's: its page's address stands in them. An account that
        keeps no bodies shows none; then a message counts only where the ledger rules out that it was another alert's.
        """
        if parcel.attempt == 1 and not parcel.resend:
            return None
        parcel.gate()
        try:
            with understood():
                listed = await self._account.client.messages.list_async(
                    to=recipient.address, limit=20, page_size=20
                )
                recent = [each for each in listed if _since(parcel.content.sent, each)]
                ours = {reference(each) for each in recent if each.body == body}
                wordless = {reference(each) for each in recent if not each.body}
        except ERRORS as e:
            failure = nothing_done(classify(e))
            return unseen(failure, parcel).result(recipient)
        try:
            ours |= await parcel.surely_ours(recipient.id, wordless) if wordless else set()
        except TemporaryFailure as e:
            outcome = Outcome.AMBIGUOUS if parcel.resend else Outcome.TEMPORARY
            return Result(recipient.id, outcome, reason=e.reason)
        made = [each for each in recent if each.sid in ours]
        on_its_way = [each.sid for each in made if each.status not in report.MISSED]
        if on_its_way:
            return Result(recipient.id, Outcome.ACCEPTED, ProviderRef(on_its_way[0]))
        missed = Result(recipient.id, Outcome.TEMPORARY, reason="missed", alone=True, cleared=True)
        return missed if made and parcel.resend else None

    async def _create(self, parcel: Parcel, recipient: Recipient, body: str) -> Result:
        """https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource."""
        try:
            with understood():
                async with self._account.gated(parcel.gate):
                    message = await self._account.client.messages.create_async(
                        to=recipient.address,
                        body=body,
                        status_callback=self._settings.callback_url,
                        validity_period=self._validity_s(parcel),
                        **_from(self._settings.sender),
                    )
                ref = reference(message)
        except ERRORS as e:
            return classify(e, recipient).result(recipient)
        return Result(recipient.id, Outcome.ACCEPTED, ref)

    def _validity_s(self, parcel: Parcel) -> int:
        """Until the alert expires, rounded down."""
        least, most = VALIDITY_S
        return max(least, min(most, int((parcel.expires_at - self._clock()).total_seconds())))


def _since(sent: datetime, message: Any) -> bool:
    return message.date_created is not None and message.date_created >= sent - _SKEW


def _from(sender: str) -> dict[str, str]:
    service = sender.startswith("MG") and len(sender) == 34
    return {"messaging_service_sid": sender} if service else {"from_": sender}


def _unsupported(parcel: Parcel) -> Failure | None:
    if not parcel.content.text(parcel.content.short):
        return Failure(outcome=Outcome.UNSUPPORTED, reason="no words")
    if measure.sms(text(parcel.content)) > LIMIT:
        return Failure(outcome=Outcome.UNSUPPORTED, reason="too long")
    return None
