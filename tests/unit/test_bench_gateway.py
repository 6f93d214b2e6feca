"""What a gateway saw, as parts of a contract."""

import pytest

from yobikake.bench.gateway_apart import Seen


def seen(*taken: float, refused: tuple[float, ...] = ()) -> Seen:
    return Seen(taken=taken, refused=refused, recipients=len(taken))


def test_from_the_first_to_the_last_the_gaps_count() -> None:
    assert seen(5.0, 6.0, 5.5).used(per_s=2) == pytest.approx(1.0)
    assert seen(5.0, 7.0, 6.0).used(per_s=2) == pytest.approx(0.5)


def test_a_second_is_any_second_and_ends_before_it_comes_round() -> None:
    assert seen(0.0, 0.5, 1.0, 1.5, 2.0).most_in_a_second == 2
    assert seen(0.9, 1.0, 1.1, 1.8, 3.0).most_in_a_second == 4


def test_what_was_refused_was_asked_all_the_same() -> None:
    assert seen(0.0, 0.2, refused=(0.1,)).most_in_a_second == 3
