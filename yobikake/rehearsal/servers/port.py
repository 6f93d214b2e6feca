"""Free ports of 127.0.0.1, for programs that must be told one."""

import random
import socket
import sys

_given: set[int] = set()


def free_port() -> int:
    """Below the range from which the system picks ports for outgoing connections, so it stays free.

    While this process lives no other one is given it either, whether anything listens there or not (Linux).
    """
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - no secret
        if port not in _given and _claim(port):
            _given.add(port)
            if _is_free(port):
                return port


def _claim(port: int) -> bool:
    """By a name that is gone with the process: an abstract socket of Linux (unix(7)), open to the end."""
    if sys.platform != "linux":
        return True
    with socket.socket(socket.AF_UNIX) as claim:
        try:
            claim.bind(f"\0yobikake-port-{port}")
        except OSError:
            return False
        claim.detach()
        return True


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
