"""The token by which a push service knows us, as the simulated service checks it."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from channels.webpush import vapid
from channels.webpush.vapid import Vapid
from hub.errors import BadSettings
from hub.testing.parcels import NOW
from yobikake.rehearsal.push_token import refused

ORIGIN = "https://push.example"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "webpush.key"
    vapid.create(path)
    return path


def signer(path: Path, subject: str = "mailto:bosai@city.example") -> Vapid:
    return Vapid(vapid.load(path, setting="[channels.webpush] key_file"), subject=subject, clock=lambda: NOW)


def test_a_service_takes_the_token_for_a_day_less_than_it_may(key_file: Path) -> None:
    vapid_ = signer(key_file)
    header = vapid_.header(ORIGIN)
    for later, status in ((timedelta(0), None), (timedelta(hours=11), None), (timedelta(hours=13), 401)):
        assert refused(header, key=vapid_.public, audience=ORIGIN, now=NOW + later) == status


def test_it_is_for_one_service_under_one_key(key_file: Path, tmp_path: Path) -> None:
    vapid_, other = signer(key_file), tmp_path / "other.key"
    header = vapid_.header(ORIGIN)
    assert refused(header, key=vapid_.public, audience="https://other.example", now=NOW) == 401
    assert refused(header, key=vapid.create(other), audience=ORIGIN, now=NOW) == 403
    forged = header.replace(vapid_.public, signer(other).public)
    assert refused(forged, key=vapid_.public, audience=ORIGIN, now=NOW) == 401


def test_it_is_signed_once_in_six_hours_and_anew_when_the_clock_went_back(key_file: Path) -> None:
    now = NOW
    key = vapid.load(key_file, setting="key_file")
    vapid_ = Vapid(key, subject="https://city.example/", clock=lambda: now)
    first = vapid_.header(ORIGIN)
    now = NOW + timedelta(hours=5, minutes=59)
    assert vapid_.header(ORIGIN) == first
    assert vapid_.header("https://other.example") != first
    now = NOW + timedelta(hours=6)
    assert vapid_.header(ORIGIN) != first
    now = NOW - timedelta(days=400)
    assert refused(vapid_.header(ORIGIN), key=vapid_.public, audience=ORIGIN, now=now) is None


def test_a_new_key_is_its_owners_alone_and_never_overwrites(key_file: Path) -> None:
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    before = key_file.read_text()
    with pytest.raises(FileExistsError):
        vapid.create(key_file)
    assert key_file.read_text() == before


@pytest.mark.parametrize("content", ["", "not a key", "AAAA", "A" * 43, "é" * 43, "a\nb"])
def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadSettings) as refusal:
        vapid.load(path, setting="[channels.webpush] key_file")
    assert "key_file" in refusal.value.message
    assert not content or content not in refusal.value.message
    assert repr(signer).find("A" * 43) == -1
