"""`yobikake bench webpush`, small: each way makes what a browser can open, and says how many of it."""

import json

from tests.integration.command_line import run


def test_each_way_is_measured_beside_the_others() -> None:
    said = run("bench", "webpush", "--rounds", "2", "--messages", "10", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert found["per_s"].keys() == {"ours", "pywebpush", "pywebpush, one token"}
    assert all(each["min"] > 0 for each in found["per_s"].values())
    assert found["ratios"].keys() == {"pywebpush", "pywebpush, one token"}
    assert found["machine"]["versions"]["pywebpush"]
