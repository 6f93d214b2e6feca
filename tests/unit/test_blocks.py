from hypothesis import given
from hypothesis import strategies as st

from hub.blocks import blocks


@given(st.lists(st.integers()), st.integers(1, 10))
def test_blocks_hold_everything_in_order_and_only_the_last_is_short(items: list[int], size: int) -> None:
    cut = list(blocks(iter(items), size))
    assert [item for block in cut for item in block] == items
    assert all(len(block) == size for block in cut[:-1])
    assert all(0 < len(block) <= size for block in cut)


def test_a_stream_is_read_no_further_than_needed() -> None:
    stream = iter(range(100))
    assert next(blocks(stream, 3)) == (0, 1, 2)
    assert next(stream) == 3
