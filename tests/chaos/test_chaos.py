"""`yobikake chaos`: the hub keeps its promises under every fault, and the instrument sees when it does not."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from yobikake.chaos.plan import plan
from yobikake.chaos.shapes import KINDS, Embedded

SEEDS = 30
SIDE_BY_SIDE = 4
"""Runs mostly wait."""
MISSED_AT_MOST = 4
"""Kinds that may stay without a hit in so few runs: a fault that lies in wait does not always catch something."""

SHOWN_BY = {"skip-claim": "kill", "ack-early": "kill_at_answer", "drop-outcome": "slow", "no-fence": "freeze"}
"""A fault under which a mechanism is missed, if it is not there."""


@pytest.mark.alone
def test_nothing_is_lost_sent_twice_or_late() -> None:
    code, said = _chaos("--seeds", str(SEEDS), "--jobs", str(SIDE_BY_SIDE))
    assert said["violations"] == []
    assert code == 0
    assert said["runs"] == SEEDS
    assert said["acked_alerts"] >= SEEDS
    assert said["recipients"] > 100 * SEEDS
    assert (said["lost"], said["unflagged_duplicates"]) == (0, 0)
    assert said["flagged_resends"] <= said["resend_bound"]
    missed = set(KINDS) - said["faults_fired"].keys()
    assert len(missed) <= MISSED_AT_MOST, f"never fired: {sorted(missed)}"


@pytest.mark.parametrize(("sabotage", "kind"), SHOWN_BY.items())
def test_a_hub_that_was_broken_on_purpose_is_found_out(sabotage: str, kind: str) -> None:
    first = next(seed for seed in range(len(KINDS)) if plan(seed, Embedded()).hits[0].kind == kind)
    for seed in (first, first + len(KINDS), first + 2 * len(KINDS)):
        code, said = _chaos("--seed", str(seed), "--sabotage", sabotage)
        if said["violations"]:
            assert code == 1
            assert all(re.match(rf"seed {seed}: I\d+ ", violation) for violation in said["violations"])
            return
    pytest.fail(f"{sabotage} was not seen")


def _chaos(*arguments: str) -> tuple[int, dict[str, Any]]:
    """The command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "yobikake", "chaos", "--json", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)
