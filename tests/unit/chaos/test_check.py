"""The check finds every breach there is, and none that there is not: what was acknowledged is there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.delivery import Outcome
from tests.unit.chaos.checking import ALL_BUT_ONE, C, nothing_wrong, the_only_violation, with_one
from tests.unit.chaos.made_up import (
    FIRST,
    PEOPLE,
    RESIDENTS,
    all_right,
    at,
    known,
    observed,
    record,
    row,
    taken,
)  # fmt: skip
from yobikake.chaos import observed as observing
from yobikake.chaos.check import check


def test_where_everything_is_right_nothing_is_found() -> None:
    findings = nothing_wrong(all_right())
    assert (findings.acked_alerts, findings.recipients) == (1, 6)
    assert (findings.flagged_resends, findings.resend_bound) == (0, 0)


def test_a_violation_names_seed_promise_alert_channel_and_recipients_but_no_address() -> None:
    text = the_only_violation(observed(known(with_one(Outcome.PENDING)), taken=ALL_BUT_ONE))
    for word in ("seed 7", "I2", "2026-0001", "mail", "recipient 6"):
        assert word in text
    assert "mail-6" not in text


def test_a_hub_that_crashed_is_told_though_nobody_was_harmed() -> None:
    run = replace(all_right(), crashes=["mail-1 crashed: SIGSEGV"])
    assert the_only_violation(run) == f"seed {run.seed}: mail-1 crashed: SIGSEGV"


def test_an_acknowledged_alert_that_is_not_in_the_ledger_is_lost() -> None:
    findings = check(observed(accepted={FIRST: at(0)}))
    assert findings.lost == 1
    assert findings.violations[0].startswith(f"seed 7: I1 {FIRST}")


def test_an_alert_that_nobody_was_told_of_may_exist_and_obeys_the_same_rules() -> None:
    run = all_right(accepted={})
    assert nothing_wrong(run).recipients == 0
    assert "I2" in the_only_violation(replace(run, record=record(known(with_one(Outcome.TEMPORARY)))))


@pytest.mark.parametrize(
    ("changes", "promise"),
    [
        ({"broken": "audit row 3 was changed"}, "I12: the record"),
        ({"deeds": frozenset()}, "I12 2026-0001"),
    ],
)
def test_the_audit_tells_of_what_was_done(changes: dict[str, Any], promise: str) -> None:
    run = all_right()
    assert promise in the_only_violation(replace(run, record=replace(run.record, **changes)))


def test_a_stop_that_was_acknowledged_is_in_the_ledger() -> None:
    assert "I5 2026-0001" in the_only_violation(all_right(stopped={FIRST: at(5)}))


@pytest.mark.parametrize(("stop", "begins", "within_s"), [(5.0, 1.0, 0.0), (0.5, 1.25, 0.75)])
def test_how_long_anything_begins_after_a_stop_is_told(stop: float, begins: float, within_s: float) -> None:
    run = replace(
        observed(known([row()]), taken=[taken(id_, begun_at=at(begins)) for id_ in RESIDENTS]),
        stopped={FIRST: at(stop)},
        record=record(known([row()], stopped_as=C)),
    )
    findings = nothing_wrong(run)
    assert (findings.stops, findings.stopped_within_s) == (1, within_s)


def test_a_stop_is_in_the_audit_unless_a_later_alert_had_ended_it_before() -> None:
    stopped = replace(all_right(stopped={FIRST: at(5)}), record=record(known([row()], stopped_as=C)))
    nothing_wrong(stopped)
    unaudited = replace(stopped.record, deeds=frozenset({("alert.accept", FIRST)}))
    assert "I12 2026-0001: its stop" in the_only_violation(replace(stopped, record=unaudited))
    superseded = replace(unaudited, alerts={FIRST: known([row()], stopped_as=Outcome.SUPERSEDED)})
    nothing_wrong(replace(stopped, record=superseded))


def test_no_address_stands_in_what_the_transport_wrote(tmp_path: Path) -> None:
    clean, dirty, secret = (tmp_path / name for name in ("clean.db", "dirty.db", "secret.log"))
    clean.write_bytes(b"\0\1mail-\0 7777")
    dirty.write_bytes(b"\0\1" + b"x" * 5000 + b"line-3\0")
    secret.write_bytes(b"Bearer hush")
    found = observing.leaks([clean, dirty, secret], PEOPLE.values(), ["hush"])
    assert found == ["dirty.db", "secret.log"]
    assert "dirty.db" in the_only_violation(all_right(leaks=found[:1]))
