"""`yobikake bench alert` and `plan`, small: that everybody is counted once, and what is said of it."""

from tests.integration.test_bench_lanes import bench


async def test_every_resident_is_acknowledged_exactly_once_in_every_round() -> None:
    found = await bench("alert", "--residents", "700", "--rounds", "2", "--delay", "0,5")
    assert [run["delay_ms"] for run in found["runs"]] == [0, 5]
    for run in found["runs"]:
        assert (run["shape"], run["residents"], run["distinct"]) == ("embedded", 700, 700)
        assert len(run["rounds"]) == 2
        for each in run["rounds"]:
            assert each["distinct"] == 700
            assert each["transactions"] == 96  # a text for each language and zone
            assert 0 < each["first_ms"] <= each["last_ms"]
            assert each["cpu_s"]["all"] > 0
            assert 0 < each["answer_ms"] < each["durable_ms"]


async def test_a_plan_holds_everybody_once_at_every_size() -> None:
    found = await bench("plan", "--residents", "700,2000")
    assert [size["residents"] for size in found["sizes"]] == [700, 2_000]
    for size in found["sizes"]:
        assert size["batches"] == 96  # in eight languages and twelve zones; a hundred in each fit
        assert size["seconds_per_million"] == 1_000_000 * size["seconds"] / size["residents"]
        assert size["alert_bytes"] > 4 * size["residents"]
        assert size["bytes_per_batch"] == size["alert_bytes"] / size["batches"]
        assert size["memory_growth_bytes"] >= 0
    assert found["sizes"][0]["register_bytes"] < found["sizes"][1]["register_bytes"]
