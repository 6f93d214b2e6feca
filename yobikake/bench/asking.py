"""As many questions as a city has residents, typed into the residents' page of a hub that runs, in a flood.

Each is a POST as a browser makes it; the questions are the city's own set in eight languages, in turn. Every answer is
read: which sites it names, and whether they may be named for what threatens and for what was asked (I16).
"""

import asyncio
import html
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import aiohttp

from hub import settings
from hub.hazard import Hazard
from hub.language import Language
from operator_ui.residents.portal import ask_path
from shelters.site import Site, SiteCode
from yobikake.assembly import assemble, city_folder
from yobikake.bench.connector_run import Watch, Wrong
from yobikake.bench.figures import Say, forget_peak, peak_bytes, resident_bytes, used_s
from yobikake.bench.hub_apart import Desk, Shape, only, running, submitted
from yobikake.evaluation.window import Asked, questions
from yobikake.rehearsal import evening
from yobikake.rehearsal.evening import Clerk

READERS = 8
"""Who wait for an answer at the same time."""
HAZARD = Hazard.FLOOD
SHORTEST_NAME = 4
"""Characters of a site's name that is looked for in a text."""
_REPLY = re.compile(r'<section[^>]* id="reply".*?</section>', re.S)
_PLACE = re.compile(r'<li><b>.*?<span class="sub" lang="ja">(.*?)</span></li>', re.S)
_SAID = re.compile(r"<p[^>]*>(.*?)</p>", re.S)
_MARK = re.compile(r"<[^>]+>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Of so many questions, all answered. `wrong_sites`: named and not to be; `naming`: answers that name a site at all."""

    questions: int
    naming: int
    wrong_sites: int
    per_s: float
    p50_ms: float
    p99_ms: float
    hub_cpu_ms: float
    growth_bytes: int


async def ask(
    path: Path, every: Path, people: tuple[Clerk, Clerk], number: int, *, say: Say, watch: Watch
) -> Answered:
    """`path`: the settings of a hub that does not run; `every`: those with all channels. Raises `Wrong` where a question was
    not answered."""
    only(path, "manual", of=every)
    found = settings.load(path)
    author, approver = people
    async with assemble(found) as assembly:
        opened = await evening.open_shelters(assembly)
        judge = Judge(assembly.sites, {site.code for site in opened}, assembly.city.absent)
        (draft,) = await submitted(assembly, author, channels=("manual",), number=1)
    async with AsyncExitStack() as stack:
        (pid,) = (await stack.enter_async_context(running(path, Shape.EMBEDDED))).values()
        desk = Desk(found, approver)
        stack.push_async_callback(desk.close)
        await desk.sign_in()
        await desk.approve(draft, await desk.read(draft))
        say(f"window, {number:,} questions")
        session = await stack.enter_async_context(aiohttp.ClientSession(found.residents.url))
        crowd = _Crowd(session, judge, _questions(found.city), number, watch)
        forget_peak(pid)
        before, used, began = resident_bytes(pid), used_s(pid), monotonic()
        await asyncio.gather(*(crowd.read() for _ in range(READERS)))
        if crowd.answered < number:
            raise Wrong(f"{crowd.answered:,} of {number:,} questions were answered")
        took = sorted(crowd.took)
        return Answered(
            questions=number,
            naming=crowd.naming,
            wrong_sites=crowd.wrong_sites,
            per_s=number / (monotonic() - began),
            p50_ms=1000 * took[len(took) // 2],
            p99_ms=1000 * took[len(took) * 99 // 100],
            hub_cpu_ms=1000 * (used_s(pid) - used) / number,
            growth_bytes=max(0, peak_bytes(pid) - before),
        )


def _questions(city: str) -> list[tuple[Language, Asked]]:
    known = questions(city_folder(city))
    return [(language, each) for language, of_it in known.items() for each in of_it]


class _Crowd:
    """Readers who ask one question after the other, until there have been enough."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        judge: "Judge",
        asked: Sequence[tuple[Language, Asked]],
        number: int,
        watch: Watch,
    ) -> None:
        self._session, self._judge, self._asked, self._watch = session, judge, asked, watch
        self._number, self._turns = number, iter(range(number))
        self.took: list[float] = []
        """Seconds, by question."""
        self.answered = self.naming = self.wrong_sites = 0

    async def read(self) -> None:
        for turn in self._turns:
            language, asked = self._asked[turn % len(self._asked)]
            at = monotonic()
            page = await self._post(language, asked.ask)
            self.took.append(monotonic() - at)
            self._count(asked, page)
            self._watch("window", len(self.took), self._number)

    async def _post(self, language: Language, text: str) -> str:
        path = f"{ask_path(language)}/reply"
        async with self._session.post(path, data={"question": text}, allow_redirects=False) as answer:
            answer.raise_for_status()
            return await answer.text()

    def _count(self, asked: Asked, page: str) -> None:
        if (reply := _REPLY.search(page)) is not None:
            named, wrong = self._judge.named(reply.group(), asked)
            self.answered += 1
            self.naming += named > 0
            self.wrong_sites += wrong


class Judge:
    """Which sites a reply names, by the addresses in its list and the names in its sentences."""

    def __init__(self, sites: Mapping[SiteCode, Site], opened: Set[SiteCode], absent: Set[Hazard]) -> None:
        self._sites, self._opened, self._absent = list(sites.values()), opened, absent

    def named(self, reply: str, asked: Asked) -> tuple[int, int]:
        """How many, and how many of them must not be."""
        hazards = {HAZARD, *(each for each in asked.asked if each not in self._absent)}
        allowed = [
            site for site in self._sites if site.code in self._opened and site.hazards.issuperset(hazards)
        ]
        addresses = {site.address for site in allowed}
        listed = [html.unescape(each).strip() for each in _PLACE.findall(reply)]
        elsewhere = list(self._in_sentences(reply, allowed))
        return len(listed) + len(elsewhere), sum(each not in addresses for each in listed) + len(elsewhere)

    def _in_sentences(self, reply: str, allowed: Sequence[Site]) -> Iterator[str]:
        """Names of others than these."""
        text = html.unescape(_MARK.sub("", " ".join(_SAID.findall(reply))))
        for site in sorted(allowed, key=lambda site: -len(site.name.ja)):
            text = text.replace(site.name.ja, " ")
        others = (site for site in self._sites if site not in allowed)
        return (s.name.ja for s in others if len(s.name.ja) >= SHORTEST_NAME and s.name.ja in text)
