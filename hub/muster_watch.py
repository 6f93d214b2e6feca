"""Watching for what a rule calls staff for: a beat that asks the ledger, and does something only when it changed.

Several processes may watch at once: the ledger notes each rule's event once, and whoever notes it calls.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from hub import headquarters, muster_rules, roster
from hub.alert import Mode
from hub.city import City
from hub.clock import Clock
from hub.errors import HubError
from hub.inbound import occasions
from hub.keys import Keys
from hub.ledger import Ledger, musters, revisions
from hub.muster import LONGEST_REASON, Roll
from hub.muster_rules import Cause, Found, Received, Rule, Rules
from hub.mustering import Mustering
from hub.organisation import Organisation
from hub.place import Name

log = structlog.get_logger(__name__)

EVERY_S = 2.0
FRESH = timedelta(minutes=30)
"""What came in longer ago calls nobody: the hub stood still meanwhile, or the rule is new."""
BACK = timedelta(days=2)
"""Telegrams are read again from here on, to know what stands already."""


class MusterWatch:
    def __init__(
        self,
        *,
        ledger: Ledger,
        keys: Keys,
        city: City,
        organisation: Organisation,
        rules: Rules,
        sites: Mapping[str, Name],
        channels: Sequence[str],
        mustering: Mustering,
        page: Callable[[str, str], None],
        clock: Clock,
    ) -> None:
        """`channels`: those that reach people. `page(topic, text)` wakes staff when a rule has nobody to call."""
        self._ledger = ledger
        self._keys = keys
        self._organisation = organisation
        self._city_rules = rules
        self._sites = sites
        self._channels = tuple(channels)
        self._mustering = mustering
        self._page = page
        self._clock = clock
        self.codes = frozenset({*city.codes, *rules.quake_areas})
        """By which a telegram names the city, its rivers and its areas."""
        self._seen: tuple[int, ...] | None = None

    async def look(self) -> None:
        """One beat: call for every event that is new."""
        seen = await self._ledger.read(_newest)
        if seen == self._seen:
            return
        for found in await self._ledger.read(self._found):
            await self._call(found)
        self._seen = seen

    def _found(self, conn: Connection) -> list[Found]:
        """What came in since the rules stand as they do, lately, and was not noted yet."""
        rules, since = muster_rules.in_force(conn, self._keys, self._city_rules)
        now = self._clock()
        begin = max(now - FRESH, since or now - FRESH)
        received = [Received(each.telegram, each.received_at) for each in occasions.since(conn, now - BACK)]
        history = headquarters.history(conn, self._keys, limit=2)
        noted = {(each.rule, each.event) for each in musters.firings(conn, limit=200)}
        return [
            found
            for rule in rules
            for found in self._of(rule, received, history)
            if found.at > begin and (rule.code, found.event) not in noted
        ]

    def _of(
        self, rule: Rule, received: Sequence[Received], history: Sequence[headquarters.Standing]
    ) -> list[Found]:
        if rule.cause is Cause.STAGE:
            found = muster_rules.by_stage(rule, history, self._organisation)
            return [found] if found else []
        return list(muster_rules.by_telegrams(rule, received, self.codes))

    async def _call(self, found: Found) -> None:
        rule, event = found.rule.code, found.event
        kept, _ = await self._ledger.read(lambda conn: roster.listed(conn, self._keys))
        groups = roster.chosen(roster.groups(kept, self._organisation, self._sites), found.rule.groups)
        if not groups or not self._channels:
            if await self._ledger.write(lambda conn: musters.fire(conn, rule, event, at=self._clock())):
                self._page(f"muster {rule}", _NOBODY.format(words=found.words))
            return
        roll = Roll(reason=found.words[:LONGEST_REASON], channels=self._channels, groups=groups)
        try:
            number = await self._mustering.by_rule(
                rule, event, roll, Mode.STAFF_DRILL if found.drill else Mode.LIVE
            )
        except HubError as e:
            self._page(f"muster {rule}", _FAILED.format(words=found.words))
            log.error("a rule could not call staff", rule=rule, error=type(e).__name__)
            raise
        if number is not None:
            log.info("a rule called staff", rule=rule, muster=number)


def _newest(conn: Connection) -> tuple[int, ...]:
    return (
        occasions.newest(conn),
        revisions.number(conn, headquarters.SUBJECT),
        revisions.number(conn, muster_rules.SUBJECT),
    )


_NOBODY = (
    "参集の規則に当たりましたが（{words}）、呼ぶ人が名簿にいません。電話で集めてください / "
    "A rule was met ({words}), but the staff list has nobody to call. Telephone them"
)
_FAILED = (
    "参集の規則に当たりましたが（{words}）、呼び出せませんでした。「参集」から呼んでください / "
    "A rule was met ({words}), but staff could not be called. Call them from the page of musters"
)
