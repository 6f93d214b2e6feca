"""What answers amount to, and how a muster's messages read."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.alert import Mode
from hub.cap import MsgType
from hub.draft import check
from hub.errors import BadInput, Refused
from hub.language import Language
from hub.muster import (
    KEYS,
    Answer,
    CalledGroup,
    Given,
    Member,
    Muster,
    Occasion,
    Roll,
    counts,
    first_coming,
    message,
    said,
    silent,
)
from hub.place import Name
from hub.recipient import RecipientId

NOW = datetime(2026, 9, 12, 12, 47, tzinfo=UTC)
PEOPLE = [RecipientId(number) for number in range(1, 6)]


def group(*people: int, site: str = "") -> CalledGroup:
    members = tuple(
        Member(recipient=RecipientId(each), name=f"職員{each}", choice=place if site else 0)
        for place, each in enumerate(people, start=1)
    )
    return CalledGroup(
        code=site or "disaster", name=Name(ja="防災課", en="Disaster"), members=members, site=site
    )


def muster(mode: Mode = Mode.LIVE, reason: str = "多摩川の水位が上がっているため") -> Muster:
    roll = Roll(reason=reason, channels=("mail", "voice"), groups=(group(1, 2, 3), group(3, 4, 5, site="s1")))
    return Muster(id=7, mode=mode, called_at=NOW, called_by="sato", rule="", roll=roll)


def answered(*words: tuple[int, Answer]) -> list[Given]:
    """A minute apart."""
    return [
        Given(RecipientId(who), answer, NOW + timedelta(minutes=minute), "")
        for minute, (who, answer) in enumerate(words)
    ]


ANSWERS = st.lists(st.tuples(st.integers(1, 5), st.sampled_from(Answer)), max_size=20)


@given(ANSWERS)
def test_everybody_is_counted_once_by_their_last_word(words: list[tuple[int, Answer]]) -> None:
    known = said(answered(*words))
    counted = counts([*PEOPLE, *PEOPLE], known)
    assert counted.called == 5 == counted.by.total() + counted.silent
    assert sum(number for _, number in counted.shares()) == 5
    assert counted.coming + counted.by[Answer.NO] + counted.silent == 5
    assert set(silent(muster().roll, known)) == set(PEOPLE) - {each for each, _ in words}
    assert {each: known[each].answer for each in known} == {RecipientId(who): word for who, word in words}


def test_an_arrival_is_reckoned_from_the_answer() -> None:
    known = said(answered((1, Answer.NO), (1, Answer.IN_30)))
    assert known[RecipientId(1)].arrives_at == NOW + timedelta(minutes=31)
    assert said(answered((1, Answer.NO)))[RecipientId(1)].arrives_at is None


def test_of_key_holders_the_first_who_still_comes_is_named() -> None:
    keys = group(3, 4, 5, site="s1")
    assert first_coming(keys, said(answered((1, Answer.NOW)))) is None
    words = [(5, Answer.IN_60), (4, Answer.NOW), (5, Answer.NOW)]
    first = first_coming(keys, said(answered(*words)))
    assert first is not None
    assert first.name == "職員5", "who comes sooner after all keeps the place in the order of answers"
    later = first_coming(keys, said(answered(*words, (5, Answer.NO), (5, Answer.NOW))))
    assert later is not None
    assert later.name == "職員4", "who had said no in between is behind"


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.STAFF_DRILL])
@pytest.mark.parametrize("occasion", Occasion)
def test_every_message_can_be_sent(mode: Mode, occasion: Occasion) -> None:
    ends = () if occasion is Occasion.CALL else ("a-1",)
    made = message(muster(mode), occasion, PEOPLE, channels=("mail",), issuer="佐藤", at=NOW, ends=ends)
    check(made)
    assert made.mode is mode
    assert (made.msg_type is MsgType.ALERT) is (occasion is Occasion.CALL)
    assert [info.language for info in made.infos] == [Language.JA, Language.EN]
    assert all("多摩川の水位" in info.description and "多摩川の水位" in info.speech for info in made.infos)


def test_every_key_of_the_telephone_is_told_and_means_one_answer() -> None:
    made = message(muster(), Occasion.CALL, PEOPLE, channels=("voice",), issuer="佐藤", at=NOW)
    assert set(KEYS.values()) == set(Answer)
    for info in made.infos:
        assert all(key in info.speech for key in KEYS)


def test_a_live_call_does_not_speak_of_a_drill() -> None:
    live = message(
        muster(reason="参集訓練のため"), Occasion.CALL, PEOPLE, channels=("mail",), issuer="佐藤", at=NOW
    )
    with pytest.raises(Refused):
        check(live)
    braces = message(
        muster(reason="{shelters"), Occasion.CALL, PEOPLE, channels=("mail",), issuer="佐藤", at=NOW
    )
    with pytest.raises(BadInput):
        check(braces)
