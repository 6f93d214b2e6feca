"""`yobikake bench readings`, small: that groups of people are found on the page, while an alert goes out."""

from tests.integration.test_bench_lanes import bench
from tests.servers.absence import absent
from yobikake.rehearsal.servers.mosquitto import Mosquitto
from yobikake.rehearsal.servers.program import advice, missing


async def test_what_sensors_report_is_seen_on_the_page_while_an_alert_goes_out() -> None:
    if lacking := missing(Mosquitto.needs()):
        absent(advice(lacking))
    found = await bench("readings", "--per-s", "40", "--seconds", "4", "--recipients", "40")
    assert found["groups"] >= 4
    assert found["seen"] == found["groups"], "none is lost on its way to the page"
    assert 0 < found["page_s"]["p50"] <= found["page_s"]["p95"] <= found["page_s"]["p99"]
    assert found["met"] == (found["page_s"]["p95"] <= found["goal_p95_s"])
    assert found["readings"] > found["groups"]
    assert found["alert_s"] > 0
