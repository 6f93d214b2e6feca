"""A Twilio Messages API to rehearse with: short messages that are taken, delivered or not, and reported.

https://www.twilio.com/docs/messaging/api/message-resource
Errors: https://www.twilio.com/docs/api/errors
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from email.utils import format_datetime
from urllib.parse import parse_qs
from uuid import uuid4

from aiohttp import web

from hub import measure
from hub.clock import Clock, utc_now
from yobikake.rehearsal.exchange import Exchange
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import EXCHANGE
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.twilio_account import NUMBER, VERSION, TwilioAccount, as_json, error, listed
from yobikake.rehearsal.twilio_handsets import Handsets, Message, Signal

BODY_LIMIT = 1600
LONGEST_VALIDITY_S = 36_000
SENDER = re.compile(r"\+[1-9]\d{6,14}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


class TwilioMessages(TwilioAccount):
    """Takes messages for one account; an arrival's key is the message's SID.

    `faults.permanent` makes numbers that do not exist (21211); `faults.temporary`, handsets that are out of reach the
    first time (30003, by report). `stopped`: numbers whose owners answered STOP (21610).
    """

    channel = "sms"

    def __init__(
        self,
        inbox: Inbox,
        *,
        account_sid: str,
        auth_token: str,
        faults: Faults | None = None,
        clock: Clock = utc_now,
        port: int = 0,
        signal: Signal | None = None,
        countries: tuple[str, ...] = ("+",),
        stopped: Iterable[str] = (),
    ) -> None:
        super().__init__(
            inbox,
            account_sid=account_sid,
            auth_token=auth_token,
            faults=faults,
            clock=clock,
            port=port,
            countries=countries,
        )
        self.signal = signal or Signal()
        self.stopped = set(stopped)
        self.messages: list[Message] = []
        self._by_number: defaultdict[str, list[Message]] = defaultdict(list)
        self._exchanges: dict[str, Exchange] = {}
        """By SID: the request that made the message."""
        self.handsets = Handsets(account_sid=account_sid, auth_token=auth_token)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        messages = f"/{VERSION}/Accounts/{{account}}/Messages.json"
        return (web.post(messages, self._create), web.get(messages, self._list), *super().routes())

    def describe(self, exchange: Exchange, request: web.Request, body: bytes) -> None:
        form = parse_qs(body.decode("utf-8", "replace"))
        exchange.to = form.get("To", [])
        exchange.text = form.get("Body", [""])[0]

    @property
    def busy(self) -> bool:
        return super().busy or self.handsets.busy

    async def stop(self) -> None:
        await self.handsets.stop()
        await super().stop()

    async def _create(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        refused = self.unauthorised(request) or _refused(form) or self._unreachable(form["To"])
        if refused:
            return refused
        message = self._take(form)
        exchange = request[EXCHANGE]
        self._exchanges[message.sid] = exchange
        exchange.key, exchange.reached = message.sid, message.ending == "delivered"
        exchange.take(self._clock(), to=exchange.to)
        if exchange.reached:
            self.arrive(address=message.to, text=message.body, key=message.sid)
        self.handsets.bring(message)
        return as_json(self._resource(message), status=201)

    def _take(self, form: Mapping[str, str]) -> Message:
        ending, code = self._ending(form["To"])
        message = Message(
            sid=f"SM{uuid4().hex}",
            to=form["To"],
            sender=form.get("From", ""),
            service=form.get("MessagingServiceSid"),
            body=form["Body"],
            created=self._clock(),
            validity_s=int(form.get("ValidityPeriod", LONGEST_VALIDITY_S)),
            callback=form.get("StatusCallback", ""),
            ending=ending,
            code=code,
        )
        self.messages.append(message)
        self._by_number[message.to].append(message)
        return message

    def _ending(self, number: str) -> tuple[str, int | None]:
        if number in self._by_number and not self.signal.lasting:
            return "delivered", None
        if self.faults.hits(self.faults.temporary, "temporary", number):
            return "undelivered", 30003
        if self.faults.hits(self.signal.undelivered, "undelivered", number):
            return "undelivered", self.signal.code
        return "delivered", None

    async def _list(self, request: web.Request) -> web.Response:
        wanted, size = request.query, int(request.query.get("PageSize", 50))
        made = self._by_number.get(wanted["To"], []) if "To" in wanted else self.messages
        found = made[: -size - 1 : -1]
        request[EXCHANGE].about += [self._exchanges[message.sid] for message in found]
        resources = [self._resource(message) for message in found]
        return self.unauthorised(request) or listed(request, "messages", resources, size=size)

    def _unreachable(self, number: str) -> web.Response | None:
        if not number.startswith(self.countries):
            return error(400, 21408, "Permission to send an SMS has not been enabled for the region.")
        if number in self.stopped:
            return error(400, 21610, "Attempt to send to unsubscribed recipient")
        if self.faults.hits(self.faults.permanent, "permanent", number):
            return error(400, 21211, f"Invalid 'To' Phone Number: {number}")
        return None

    def _resource(self, message: Message) -> dict[str, object]:
        path = f"/{VERSION}/Accounts/{self.account_sid}/Messages/{message.sid}"
        return {
            "sid": message.sid,
            "account_sid": self.account_sid,
            "api_version": VERSION,
            "messaging_service_sid": message.service,
            "body": message.body,
            "date_created": format_datetime(message.created),
            "date_updated": format_datetime(message.created),
            "date_sent": None,
            "direction": "outbound-api",
            "from": message.sender or None,
            "to": message.to,
            "status": message.status,
            "error_code": message.code if message.status == "undelivered" else None,
            "error_message": None,
            "num_media": "0",
            "num_segments": str(measure.segments(message.body)),
            "price": None,
            "price_unit": "USD",
            "uri": f"{path}.json",
            "subresource_uris": {"media": f"{path}/Media.json"},
        }


def _refused(form: Mapping[str, str]) -> web.Response | None:
    """The first thing wrong with a request for a message, as Twilio words it."""
    to, body = form.get("To", ""), form.get("Body", "")
    if not to:
        return error(400, 21604, "A 'To' phone number is required.")
    if not NUMBER.fullmatch(to):
        return error(400, 21211, f"Invalid 'To' Phone Number: {to}")
    if not body:
        return error(400, 21602, "Message body is required.")
    if len(body) > BODY_LIMIT:
        return error(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    if not 1 <= int(form.get("ValidityPeriod", LONGEST_VALIDITY_S)) <= LONGEST_VALIDITY_S:
        return error(400, 21624, "The Validity Period value is invalid")
    return _from_nobody(form)


def _from_nobody(form: Mapping[str, str]) -> web.Response | None:
    if "MessagingServiceSid" in form:
        return None
    sender = form.get("From", "")
    if not sender:
        return error(400, 21603, "A 'From' phone number is required.")
    return None if SENDER.fullmatch(sender) else error(400, 21212, f"Invalid From Number: {sender}")
