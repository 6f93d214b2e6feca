"""Runs are added up, and the sum is what the command prints, key by key."""

from collections import Counter

import msgspec

from yobikake.chaos.check import Findings
from yobikake.chaos.plan import plan
from yobikake.chaos.report import Report
from yobikake.chaos.runner import Outcome
from yobikake.chaos.shapes import Embedded


def _outcome(seed: int, *violations: str) -> Outcome:
    return Outcome(
        plan=plan(seed, Embedded()),
        fired=Counter({"kill": 1, "slow": seed}),
        findings=Findings(
            acked_alerts=3,
            recipients=900,
            lost=len(violations),
            unflagged_duplicates=0,
            flagged_resends=4,
            resend_bound=5,
            violations=violations,
            stops=1,
            stopped_within_s=seed / 4,
        ),
    )


def test_nothing_was_run() -> None:
    assert list(Report().as_json().values()) == [0, 0, 0, {}, 0, 0, 0, 0, [], 0, 0.0]


def test_runs_are_added_up() -> None:
    report = Report()
    for outcome in (
        _outcome(1),
        _outcome(2, "seed 2: I1 …: an alert that was acknowledged is in the ledger"),
    ):
        report.add(outcome)
    assert msgspec.json.decode(msgspec.json.encode(report.as_json())) == {
        "runs": 2,
        "acked_alerts": 6,
        "recipients": 1800,
        "faults_fired": {"kill": 2, "slow": 3},
        "lost": 1,
        "unflagged_duplicates": 0,
        "flagged_resends": 8,
        "resend_bound": 10,
        "violations": ["seed 2: I1 …: an alert that was acknowledged is in the ledger"],
        "stops": 2,
        "stopped_within_s": 0.5,
    }


def test_what_never_fired_is_not_counted_as_fired() -> None:
    report = Report()
    report.add(_outcome(0))
    assert report.as_json()["faults_fired"] == {"kill": 1}
