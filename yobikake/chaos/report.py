"""Adding runs up: what the command says at its end."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yobikake.chaos.runner import Outcome


@dataclass(slots=True, kw_only=True)
class Report:
    """Of many runs."""

    runs: int = 0
    acked_alerts: int = 0
    recipients: int = 0
    """(alert, channel, recipient) triples of acknowledged alerts."""
    fired: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    unflagged_duplicates: int = 0
    flagged_resends: int = 0
    resend_bound: int = 0
    """Recipients whose request was in flight when a fault hit it."""
    violations: list[str] = field(default_factory=list)
    stops: int = 0
    stopped_within_s: float = 0.0
    """The longest that anything still began after a stop was acknowledged (I5)."""

    def add(self, outcome: Outcome) -> None:
        found = outcome.findings
        self.runs += 1
        self.acked_alerts += found.acked_alerts
        self.recipients += found.recipients
        self.fired += outcome.fired  # keeps only what is more than nothing
        self.lost += found.lost
        self.unflagged_duplicates += found.unflagged_duplicates
        self.flagged_resends += found.flagged_resends
        self.resend_bound += found.resend_bound
        self.violations += found.violations
        self.stops += found.stops
        self.stopped_within_s = max(self.stopped_within_s, found.stopped_within_s)

    def as_json(self) -> Mapping[str, Any]:
        return {
            "runs": self.runs,
            "acked_alerts": self.acked_alerts,
            "recipients": self.recipients,
            "faults_fired": dict(sorted(self.fired.items())),
            "lost": self.lost,
            "unflagged_duplicates": self.unflagged_duplicates,
            "flagged_resends": self.flagged_resends,
            "resend_bound": self.resend_bound,
            "violations": self.violations,
            "stops": self.stops,
            "stopped_within_s": round(self.stopped_within_s, 3),
        }
