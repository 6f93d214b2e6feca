"""The browser of staff that test notifications go to: its page, and what its service worker reports (`hub.canary_device`).

It is on this listener because what is to be tried is the service worker that residents' browsers have.
"""

from aiohttp import web

from hub import canary_device
from hub.language import Language
from operator_ui.pages import LANGUAGE
from operator_ui.residents import push_form
from operator_ui.residents.portal import Push, Residents
from operator_ui.residents.press import Press
from operator_ui.residents.push_answers import PushAnswers

RECEIVED = "/push/received"


class DevicePages:
    def __init__(self, portal: Residents, press: Press) -> None:
        self._portal, self._press = portal, press
        self._answers = PushAnswers(portal)

    def routes(self) -> list[web.RouteDef]:
        """None where the city has no such channel."""
        if self._portal.push is None:
            return []
        return [
            web.get(canary_device.PATH, self._page),
            web.post(canary_device.PATH, self._register),
            web.post(RECEIVED, self._received),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        """In Japanese and English: staff open it."""
        request[LANGUAGE] = Language.JA.value
        return self._press.pages.render(request, "push_device.html", key=self._push.key)

    async def _register(self, request: web.Request) -> web.Response:
        return await self._answers.answered(request, self._registered)

    async def _received(self, request: web.Request) -> web.Response:
        return await self._answers.answered(request, self._confirmed)

    async def _registered(self, body: bytes) -> None:
        portal, offer = self._portal, push_form.offer(body, self._push.services)
        subscription, before = offer.subscription.subscription(), push_form.earlier(offer.before)
        await portal.ledger.write(
            lambda conn: canary_device.register(
                conn, portal.keys, subscription, shown=offer.shown, before=before, at=portal.clock()
            )
        )

    async def _confirmed(self, body: bytes) -> None:
        """Nobody is told whether anybody waited for it."""
        portal, key = self._portal, push_form.received(body)
        await portal.ledger.write(lambda conn: canary_device.confirm(conn, key, at=portal.clock()))

    @property
    def _push(self) -> Push:
        assert self._portal.push is not None  # noqa: S101 - or there were no routes
        return self._portal.push
