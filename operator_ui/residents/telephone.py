"""What a telephone asks while somebody listens: Twilio comes here with the key they pressed, and plays what we say.

https://www.twilio.com/docs/voice/twiml/gather. The signature is verified first; the address says who replies to which
alert (`hub.reply_link`). The reply is durable before a word of thanks is said.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime

import structlog
from aiohttp import hdrs, web
from sqlalchemy import Connection

from channels.telephone import dialogue, question, spoken
from hub import reply_link, replying
from hub.channel import Content
from hub.delivery import ProviderRef, Variant
from hub.errors import BadInput, DatabaseAway, Forbidden, HubError
from hub.language import Language
from hub.ledger import AWAY, alerts, replies, trouble
from hub.ledger.alerts import Accepted
from hub.recipient import Town
from hub.render import render
from hub.reply import AGAIN, Question
from hub.reply_link import Replying
from operator_ui.residents.portal import Residents, Telephone
from shelters.gateway import read_body

log = structlog.get_logger(__name__)

MOST_BYTES = 16 * 1024
WHOLE_WITHIN_S = 10.0
"""A body that takes longer only holds the connection."""

_SPOKEN = "{language:" + "|".join(spoken.VOICES) + "}"


class TelephoneKeys:
    def __init__(self, portal: Residents, telephone: Telephone) -> None:
        self._portal = portal
        self._telephone = telephone

    def routes(self) -> list[web.RouteDef]:
        return [web.post(f"{reply_link.PATH}{{token}}/{_SPOKEN}", self._key)]

    async def _key(self, request: web.Request) -> web.Response:
        fields = await signed_form(request, self._portal, self._telephone)
        who = reply_link.read(self._portal.keys, request.match_info["token"])
        if who is None:
            raise web.HTTPNotFound
        language, key = Language(request.match_info["language"]), fields.get("Digits", "")
        try:
            if key == AGAIN:
                return await self._again(who, language)
            return await self._kept(who, key, language, fields)
        except DatabaseAway:
            log.warning("a key could not be answered: the database is away", recipient=who.recipient)
        except HubError as e:
            log.error("a key could not be answered", recipient=who.recipient, reason=e.message)
        return self._said(question.WORDS[language].away, language)

    async def _kept(
        self, who: Replying, key: str, language: Language, fields: Mapping[str, str]
    ) -> web.Response:
        portal, words = self._portal, question.WORDS[language]
        at = portal.clock()
        try:
            given = await replying.reply(portal.ledger, self._telephone.asking, who, key, at=at)
        except BadInput as e:
            if e.path == replying.NO_SUCH_KEY:
                return await self._again(who, language, first=words.other_key)
            return self._said(words.over, language)
        await self._answered(fields.get("CallSid", ""), at)
        return self._said(words.thanks[given.reply], language)

    async def _answered(self, call: str, at: datetime) -> None:
        """The reply is kept by now: whoever gave it is thanked, whatever becomes of the receipt."""
        try:
            if call:
                await self._telephone.answered(ProviderRef(call), at)
        except (HubError, *AWAY):
            log.warning("a reply was kept, but the call not marked as answered")

    async def _again(self, who: Replying, language: Language, *, first: str = "") -> web.Response:
        """The order as it stands now, and the question; `first`: instead of the order."""

        def look(conn: Connection) -> tuple[Accepted, Town] | None:
            identifier = alerts.numbered(conn, who.number)
            if identifier is None:
                return None
            town = replies.towns(conn, [who.recipient]).get(who.recipient, Town(""))
            return alerts.get(conn, self._portal.keys, identifier), town

        with trouble.told():
            found = await self._portal.ledger.read(look)
        if found is None or _over(found[0], self._portal):
            return self._said(question.WORDS[language].over, language)
        accepted, town = found
        ask = self._telephone.asking.question(accepted.alert, who.number, who.recipient, town)
        if first:
            return self._said(first, language, ask=ask)
        content = await self._content(accepted, town, language)
        return self._said(Content.text(content.speech), content.language, ask=ask)

    async def _content(self, accepted: Accepted, town: Town, language: Language) -> Content:
        city = self._portal.city
        variant = Variant(language, city.zone_of(town) if town in city.towns else None)
        slots = await self._portal.slots()
        return render(accepted.alert, variant, slots, self._portal.clock, number=accepted.number)

    def _said(self, text: str, language: Language, *, ask: Question | None = None) -> web.Response:
        return twiml(dialogue.told(text, language, self._telephone.voices, ask=ask).encode())


async def signed_form(request: web.Request, portal: Residents, telephone: Telephone) -> Mapping[str, str]:
    """Raises `HTTPForbidden` where it does not come from the provider; another HTTP error for no form of theirs."""
    try:
        async with asyncio.timeout(WHOLE_WITHIN_S):
            body = await read_body(request, most_bytes=MOST_BYTES)
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    if body is None:
        raise web.HTTPBadRequest
    try:
        return telephone.form(request.headers, body, f"{portal.url}{request.raw_path}")
    except Forbidden:
        log.warning("what a telephone asks has a wrong signature")
        raise web.HTTPForbidden from None


def twiml(body: bytes) -> web.Response:
    headers = {hdrs.CONTENT_TYPE: "text/xml; charset=utf-8", hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(body=body, headers=headers)


def _over(accepted: Accepted, portal: Residents) -> bool:
    ended = accepted.stopped_at is not None or accepted.ended_at is not None
    return ended or accepted.alert.expires <= portal.clock()
