"""Who asks: `X-Forwarded-For` counts from the right, and only behind proxies that were named."""

import pytest
from aiohttp.test_utils import make_mocked_request

from operator_ui.senders import Senders

READER, LIAR = "8.8.8.8", "9.9.9.9"
PROXY, CDN = "10.1.2.3", "10.9.0.1"


def one(remote: str, *forwarded: str, trusted: tuple[str, ...] = ("10.0.0.0/8",)) -> str | None:
    request = make_mocked_request("GET", "/", [("X-Forwarded-For", each) for each in forwarded])  # type: ignore[arg-type]
    return Senders(trusted).one(request.clone(remote=remote))


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        (READER, (), READER),
        (READER, (LIAR,), READER),  # nobody we trust says so
        (PROXY, (READER,), READER),
        (PROXY, (f"{LIAR}, {READER}",), READER),
        (PROXY, (LIAR, READER), READER),  # two lines of one header
        (PROXY, (f"{LIAR}, {READER}, {CDN}",), READER),
        (PROXY, (), None),
        (PROXY, ("unknown",), None),
        (PROXY, (f"{READER}, nonsense",), None),
        (PROXY, (f"::ffff:{READER}",), READER),
        (PROXY, ("192.168.1.4",), None),  # a router of somebody else: it stands for many
        ("127.0.0.1", (READER,), None),
    ],
)
def test_the_sender(remote: str, forwarded: tuple[str, ...], expected: str | None) -> None:
    assert one(remote, *forwarded) == expected


@pytest.mark.parametrize(
    ("address", "one_reader"),
    [("8.8.8.8", True), ("2606:4700::1", True), ("127.0.0.1", False), ("10.1.2.3", False), ("", False)],
)
def test_a_proxy_of_our_own_is_nobody(address: str, one_reader: bool) -> None:
    assert one(address, trusted=()) == (address if one_reader else None)
