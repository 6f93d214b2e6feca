"""One Twilio account: its HTTP session, its token, its signature."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import encode_basic_auth
from multidict import MultiDict
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from channels._secret import read_secret
from channels._session import GatewaySession, is_object
from channels._twilio.answers import ERRORS, Failure, classify, nothing_done, understood, unseen
from hub.channel import Health, Parcel
from hub.delivery import Outcome
from hub.errors import Forbidden, Refused
from hub.outbound import Outbound
from hub.reasons import told

BASE_URL = "https://api.twilio.com"
SIGNATURE = "x-twilio-signature"


class Account:
    """One Twilio account over one HTTP session. Its `repr` shows no token.

    Raises:
        Refused: this hub may not talk to `base_url`.
        BadSettings: the token's file cannot be read.
    """

    def __init__(
        self,
        *,
        sid: str,
        token_file: Path,
        base_url: str,
        outbound: Outbound,
        deadline: timedelta,
        connections: int,
        setting: str,
    ) -> None:
        self.sid = sid
        self._token = read_secret(token_file, setting=f"{setting} auth_token_file")
        self._session = GatewaySession(
            outbound=outbound,
            base_url=base_url,
            setting=f"{setting} base_url",
            timeout_s=deadline.total_seconds(),
            connections=connections,
            library_url=BASE_URL,
            speaks_json=True,
        )
        self.gated = self._session.gated
        # Given an environment, the library does not look for TWILIO_REGION and TWILIO_EDGE in ours.
        self.client = Client(
            sid, self._token, http_client=_Http(self._session), environment={"TWILIO_EDGE": ""}
        )

    async def open(self) -> None:
        """Raises `Refused` if this is a production hub and the gateway a rehearsal one."""
        await self._session.open()
        await self.recognise()

    async def close(self) -> None:
        await self._session.close()

    @property
    def recognised(self) -> bool:
        return self._session.recognised

    async def recognise(self) -> Failure | None:
        """Read the account, so that the gateway says what it is before anything is sent to it.

        Returns why it did not, or None once it has. Raises `Refused` as `open` does.
        """
        try:
            await self.read()
        except ERRORS as e:
            return None if self.recognised else nothing_done(classify(e))
        return None

    async def unready(self, parcel: Parcel) -> Failure | None:
        """Why nothing can be sent to it yet; None: it has said what it is. Asks the gate before it asks Twilio."""
        if self.recognised:
            return None
        parcel.gate()
        failure = await self.recognise()
        return unseen(failure, parcel) if failure else None

    async def health(self, now: datetime) -> Health:
        """What a channel's probe says. Reads only."""
        try:
            account, balance = await self.read(), await self.balance()
        except Refused as e:
            return Health(ok=False, detail=e.message, checked_at=now)
        except ERRORS as e:
            failure = classify(e)
            detail = told("Twilio", failure.reason, refused=failure.outcome is Outcome.CREDENTIALS)
            return Health(ok=False, detail=detail, checked_at=now)
        if account.status == "active":
            return Health(ok=True, detail=balance, checked_at=now)
        detail = (
            f"Twilioのアカウントが使えません（{account.status}）。契約を確かめてください / "
            f"the Twilio account is {account.status}: check the contract"
        )
        return Health(ok=False, detail=detail, checked_at=now)

    async def read(self) -> Any:
        """The account as Twilio has it; `status` is `active`, `suspended` or `closed`. Raises `ERRORS`."""
        with understood():
            return await self.client.api.v2010.accounts(self.sid).fetch_async()

    async def balance(self) -> str:
        """In words, with its currency. A subaccount has none of its own."""
        try:
            with understood():
                balance = await self.client.api.v2010.accounts(self.sid).balance.fetch_async()
        except ERRORS:
            return "Twilioを使えます。残高は分かりません / Twilio works; the balance is not known"
        money = f"{balance.balance} {balance.currency}"
        return f"Twilioを使えます。残高は {money} です / Twilio works; the balance is {money}"

    def signed_form(self, headers: Mapping[str, str], body: bytes, *, url: str) -> Mapping[str, str]:
        """The fields of a callback to `url`, exactly as it was given to Twilio.

        https://www.twilio.com/docs/usage/security#validating-requests

        Raises:
            Forbidden: the signature is missing or wrong.
        """
        signature = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE, "")
        fields = MultiDict(parse_qsl(body.decode("utf-8", errors="replace"), keep_blank_values=True))
        if not RequestValidator(self._token).validate(url, fields, signature):
            raise Forbidden("Twilio callback: the signature is missing or wrong / 署名が正しくありません")
        return fields


class _Http(AsyncTwilioHttpClient):  # type: ignore[misc]  # the library has no types
    """Sends the library's requests over our session, and logs none (the library's own log has numbers)."""

    def __init__(self, session: GatewaySession) -> None:
        super().__init__(pool_connections=False)
        self._session = session

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_: object,
    ) -> Response:
        authorisation = {"Authorization": encode_basic_auth(*auth)} if auth else {}
        async with self._session.request(
            method,
            url,
            params=_pairs(params),
            data=_pairs(data),
            headers={**(headers or {}), **authorisation},
        ) as answer:
            text = await answer.text(errors="replace")
            if 300 <= answer.status < 400:  # which the library takes for a success
                raise TwilioRestException(answer.status, url)
            if answer.status < 300 and not is_object(text):  # a proxy's page, perhaps
                raise ValueError("no answer of Twilio's")
            return Response(answer.status, text, answer.headers)


def _pairs(fields: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """A list becomes repeated fields (OpenAPI form, explode)."""
    return [
        (name, str(one))
        for name, value in (fields or {}).items()
        for one in (value if isinstance(value, list) else [value])
    ]
