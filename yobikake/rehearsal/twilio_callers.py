"""People who call in, behind the simulated Twilio: it plays what the hub says, and fetches what comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin
from uuid import uuid4

import aiohttp
from lxml import etree

from yobikake.rehearsal.twilio_account import VERSION
from yobikake.rehearsal.twilio_phones import is_loopback, sign

MOST = 20
"""Documents of one call."""


@dataclass(slots=True, kw_only=True)
class Heard:
    """`said`: (language, text) of each `<Say>`, in order. `fetched`: the addresses. `hung_up`: by the hub."""

    said: list[tuple[str, str]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    hung_up: bool = False

    def text(self, language: str) -> str:
        return "".join(text for its, text in self.said if its == language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    account_sid: str
    auth_token: str
    number: str = "+819000000000"

    async def call(self, url: str, *, keys: Sequence[str] = ()) -> Heard:
        """Call the line whose first document is at `url`; press one of `keys` where a document asks for one.

        Raises:
            ValueError: the address is not loopback, or what is answered is no TwiML.
        """
        heard, presses = Heard(), list(keys)
        sid, digits = f"CA{uuid4().hex}", ""
        async with aiohttp.ClientSession() as session:
            for _ in range(MOST):
                root = await self._fetch(session, url, self._form(sid, digits), heard)
                heard.said += [
                    (str(say.get("language")), "".join(say.itertext())) for say in root.iter("Say")
                ]
                gather, redirect = root.find("Gather"), root.find("Redirect")
                if gather is not None and presses:
                    url, digits = urljoin(url, str(gather.get("action"))), presses.pop(0)
                elif redirect is not None:
                    url, digits = urljoin(url, str(redirect.text)), ""
                else:
                    heard.hung_up = True
                    break
        return heard

    async def _fetch(
        self, session: aiohttp.ClientSession, url: str, form: Mapping[str, str], heard: Heard
    ) -> etree._Element:
        if not is_loopback(url):
            raise ValueError("a rehearsal calls nobody but this computer")
        heard.fetched.append(url)
        headers = {"X-Twilio-Signature": sign(url, form, auth_token=self.auth_token)}
        async with session.post(url, data=form, headers=headers) as answer:
            answer.raise_for_status()
            return etree.fromstring(await answer.read())

    def _form(self, sid: str, digits: str) -> dict[str, str]:
        """https://www.twilio.com/docs/voice/twiml#request-parameters."""
        form = {
            "AccountSid": self.account_sid,
            "ApiVersion": VERSION,
            "CallSid": sid,
            "CallStatus": "in-progress",
            "Direction": "inbound",
            "From": self.number,
            "To": "+815000000000",
        }
        return form | ({"Digits": digits} if digits else {})
