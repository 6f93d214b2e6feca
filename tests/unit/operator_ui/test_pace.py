"""How numbers grew: nothing is lost at the ends, nothing ever falls, and every channel stands at the same moments."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.ledger.tempo import Taken, Tempo
from operator_ui.staff.pace import AMOUNTS, TIMES, TOTAL, Step, steps
from tests.unit.operator_ui.desk import NOW

TAKEN = st.lists(
    st.builds(
        lambda kind, after_s, number: Taken(kind, NOW + timedelta(seconds=after_s), number),
        st.sampled_from(["mail", "voice"]),
        st.integers(0, 40_000),
        st.integers(1, 500),
    ),
    max_size=60,
).map(lambda some: sorted(some, key=lambda each: each.at))


@given(accepted=TAKEN, arrived=TAKEN)
def test_nothing_is_lost_and_nothing_falls(accepted: list[Taken], arrived: list[Taken]) -> None:
    found = steps(Tempo(accepted, arrived), ["mail", "voice"])
    whole = found[TOTAL]
    assert len(whole) <= TIMES + 2 * AMOUNTS + 4
    if not (accepted or arrived):
        assert whole == ()
        return
    known = sum(each.number for each in arrived)
    last = whole[-1]
    assert (last.accepted, last.arrived) == (max(sum(each.number for each in accepted), known), known)
    assert whole[0].at == min(each.at for each in (*accepted, *arrived))
    for kind in (TOTAL, "mail", "voice"):
        assert [step.at for step in found[kind]] == [step.at for step in whole]
        numbers = [(step.accepted, step.arrived) for step in found[kind]]
        assert numbers == sorted(numbers)
        assert [arrived for _, arrived in numbers] == sorted(arrived for _, arrived in numbers)
        assert all(step.arrived <= step.accepted for step in found[kind])


def test_a_steep_beginning_and_a_long_tail_are_both_kept() -> None:
    steep = [Taken("mail", NOW + timedelta(seconds=each), 100) for each in range(20)]
    tail = [Taken("mail", NOW + timedelta(minutes=each), 1) for each in range(1, 31)]
    whole = steps(Tempo([*steep, *tail], []), ["mail"])[TOTAL]
    assert sum(step.at < NOW + timedelta(seconds=20) for step in whole) >= 8
    assert sum(step.at > NOW + timedelta(minutes=1) for step in whole) >= 15
    assert whole[-1] == Step(NOW + timedelta(minutes=30), 2030, 0)
