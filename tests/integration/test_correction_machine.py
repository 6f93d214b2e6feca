"""Corrections of alerts and of corrections, whatever happens in whatever order: exactly who was told is told again."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TypeVar
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from hub import receipts
from hub.channel import Receipt
from hub.delivery import Batch, Outcome, ProviderRef, Result, merge
from hub.ledger import alerts, batches, corrections, plans, tables
from hub.ledger.alerts import Accepted
from hub.ledger.tables import BatchState
from hub.recipient import Reached, RecipientId
from hub.retry import judge
from hub.source import source_of
from tests.integration.engine import AUTHOR, KEYS, Engine, engine, mail, residents
from tests.integration.test_engine_correction import correct

T = TypeVar("T")

PEOPLE, SIZE = 10, 2
SAID_AT_ONCE = {
    Outcome.ACCEPTED: 4, Outcome.AMBIGUOUS: 3, Outcome.PERMANENT: 4, Outcome.TEMPORARY: 2, Outcome.SUPPRESSED: 1,
}  # fmt: skip
SAID_LATER = (Outcome.DELIVERED, Outcome.ANSWERED, Outcome.PERMANENT, Outcome.TEMPORARY)
ENDS = {"record": 4, "give back": 1, "abandon": 1}


@settings(max_examples=40, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(st.integers(0, 1_000_000))
def test_a_correction_goes_to_exactly_who_was_told_each_once(seed: int) -> None:
    with TemporaryDirectory() as folder, patch("hub.fanout.STEP", 1):
        asyncio.run(_lived_through(Path(folder), Random(seed)))


async def _lived_through(folder: Path, chance: Random) -> None:
    channels = {"mail": mail(9, recipients_per_transaction=SIZE)}
    overrides = {
        "resends_ambiguous": chance.random() < 0.5, "max_attempts": 2, "receipt_wait": timedelta(minutes=5),
    }  # fmt: skip
    async with engine(folder, channels=channels, **overrides) as hub:
        await hub.register(residents(PEOPLE, language="ja", zone="z0"))
        story = Story(hub=hub, chance=chance, alerts=[await hub.send()])
        await story.plan(0, PEOPLE)
        await story.send(chance.randint(2, 8))
        await story.report(0)
        await story.claim(chance.randint(0, 3))
        if chance.random() < 0.3:
            await hub.intake.stop(story.alerts[0], AUTHOR)
        await story.correct(0)
        await story.report(0)
        await story.finish()
        await story.live_through(1)
        if chance.random() < 0.5:
            await story.send(chance.randint(0, 3))
            if chance.random() < 0.2:
                await hub.intake.stop(story.alerts[1], AUTHOR)
            await story.correct(chance.randint(0, 1))
            await story.live_through(2)
        await story.end()


@dataclass(slots=True, kw_only=True)
class Story:
    hub: Engine
    chance: Random
    alerts: list[str]
    claims: list[tuple[Batch, str]] = field(default_factory=list)
    holders: int = 0
    since: dict[str, set[RecipientId]] = field(default_factory=dict)
    """By correction: whoever was told what it corrects, at any moment since its planning began."""

    async def live_through(self, which: int) -> None:
        """The correction is planned, and receipts come: before, in between, after, in any order."""
        await self.plan(which, self.chance.choice([0, 1, 2, PEOPLE]))
        await self.report(self.chance.randint(0, which))
        await self.plan(which, self.chance.choice([0, PEOPLE]))
        for _ in range(self.chance.randint(0, 2)):
            await self.report(self.chance.randint(0, which))
            await self.hub.fanout.extend()

    async def plan(self, which: int, steps: int) -> None:
        """Some steps of one alert, unless it has to wait."""
        alert = self.alerts[which]
        accepted = await self._accepted(alert)
        chain = await self.hub.ledger.read(lambda conn: corrections.chain(conn, KEYS, accepted.alert))
        for corrected in chain:
            freeze = partial(corrections.freeze, corrected=corrected, channel="mail")
            assert await self.hub.ledger.write(freeze), "nothing is under way any more"
        await self._look(alert)
        source = source_of(accepted.alert, chain, "mail", self.hub.capabilities["mail"])
        for _ in range(steps):
            plan = await self.hub.ledger.read(lambda conn: plans.get(conn, alert, "mail"))
            if plan.complete:
                return
            assert await self.hub.fanout._step(accepted, "mail", plan, source, {})

    async def send(self, number: int) -> None:
        for _ in range(number):
            await self.claim(1)
            await self.finish()

    async def claim(self, number: int) -> None:
        """As if each was somebody else's. Resends are among them."""
        for _ in range(number):
            waiting = await self.hub.ledger.read(
                lambda conn: sorted(
                    conn.execute(
                        select(tables.batches.c.id).where(tables.batches.c.state == BatchState.PLANNED)
                    ).scalars()
                )
            )
            chosen = self.chance.sample(waiting, min(1, len(waiting)))
            self.holders += 1
            owner = f"holder {self.holders}"
            claimed = await self.hub.ledger.write(
                partial(batches.claim, ids=chosen, owner=owner, lease=timedelta(hours=1))
            )
            self.claims += [(batch, owner) for batch in claimed]

    async def finish(self) -> None:
        """How what is claimed ends. Who gave it back, or is taken for dead, says what it knows too late."""
        for batch, owner in self.claims:
            work = partial(self._record, batch=batch, owner=owner)
            match self._one_of(ENDS):
                case "give back":
                    release = partial(batches.release, batch=batch, owner=owner, after=timedelta(0))
                    await self.hub.ledger.write(release)
                case "abandon":
                    await self.hub.ledger.write(partial(work, said=[Outcome.AMBIGUOUS] * SIZE))
            await self.hub.ledger.write(partial(work, said=[self._one_of(SAID_AT_ONCE) for _ in range(SIZE)]))
        self.claims.clear()

    async def report(self, which: int) -> None:
        """Of some, also of a try that is not recorded, and never will be."""
        found = [
            Receipt(
                ref=_ref(self.alerts[which], RecipientId(who), self.chance.choice([1, 1, 2])),
                outcome=self.chance.choice(SAID_LATER),
                at=self.hub.clock(),
            )
            for who in range(1, PEOPLE + 1)
            if self.chance.random() < 0.3
        ]
        await self.hub.ledger.write(
            lambda conn: receipts.apply(
                conn, "mail", found, self.hub.capabilities["mail"], now=self.hub.clock(), random=Random(0)
            )
        )
        for correction in self.since:
            await self._look(correction)

    async def correct(self, which: int) -> None:
        self.alerts.append(await correct(self.hub, self.alerts[which]))

    async def end(self) -> None:
        """What waits is ended as the gate would, and everything is planned to its end."""
        for which, alert in enumerate(self.alerts):
            await self.plan(which, 2 * PEOPLE)
            stopped = (await self._accepted(alert)).stopped_as
            if stopped is not None:
                await self.hub.ledger.write(partial(batches.settle_unsent, alert=alert, outcome=stopped))
        await self.hub.fanout.extend()
        for alert in self.alerts[1:]:
            again = await self._members(alert)
            assert again == dict.fromkeys(again, 1)
            assert (await self.hub.tally(alert))["mail"].planned == len(again)
            assert again.keys() <= self.since[alert]
            if (await self._accepted(alert)).stopped_as is None:
                assert again.keys() >= await self.told(*await self._chain(alert))

    async def told(self, *alerts_: str) -> set[RecipientId]:
        """Whose outcome is that they were or may have been reached, or of whose arrival there is proof."""
        return {
            member
            for alert in alerts_
            for row in await self.hub.rows(alert)
            for member, handover, receipt in zip(row.members, row.handover, row.receipt, strict=True)
            if merge(Outcome(handover), Outcome(receipt)).name
            in {"ACCEPTED", "DELIVERED", "ANSWERED", "AMBIGUOUS"}
            or Outcome(receipt).name in {"DELIVERED", "ANSWERED"}
        }

    async def _look(self, correction: str) -> None:
        if chain := await self._chain(correction):
            self.since.setdefault(correction, set()).update(await self.told(*chain))

    async def _chain(self, alert: str) -> list[str]:
        """All that is corrected, in the end, by this."""
        audience = (await self._accepted(alert)).alert.targeting.audience
        if not isinstance(audience, Reached):
            return []
        return [audience.identifier, *await self._chain(audience.identifier)]

    async def _members(self, alert: str) -> Counter[RecipientId]:
        """Of root batches: a retry repeats somebody of these."""
        rows = await self.hub.rows(alert)
        return Counter(member for row in rows if row.parent is None for member in row.members)

    async def _accepted(self, alert: str) -> Accepted:
        return await self.hub.ledger.read(lambda conn: alerts.get(conn, KEYS, alert))

    def _one_of(self, weighed: Mapping[T, int]) -> T:
        return self.chance.choices(list(weighed), list(weighed.values()))[0]

    def _record(self, conn: Connection, batch: Batch, owner: str, said: list[Outcome]) -> None:
        """As `deliver.record` does."""
        now, capabilities = self.hub.clock(), self.hub.capabilities["mail"]
        results = {
            position: Result(member, outcome, _ref(batch.alert, member, batch.attempt))
            for position, (member, outcome) in enumerate(zip(batch.members, said, strict=False))
        }
        stopped = alerts.stopped(conn, [batch.alert], hold=True).get(batch.alert)
        verdict = judge(batch, results, capabilities, now=now, random=Random(0), stopped_as=stopped)
        recorded = batches.Record(
            batch=batch,
            owner=owner,
            results=verdict.final,
            children=verdict.children,
            moved=verdict.moved,
            settles_at=None,
            reached_between=(now, now),
            keep_refs=True,
        )
        wrote = batches.record(conn, [recorded])
        if wrote:
            refs = [result.ref for result in results.values() if result.ref is not None]
            receipts.unpark(conn, "mail", refs, capabilities, now=now, random=Random(0))


def _ref(alert: str, recipient: RecipientId, attempt: int) -> ProviderRef:
    return ProviderRef(f"{alert} {recipient} {attempt}")
