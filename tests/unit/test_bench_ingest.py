"""`yobikake bench ingest` sends of no door more than a hub takes."""

from shelters.quota import BURST
from yobikake.bench.ingest import DOORS, most_readings


def test_no_door_sends_more_than_is_taken_of_it() -> None:
    most = most_readings(5, ways=2, sites=36)
    assert most > 1_000
    assert 11 * most * 5 * 2 / (36 * DOORS) <= BURST
