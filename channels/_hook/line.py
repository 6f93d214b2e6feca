"""The way to one system: where it is, who answers there, and one message told and signed."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from channels._hook.answer import Answer, Classify
from channels._hook.hidden import is_hidden, refusal
from channels._hook.signature import headers, secret
from channels._public import PublicResolver
from channels._session import NOT_PUBLIC, GatewaySession, unanswered, why
from hub.channel import Parcel
from hub.delivery import Outcome
from hub.errors import Refused
from hub.outbound import Deployment, Outbound
from hub.reasons import told
from hub.secret import read_secret

ALIVE_BELOW = 500
"""HEAD answered by less than this: a receiver may well take nothing but POST."""

PROBE = "msg_probe"
"""The id of what is asked only to see who is there."""

ERRORS = (aiohttp.ClientError, TimeoutError)


@dataclass(slots=True, kw_only=True)
class Line:
    """`setting`: where its address stands, for errors. `secrets`: a signature by each."""

    name: str
    url: str
    setting: str
    secrets: Sequence[bytes]
    session: GatewaySession

    async def recognise(self) -> str:
        """So that whoever is there says what they are before anything is sent. Returns why nobody answered.

        Raises `Refused` for a gateway of the other kind of hub, where that is the city's own.
        """
        try:
            async with self.session.request("HEAD", self.url):
                return ""
        except ERRORS as e:
            return why(e)

    async def away(self, *, at: datetime, unfit: Collection[int]) -> str:
        """For a probe, in words: why it is not there; empty where it is. Raises nothing for what it answers. The request
        is signed, like a message without a body. `unfit`: statuses by which it says that it would take nothing from us.
        """
        said = headers(PROBE, b"", at=at, secrets=self.secrets)
        try:
            async with self.session.request("HEAD", self.url, headers=said) as response:
                well = response.status < ALIVE_BELOW and response.status not in unfit
                return "" if well else told(self.name, str(response.status))
        except Refused as e:
            return e.message
        except ERRORS as e:
            reason = why(e)
            return refusal(self.setting) if reason == NOT_PUBLIC else told(self.name, reason)

    async def tell(
        self, parcel: Parcel, message: str, body: bytes, *, at: datetime, classify: Classify
    ) -> Answer:
        """Send `body` under the id `message`. Raises what the parcel's gate raises, and `Refused` as `recognise`."""
        parcel.gate()
        if not self.session.recognised and (nobody := await self.recognise()):
            return _put_off(parcel, nobody)
        said = headers(message, body, at=at, secrets=self.secrets) | {"Content-Type": "application/json"}
        try:
            async with (
                self.session.gated(parcel.gate),
                self.session.request("POST", self.url, data=io.BytesIO(body), headers=said) as response,
            ):
                return classify(response.status, response.headers, now=at)
        except ERRORS as e:
            if unanswered(e) is Outcome.TEMPORARY:
                return _put_off(parcel, why(e))
            return Answer(outcome=Outcome.AMBIGUOUS, reason=why(e))


def refuse_odd(url: str) -> None:
    """Raises `ValueError` for what is no address of a system."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
        raise ValueError(
            "url is written like https://example.lg.jp/alerts, without a password / "
            "url は https://example.lg.jp/alerts のように書いてください"
        )


def line_to(
    url: str,
    *,
    name: str,
    setting: str,
    secret_files: Sequence[Path | None],
    private: bool,
    third_party: bool,
    outbound: Outbound,
    timeout_s: float,
) -> Line:
    """Raises `Refused` or `BadSettings` where this hub may not send there. `private`: it is in the city's own network.
    `third_party`: as in `GatewaySession`."""
    secrets = [
        secret(read_secret(file, setting=setting), setting=str(file))
        for file in secret_files
        if file is not None
    ]
    guarded = outbound.deployment is Deployment.PRODUCTION and not private
    if guarded and is_hidden(url):
        raise Refused(refusal(setting))
    session = GatewaySession(
        outbound=outbound,
        base_url=url,
        setting=setting,
        timeout_s=timeout_s,
        connections=2,
        resolver=PublicResolver if guarded else None,
        in_clear=private,
        third_party=third_party,
    )
    return Line(name=name, url=url, setting=setting, secrets=secrets, session=session)


def _put_off(parcel: Parcel, reason: str) -> Answer:
    """This try never left; of an earlier one that was in doubt that says nothing."""
    return Answer(outcome=Outcome.AMBIGUOUS if parcel.resend else Outcome.TEMPORARY, reason=reason)
