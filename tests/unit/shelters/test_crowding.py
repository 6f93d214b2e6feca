"""When a number becomes a word."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import BadSettings
from hub.shelter_list import Crowding
from shelters.crowding import JAPANESE, LEAST_FIRST, Thresholds, load_thresholds

DEFAULT = Thresholds(full_from_percent=80)


@pytest.mark.parametrize(
    ("people", "word"),
    [
        (0, "空いています"),
        (32, "空いています"),
        (33, "やや混雑"),
        (65, "やや混雑"),
        (66, "混雑"),
        (87, "混雑"),
        (88, "満"),
        (500, "満"),
    ],
)
def test_thresholds_are_half_open(people: int, word: str) -> None:
    """Of 110: 30 % is 33 people, 60 % is 66, 80 % is 88."""
    crowding = DEFAULT.word(people, 110)
    assert crowding is not None
    assert JAPANESE[crowding] == word


@given(people=st.integers(0, 100_000))
def test_an_unknown_capacity_never_becomes_a_word(people: int) -> None:
    assert DEFAULT.word(people, None) is None


@given(people=st.integers(0, 10_000), more=st.integers(0, 10_000), capacity=st.integers(1, 5_000))
def test_more_people_never_read_as_less_crowded(people: int, more: int, capacity: int) -> None:
    words = [DEFAULT.word(number, capacity) for number in (people, people + more)]
    assert [LEAST_FIRST.index(word) for word in words if word] == sorted(
        LEAST_FIRST.index(word) for word in words if word
    )


def test_without_the_last_threshold_no_number_says_full() -> None:
    assert Thresholds().word(1_000, 10) is Crowding.CROWDED


@pytest.mark.parametrize(
    "text",
    [
        "some_from_percent = 60\ncrowded_from_percent = 30",
        "some_from_percent = 30\ncrowded_from_percent = 80\nfull_from_percent = 80",
        "some_from_percent = 0\ncrowded_from_percent = 30",
        "some_from_percent = 30\ncrowded_from_percent = 130",
        "some_from = 30",
    ],
)
def test_thresholds_that_cannot_work_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "crowding.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadSettings, match=r"crowding\.toml"):
        load_thresholds(tmp_path)
