"""The files of open data on the residents' listener: for programs, which ask again and again, so each address has a limit."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from aiohttp import hdrs, web

from operator_ui.allowance import Allowance
from operator_ui.residents.answer import LICENSED, NAMING, answer
from operator_ui.residents.data_files import CATALOGUE, DataFile, Subject
from operator_ui.residents.data_press import DataPress
from operator_ui.residents.document import Built, Edition, Written
from operator_ui.residents.news import News
from operator_ui.residents.portal import Residents
from operator_ui.residents.shelf import Shelf
from operator_ui.residents.snapshot import Snapshot
from shelters.history import slot_of

PER_S, AT_ONCE = 2.0, 120
"""Files for one address. The pages, and what a website shows of an alert, have no such limit."""
_TOO_MANY = "Too many requests from this address: come again after the seconds in Retry-After."


class DataRoutes:
    def __init__(self, portal: Residents, news: News, press: DataPress, shelf: Shelf) -> None:
        self._senders, self._news, self._press, self._shelf = portal.senders, news, press, shelf
        self._allowance = Allowance(clock=portal.clock, per_s=PER_S, at_once=AT_ONCE)

    def routes(self) -> list[web.RouteDef]:
        """Without the JSON of the pages themselves, which is the listener's."""
        files = [each for each in self._press.files if not each.old]
        return [
            web.get(CATALOGUE, partial(self._answer, LICENSED, self._catalogue)),
            *(
                web.get(each.path, partial(self._answer, _headers(each), partial(self._file, each)))
                for each in files
            ),
        ]

    async def _answer(
        self, headers: Mapping[str, str], built: Callable[[], Awaitable[Built]], request: web.Request
    ) -> web.Response:
        if wait_s := self._allowance.wait_s(self._senders.one(request)):
            return web.Response(
                status=429, text=_TOO_MANY, headers={**LICENSED, hdrs.RETRY_AFTER: str(wait_s)}
            )
        return answer(request, await built(), headers=headers, dated=True)

    async def _catalogue(self) -> Built:
        return await self._of(CATALOGUE, self._press.catalogue)

    async def _file(self, file: DataFile) -> Built:
        if file.subject is Subject.PAST:
            return await self._past(file)
        return await self._of(file.path, partial(self._press.present, file))

    async def _of(self, path: str, made: Callable[[Snapshot], Written]) -> Built:
        snapshot = await self._news.now()

        async def write() -> Callable[[], Written]:
            return partial(made, snapshot)

        return await self._shelf.get(snapshot.edition, snapshot.at, path, write)

    async def _past(self, file: DataFile) -> Built:
        """Written anew when five minutes have been added to it, or other sites may stand in it."""
        snapshot = await self._news.now()
        edition = past_edition(snapshot)

        async def write() -> Callable[[], Written]:
            past = await self._news.past(edition.minute)
            return partial(self._press.past, file, snapshot, past)

        return await self._shelf.get(edition, snapshot.at, file.path, write)


def _headers(file: DataFile) -> Mapping[str, str]:
    return NAMING if file.subject in (Subject.PRESENT, Subject.PAST) else LICENSED


def past_edition(snapshot: Snapshot) -> Edition:
    """What the files of the past depend on: which sites may stand in them, and up to when they go."""
    return Edition(snapshot.version.partition("-")[0], slot_of(snapshot.checked_at))
