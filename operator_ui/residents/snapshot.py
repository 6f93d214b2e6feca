"""What is true now, or was when it could last be read; and what of it ends by itself."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

import msgspec

from hub import codec
from hub.alert import Mode
from hub.cap import MsgType
from hub.hazard import Hazard
from hub.language import Language
from hub.ledger.alerts import Accepted
from hub.recipient import Zone
from hub.render import SlotSource
from hub.shelter_list import STALE_AFTER, ShelterLines
from operator_ui.changes import version_of
from operator_ui.residents.document import Edition
from shelters.board import Board
from shelters.public_list import Entry, public_list
from shelters.site import Site, SiteCode


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What was true at `checked_at`. `alerts`: the highest level first, then the newest.

    `stuck`: nothing could be read since, for so long that residents must be told.
    """

    checked_at: datetime
    alerts: tuple[Accepted, ...]
    board: Board
    slots: SlotSource
    stuck: bool = False

    @cached_property
    def hazards(self) -> tuple[Hazard, ...]:
        """For which shelters are named, in the order of the alerts. A lifted order names none."""
        found = (each.alert.hazard for each in self.alerts if not _lifts(each))
        return tuple(dict.fromkeys(hazard for hazard in found if hazard.designable))

    @cached_property
    def live_hazards(self) -> tuple[Hazard, ...]:
        """Those of them that are no drill's."""
        live = {
            each.alert.hazard for each in self.alerts if each.alert.mode is Mode.LIVE and not _lifts(each)
        }
        return tuple(hazard for hazard in self.hazards if hazard in live)

    @cached_property
    def said(self) -> bytes:
        """Differs when a page would: what `Changes` looks at."""
        return codec.encode([self.stuck, self._identifiers, self._lists, self._marks, self._sent])

    @cached_property
    def gist(self) -> bytes:
        """As `said`, but for the head counts and their times."""
        return codec.encode(
            [self.stuck, self._identifiers, [[_uncounted(entry) for entry in each] for each in self._lists]]
        )

    @cached_property
    def version(self) -> str:
        """In front of the hyphen what matters at once, behind it the counts too.

        Processes that look at different moments agree on the first half, and for some seconds not on the second.
        """
        return f"{version_of(self.gist)}-{version_of(self.said)}"

    @cached_property
    def edition(self) -> Edition:
        return Edition(self.version, self.checked_at.replace(second=0, microsecond=0))

    @cached_property
    def until(self) -> datetime:
        """When something of this ends by itself: an alert, or how long a count may be believed (I13)."""
        ends = [each.alert.expires for each in self.alerts]
        ends += [entry.fresh_until for each in self._lists for entry in each if entry.fresh_until is not None]
        return min(ends, default=datetime.max.replace(tzinfo=UTC))

    @cached_property
    def sites(self) -> dict[SiteCode, Site]:
        """Every site of the city, in the order of its list."""
        return {row.site.code: row.site for row in self.board.rows}

    @property
    def at(self) -> datetime:
        """Rises with whatever was looked at or ended."""
        return max(self.checked_at, self.board.at)

    def later(self, now: datetime, *, stuck: bool) -> "Snapshot":
        """As it must be read at `now`, if nothing could be read since: without what has ended meanwhile.

        Once it is stuck, no text names a site any more: it has its own sentence for that (I16).
        """
        return replace(
            self,
            alerts=tuple(each for each in self.alerts if each.alert.expires > now),
            board=self.board.later(now),
            slots=_Unlisted(self.slots) if stuck and not self.stuck else self.slots,
            stuck=stuck,
        )

    @property
    def _identifiers(self) -> list[str]:
        return [each.alert.identifier for each in self.alerts]

    @cached_property
    def _lists(self) -> list[list[Entry]]:
        return [public_list(self.board, hazard) for hazard in self.hazards]

    @property
    def _sent(self) -> list[object]:
        """Where the plans in force send people, and why; for how many is not said to residents."""
        return [[sorted(self.board.prices(hazard).items()), self._zones(hazard)] for hazard in self.hazards]

    def _zones(self, hazard: Hazard) -> list[object]:
        plan = self.board.plan(hazard)
        return [
            [zone, [(row.site.code, choice.reason) for row, choice in self.board.sent(hazard, zone)]]
            for zone in (plan.zones if plan else ())
        ]

    @property
    def _marks(self) -> list["_Marks"]:
        return [_marks(entry, self.board.at) for each in self._lists for entry in each]


def _lifts(accepted: Accepted) -> bool:
    return accepted.alert.msg_type is MsgType.CANCEL


def _uncounted(entry: Entry) -> Entry:
    people = 0 if entry.few or entry.people is not None else None
    return msgspec.structs.replace(entry, people=people, few=False, as_of=None, fresh_until=None)


class _Marks(NamedTuple):
    """What a page says beside a site that changes by the passing of time alone."""

    old: bool
    late: bool


def _marks(entry: Entry, now: datetime) -> _Marks:
    return _Marks(
        old=entry.as_of is not None and now - entry.as_of > STALE_AFTER,
        late=entry.opens_at is not None and now > entry.opens_at,
    )


class _Unlisted:
    """A `SlotSource` that knows of no site."""

    def __init__(self, source: SlotSource) -> None:
        self._source = source

    def shelters(self, _zone: Zone | None, _hazard: Hazard, _language: Language) -> ShelterLines | None:
        return None

    def official(self, site: str) -> bool:
        return self._source.official(site)

    def city(self, language: Language) -> str:
        return self._source.city(language)

    def link(self, number: str, language: Language) -> str:
        return self._source.link(number, language)

    def telephone(self) -> str:
        return self._source.telephone()
