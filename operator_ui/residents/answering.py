"""The page at which staff who are called to a muster (参集) say whether they come: one tap, without signing in.

It is on this listener because it is opened on a private telephone at night. The address says who answers which
muster (`hub.answer_link`); looking at it changes nothing, since programs that check mail open every address in it.
"""

from collections.abc import Mapping
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

import structlog
from aiohttp import hdrs, web
from sqlalchemy import Connection

from hub import answer_link, mustering
from hub.answer_link import Answering
from hub.errors import BadInput, Conflict, DatabaseAway
from hub.language import Language
from hub.ledger import musters
from hub.muster import KEYS, Answer, Muster, Said, said
from operator_ui import form
from operator_ui.pages import LANGUAGE
from operator_ui.residents.leaving import FREE, LONGEST
from operator_ui.residents.portal import Residents, answering_path
from operator_ui.residents.press import Press
from operator_ui.residents.reader import JAPANESE, Reader, best
from operator_ui.throttle import Throttle

log = structlog.get_logger(__name__)


class Words(NamedTuple):
    """Of this page alone: staff read it, in one of two languages."""

    title: str
    reason: str
    called: str
    ask: str
    change: str
    answered: str
    noted: str
    over: str
    cancelled: str
    away: str
    unknown: str
    what_to_do: str
    drill: str
    other_key: str
    thanks: str


WORDS: Mapping[Language, Words] = {
    Language.JA: Words(
        title="職員参集",
        reason="理由",
        called="に呼びかけ",
        ask="行けますか。1つ押してください。",
        change="変わったら、押し直してください。最後の答えを使います。",
        answered="答えを受け付けました",
        noted="本部が代わりに記録しました",
        over="この参集は終わりました",
        cancelled="この参集は取り消されました。来る必要はありません。",
        away="いまは受け付けられません。1分後にもう一度押してください。急ぐときは本部に電話してください。",
        unknown="この回答用のアドレスは使えません",
        what_to_do="届いたアドレスを、最後の文字まで開いてください。できないときは本部に電話してください。",
        drill="これは訓練です。実際に来るかどうかは、訓練の計画で確かめてください。",
        other_key="すぐ行けるときは1。30分なら2。60分なら3。120分なら4。行けないときは9を押してください。",
        thanks="{answer}、と受け付けました。変わったら、メールやLINEのリンクから答え直すか、本部に電話してください。",
    ),
    Language.EN: Words(
        title="Staff are called in",
        reason="Reason",
        called="called",
        ask="Can you come? Tap one.",
        change="If it changes, tap again. Your last answer counts.",
        answered="Your answer has been noted",
        noted="Headquarters wrote it down for you",
        over="This call is over",
        cancelled="This call was cancelled. You need not come.",
        away="Answers cannot be taken now. Tap again in a minute. If it is urgent, telephone headquarters.",
        unknown="This address cannot be used",
        what_to_do="Open the address you were sent up to its last letter. If that fails, telephone headquarters.",
        drill="This is a drill. Whether you come in person stands in the plan of the drill.",
        other_key="Press 1 for now, 2 for 30 minutes, 3 for 60 minutes, 4 for 120 minutes, or 9 if you cannot come.",
        thanks="{answer}. Your answer has been noted. If it changes, answer by the link you were sent.",
    ),
}


