"""What is kept open does not grow with the alerts a hub has ever sent."""

from hypothesis import given
from hypothesis import strategies as st

from hub.approved import Newest


@given(st.lists(st.tuples(st.integers(0, 20), st.integers())), st.integers(1, 8))
def test_the_newest_are_kept_and_no_more_than_allowed(kept: list[tuple[int, int]], most: int) -> None:
    newest: Newest[int, int] = Newest(most)
    for key, value in kept:
        newest.keep(key, value)
        assert len(newest) <= most
    last = dict(kept)
    in_order = list(dict.fromkeys(key for key, _ in reversed(kept)))
    assert [newest.get(key) for key in in_order[:most]] == [last[key] for key in in_order[:most]]
    assert all(newest.get(key) is None for key in in_order[most:])


def test_what_is_dropped_is_gone() -> None:
    newest: Newest[str, int] = Newest(2)
    newest.keep("a", 1)
    newest.drop("a")
    newest.drop("never there")
    assert (newest.get("a"), len(newest)) == (None, 0)
