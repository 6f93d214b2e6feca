"""The page on which residents ask the window. What they ask is posted, so that it stands in no address; nothing is kept."""

import asyncio

from aiohttp import hdrs, web

from hub.language import Language
from hub.recipient import Town
from operator_ui import form
from operator_ui.allowance import Allowance
from operator_ui.pages import LANGUAGE
from operator_ui.residents.asked import read
from operator_ui.residents.news import News
from operator_ui.residents.portal import Residents, ask_path
from operator_ui.residents.press import Press
from operator_ui.window.answers import Answers
from operator_ui.window.question import Question

PER_S, AT_ONCE = 0.5, 20
"""Questions of one address: nobody types faster."""


class AskingPages:
    def __init__(self, portal: Residents, press: Press, news: News, window: Answers) -> None:
        self._portal, self._press, self._news, self._window = portal, press, news, window
        self._allowance = Allowance(clock=portal.clock, per_s=PER_S, at_once=AT_ONCE)

    def routes(self, language: str) -> list[web.RouteDef]:
        """`language`: how an address names one. A reply has its own address, which a server in front leaves to us; who
        comes back to it asks anew."""
        path = f"/{language}/ask/reply"
        return [web.post(path, self._reply), web.get(path, self._again)]

    async def _reply(self, request: web.Request) -> web.Response:
        language = Language(request.match_info["language"])
        request[LANGUAGE] = language.value
        if wait_s := self._allowance.wait_s(self._portal.senders.one(request)):
            too_many = self._press.pages.render(
                request, "error.html", status=429, code=429, error=None, reference=""
            )
            too_many.headers[hdrs.RETRY_AFTER] = str(wait_s)
            return too_many
        posted = await form.read(request)
        asked = read(posted)
        if not asked.text and asked.position is None:
            return _to_form(language)
        question = Question(
            text=asked.text,
            asked_at=self._portal.clock(),
            language=language,
            position=asked.position,
            town=Town(asked.town) if asked.town in self._portal.city.towns else None,
        )
        snapshot = await self._news.now()
        reply = await asyncio.to_thread(self._window.answer, question, snapshot)
        response = self._press.pages.render(
            request, "ask.html", **self._press.asking(language, reply=reply, asked=asked)
        )
        response.headers[hdrs.CONTENT_LANGUAGE] = language.value
        return response

    async def _again(self, request: web.Request) -> web.Response:
        return _to_form(Language(request.match_info["language"]))


def _to_form(language: Language) -> web.Response:
    return web.Response(status=303, headers={hdrs.LOCATION: ask_path(language)})
