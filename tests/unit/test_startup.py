"""What every process of the hub loads, however few channels it has."""

import subprocess
import sys

HEAVY = ("linebot", "tweepy", "reportlab", "pyopenjtalk", "scipy")
"""Libraries of one connector or one task: LINE's own takes longer to load than all else together."""


def test_a_process_loads_no_library_of_a_channel_that_it_may_not_have() -> None:
    asked = f"import sys, yobikake.roles; print(*[name for name in {HEAVY} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.split() == []
