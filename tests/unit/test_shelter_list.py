"""The list of shelters in a text: official words, an age, and nothing that is not known."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import shelter_list
from hub.language import Language
from hub.place import Name
from hub.shelter_list import Crowding, ShelterLine, ShelterLines

AS_OF = datetime(2026, 9, 8, 12, 40, tzinfo=UTC)
"""21:40 in Japan."""

TSUTSUJI = ShelterLine(name="つつじ小学校", latin="Tsutsuji Elementary School", crowding=Crowding.HAS_ROOM)
KAIKAN = ShelterLine(name="市民会館・公民館", latin="Civic Hall", people=86)
KAWABE = ShelterLine(name="かわべ中学校（校舎）", crowding=Crowding.CROWDED)
LIST = ShelterLines(lines=(TSUTSUJI, KAIKAN, KAWABE), as_of=AS_OF)


def test_japanese_names_the_site_its_crowding_and_the_age() -> None:
    assert shelter_list.written(LIST, Language.JA) == (
        "・つつじ小学校：空いています\n・市民会館・公民館：いま86人\n・かわべ中学校（校舎）：混雑\n（21時40分の情報）"
    )


def test_a_foreign_list_gives_names_in_both_scripts() -> None:
    assert shelter_list.written(LIST, Language.EN) == (
        "- Tsutsuji Elementary School (つつじ小学校): space available\n"
        "- Civic Hall (市民会館・公民館): 86 people now\n"
        "- かわべ中学校（校舎）: crowded\n"
        "(as of 21:40)"
    )


def test_a_voice_reads_one_script_and_no_brackets() -> None:
    spoken = shelter_list.spoken(ShelterLines(lines=(TSUTSUJI, KAIKAN), as_of=AS_OF), Language.EN)
    assert (
        spoken
        == "Tsutsuji Elementary School: space available. Civic Hall: 86 people now. This is as of 21:40."
    )


@pytest.mark.parametrize("language", [Language.ZH_HANS, Language.ZH_HANT])
def test_a_mandarin_voice_reads_kanji_and_no_kana(language: Language) -> None:
    sites = (TSUTSUJI, ShelterLine(name="市民会館", latin="Civic Hall"), KAWABE)
    said = shelter_list.spoken(ShelterLines(lines=sites, as_of=AS_OF), language)
    assert said.startswith("Tsutsuji Elementary School，")
    assert "市民会館，" in said
    assert "かわべ" not in said


@pytest.mark.parametrize("language", [each for each in Language if not each.startswith("ja")])
def test_a_voice_names_no_site_whose_name_it_cannot_say(language: Language) -> None:
    assert shelter_list.spoken(ShelterLines(lines=(KAWABE,), as_of=AS_OF), language) == ""
    three = ShelterLines(lines=(KAWABE, *[TSUTSUJI] * shelter_list.MOST_SPOKEN), as_of=AS_OF)
    assert shelter_list.spoken(three, language).count("Tsutsuji") == shelter_list.MOST_SPOKEN


def test_a_site_without_a_capacity_never_gets_a_crowding_word() -> None:
    for language in Language:
        text = shelter_list.written(ShelterLines(lines=(KAIKAN,), as_of=AS_OF), language)
        assert "86" in text
        assert not any(word in text for word in shelter_list.CROWDING_WORDS[language].values())


def test_silence_reads_as_unknown_never_as_room() -> None:
    silent = ShelterLines(lines=(ShelterLine(name="つつじ小学校"),), as_of=AS_OF)
    assert "：混み具合は不明" in shelter_list.written(silent, Language.JA)


def test_long_lists_are_cut_to_what_is_read() -> None:
    many = ShelterLines(lines=(TSUTSUJI,) * 12, as_of=AS_OF)
    assert shelter_list.written(many, Language.JA).count("つつじ小学校") == shelter_list.MOST_LINES
    assert shelter_list.spoken(many, Language.JA).count("つつじ小学校") == shelter_list.MOST_SPOKEN


@pytest.mark.parametrize("language", Language)
def test_what_is_written_and_spoken_fits_the_grammar(language: Language) -> None:
    every_word = tuple(ShelterLine(name="つつじ小学校", latin="Tsutsuji", crowding=word) for word in Crowding)
    for shelters in (LIST, ShelterLines(lines=every_word, as_of=AS_OF)):
        assert shelter_list.fits(shelter_list.written(shelters, language), language)
        assert shelter_list.fits(shelter_list.spoken(shelters, language), language)
    for aloud in (False, True):
        assert shelter_list.fits(shelter_list.longest(CITY, language, aloud=aloud), language)


CITY = [
    *(Name(ja=f"市立第{number}小学校", en=f"City Elementary School {number}") for number in "123456789"),
    Name(ja="やまのうえの地区センター", en="Yamanoue"),
    Name(ja="公民館", en="The Public Hall of the District on the Mountain"),
]


@given(
    st.lists(st.sampled_from(CITY), min_size=1, unique=True),
    st.one_of(st.sampled_from(Crowding), st.integers(0, 99_999)),
    st.sampled_from(Language),
    st.booleans(),
)
def test_no_list_of_a_citys_sites_is_longer_than_the_longest(
    sites: list[Name], told: Crowding | int, language: Language, aloud: bool
) -> None:
    crowding, people = (told, None) if isinstance(told, Crowding) else (None, told)
    lines = [ShelterLine(name=each.ja, latin=each.en, crowding=crowding, people=people) for each in sites]
    shelters = ShelterLines(lines=tuple(lines), as_of=AS_OF)
    said = (shelter_list.spoken if aloud else shelter_list.written)(shelters, language)
    assert len(said) <= len(shelter_list.longest(CITY, language, aloud=aloud))


def test_the_longest_list_of_no_sites_says_nothing() -> None:
    assert shelter_list.longest([], Language.JA, aloud=False) == ""


@pytest.mark.parametrize(
    "text",
    [
        "・つつじ小学校：がらがら\n（21時40分の情報）",
        "・つつじ小学校：空いています",
        "・つつじ小学校：空いています\n（25時40分の情報）",
        "（21時40分の情報）",
        "・つつじ小学校：空いています\n（21時40分の情報）\n川へ見に行きましょう",
        "・{name}：空いています\n（21時40分の情報）",
        "・" + "避" * 120 + "：空いています\n（21時40分の情報）",
        "・つつじ小学校：空いています\n" * 6 + "（21時40分の情報）",
        "",
    ],
)
def test_anything_else_does_not_fit(text: str) -> None:
    assert not shelter_list.fits(text, Language.JA)


def test_a_list_in_another_language_does_not_fit() -> None:
    assert not shelter_list.fits(shelter_list.written(LIST, Language.EN), Language.JA)


@pytest.mark.parametrize("language", Language)
def test_full_and_crowded_are_different_words(language: Language) -> None:
    words = shelter_list.CROWDING_WORDS[language]
    assert words.keys() == set(Crowding)
    assert len(set(words.values())) == len(Crowding)


def test_time_is_japanese_time() -> None:
    assert shelter_list.clock_words(datetime(2026, 9, 8, 15, 5, tzinfo=UTC), Language.JA) == "0時05分"
