"""What the residents' telephone takes from the settings."""

from pathlib import Path

import pytest

from hub.errors import BadSettings
from hub.language import Language
from hub.settings import PhoneInSettings, Settings
from yobikake.telephone import caller, phone_in

VOICE = {"from_number": "+815012345678", "voices": {"ja": "Polly.Takumi-Neural"}}


def settings(**changes: object) -> Settings:
    return Settings(data=Path("data"), city="akishima", **changes)  # type: ignore[arg-type]


def test_the_line_speaks_with_the_voices_of_the_calls() -> None:
    line = phone_in(settings(phone_in=PhoneInSettings(number="050-0000-0000"), channels={"voice": VOICE}))
    assert line is not None
    assert (line.number, line.voices) == ("050-0000-0000", {Language.JA: "Polly.Takumi-Neural"})


def test_a_line_whose_callers_nobody_could_verify_is_refused() -> None:
    with pytest.raises(BadSettings, match=r"\[channels.voice\]"):
        phone_in(settings(phone_in=PhoneInSettings(number="050-0000-0000")))
    assert phone_in(settings(channels={"voice": VOICE})) is None


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("+815012345678", "050-1234-5678"),
        ("+81425550000", "0425550000"),
        ("+12025550123", "+12025550123"),
        ("", ""),
    ],
)
def test_the_one_number_the_city_calls_from_is_written_as_people_know_it(number: str, written: str) -> None:
    assert caller(settings(channels={"voice": {"from_number": number}} if number else {})) == written