class AnsweringPages:
    def __init__(self, portal: Residents, press: Press) -> None:
        self._portal = portal
        self._press = press
        self._wrong = Throttle(clock=portal.clock, free=FREE, longest=LONGEST)

    def routes(self) -> list[web.RouteDef]:
        named = "{language:" + "|".join(WORDS) + "}"
        pages = [
            route
            for path in ("/answer/{token}", f"/{named}/answer/{{token}}")
            for route in (web.get(path, self._page), web.post(path, self._answer))
        ]
        return [*pages, web.post("/answer/{token}/keys/{language}", self._key)]

    async def _page(self, request: web.Request) -> web.Response:
        answering = self._answering(request)
        return self._unknown(request) if answering is None else await self._show(request, answering)

    async def _answer(self, request: web.Request) -> web.Response:
        answering = self._answering(request)
        if answering is None:
            return self._unknown(request)
        answer = (await form.read(request)).choice("answer", Answer)
        if answer is None:
            raise web.HTTPBadRequest
        portal = self._portal
        try:
            await mustering.answer(
                portal.ledger, portal.keys, *answering, answer, actor=None, at=portal.clock()
            )
        except Conflict:
            return await self._show(request, answering, status=409)
        except BadInput:  # a database put back to an earlier day
            return self._unknown(request)
        except DatabaseAway:
            log.warning("an answer could not be kept: the database is away", muster=answering.muster)
            return self._written(request, status=503)
        return web.Response(status=303, headers={hdrs.LOCATION: request.path})

    async def _key(self, request: web.Request) -> web.Response:
        """A key of the telephone, as Twilio reports it (https://www.twilio.com/docs/voice/twiml/gather); what is said
        then. The address itself shows that it is ours: nobody else was given it."""
        portal, answering = self._portal, answer_link.read(self._portal.keys, request.match_info["token"])
        named = request.match_info["language"]
        language = Language.JA if named.startswith(Language.JA) else Language.EN
        words = WORDS[language]
        if answering is None:
            raise web.HTTPNotFound
        answer = KEYS.get((await form.read(request)).text("Digits"))
        if answer is None:
            return _spoken(words.other_key, language, again=str(request.rel_url))
        try:
            await mustering.answer(
                portal.ledger, portal.keys, *answering, answer, actor=None, at=portal.clock()
            )
        except (Conflict, BadInput):
            return _spoken(words.over, language)
        except DatabaseAway:
            return _spoken(words.away, language)
        return _spoken(words.thanks.format(answer=answer.name_in.in_language(language)), language)

    def _answering(self, request: web.Request) -> Answering | None:
        named = request.match_info.get("language")
        wish = Language(named) if named else best(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
        request[LANGUAGE] = (Language.JA if wish in JAPANESE else Language.EN).value
        return answer_link.read(self._portal.keys, request.match_info["token"])

    def _unknown(self, request: web.Request) -> web.Response:
        sender = self._portal.senders.one(request) or ""
        if self._wrong.wait(sender):
            raise web.HTTPTooManyRequests
        self._wrong.failed(sender)
        return self._written(request, status=404)

    async def _show(self, request: web.Request, answering: Answering, *, status: int = 200) -> web.Response:
        def look(conn: Connection) -> tuple[Muster, Said | None]:
            muster = musters.get(conn, self._portal.keys, answering.muster)
            return muster, said(musters.answers(conn, muster.id)).get(answering.recipient)

        try:
            muster, answered = await self._portal.ledger.read(look)
        except BadInput:
            return self._unknown(request)
        name = muster.roll.people.get(answering.recipient, "")
        return self._written(request, status=status, muster=muster, answered=answered, name=name)

    def _written(
        self,
        request: web.Request,
        *,
        status: int,
        muster: Muster | None = None,
        answered: Said | None = None,
        name: str = "",
    ) -> web.Response:
        language, token = Language(request[LANGUAGE]), request.match_info["token"]
        response = self._press.pages.render(
            request,
            "answer.html",
            status=status,
            t=Reader(language, self._portal.clock()).text,
            path=lambda tag: answering_path(token, tag),
            language=language,
            languages=list(WORDS),
            words=WORDS[language],
            answers=list(Answer),
            muster=muster,
            answered=answered,
            name=name,
            away=status == 503,
        )
        response.headers[hdrs.CONTENT_LANGUAGE] = language.value
        if status == 503:
            response.headers[hdrs.RETRY_AFTER] = "60"
        return response


def _spoken(text: str, language: Language, *, again: str = "") -> web.Response:
    """TwiML. `again`: where the next key goes to."""
    voice = "ja-JP" if language is Language.JA else "en-US"
    said = f'<Say language="{voice}">{escape(text)}</Say>'
    if again:
        said = f'<Gather input="dtmf" numDigits="1" action={quoteattr(again)} method="POST">{said}</Gather>'
    body = f'<?xml version="1.0" encoding="UTF-8"?><Response>{said}</Response>'
    return web.Response(text=body, content_type="text/xml")
