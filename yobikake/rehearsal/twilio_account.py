"""What every simulated Twilio API shares: one account, its token, its balance, and Twilio's way to refuse.

https://www.twilio.com/docs/usage/twilios-response
"""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

import msgspec
from aiohttp import web

from hub.clock import Clock, utc_now
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import HttpGateway, Refusal
from yobikake.rehearsal.inbox import Inbox

VERSION = "2010-04-01"
CODES: Mapping[int, int] = {400: 20001, 401: 20003, 403: 20005}
"""Wrong parameters; authentication; the account is not active."""
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
"""E.164."""


class TwilioAccount(HttpGateway):
    """`countries`: prefixes that the account may reach."""

    for_good: ClassVar[frozenset[int]] = frozenset({400})

    def __init__(
        self,
        inbox: Inbox,
        *,
        account_sid: str,
        auth_token: str,
        faults: Faults | None = None,
        clock: Clock = utc_now,
        port: int = 0,
        countries: tuple[str, ...] = ("+",),
    ) -> None:
        super().__init__(inbox, faults=faults, clock=clock, port=port)
        self.account_sid = account_sid
        self.countries = countries
        self._auth_token = auth_token

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        account = f"/{VERSION}/Accounts/{{account}}"
        return (web.get(f"{account}/Balance.json", self._balance), web.get(f"{account}.json", self._account))

    def error(self, status: int, request: web.Request) -> web.Response:
        """Statuses without a meaning of their own have codes that end with them: https://www.twilio.com/docs/api/errors"""
        answer = error(status, CODES.get(status, 20_000 + status), self.words(status, request))
        if status == 429 and self.retry_after is not None:
            answer.headers["Retry-After"] = self.wait_s(0)
        return answer

    def unauthorised(self, request: web.Request) -> web.Response | None:
        """Why this request is not the account's own; None: it is."""
        expected = base64.b64encode(f"{self.account_sid}:{self._auth_token}".encode()).decode()
        known = request.headers.get("Authorization", "") == f"Basic {expected}"
        if known and request.match_info["account"] == self.account_sid:
            return None
        return self.refusal(Refusal.CREDENTIALS, request)

    async def _balance(self, request: web.Request) -> web.Response:
        balance = {"account_sid": self.account_sid, "balance": "123.45", "currency": "USD"}
        return self.unauthorised(request) or as_json(balance)

    async def _account(self, request: web.Request) -> web.Response:
        account = {
            "sid": self.account_sid,
            "friendly_name": "よびかけ市（訓練用）",
            "status": "active",
            "type": "Full",
            "uri": f"/{VERSION}/Accounts/{self.account_sid}.json",
        }
        return self.unauthorised(request) or as_json(account)


def listed(request: web.Request, name: str, resources: list[dict[str, object]], *, size: int) -> web.Response:
    """The only page of a list."""
    page = {
        name: resources,
        "end": len(resources),
        "start": 0,
        "page": 0,
        "page_size": size,
        "uri": request.path_qs,
        "first_page_uri": request.path_qs,
        "next_page_uri": None,
        "previous_page_uri": None,
    }
    return as_json(page)


def error(status: int, code: int, message: str) -> web.Response:
    """https://www.twilio.com/docs/usage/twilios-response#twilios-responses."""
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    return as_json(
        {"code": code, "message": message, "more_info": more_info, "status": status}, status=status
    )


def as_json(body: Mapping[str, object], *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
