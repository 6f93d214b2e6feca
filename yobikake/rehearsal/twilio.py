"""A Twilio Voice API to rehearse with: calls that ring, are answered or not, and report back.

Limits, words and statuses: https://www.twilio.com/docs/voice/api/call-resource
Errors: https://www.twilio.com/docs/api/errors
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from email.utils import format_datetime
from urllib.parse import parse_qs
from uuid import uuid4

from aiohttp import web
from lxml import etree
from multidict import MultiMapping

from hub.clock import Clock, utc_now
from yobikake.rehearsal.exchange import Exchange
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import EXCHANGE
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.twilio_account import NUMBER, VERSION, TwilioAccount, as_json, error, listed
from yobikake.rehearsal.twilio_callers import Caller, Heard
from yobikake.rehearsal.twilio_phones import EVENTS, Call, Fates, Phones

TWIML_LIMIT = 4000

Form = MultiMapping[str | bytes | bytearray | web.FileField]


class TwilioGateway(TwilioAccount):
    """Takes calls for one account and plays each; an arrival's key is the call's SID.

    A number that will pick up has its arrival as soon as its call is taken: nothing stops the call
    after that. `faults.permanent` makes numbers that do not exist (21211); `faults.temporary` makes
    numbers that are busy the first time. `countries`: prefixes the account may call (21215).
    """

    channel = "voice"

    def __init__(
        self,
        inbox: Inbox,
        *,
        account_sid: str,
        auth_token: str,
        faults: Faults | None = None,
        clock: Clock = utc_now,
        port: int = 0,
        fates: Fates | None = None,
        countries: tuple[str, ...] = ("+",),
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
        self.fates = fates or Fates()
        self.calls: list[Call] = []
        self._by_number: defaultdict[str, list[Call]] = defaultdict(list)
        self._accounts: dict[str, Exchange] = {}
        """By SID: the request that made the call."""
        self.phones = Phones(self.fates, account_sid=account_sid, auth_token=auth_token, clock=clock)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        account = f"/{VERSION}/Accounts/{{account}}"
        return (
            web.post(f"{account}/Calls.json", self._create),
            web.get(f"{account}/Calls.json", self._list),
            *super().routes(),
        )

    def describe(self, exchange: Exchange, request: web.Request, body: bytes) -> None:
        form = parse_qs(body.decode("utf-8", "replace"))
        exchange.to = form.get("To", [])
        with suppress(ValueError):
            exchange.text = spoken(form.get("Twiml", [""])[0])

    @property
    def busy(self) -> bool:
        return super().busy or self.phones.busy

    async def called_in(self, url: str, *, keys: Sequence[str] = ()) -> Heard:
        """Somebody calls the line whose first document is at `url`. Raises as `Caller.call`."""
        caller = Caller(account_sid=self.account_sid, auth_token=self._auth_token)
        return await caller.call(url, keys=keys)

    async def stop(self) -> None:
        await self.phones.stop()
        await super().stop()

    async def _create(self, request: web.Request) -> web.Response:
        form = await request.post()
        refused = self.unauthorised(request) or _refused(form) or self._unreachable(str(form["To"]))
        if refused:
            return refused
        call = self._take(form)
        exchange = request[EXCHANGE]
        self._accounts[call.sid] = exchange
        exchange.key, exchange.reached = call.sid, call.ending == "completed"
        exchange.take(self._clock(), to=exchange.to)
        if exchange.reached:
            self.arrive(address=call.to, text=exchange.text, key=call.sid)
        await self.phones.call(call)
        return as_json(self._resource(call), status=201)

    def _take(self, form: Form) -> Call:
        call = Call(
            sid=f"CA{uuid4().hex}",
            to=str(form["To"]),
            caller=str(form["From"]),
            created=self._clock(),
            ending=self._ending(str(form["To"])),
            callback=str(form.get("StatusCallback", "")),
            gather=_gathers(str(form["Twiml"])),
            events=[str(event) for event in form.getall("StatusCallbackEvent", ["completed"])],
        )
        self.calls.append(call)
        self._by_number[call.to].append(call)
        return call

    def _ending(self, number: str) -> str:
        if number in self._by_number:
            return "completed"
        if self.faults.hits(self.faults.temporary, "temporary", number):
            return "busy"
        if self.faults.hits(self.fates.busy, "busy", number):
            return "busy"
        return "no-answer" if self.faults.hits(self.fates.no_answer, "no-answer", number) else "completed"

    async def _list(self, request: web.Request) -> web.Response:
        wanted = request.query
        size = int(wanted.get("PageSize", 50))
        made = self._by_number.get(wanted["To"], []) if "To" in wanted else self.calls
        found = [call for call in reversed(made) if wanted.get("From", call.caller) == call.caller][:size]
        request[EXCHANGE].about += [self._accounts[call.sid] for call in found]
        resources = [self._resource(call) for call in found]
        return self.unauthorised(request) or listed(request, "calls", resources, size=size)

    def _unreachable(self, number: str) -> web.Response | None:
        if not number.startswith(self.countries):
            return error(400, 21215, f"Account not authorized to call {number}.")
        if self.faults.hits(self.faults.permanent, "permanent", number):
            return error(400, 21211, f"The phone number you are attempting to call, {number}, is not valid.")
        return None

    def _resource(self, call: Call) -> dict[str, object]:
        path = f"/{VERSION}/Accounts/{self.account_sid}/Calls/{call.sid}"
        return {
            "sid": call.sid,
            "account_sid": self.account_sid,
            "api_version": VERSION,
            "date_created": format_datetime(call.created),
            "date_updated": format_datetime(call.created),
            "direction": "outbound-api",
            "from": call.caller,
            "from_formatted": call.caller,
            "to": call.to,
            "to_formatted": call.to,
            "status": call.status,
            "start_time": None,
            "end_time": None,
            "duration": None,
            "price": None,
            "price_unit": "USD",
            "queue_time": "0",
            "uri": f"{path}.json",
            "subresource_uris": {"events": f"{path}/Events.json"},
        }


def spoken(twiml: str) -> str:
    """What a `<Response>` says, one line for each `<Say>`. Raises `ValueError` if it is no TwiML."""
    try:
        response = etree.fromstring(twiml.encode())
    except etree.XMLSyntaxError as e:
        raise ValueError("TwiML is not well-formed XML") from e
    if response.tag != "Response":
        raise ValueError(f"TwiML's root is Response, not {response.tag}")
    return "\n".join("".join(say.itertext()) for say in response.iter("Say"))


def _gathers(twiml: str) -> str:
    """Where the first `<Gather>` sends its key; empty: there is none."""
    gather = etree.fromstring(twiml.encode()).find(".//Gather")
    return "" if gather is None else str(gather.get("action", ""))


def _refused(form: Form) -> web.Response | None:
    """The first thing wrong with a request for a call, as Twilio words it."""
    to, caller, twiml = (str(form.get(name, "")) for name in ("To", "From", "Twiml"))
    if not to:
        return error(400, 21201, "No 'To' number is specified")
    if not NUMBER.fullmatch(to):
        return error(400, 21211, f"The phone number you are attempting to call, {to}, is not valid.")
    if not NUMBER.fullmatch(caller):
        return error(400, 21212, f"The caller ID number {caller} is not valid.")
    if len(twiml) > TWIML_LIMIT:
        return error(400, 32018, "Twiml size exceeded maximum allowed value of 4000 characters")
    if not set(form.getall("StatusCallbackEvent", ())) <= set(EVENTS):
        return error(400, 21626, "Invalid StatusCallbackEvent")
    return _unspeakable(twiml)


def _unspeakable(twiml: str) -> web.Response | None:
    try:
        said = spoken(twiml)
    except ValueError as e:
        return error(400, 12100, str(e))
    return None if said else error(400, 21205, "Url is not valid")
