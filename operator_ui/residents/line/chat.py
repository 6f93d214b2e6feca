"""What each event of the chat brings about.

Whether somebody is sent to (they left the chat, or came back) is in force before LINE is answered; an answer to them
follows beside that. What somebody wrote or where they are is asked of the window and kept nowhere.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from channels.line.message import Message
from channels.line.settings import Chatbot
from channels.line.webhook import Event, Kind
from hub import chat_link, typed
from hub.background import Background
from hub.city import City
from hub.clock import Clock
from hub.errors import HubError
from hub.keys import Keys
from hub.language import Language
from hub.ledger import Ledger, audit, enrolment, seen, trouble
from hub.ledger.enrolment import Standing
from hub.place import Position
from operator_ui.residents.line import messages
from operator_ui.residents.line.words import WORDS
from operator_ui.residents.portal import chat_path, home_path
from operator_ui.window.question import Question
from operator_ui.window.reply import Reply

log = structlog.get_logger(__name__)

CHANNEL = "line"
MOST_AT_ONCE = 500
"""Answers on their way; more wait for nothing, and are not given."""

Ask = Callable[[Question], Awaitable[Reply]]


class Replying(Protocol):
    async def reply(self, reply_token: str, messages: Sequence[Message]) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """`url`: of the residents' listener, as people reach it. `ask`: the window."""

    ledger: Ledger
    keys: Keys
    city: City
    clock: Clock
    url: str
    replies: Replying
    background: Background
    ask: Ask
    chatbot: Chatbot | None = None

    async def take(self, events: Sequence[Event]) -> None:
        """Durable when this returns. An event that came before changes nothing and is not answered again.

        Raises:
            DatabaseAway: nothing was kept; LINE may deliver it again. What could be answered is answered all the same.
        """
        try:
            with trouble.told():
                fresh = await self.ledger.write(lambda conn: self._keep(conn, events))
        except HubError:
            # a token works once: answering one question twice is not possible
            self._answer(events)
            raise
        log.info(
            "line webhook",
            events=len(events),
            fresh=len(fresh),
            again=sum(event.redelivered for event in events),
        )
        self._answer([event for event in events if event.id in fresh])

    def foreign(self, event: Event) -> bool:
        """The chatbot wants it too, or alone."""
        return event.kind in _EVERYBODYS or not self.ours(event)

    def ours(self, event: Event) -> bool:
        """We answer it, and the chatbot does not."""
        bot = self.chatbot
        if not (event.active and event.user and event.reply_token):
            return False
        match event.kind:
            case Kind.POSTBACK:
                return bool(event.command)
            case Kind.TEXT:
                return bot is None or not bot.texts
            case Kind.LOCATION:
                return bot is None or not bot.locations
            case Kind.FOLLOW:
                return bot is None or not bot.greeting
        return False

    def _keep(self, conn: Connection, events: Sequence[Event]) -> set[str]:
        now = self.clock()
        fresh = set(seen.first(conn, CHANNEL, [event.id for event in events if event.id], at=now))
        for event in sorted(events, key=lambda each: each.at):
            if event.id in fresh and event.user and event.kind in _COMING_AND_GOING:
                self._hold(conn, event, at=now)
        return fresh

    def _hold(self, conn: Connection, event: Event, *, at: datetime) -> None:
        left = event.kind is Kind.UNFOLLOW
        recipient = enrolment.hold(conn, self.keys, CHANNEL, event.user, suppressed=left, at=event.at)
        if recipient is not None:
            audit.append(
                conn,
                self.keys,
                at=at,
                actor="recipient",
                action="register.hold" if left else "register.resume",
                subject=f"recipient {recipient}",
                detail={"channel": CHANNEL, "by": event.kind},
            )

    def _answer(self, events: Sequence[Event]) -> None:
        for event in filter(self.ours, events):
            if self.background.running >= MOST_AT_ONCE:
                log.warning("too many ask at once; a chat is not answered", kind=event.kind)
                continue
            self.background.start(self._reply(event), name="line reply")

    async def _reply(self, event: Event) -> None:
        person = await self._person(event.user)
        language = person.home.language if person else Language.JA
        if event.kind is Kind.FOLLOW:
            said = self._greeting(event, person, language)
        elif event.command == messages.REGISTER:
            said = [self._door(event, language)]
        else:
            said = await self._asked(event, person, language)
        await self.replies.reply(event.reply_token, said)

    async def _asked(self, event: Event, person: Standing | None, language: Language) -> list[Message]:
        """The window's answer; where nothing could be read yet, the page on which it will stand."""
        try:
            reply = await self.ask(self._question(event, person))
        except HubError as e:
            log.warning("the window cannot answer now", reason=type(e).__name__)
            text = f"{WORDS[language].alerts}\n{self.url}{home_path(language)}"
            return messages.touchable([{"type": "text", "text": text}], language)
        return messages.said(reply, url=self.url)

    def _greeting(self, event: Event, person: Standing | None, language: Language) -> list[Message]:
        city = self.city.names[language]
        if person is not None and person.home.town in self.city.towns:
            town = self.city.towns[person.home.town].name.in_language(language)
            text = WORDS[language].back.format(city=city, town=town)
            return messages.touchable([{"type": "text", "text": text}], language)
        # nobody knows yet which language they read
        welcome = "\n\n".join(
            WORDS[each].welcome.format(city=self.city.names[each]) for each in (Language.JA, Language.EN)
        )
        return messages.touchable([{"type": "text", "text": welcome}, self._door(event, language)], language)

    def _door(self, event: Event, language: Language) -> Message:
        token = chat_link.token(self.keys, CHANNEL, event.user, at=self.clock())
        text = WORDS[language].link.format(city=self.city.names[language])
        return messages.door(text, language, self.url + chat_path(token, language))

    def _question(self, event: Event, person: Standing | None) -> Question:
        chosen = person.home.language if person else None
        asked, language = event.text, chosen
        if event.kind is Kind.POSTBACK:
            words = WORDS[chosen or Language.JA]
            own = {messages.SITES: words.sites, messages.ALERTS: words.alerts}
            asked = own.get(event.command, event.command.removeprefix(messages.ASK))
        return Question(
            text=asked,
            asked_at=self.clock(),
            language=language,
            position=_position(event),
            town=person.home.town if person and person.home.town in self.city.towns else None,
        )

    async def _person(self, user: str) -> Standing | None:
        """None: not registered, or not to be found out now."""
        try:
            return await self.ledger.read(lambda conn: enrolment.standing(conn, self.keys, CHANNEL, user))
        except SQLAlchemyError as e:
            if not trouble.is_away(e):
                raise
            return None


_COMING_AND_GOING = frozenset({Kind.FOLLOW, Kind.UNFOLLOW})
_EVERYBODYS = frozenset({Kind.FOLLOW, Kind.UNFOLLOW, Kind.ACCOUNT_LINK, Kind.OTHER})


def _position(event: Event) -> Position | None:
    if event.latitude is None or event.longitude is None:
        return None
    try:
        return typed.convert({"latitude": event.latitude, "longitude": event.longitude}, Position)
    except msgspec.ValidationError:
        return None
