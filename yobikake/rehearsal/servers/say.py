"""Progress, one line each, on stderr."""

import sys


def say(line: str) -> None:
    print(f"servers: {line}", file=sys.stderr, flush=True)
