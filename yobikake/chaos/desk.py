"""The operator's desk inside the hub under test: commands in, what the hub's own calls gave out.

An answer is given only after the call returned: what the operator reads was acknowledged.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

import config
from hub import phrases
from hub.alert import AlertInfo, DecisionMethod, Mode
from hub.authorise import Actor, Role
from hub.clock import utc_now
from hub.draft import Message, State
from hub.evacuation import Level
from hub.intake import Approval
from hub.ledger import alerts, drafts
from hub.progress import Tally, progress
from operator_ui.staff.beginning import FollowUp, following
from yobikake import compose
from yobikake.assembly import Assembly
from yobikake.chaos import records
from yobikake.chaos.failpoints import Armed, Failpoints

AUTHOR = Actor(login="sato", name="佐藤（架空）", roles=frozenset(Role))
APPROVER = Actor(login="tanaka", name="田中（架空）", roles=frozenset(Role))

GROUNDS = "石原水位観測所で氾濫危険水位に到達"

NUMBER = "{number}"

Answer = Mapping[str, Any]


class ClockHand:
    """The hub's clock, which somebody may set wrong."""

    def __init__(self) -> None:
        self.off = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.off


class Desk:
    def __init__(self, assembly: Assembly, failpoints: Failpoints, clock: ClockHand) -> None:
        self._assembly = assembly
        self._failpoints = failpoints
        self._clock = clock
        self._templates = phrases.load(config.folder("phrases"))

    async def do(self, command: str, fields: Mapping[str, Any]) -> Answer:
        """Raises what the hub raises, and `KeyError` for a command there is not."""
        return await self.commands[command](**fields)

    @property
    def commands(self) -> Mapping[str, Callable[..., Awaitable[Answer]]]:
        return {
            "prepare": self._prepare,
            "follow": self._follow,
            "accept": self._accept,
            "find": self._find,
            "stop": self._stop,
            "rest": self._rest,
            "arm": self._arm,
            "disarm": self._disarm,
            "clock": self._set_clock,
            "repeat": self._repeat,
            "forge": self._forge,
        }

    async def _prepare(
        self,
        *,
        template: str,
        area: str | None,
        mode: str,
        channels: list[str],
        valid_for_s: float,
        routine: bool,
    ) -> Answer:
        """Compose and submit a draft. `routine`: at the level of an advisory, which may wait."""
        city = self._assembly.city
        message = compose.message(
            compose.template(template),
            city,
            area=compose.preset(city, area) if area else None,
            mode=Mode(mode),
            channels=tuple(channels),
            method=DecisionMethod.HEADQUARTERS,
            ordered_at=self._clock(),
            grounds=GROUNDS,
            valid_for=timedelta(seconds=valid_for_s),
        )
        return await self._submit(
            msgspec.structs.replace(message, level=Level.ADVISORY) if routine else message
        )

    async def _follow(self, identifier: str, kind: str) -> Answer:
        """Compose and submit an update, a correction, a retraction or a lifting of an alert."""
        earlier = await self._assembly.ledger.read(
            lambda conn: alerts.get(conn, self._assembly.keys, identifier)
        )
        message = following(
            earlier,
            FollowUp(kind),
            templates=self._templates,
            city=self._assembly.city,
            now=self._clock(),
        )
        order = msgspec.structs.replace(message.order, grounds=GROUNDS)
        return await self._submit(msgspec.structs.replace(message, order=order))

    async def _submit(self, message: Message) -> Answer:
        """Every text says its alert's number: the gateways' logs are read by it."""
        message = msgspec.structs.replace(message, infos=tuple(map(_numbered, message.infos)))
        intake = self._assembly.intake
        made = await intake.save(message, AUTHOR)
        submitted = await intake.submit(made.id, AUTHOR, seen=made.version)
        return {"draft": submitted.id, "version": submitted.version}

    async def _accept(self, draft: str, version: int) -> Answer:
        """The second person approves: what comes back was accepted."""
        actor = APPROVER
        level = (await self._assembly.intake.read(draft, actor)).message.level
        accepted = await self._assembly.intake.accept(
            Approval(draft=draft, version=version, typed=level), actor
        )
        return {"identifier": accepted.alert.identifier, "number": accepted.number}

    async def _find(self, draft: str) -> Answer:
        """The alert a draft became: how an operator learns it who was not answered."""

        def work(conn: Connection) -> Answer:
            found = drafts.get(conn, draft)
            if found.state is not State.SENT or found.alert is None:
                return {}
            accepted = alerts.get(conn, self._assembly.keys, found.alert)
            return {"identifier": accepted.alert.identifier, "number": accepted.number}

        return await self._assembly.ledger.read(work)

    async def _stop(self, identifier: str) -> Answer:
        return {"settled": await self._assembly.intake.stop(identifier, AUTHOR)}

    async def _rest(self) -> Answer:
        """How many recipients of each alert have no outcome yet; None while it is not planned."""
        now = self._clock()

        def work(conn: Connection) -> dict[str, int | None]:
            found = alerts.recent(conn, self._assembly.keys)
            return {
                each.number: _rest(
                    progress(conn, each.alert.identifier, self._assembly.capabilities, now=now)
                )
                for each in found
            }

        return {"rest": await self._assembly.ledger.read(work)}

    async def _arm(self, failpoint: str) -> Answer:
        self._failpoints.arm(Armed.parse(failpoint))
        return {}

    async def _disarm(self) -> Answer:
        self._failpoints.disarm()
        return {}

    async def _set_clock(self, off_s: float) -> Answer:
        self._clock.off = timedelta(seconds=off_s)
        return {}

    async def _repeat(self, order: str, seed: int) -> Answer:
        return {"records": await records.repeat(self._assembly, order, seed=seed)}

    async def _forge(self, seed: int) -> Answer:
        return {"records": await records.forge(self._assembly, seed=seed)}


def _numbered(info: AlertInfo) -> AlertInfo:
    """At the end: a correction's text names the alert that it corrects, too, and before."""
    if info.speech.endswith(NUMBER):
        return info
    return msgspec.structs.replace(info, speech=f"{info.speech}\n{NUMBER}")


def _rest(tallies: Mapping[str, Tally]) -> int | None:
    """An acceptance whose receipt may still come is an outcome: nothing more is done for it."""
    if not all(tally.complete for tally in tallies.values()):
        return None
    return sum(int(tally.pending - tally.awaiting) for tally in tallies.values())
