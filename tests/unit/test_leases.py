"""Leases and lives as the settings file has them: what cannot work is refused by name, before anything starts."""

from datetime import timedelta
from pathlib import Path

import pytest

from hub import settings
from hub.errors import BadSettings
from hub.gate import LEASE, LIFE, Leases
from yobikake.assembly import leases_for

KAFKA = '[bus]\nkafka = "127.0.0.1:9092"\n'


def leases(folder: Path, text: str) -> Leases:
    path = folder / "yobikake.toml"
    path.write_text(f'data = "data"\ncity = "akishima"\n{text}')
    return leases_for(settings.load(path))


def test_without_a_word_they_are_the_defaults(tmp_path: Path) -> None:
    assert leases(tmp_path, KAFKA) == Leases(lease=LEASE, life=LIFE)


def test_an_embedded_hub_has_nobody_who_could_take_over_sooner(tmp_path: Path) -> None:
    assert leases(tmp_path, "") == Leases(lease=LEASE, life=LEASE)


def test_short_ones_have_margins_in_proportion(tmp_path: Path) -> None:
    short = leases(tmp_path, KAFKA + "[delivery]\nlease_s = 6\nlife_s = 3\n")
    assert (short.lease, short.life) == (timedelta(seconds=6), timedelta(seconds=3))
    assert (short.margin, short.life_margin) == (timedelta(seconds=1), timedelta(seconds=0.75))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[delivery]\nlease_s = 60\nlife_s = 61\n", r"\$\.delivery: life_s"),
        ("[delivery]\nlease_s = 0.5\n", r"\$\.delivery\.lease_s"),
        ("[delivery]\nlife_s = 0.5\n", r"\$\.delivery\.life_s"),
    ],
)
def test_what_cannot_work_is_refused_by_name(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(BadSettings, match=place):
        leases(tmp_path, text)
