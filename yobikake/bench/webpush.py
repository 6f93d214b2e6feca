"""What a push message costs before it leaves: reading the subscription, the token, the encryption; beside pywebpush.

Nothing is sent: a push service's answer takes as long for both. pywebpush is called as its README shows it, with the key
read beforehand and a session that keeps what it is given; and once more with a token that is signed once, which it leaves
to whoever calls it. Counted is processor time, so a busy machine slows nobody in particular.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from channels.webpush import vapid
from channels.webpush.encryption import encrypt, point
from channels.webpush.message import payload
from hub.clock import utc_now
from hub.subscription import Subscription, encoded
from hub.testing.parcels import content
from yobikake.bench.figures import Machine, Say, Spread, cpu, machine, ratios, spread
from yobikake.rehearsal.push_message import opened

GOAL = 1.6
"""Times as many messages for the same processor time."""
ORIGIN, SUBJECT = "https://push.example", "mailto:bosai@city.example"
_BROWSERS = 50
_AUTH = bytes(range(16))

Way = Callable[[Subscription], bytes]
"""Makes the message for one browser: the body, in whatever headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`per_s`: messages for each second of processor time, by round."""

    rounds: int
    messages: int
    size_bytes: int
    per_s: dict[str, list[float]] = field(default_factory=dict)
    machine: Machine

    @property
    def figures(self) -> dict[str, Spread]:
        return {name: spread(each) for name, each in self.per_s.items()}

    @property
    def ratios(self) -> dict[str, Spread]:
        """Ours over each peer's."""
        return {
            name: ratios(self.per_s["ours"], theirs) for name, theirs in self.per_s.items() if name != "ours"
        }


def measure(rounds: int, *, messages: int, say: Say) -> Measured:
    """Interleaved. What each way makes is opened once as a browser would, before anything is measured."""
    plain = payload(content())
    assert plain is not None  # noqa: S101 - the suite's own text fits
    private = generate_private_key(SECP256R1())
    browsers = [
        Subscription(f"{ORIGIN}/push/{number:032x}", point(private), _AUTH) for number in range(_BROWSERS)
    ]
    with TemporaryDirectory(prefix="yobikake-bench-") as folder:
        ways = _ways(Path(folder) / "key", plain)
    for way in ways.values():
        assert opened(way(browsers[0]), browsers[0], private) == plain  # noqa: S101
    per_s: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(1, rounds + 1):
        say(f"round {number} of {rounds}")
        for name, way in ways.items():
            per_s[name].append(messages / _took_s(way, browsers, messages))
    return Measured(
        rounds=rounds,
        messages=messages,
        size_bytes=len(plain),
        per_s=per_s,
        machine=machine("cryptography", "pywebpush", "http-ece", "py-vapid"),
    )


def _took_s(way: Way, browsers: Sequence[Subscription], messages: int) -> float:
    with cpu() as used:
        for number in range(messages):
            way(browsers[number % len(browsers)])
    return used.own_s


def _ways(key_file: Path, plain: bytes) -> dict[str, Way]:
    vapid.create(key_file)
    key = vapid.load(key_file, setting="key")
    ours = vapid.Vapid(key, subject=SUBJECT, clock=utc_now)
    readme, one_token = _peers(key, ours.header(ORIGIN), plain)

    def own(to: Subscription) -> bytes:
        read = Subscription.known(to.line)
        assert ours.header(read.origin)  # noqa: S101
        return encrypt(plain, read)

    return {"ours": own, "pywebpush": readme, "pywebpush, one token": one_token}


def _peers(key: Any, token: str, plain: bytes) -> tuple[Way, Way]:
    from py_vapid import Vapid02  # noqa: PLC0415 - a peer, for development only
    from pywebpush import webpush  # noqa: PLC0415

    kept: list[bytes] = []

    def post(_url: str, *, data: bytes, **_options: object) -> SimpleNamespace:
        kept[:] = [data]
        return SimpleNamespace(status_code=201, text="", headers={}, reason="Created")

    session: Any = SimpleNamespace(post=post)
    text, signer = plain.decode(), Vapid02(private_key=key)

    def readme(to: Subscription) -> bytes:
        claims: dict[str, str | int] = {"sub": SUBJECT}
        webpush(_info(to), text, vapid_private_key=signer, vapid_claims=claims, requests_session=session)
        return kept[0]

    def one_token(to: Subscription) -> bytes:
        webpush(_info(to), text, headers={"Authorization": token}, requests_session=session)
        return kept[0]

    return readme, one_token


def _info(to: Subscription) -> dict[str, Any]:
    return {"endpoint": to.endpoint, "keys": {"p256dh": encoded(to.p256dh), "auth": encoded(to.auth)}}
