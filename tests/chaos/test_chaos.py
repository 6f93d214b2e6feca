"""`yobikake chaos` sees when a hub does not keep its promises."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from yobikake.chaos.plan import plan
from yobikake.chaos.shapes import KINDS, Embedded

SHOWN_BY = {"skip-claim": "kill", "ack-early": "kill_at_answer", "drop-outcome": "slow", "no-fence": "freeze"}
"""A fault under which a mechanism is missed, if it is not there."""


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
