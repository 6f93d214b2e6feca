"""Whether the smarthost still takes mail from us.

A hub whose address fell off the smarthost's list, or whose account ran out, may still connect, log in and begin: only
its recipients are refused, each of them, with words that are as good a refusal of one of them («554 5.7.1 … Relay access
denied»; Postfix keeps even what it has against our name or sender until RCPT, `smtpd_delay_reject`). So such a refusal
(`Verdict.of_us`) is read by the company it keeps.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import structlog

from channels.mail.replies import Verdict
from hub.delivery import Outcome
from hub.newest import Newest
from hub.recipient import Recipient, RecipientId

log = structlog.get_logger(__name__)

SEVERAL = 3
"""Recipients refused one behind the other, in one transaction or several, before it is us."""

NEARLY_NOBODY = 10
"""One in so many that was taken tells nothing: staff have mailboxes at the smarthost itself, and need no relaying."""

REMEMBERED = 1000
NOT_RELAYED = "not relayed"


class Said(NamedTuple):
    """What one transaction has heard of its recipients: by place in `to`."""

    to: Sequence[Recipient]
    asked: Sequence[int]
    """Those of whom something was said."""
    refused: Mapping[int, Verdict]


class Relaying:
    """Of one smarthost, in one process."""

    def __init__(self, own: Collection[str] = ()) -> None:
        """`own`: domains of the city, whose mail a smarthost takes also from whom it relays nothing for."""
        self._own = tuple(f"@{domain.lower()}" for domain in own)
        self._row: set[RecipientId] = set()
        """Refused since somebody was last taken."""
        self._taken = 0
        """How often somebody was taken behind a row of them."""
        self._refused_at: Newest[RecipientId, int] = Newest(REMEMBERED)
        """By `_taken`."""

    def judged(self, said: Said) -> Mapping[int, Verdict]:
        """The refusals of one transaction as they are to be read.

        Beside others who are taken it is about the recipient, as the table has it. Where nobody is, or nearly nobody,
        nothing is known of the recipients, and all of them are tried again: with several it is about us, and
        `CREDENTIALS`, unless somebody else was taken since they were first refused.
        """
        doubted = {place: verdict for place, verdict in said.refused.items() if verdict.of_us}
        if not doubted and not self._row:
            return said.refused
        taken = self._others(said)
        if taken * NEARLY_NOBODY > len(doubted):
            self._taken += bool(self._row)
            self._row.clear()
            return said.refused
        return {**said.refused, **self._blamed(said.to, doubted)}

    def _others(self, said: Said) -> int:
        """How many were taken for whom it has to relay."""
        taken = (said.to[place].address for place in said.asked if place not in said.refused)
        return sum(not address.lower().endswith(self._own) for address in taken)

    def _blamed(self, to: Sequence[Recipient], doubted: Mapping[int, Verdict]) -> Mapping[int, Verdict]:
        before = len(self._row)
        known = {place for place in doubted if self._is_known(to[place].id)}
        self._row |= {to[place].id for place in doubted.keys() - known}
        ours = len(self._row) >= SEVERAL
        if ours and before < SEVERAL:
            log.warning("mail smarthost takes nobody", reason=next(iter(doubted.values())).reason)
        return {
            place: Verdict(Outcome.CREDENTIALS, NOT_RELAYED)
            if ours and place not in known
            else verdict._replace(outcome=Outcome.TEMPORARY)
            for place, verdict in doubted.items()
        }

    def _is_known(self, recipient: RecipientId) -> bool:
        """Refused before, and others were taken meanwhile."""
        at = self._refused_at.get(recipient)
        if at is None:
            self._refused_at.keep(recipient, self._taken)
        return at is not None and at < self._taken
