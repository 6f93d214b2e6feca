"""What may be said of how many people are somewhere."""

import pytest

from shelters.crowding import Thresholds
from shelters.disclosure import Disclosed, disclosed


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (None, Disclosed(None, few=False)),
        (0, Disclosed(0, few=False)),
        (1, Disclosed(None, few=True)),
        (4, Disclosed(None, few=True)),
        (5, Disclosed(5, few=False)),
    ],
)
def test_one_to_four_people_are_said_as_few(people: int | None, said: Disclosed) -> None:
    assert disclosed(people) == said


def test_a_word_is_that_of_four_people_for_one_too_but_full_is_the_numbers_own() -> None:
    of_ten = Thresholds(full_from_percent=40)
    words = [of_ten.word(people, 10) for people in range(6)]
    assert words == ["has_room", "some", "some", "some", "full", "full"]
