"""`[canaries.<channel>]`: what each stanza comes to, and which cannot work."""

from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hub.canary import DAY, Plan, Proof
from hub.capabilities import CanaryTo, Capabilities
from hub.channel import Target
from hub.errors import BadSettings
from hub.settings import CanarySettings, Settings
from yobikake.canary_role import canary, check

TEN = time(10)
MAILBOX = {"maildir_dir": "back"}
REPORTED = Capabilities(
    kind="voice", japanese="電話", batch_size=1, canary_every=DAY, receipt_wait=timedelta(hours=1)
)
PLAIN = replace(REPORTED, kind="line", receipt_wait=timedelta(0))
KINDS: dict[str, Capabilities] = {
    "mail": replace(PLAIN, kind="mail", canary_every=timedelta(minutes=15)),
    "line": PLAIN,
    "voice": REPORTED,
    "fax": replace(PLAIN, kind="fax", canary_every=7 * DAY),
    "webpush": replace(PLAIN, kind="webpush", canary_to=CanaryTo.DEVICE),
    "webhook": replace(PLAIN, kind="webhook", canary_to=CanaryTo.TARGETS),
    "x": replace(PLAIN, kind="x", canary_every=None),
}


def hub(kind: str, stanza: dict[str, Any], *, results: bool = False) -> Any:
    """What the role reads of one. `results`: the mailbox of bounces is read."""
    channels: dict[str, dict[str, Any]] = {each: {} for each in KINDS} | (
        {"mail": {"bounces_from": MAILBOX}} if results else {}
    )
    made = Settings(
        data=Path(), city="akishima", channels=channels, canaries={kind: CanarySettings(**stanza)}
    )
    systems = [Target(ref="cable-tv", name="ケーブルテレビ"), Target(ref="school", name="学校")]
    built = {
        each: SimpleNamespace(channel=SimpleNamespace(capabilities=has, targets=lambda: systems))
        for each, has in KINDS.items()
    }
    return SimpleNamespace(settings=made, channels=built)


@pytest.mark.parametrize(
    ("kind", "stanza", "plan"),
    [
        ("mail", {"to": "a@city.example"}, Plan(Proof.ACCEPTED, timedelta(minutes=15), TEN)),
        (
            "mail",
            {"to": "a@city.example", "back": MAILBOX},
            Plan(Proof.READ_BACK, timedelta(minutes=15), TEN),
        ),
        ("line", {"to": "U1", "at": "09:30"}, Plan(Proof.ACCEPTED, DAY, time(9, 30))),
        ("voice", {"to": "+81425550000", "every_min": 60}, Plan(Proof.RECEIPT, timedelta(hours=1), TEN)),
        ("fax", {"to": "+81425550001"}, Plan(Proof.ACCEPTED, 7 * DAY, TEN)),
        ("webpush", {}, Plan(Proof.SHOWN, DAY, TEN)),
        ("webhook", {}, Plan(Proof.TAKEN, DAY, TEN)),
    ],
)
def test_each_proves_as_much_as_it_can(kind: str, stanza: dict[str, Any], plan: Plan) -> None:
    assert canary(hub(kind, stanza), kind).plan == plan


def test_a_fax_is_proven_where_its_gateways_results_are_read() -> None:
    assert canary(hub("fax", {"to": "+81425550001"}, results=True), "fax").proof is Proof.RECEIPT


async def test_every_partner_is_told_and_may_be_named() -> None:
    made = canary(hub("webhook", {}), "webhook")
    assert (list(await made.to()), made.named) == (["cable-tv", "school"], True)
    made = canary(hub("voice", {"to": "+81425550000"}), "voice")
    assert (list(await made.to()), made.named) == (["+81425550000"], False), "an address stands on no screen"


@pytest.mark.parametrize(
    ("kind", "stanza", "where"),
    [
        ("line", {}, "[canaries.line] to"),
        ("webpush", {"to": "https://push.example/1 a b"}, "[canaries.webpush] to"),
        ("webhook", {"to": "cable-tv"}, "[canaries.webhook] to"),
        ("voice", {"to": "+81425550000", "back": MAILBOX}, "[canaries.voice] back"),
        ("x", {"to": "@city"}, "[canaries.x]"),
        ("loudspeaker", {"to": "a"}, "[canaries.loudspeaker]"),
    ],
)
def test_what_cannot_work_is_said_at_the_start(kind: str, stanza: dict[str, Any], where: str) -> None:
    with pytest.raises(BadSettings) as refused:
        check(hub(kind, stanza))
    assert refused.value.path == where
