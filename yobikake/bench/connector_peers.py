"""What others send with, one after the other to a sample of the same people, through the same gateway: pywebpush, Twilio's
own client, and a plain POST. They keep no ledger and wait for no report; the hub's figures have both in them.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import aiohttp

from channels._hook.signature import headers, secret
from channels.webpush import vapid
from hub.clock import utc_now
from hub.subscription import Subscription, encoded
from yobikake.bench.figures import cpu

MOST = 1_000
"""Recipients of a sample."""
TEXT = "昭島市は多摩川の洪水について警戒レベル4 避難指示を発令しました。危険な場所から全員避難してください。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """`per_s`: recipients by the clock. `cpu_ms`: of the sender's processor time for each."""

    channel: str
    name: str
    recipients: int
    per_s: float
    cpu_ms: float


async def peer(kind: str, stanza: Mapping[str, Any], addresses: Sequence[str]) -> Peer | None:
    """None: there is none that is natural. `stanza`: the channel's settings. Some of the addresses are sent to."""
    if kind not in PEERS or (kind == "webpush" and find_spec("pywebpush") is None):
        return None
    name, way = PEERS[kind]
    sample = addresses[:MOST]
    began = monotonic()
    with cpu() as used:
        await way(stanza, sample)
    return Peer(
        channel=kind,
        name=name,
        recipients=len(sample),
        per_s=len(sample) / (monotonic() - began),
        cpu_ms=1000 * used.own_s / len(sample),
    )


async def _pywebpush(stanza: Mapping[str, Any], sample: Sequence[str]) -> None:
    """As its README shows it, with a session that keeps its connection and a token that is signed once."""
    await asyncio.to_thread(_push_all, stanza, sample)


def _push_all(stanza: Mapping[str, Any], sample: Sequence[str]) -> None:
    import requests  # noqa: PLC0415 - as the next one
    from pywebpush import webpush  # noqa: PLC0415 - a peer, for development only

    key = vapid.load(Path(stanza["key_file"]), setting="key_file")
    browsers = [Subscription.known(line) for line in sample]
    token = vapid.Vapid(key, subject=stanza["subject"], clock=utc_now).header(browsers[0].origin)
    message = json.dumps({"title": "避難指示", "body": TEXT}, ensure_ascii=False)
    with requests.Session() as session:
        for to in browsers:
            keys = {"p256dh": encoded(to.p256dh), "auth": encoded(to.auth)}
            webpush(
                {"endpoint": to.endpoint, "keys": keys},
                message,
                headers={"Authorization": token},
                ttl=3600,
                requests_session=session,
            )


async def _twilio(stanza: Mapping[str, Any], sample: Sequence[str]) -> None:
    await asyncio.to_thread(_message_all, stanza, sample)


def _message_all(stanza: Mapping[str, Any], sample: Sequence[str]) -> None:
    from twilio.http.http_client import TwilioHttpClient  # noqa: PLC0415 - seconds to load
    from twilio.rest import Client  # noqa: PLC0415

    class Here(TwilioHttpClient):  # type: ignore[misc] # the library has no types
        def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
            return super().request(
                method, url.replace("https://api.twilio.com", stanza["base_url"]), *args, **options
            )

    token = Path(stanza["auth_token_file"]).read_text(encoding="utf-8")
    client = Client(stanza["account_sid"], token, http_client=Here())
    for number in sample:
        client.messages.create(to=number, from_=stanza["sender"], body=TEXT)


async def _plain_post(stanza: Mapping[str, Any], sample: Sequence[str]) -> None:
    """`sample`: of the receivers, as the register has them."""
    systems = {system["ref"]: system for system in stanza["systems"]}
    key = _shared(stanza["systems"][0])
    body = json.dumps({"data": {"headline": "避難指示", "description": TEXT}}).encode()
    async with aiohttp.ClientSession() as session:
        for ref in sample:
            said = headers(str(uuid4()), body, at=utc_now(), secrets=[key])
            async with session.post(systems[ref]["url"], data=body, headers=said) as answer:
                answer.raise_for_status()


def _shared(system: Mapping[str, str]) -> bytes:
    return secret(Path(system["secret_file"]).read_text(encoding="utf-8"), setting="secret_file")


Sending = Callable[[Mapping[str, Any], Sequence[str]], Awaitable[None]]

PEERS: Mapping[str, tuple[str, Sending]] = {
    "webpush": ("pywebpush, one token", _pywebpush),
    "sms": ("twilio, its own client", _twilio),
    "webhook": ("aiohttp, one POST after the other", _plain_post),
}
