"""The phone-in line (電話応答): whoever calls hears what is in force. Twilio asks for each document, signed.

    POST /phone            first: Japanese, and which key chooses another language
    POST /phone/en/key     a key was pressed while this language was heard
    POST /phone/en/2       the same once more; after the last time it is hung up

Each document is written once a change and served from memory to every caller. Nothing is asked of a caller, and nothing
is kept of one. Where nothing can be read at all the answer is an error, at which Twilio asks the fallback address.
"""

from collections.abc import Awaitable, Callable, Hashable
from functools import partial

from aiohttp import web

from channels.telephone.phone_in import MENU
from hub.language import Language
from operator_ui.residents.document import Built, Written
from operator_ui.residents.phone_press import PATH, ROUNDS, PhonePress
from operator_ui.residents.portal import Residents, Telephone
from operator_ui.residents.snapshot import Snapshot
from operator_ui.residents.telephone import signed_form, twiml

Shown = Callable[[Hashable, Callable[[Snapshot], Written]], Awaitable[Built]]
"""A document of the present, from the shelf."""

_LANGUAGE = "{language:" + "|".join(MENU.values()) + "}"


class PhoneLine:
    def __init__(self, portal: Residents, telephone: Telephone, press: PhonePress, shown: Shown) -> None:
        self._portal = portal
        self._telephone = telephone
        self._press = press
        self._shown = shown

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(PATH, self._front),
            web.post(f"{PATH}/{_LANGUAGE}/key", self._key),
            web.post(f"{PATH}/{_LANGUAGE}/{{round:[0-{ROUNDS - 1}]}}", self._round),
        ]

    async def _front(self, request: web.Request) -> web.Response:
        await signed_form(request, self._portal, self._telephone)
        return _played(await self._shown(("phone",), self._press.front))

    async def _key(self, request: web.Request) -> web.Response:
        """Another key than those of the menu leaves the language as it was."""
        fields = await signed_form(request, self._portal, self._telephone)
        chosen = MENU.get(fields.get("Digits", ""), Language(request.match_info["language"]))
        return await self._told(chosen, 0)

    async def _round(self, request: web.Request) -> web.Response:
        await signed_form(request, self._portal, self._telephone)
        return await self._told(Language(request.match_info["language"]), int(request.match_info["round"]))

    async def _told(self, language: Language, number: int) -> web.Response:
        write = partial(self._press.round, language, number)
        return _played(await self._shown(("phone", language, number), write))


def _played(built: Built) -> web.Response:
    return twiml(built.written.body)
