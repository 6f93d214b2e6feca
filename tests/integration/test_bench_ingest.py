"""`yobikake bench ingest`, small: that it measures, and that every reading arrives exactly once."""

from tests.integration.test_bench_lanes import bench
from yobikake.rehearsal.servers.mosquitto import Mosquitto
from yobikake.rehearsal.servers.program import missing
from yobikake.rehearsal.servers.redis import Redis


async def test_every_reading_arrives_once_whatever_the_way_and_absent_servers_are_named() -> None:
    found = await bench(
        "ingest", "--rounds", "2", "--readings", "60", "--together", "20", "--connections", "3"
    )
    ways = 1 + (not missing(Mosquitto.needs()))
    places = 1 + (not missing(Redis.needs()))
    assert found["arrived_once"] == ways * places * 2 * (60 + 600)
    assert len(found["rates"]) == ways * places
    assert len(found["ratios"]) == 2 * ways * places
    assert len(found["absent"]) == (2 - ways) + (2 - places)
    for spread in found["ratios"].values():
        assert 0 < spread["min"] <= spread["median"] <= spread["max"]
    rates = found["rates"]["http_memory"]
    assert rates.keys() == {f"{a}_{b}" for a in ("together", "single") for b in ("answered", "counted")}
    assert found["machine"]["cores"] >= 1
