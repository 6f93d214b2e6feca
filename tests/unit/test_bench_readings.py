"""How a reading is found again on a page, and what a percentile says of those that are not."""

from collections.abc import Sequence

from yobikake.bench.figures import Machine
from yobikake.bench.page_watcher import Seen
from yobikake.bench.readings import Measured, latencies
from yobikake.bench.readings_paced import Probe

PLACES = {"door-a": "35.7,139.3", "door-b": "35.8,139.4"}


def seen(*counts: tuple[float, int, int]) -> list[Seen]:
    a, b = PLACES.values()
    return [Seen(at=at, people={a: first, b: second}) for at, first, second in counts]


def test_a_group_is_seen_on_the_first_page_after_it_that_shows_it() -> None:
    probes = [Probe(door="door-a", at=1.0), Probe(door="door-b", at=2.0), Probe(door="door-a", at=5.0)]
    pages = seen((0.5, 60, 60), (1.5, 61, 60), (2.5, 82, 60), (3.5, 82, 81), (5.5, 82, 81), (6.5, 103, 81))
    assert latencies(probes, pages, PLACES) == [1.5, 1.5, 1.5]


def test_two_groups_on_one_page_are_each_seen_and_one_that_never_comes_is_not() -> None:
    probes = [Probe(door="door-a", at=1.0), Probe(door="door-a", at=2.0), Probe(door="door-b", at=3.0)]
    pages = seen((0.5, 60, 60), (4.0, 102, 60))
    assert latencies(probes, pages, PLACES) == [3.0, 2.0]


def measured(groups: int, found: Sequence[float]) -> Measured:
    here = Machine(cores=2, python="3.11", system="Linux", load=0.0, versions={})
    return Measured(
        per_s=500,
        readings=1,
        groups=groups,
        latencies_s=found,
        recipients=1,
        alert_s=1.0,
        absent=(),
        machine=here,
    )


def test_one_that_was_never_seen_is_later_than_any_other() -> None:
    whole = measured(20, [0.1 * number for number in range(1, 21)])
    assert (whole.percentile(50), whole.percentile(95), whole.met) == (1.0, 1.9000000000000001, True)
    lost = measured(22, whole.latencies_s)
    assert (lost.percentile(50), lost.percentile(95), lost.met) == (1.1, None, False)
