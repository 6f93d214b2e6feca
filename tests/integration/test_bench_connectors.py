"""`yobikake bench connectors`, small: that ledger and gateway are compared, over the whole hub."""

from tests.integration.test_bench_lanes import bench


async def test_ledger_and_gateway_agree_about_everybody() -> None:
    found = await bench("connectors", "--residents", "40", "--faulty", "0", "--channels", "sms")
    (run,) = found["runs"]
    assert (run["channel"], run["faulty"], run["requests"]) == ("sms", False, 40)
    assert run["sums"]["outcomes"] == {"delivered": 40}
    assert 0 < run["first_s"] <= run["last_s"] <= run["settled_s"]
    assert run["hub_cpu_s"] > 0
    (peer,) = found["peers"]
    assert (peer["channel"], peer["recipients"]) == ("sms", 40)
    assert found["contracts_per_s"] == {"sms": 1.0}
    assert found["window"] is None
