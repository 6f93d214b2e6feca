"""The gate: what it lets through, and what each refusal makes of a recipient."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import gate as gates
from hub.alert import Mode
from hub.capabilities import Capabilities
from hub.claim import Claim
from hub.delivery import Batch, Outcome
from hub.errors import BadSettings, Cancelled, Expired, GateClosed, LeaseLost, Superseded, WrongMode
from hub.gate import Fence, Gate, Leases, Stops, closed_as, monotonic_s
from hub.life import Tenure
from hub.testing.alerts import an_alert
from tests.unit.test_retry import BATCH, NOW

ALERT = an_alert(identifier=BATCH.alert, sent=NOW, expires=BATCH.expires)
SHORT = Leases(lease=timedelta(seconds=6), life=timedelta(seconds=3))


def never() -> float:
    return math.inf


def gate(stops: Stops | None = None, now: datetime = NOW, fence: Fence = never) -> Gate:
    return gates.gate(BATCH, stops or Stops(), lambda: now, fence, ALERT)


def test_it_opens_for_what_is_in_force() -> None:
    gate()()


@pytest.mark.parametrize(
    ("outcome", "error"), [(Outcome.CANCELLED, Cancelled), (Outcome.SUPERSEDED, Superseded)]
)
def test_a_stop_closes_a_gate_that_was_made_before_it(outcome: Outcome, error: type[GateClosed]) -> None:
    stops = Stops()
    check = gate(stops)
    check()
    stops.add(BATCH.alert, outcome)
    with pytest.raises(error):
        check()


def test_another_alerts_stop_closes_nothing() -> None:
    stops = Stops()
    stops.add("another", Outcome.CANCELLED)
    gate(stops)()


@pytest.mark.parametrize("sooner", [timedelta(0), timedelta(minutes=1)], ids=["the batch", "the alert"])
def test_it_closes_at_the_very_moment_of_expiry_whoever_expires_first(sooner: timedelta) -> None:
    alert = an_alert(identifier=BATCH.alert, sent=NOW, expires=BATCH.expires - sooner)
    now = alert.expires - timedelta(microseconds=1)
    check = gates.gate(BATCH, Stops(), lambda: now, never, alert)
    check()
    now = alert.expires
    with pytest.raises(Expired):
        check()


@pytest.mark.parametrize("mode", [Mode.STAFF_DRILL, Mode.RESIDENT_DRILL])
def test_a_batch_of_another_mode_than_its_alert_passes_no_gate(mode: Mode) -> None:
    drill = an_alert(identifier=BATCH.alert, sent=NOW, mode=mode)
    with pytest.raises(WrongMode):
        gates.gate(BATCH, Stops(), lambda: NOW, never, drill)()


def claimed(batch: Batch = BATCH, *, fenced_at: float = math.inf, leases: Leases) -> Claim:
    tenure = Tenure(owner="a", fenced_at=fenced_at)
    return Claim(batch=batch, tenure=tenure, begun=monotonic_s(), leases=leases)


@pytest.mark.parametrize("leases", [Leases(), SHORT], ids=str)
def test_a_holder_fences_itself_well_before_its_lease_ends(
    leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 1_000.0
    for module in ("gate", "claim"):
        monkeypatch.setattr(f"hub.{module}.monotonic_s", lambda: seconds)
    claim = Claim(batch=BATCH, tenure=Tenure(owner="a", fenced_at=math.inf), begun=seconds, leases=leases)
    check = gate(fence=claim.fence)
    seconds += (leases.lease - leases.margin).total_seconds() - 0.001
    check()
    seconds += 0.001
    with pytest.raises(LeaseLost):
        check()


def test_a_life_that_is_not_renewed_fences_every_claim_made_in_it() -> None:
    claim = claimed(leases=Leases())
    check = gate(fence=claim.fence)
    check()
    claim.tenure.fenced_at = monotonic_s()
    with pytest.raises(LeaseLost):
        check()
    claim.tenure.fenced_at += 10
    check()


def test_a_clock_that_jumps_back_reopens_no_lease() -> None:
    with pytest.raises(LeaseLost):
        gate(now=datetime(2020, 1, 1, tzinfo=UTC), fence=lambda: -math.inf)()


seconds = st.floats(1, 3_600).map(lambda number: timedelta(seconds=number))


@given(seconds, seconds, st.floats(0, 3_600))
def test_whatever_leases_are_set_a_holder_stops_before_others_may_begin(
    lease: timedelta, life: timedelta, fenced_after_s: float
) -> None:
    if life > lease:
        with pytest.raises(BadSettings, match="life_s"):
            Leases(lease=lease, life=life)
        return
    leases = Leases(lease=lease, life=life)
    claim = claimed(leases=leases)
    claim.tenure.fenced_at = claim.begun + fenced_after_s
    assert claim.fence() <= claim.tenure.fenced_at
    assert claim.begun < claim.begun + 0.5 < claim.cut_off_at < claim.ends_at
    assert claim.fence() <= claim.cut_off_at - leases.margin.total_seconds() / 3
    assert 3 * leases.renew_every <= leases.life - leases.life_margin + timedelta(microseconds=3)


@given(seconds, st.floats(0, 3_600).map(lambda number: timedelta(seconds=number)))
def test_no_request_outlasts_its_claim_and_no_claim_is_longer_for_another_channels(
    lease: timedelta, asked: timedelta
) -> None:
    leases = Leases(lease=lease, life=timedelta(seconds=1))
    its = leases.of(Capabilities(kind="line", japanese="LINE", batch_size=1, request_deadline=asked))
    assert asked < its.lease - its.margin
    assert its.lease == (lease if 1.5 * asked <= lease else 1.5 * asked)
    assert its.life == leases.life, "who is gone is found out as soon as ever"


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
