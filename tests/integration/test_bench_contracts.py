"""`yobikake bench line` and `voice`, small: that every request was seen, and what is said of them."""

from tests.integration.test_bench_lanes import bench


async def test_line_counts_what_the_gateway_saw_of_each_way() -> None:
    found = await bench(
        "line", "--rounds", "1", "--requests", "40", "--recipients", "300", "--latency-ms", "5"
    )
    assert found["ratios"].keys() == {"connector", "hub", "sdk_readme", "sdk_gather"}
    for way, requests in {"connector": 40, "sdk_readme": 4, "sdk_gather": 40}.items():
        assert found["taken"][way] + found["refused"][way] == requests
    assert found["taken"]["hub"] >= 40 * 500 // 300
    assert all(each["median"] > 0 for each in found["ratios"].values())
    assert all(most >= 1 for most in found["most_in_a_second"].values())
    assert found["cpu_ms"]["connector"]["median"] > 0


async def test_voice_calls_everybody_once_at_each_contract() -> None:
    found = await bench("voice", "--rounds", "1", "--seconds", "2")
    assert found["calls"] == {"1_per_s": 3, "10_per_s": 21, "30_per_s": 61}
    assert found["taken"] + found["refused"] == 3 + 21 + 61
    assert found["ratios"].keys() == found["most_in_a_second"].keys() == found["calls"].keys()
    assert all(each["median"] > 0 for each in found["ratios"].values())
