"""Free ports of 127.0.0.1, for programs that must be told one."""

import random
import socket

_given: set[int] = set()


def free_port() -> int:
    """Below the range from which the system picks ports for outgoing connections, so it stays free."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - no secret
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
