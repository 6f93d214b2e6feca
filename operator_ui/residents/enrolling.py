"""The page, opened from a chat, on which a resident says for which town and in which language they are told.

The address says whose chat it is (`hub.chat_link`) and works once; looking at it uses nothing up, since chats open
addresses to show what is behind them. Nothing else is asked of anybody, and nothing is kept but what is chosen here.
"""

from enum import StrEnum

import structlog
from aiohttp import hdrs, web
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hub import chat_link
from hub.chat_link import Linking
from hub.errors import Conflict
from hub.language import Language
from hub.ledger import audit, enrolment, register, seen, trouble
from hub.ledger.enrolment import Enrolled, Home, Standing
from hub.recipient import Kind, RecipientId, Town
from operator_ui import form
from operator_ui.form import Form
from operator_ui.pages import LANGUAGE
from operator_ui.residents.leaving import FREE, LONGEST
from operator_ui.residents.portal import Residents, chat_path
from operator_ui.residents.press import Press
from operator_ui.residents.reader import Reader, best
from operator_ui.throttle import Throttle

log = structlog.get_logger(__name__)


class Stage(StrEnum):
    """What the page says."""

    ASK = "ask"
    DONE = "done"
    LEFT = "left"
    UNKNOWN = "unknown"
    """Never given out, used, or too old."""
    STAFF = "staff"
    AWAY = "away"


_STATUS = {Stage.UNKNOWN: 404, Stage.STAFF: 409, Stage.AWAY: 503}


class EnrollingPages:
    def __init__(self, portal: Residents, press: Press) -> None:
        self._portal = portal
        self._press = press
        self._wrong = Throttle(clock=portal.clock, free=FREE, longest=LONGEST)

    def routes(self, language: str) -> list[web.RouteDef]:
        """`language`: how an address names one."""
        return [
            route
            for path in ("/chat/{token}", f"/{language}/chat/{{token}}")
            for route in (web.get(path, self._page), web.post(path, self._choose))
        ]

    async def _page(self, request: web.Request) -> web.Response:
        linking = self._linking(request)
        if linking is None:
            return self._unknown(request)
        portal = self._portal

        def look(conn: Connection) -> tuple[bool, Standing | None]:
            used = seen.known(conn, chat_link.SOURCE, linking.number)
            return used, enrolment.standing(conn, portal.keys, linking.channel, linking.address)

        try:
            used, standing = await portal.ledger.read(look)
        except SQLAlchemyError as e:
            return self._away(request, e)
        if used:
            return self._unknown(request)
        if standing is not None and standing.kind is not Kind.RESIDENT:
            return self._show(request, Stage.STAFF)
        return self._show(request, Stage.ASK, standing=standing)

    async def _choose(self, request: web.Request) -> web.Response:
        linking = self._linking(request)
        if linking is None:
            return self._unknown(request)
        posted = await form.read(request)
        leaves, home = posted.ticked("leave"), self._home(posted)
        if not leaves and home is None:
            return self._show(request, Stage.ASK, missing=True, status=422)
        try:
            stage = await self._portal.ledger.write(
                lambda conn: self._keep(conn, linking, home if not leaves else None)
            )
        except Conflict:
            return self._show(request, Stage.STAFF)
        except SQLAlchemyError as e:
            return self._away(request, e)
        return self._unknown(request) if stage is Stage.UNKNOWN else self._show(request, stage, home=home)

    def _keep(self, conn: Connection, linking: Linking, home: Home | None) -> Stage:
        """With its audit row, in one commit; the address is used up by it. Without a home: they leave."""
        portal, now = self._portal, self._portal.clock()
        if not seen.first(conn, chat_link.SOURCE, [linking.number], at=now):
            return Stage.UNKNOWN
        if home is not None:
            recipient, became = enrolment.enrol(
                conn, portal.keys, linking.channel, linking.address, home, at=now
            )
            if became is not Enrolled.SAME:
                self._audit(conn, f"register.{_ACTIONS[became]}", recipient, linking)
            return Stage.DONE
        standing = enrolment.standing(conn, portal.keys, linking.channel, linking.address)
        if standing is not None and standing.kind is Kind.RESIDENT:
            register.end(conn, portal.keys, linking.channel, standing.recipient)
            self._audit(conn, "register.leave", standing.recipient, linking)
        return Stage.LEFT

    def _audit(self, conn: Connection, action: str, recipient: RecipientId, linking: Linking) -> None:
        audit.append(
            conn,
            self._portal.keys,
            at=self._portal.clock(),
            actor="recipient",
            action=action,
            subject=f"recipient {recipient}",
            detail={"channel": linking.channel, "by": "chat"},
        )

    def _home(self, posted: Form) -> Home | None:
        town, language = Town(posted.text("town")), posted.choice("language", Language)
        if town not in self._portal.city.towns or language is None:
            return None
        support = posted.ticked("support") if posted.ticked("support_asked") else None
        return Home(town, self._portal.city.zone_of(town), language, posted.ticked("drills"), support)

    def _linking(self, request: web.Request) -> Linking | None:
        named = request.match_info.get("language")
        wish = best(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
        request[LANGUAGE] = Language(named).value if named else wish.value
        return chat_link.read(self._portal.keys, request.match_info["token"], at=self._portal.clock())

    def _unknown(self, request: web.Request) -> web.Response:
        sender = self._portal.senders.one(request) or ""
        if self._wrong.wait(sender):
            raise web.HTTPTooManyRequests
        self._wrong.failed(sender)
        return self._show(request, Stage.UNKNOWN)

    def _away(self, request: web.Request, error: SQLAlchemyError) -> web.Response:
        if not trouble.is_away(error):
            raise error
        log.warning("a registration from a chat could not be kept: the database is away")
        return self._show(request, Stage.AWAY)

    def _show(
        self,
        request: web.Request,
        stage: Stage,
        *,
        standing: Standing | None = None,
        home: Home | None = None,
        missing: bool = False,
        status: int | None = None,
    ) -> web.Response:
        language, token = Language(request[LANGUAGE]), request.match_info["token"]
        chosen = home or (standing.home if standing else None)
        response = self._press.pages.render(
            request,
            "enrolling.html",
            status=status or _STATUS.get(stage, 200),
            t=Reader(language, self._portal.clock()).text,
            path=lambda tag: chat_path(token, tag),
            stage=stage,
            chosen=chosen,
            registered=standing is not None,
            called=standing is not None and standing.called,
            missing=missing,
            towns=[(code, town.name.in_language(language)) for code, town in self._portal.city.towns.items()],
        )
        response.headers[hdrs.CONTENT_LANGUAGE] = language.value
        if stage is Stage.AWAY:
            response.headers[hdrs.RETRY_AFTER] = "60"
        return response


_ACTIONS = {Enrolled.NEW: "enrol", Enrolled.MOVED: "move"}
