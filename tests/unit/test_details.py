"""Typed values of a draft: what is refused, and how each reads."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from hub import details as typed
from hub.details import Colour, Details, Person
from hub.errors import BadInput
from hub.language import Language
from hub.place import Name
from hub.placename import Style

MOMENT = datetime(2026, 9, 8, 12, 47, tzinfo=UTC)
EVERYTHING = Details(
    place=Name(ja="中央公園", en="Chuo Park"),
    road=Name(ja="都道100号", en="Route 100"),
    from_at=MOMENT,
    until_at=datetime(2026, 9, 8, 16, 0, tzinfo=UTC),
    day=date(2026, 9, 9),
    telephone="042-000-0000",
    heat_index=35,
    person=Person.MAN,
    age=80,
    colour=Colour.BLUE,
)


def said(name: str, language: Language, style: Style = Style.BRIEF) -> str | None:
    return typed.written(EVERYTHING, name, language, style, again=False)


@pytest.mark.parametrize(
    ("name", "language", "words"),
    [
        ("place", Language.JA, "中央公園"),
        ("place", Language.NE, "Chuo Park"),
        ("from_at", Language.JA, "9月8日21時47分"),
        ("from_at", Language.EN, "21:47 on Sept 8"),
        ("until_at", Language.VI, "1:00 ngày 9/9"),  # past midnight in Japan
        ("day", Language.KO, "9월 9일"),
        ("telephone", Language.ZH_HANS, "042-000-0000"),
        ("heat_index", Language.JA, "35"),
        ("person", Language.JA_EASY, "男（おとこ）の人（ひと）"),
        ("age", Language.ZH_HANT, "約80歲"),
        ("colour", Language.NE, "नीलो"),
    ],
)
def test_a_value_reads_in_the_words_of_its_language(name: str, language: Language, words: str) -> None:
    assert said(name, language) == words


def test_a_place_stands_in_both_scripts_where_there_is_room() -> None:
    assert said("place", Language.EN, Style.FULL) == "Chuo Park (中央公園)"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", typed.NAMES)
def test_a_voice_reads_every_value_without_brackets(name: str, language: Language) -> None:
    words = said(name, language, Style.SPOKEN)
    assert words
    assert not set(words) & set("（）()[]")


def test_a_voice_reads_a_number_digit_by_digit() -> None:
    assert said("telephone", Language.JA, Style.SPOKEN) == "0 4 2、0 0 0、0 0 0 0"
    assert said("telephone", Language.EN, Style.SPOKEN) == "0 4 2, 0 0 0, 0 0 0 0"


@pytest.mark.parametrize("language", Language)
def test_only_an_end_may_be_unknown(language: Language) -> None:
    nothing = Details()
    for name in typed.NAMES:
        words = typed.written(nothing, name, language, Style.FULL, again=False)
        assert words == (typed.NOT_KNOWN[language] if name == "until_at" else None)


def test_what_is_in_order_is_not_refused() -> None:
    typed.check(EVERYTHING)
    typed.check(Details())
    for number in ("110", "#7119", "0120-000-000", "03-0000-0000"):
        typed.check(Details(telephone=number))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"place": Name(ja="", en="Chuo Park")}, "place.ja"),
        ({"place": Name(ja="中央公園", en="")}, "place.en"),
        ({"place": Name(ja="中央公園", en="中央公園")}, "place.en"),
        ({"place": Name(ja="中央公園", en="12")}, "place.en"),
        ({"place": Name(ja="中央{shelters}", en="Chuo")}, "place.ja"),
        ({"place": Name(ja="中央\n公園", en="Chuo")}, "place.ja"),
        ({"place": Name(ja="中央\u202e公園", en="Chuo")}, "place.ja"),
        ({"road": Name(ja="道" * 41, en="Road")}, "road.ja"),
        ({"telephone": "0420000000"}, "telephone"),
        ({"telephone": "042-000-0000 まで"}, "telephone"),
        ({"heat_index": 3}, "heat_index"),
        ({"age": 1000}, "age"),
        ({"until_at": MOMENT}, "until_at"),
    ],
)
def test_what_cannot_be_sent_is_named(changes: dict[str, object], place: str) -> None:
    with pytest.raises(BadInput) as refused:
        typed.check(msgspec.structs.replace(EVERYTHING, **changes))
    assert refused.value.path == f"$.details.{place}"
    assert " / " in refused.value.message  # said in Japanese and English
