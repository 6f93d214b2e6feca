"""Why something is not as it should be, in words."""

import re

import pytest

from hub.reasons import WAY, sides, together, told, words

KANA = re.compile(r"[\u3040-\u30ff]")


@pytest.mark.parametrize("reason", [*WAY, "401", "404", "407", "429", "418", "503", "20003", "ubus 9"])
def test_every_reason_is_a_sentence_in_both_languages(reason: str) -> None:
    japanese, english = words(reason)
    assert KANA.search(japanese)
    assert not KANA.search(english)
    assert sides(told("LINE", reason)) == (f"LINE：{japanese}", f"LINE: {english}")
    assert reason in WAY or (reason in japanese and reason in english)


def test_a_refusal_of_credentials_is_said_whatever_its_code() -> None:
    assert words("20003", refused=True)[0].startswith("認証を受け付けません")


def test_several_stay_in_their_languages() -> None:
    said = together([told("甲", "503"), told("乙", "no answer"), "the folder is not ours / 別のフォルダです"])
    japanese, english = sides(said)
    assert japanese == "甲：先方の障害です（503）。乙：時間内に応答がありません。別のフォルダです"
    assert english == "甲: it is out of order (503); 乙: no answer in time; the folder is not ours"


@pytest.mark.parametrize("message", ["", "one", "a / b", "a / b / c"])
def test_what_has_no_two_sides_is_kept_whole(message: str) -> None:
    assert sides(message) == (message, message)
