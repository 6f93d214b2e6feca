"""The gate: what it lets through, and what each refusal makes of a recipient."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from hub import gate as gates
from hub.delivery import Outcome
from hub.errors import Cancelled, Expired, GateClosed, LeaseLost, Superseded, WrongMode
from hub.gate import LEASE, MARGIN, Stops, closed_as, fence, gate
from tests.unit.test_retry import BATCH, NOW

OPEN = math.inf


def test_it_opens_for_what_is_in_force() -> None:
    gate(BATCH, Stops(), lambda: NOW, OPEN)()


@pytest.mark.parametrize(
    ("outcome", "error"), [(Outcome.CANCELLED, Cancelled), (Outcome.SUPERSEDED, Superseded)]
)
def test_a_stop_closes_a_gate_that_was_made_before_it(outcome: Outcome, error: type[GateClosed]) -> None:
    stops = Stops()
    check = gate(BATCH, stops, lambda: NOW, OPEN)
    check()
    stops.add(BATCH.alert, outcome)
    with pytest.raises(error):
        check()


def test_another_alerts_stop_closes_nothing() -> None:
    stops = Stops()
    stops.add("another", Outcome.CANCELLED)
    gate(BATCH, stops, lambda: NOW, OPEN)()


def test_it_closes_at_the_very_moment_of_expiry() -> None:
    now = BATCH.expires - timedelta(microseconds=1)
    check = gate(BATCH, Stops(), lambda: now, OPEN)
    check()
    now = BATCH.expires
    with pytest.raises(Expired):
        check()


def test_a_holder_fences_itself_well_before_its_lease_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1_000.0
    monkeypatch.setattr(gates.time, "monotonic", lambda: seconds)
    check = gate(BATCH, Stops(), lambda: NOW, fence())
    seconds += (LEASE - MARGIN).total_seconds() - 0.001
    check()
    seconds += 0.001
    with pytest.raises(LeaseLost):
        check()


def test_a_clock_that_jumps_back_reopens_no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates.time, "monotonic", lambda: OPEN + 1)
    with pytest.raises(LeaseLost):
        gate(BATCH, Stops(), lambda: datetime(2020, 1, 1, tzinfo=UTC), OPEN)()


def test_each_refusal_is_an_outcome_but_a_lost_lease() -> None:
    known = {kind: closed_as(kind("")) for kind in GateClosed.__subclasses__()}
    assert known == {
        Cancelled: Outcome.CANCELLED,
        Superseded: Outcome.SUPERSEDED,
        Expired: Outcome.EXPIRED,
        WrongMode: Outcome.UNSUPPORTED,
        LeaseLost: None,
    }


def test_a_stop_is_told_once_and_stays_what_it_was_first() -> None:
    told: list[str] = []
    stops = Stops()
    stops.watch(told.append)
    for outcome in (Outcome.CANCELLED, Outcome.SUPERSEDED):
        stops.add("a", outcome)
    assert told == ["a"]
    assert stops.outcome("a") is Outcome.CANCELLED
    assert stops.unknown(["a", "b"]) == ["b"]
