"""The words of a call: whole, twice, slow, and never broken XML."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from channels.telephone import question
from channels.voice import speech
from hub.channel import Content, Span
from hub.evacuation import Level
from hub.language import Language
from hub.reply import Question, Reply
from hub.testing.parcels import content


def saying(text: str, language: Language = Language.JA) -> Content:
    return structs.replace(content(), language=language, speech=(Span(text),))


def heard(twiml: str) -> list[str]:
    return ["".join(say.itertext()) for say in ElementTree.fromstring(twiml).iter("Say")]


def test_the_order_is_said_twice_with_a_pause_between() -> None:
    said = speech.twiml(saying("避難してください。川から離れてください。"), names={})
    assert [element.tag for element in ElementTree.fromstring(said)] == ["Pause", "Say", "Pause", "Say"]
    assert heard(said) == ["避難してください。川から離れてください。"] * 2


def test_it_is_spoken_slowly_with_a_breath_after_each_sentence() -> None:
    (first, _) = ElementTree.fromstring(speech.twiml(saying("一。二。三。"), names={})).iter("Say")
    prosody = first.find("prosody")
    assert prosody is not None
    assert prosody.attrib == {"rate": "90%"}
    assert [element.attrib["time"] for element in prosody.iter("break")] == ["700ms", "700ms"]


def test_no_key_is_asked_for() -> None:
    assert "Gather" not in speech.twiml(content(), names={})


def test_staff_who_are_asked_may_press_a_key_at_any_moment() -> None:
    twiml = speech.twiml(saying("行けますか。"), names={}, answer_at="https://hub.example/answer/1.2.ab")
    (gather,) = ElementTree.fromstring(twiml).iter("Gather")
    assert gather.attrib["action"] == "https://hub.example/answer/1.2.ab/keys/ja"
    assert (gather.attrib["numDigits"], gather.attrib["method"]) == ("1", "POST")
    assert [element.tag for element in gather] == ["Say", "Pause", "Say"], "all of it can be cut short"
    assert heard(twiml) == ["行けますか。"] * 2


@pytest.mark.parametrize(
    ("language", "tag"),
    [
        (Language.JA, "ja-JP"),
        (Language.JA_EASY, "ja-JP"),
        (Language.EN, "en-US"),
        (Language.ZH_HANS, "cmn-CN"),
        (Language.ZH_HANT, "cmn-TW"),
        (Language.KO, "ko-KR"),
        (Language.VI, "vi-VN"),
    ],
)
def test_each_language_has_its_voice(language: Language, tag: str) -> None:
    said = ElementTree.fromstring(speech.twiml(saying("…", language), names={}))
    assert {say.attrib["language"] for say in said.iter("Say")} == {tag}


def test_a_voice_can_be_replaced_by_name() -> None:
    said = speech.twiml(saying("はい。"), names={Language.JA: "Polly.Takumi"})
    assert {say.attrib["voice"] for say in ElementTree.fromstring(said).iter("Say")} == {"Polly.Takumi"}


@given(st.text(max_size=400))
def test_whatever_the_words_the_call_is_well_formed_and_whole(text: str) -> None:
    said = heard(speech.twiml(saying(text), names={}))
    spoken = "".join(said)
    kept = "".join(speech.sentences(saying(text)))
    if speech.said(saying(text), names={}).form == speech.ORDER:
        assert spoken == kept * speech.said(saying(text), names={}).times


def test_no_say_is_longer_than_its_voice_takes() -> None:
    said = heard(speech.twiml(saying("避難してください。" * 110), names={}))
    assert len(said) == 2
    assert all(len(text.encode()) <= 3000 for text in said)
    assert "".join(said) == "避難してください。" * 110


def test_a_longer_order_takes_longer_and_both_times_count() -> None:
    short, long = (speech.seconds(saying("避難してください。" * number)) for number in (5, 10))
    assert 2 * 45 / 5 < short < long
    assert speech.seconds(saying("")) < short


KEYS = {"1": Reply.SHELTER, "2": Reply.UPSTAIRS, "3": Reply.CANNOT}
ASK = Question(KEYS, "https://hub.example/phone/keys/2026-0147.1.ab")


def test_the_question_comes_after_the_whole_order_and_no_key_can_cut_that_short() -> None:
    root = ElementTree.fromstring(speech.twiml(saying("避難してください。"), names={}, ask=ASK))
    assert [element.tag for element in root] == ["Pause", "Say", "Gather"]
    (gather,) = root.iter("Gather")
    assert gather.attrib["action"] == "https://hub.example/phone/keys/2026-0147.1.ab/ja"
    order, asked = heard(ElementTree.tostring(root, encoding="unicode"))[:2]
    assert order == "避難してください。"
    assert "避難が難しい方は、3。" in asked
    assert asked.endswith("もう一度聞く方は、0。")
    assert [element.tag for element in gather] == ["Say", "Pause", "Say", "Say"]


def test_without_an_answer_the_order_is_whole_twice() -> None:
    said = heard(speech.twiml(saying("避難してください。"), names={}, ask=ASK))
    assert [text == "避難してください。" for text in said] == [True, False, True, False]


@pytest.mark.parametrize(
    ("sentences", "times", "questions"),
    [(50, 2, 2), (53, 2, 1), (60, 2, 0), (70, 1, 1), (100, 1, 1), (115, 1, 0)],
)
def test_a_long_order_leaves_out_the_question_then_the_repetition_and_never_itself(
    sentences: int, times: int, questions: int
) -> None:
    twiml = speech.twiml(saying("避難してください。" * sentences), names={}, ask=ASK)
    said = "".join(heard(twiml))
    assert said.count("避難してください。") == times * sentences
    assert said.count("避難が難しい") == questions
    assert len(twiml) <= speech.TWIML_LIMIT


TOO_LONG = "避難してください。" * 130


@pytest.mark.parametrize(
    ("short", "headline", "said"),
    [
        ("全員避難。", "避難指示。", ["全員避難。", "全員避難。"]),
        ("全員避難。" * 120, "避難指示。", ["全員避難。" * 120]),
        (TOO_LONG, "避難指示。", ["避難指示。", "避難指示。"]),
    ],
)
@pytest.mark.parametrize("answer_at", ["", "https://hub.example/answer/1.2.ab"])
def test_who_cannot_be_told_the_order_is_told_the_short_text_and_never_nothing(
    short: str, headline: str, said: list[str], answer_at: str
) -> None:
    content = structs.replace(saying(TOO_LONG), short=(Span(short),), headline=(Span(headline),))
    twiml = speech.twiml(content, names={}, answer_at=answer_at)
    assert heard(twiml) == said
    assert len(twiml) <= speech.TWIML_LIMIT
    assert ('<Gather action="https://hub.example/answer/1.2.ab/keys/ja"' in twiml) == bool(answer_at)


def test_the_length_is_that_of_the_request_that_says_it_once() -> None:
    content = saying("避難してください。" * 100)
    assert speech.said(content, names={}) == speech.Saying(speech.ORDER, times=1)
    assert speech.length(content, names={}) == len(speech.twiml(content, names={}))
    assert speech.length(saying(TOO_LONG), names={}) > speech.TWIML_LIMIT


@pytest.mark.parametrize("language", list(speech.VOICES))
@pytest.mark.parametrize("keys", [KEYS, {"1": Reply.SAFE, "2": Reply.HELP}])
def test_every_voice_asks_by_the_same_keys(language: Language, keys: dict[str, Reply]) -> None:
    asked = question.question(keys, language)
    assert [figure for figure in asked if figure.isdigit()] == [*keys, "0"]
    words = question.WORDS[language]
    assert words.thanks.keys() == words.who.keys() == set(Reply)


def test_a_question_and_the_wait_for_a_key_make_the_call_longer_where_one_is_asked() -> None:
    order = saying("避難してください。" * 5)
    assert order.level is not None
    asked = len(question.question(KEYS, Language.JA).replace("\n", ""))
    longer = speech.seconds(order, keypad=True) - speech.seconds(order)
    assert longer > 2 * asked / 5 + 10
    nothing_asked = structs.replace(order, level=Level.ADVISORY)
    assert speech.seconds(nothing_asked, keypad=True) == speech.seconds(nothing_asked)
