"""What a draft adds to its template beside place and time of the order: typed values, and their words.

A value is typed once, checked here, and written in every language: a reader of Nepali gets the same
telephone number and hour as everybody. Nothing here is free text but the name of a place or a road.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from hub import placename, shelter_list, slots
from hub.clock import JST
from hub.errors import BadInput
from hub.language import Language
from hub.place import Name
from hub.placename import Style

LONGEST_NAME = {"ja": 40, "en": 80}
"""Characters of a place or a road."""
OLDEST = 120
"""Years."""
HEAT_INDEX = range(25, 51)
"""暑さ指数 (WBGT) that a warning may speak of, in degrees Celsius."""


class Person(StrEnum):
    """Who is looked for, and no more than helps to look."""

    MAN = "man"
    WOMAN = "woman"
    BOY = "boy"
    GIRL = "girl"


class Colour(StrEnum):
    """Of what somebody wears on top."""

    BLACK = "black"
    WHITE = "white"
    GREY = "grey"
    BLUE = "blue"
    RED = "red"
    GREEN = "green"
    YELLOW = "yellow"
    BROWN = "brown"
    UNKNOWN = "unknown"


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Typed values of one draft. None: not given. Times are in UTC."""

    place: Name | None = None
    road: Name | None = None
    from_at: datetime | None = None
    until_at: datetime | None = None
    day: date | None = None
    telephone: str | None = None
    heat_index: int | None = None
    person: Person | None = None
    age: int | None = None
    colour: Colour | None = None


NAMES = Details.__struct_fields__
OPTIONAL = frozenset({"until_at"})
"""Left empty, it reads as «not known yet»: nobody waits for a forecast to tell that the power is off."""


def check(details: Details) -> None:
    """Every value is one that can be sent.

    Raises:
        BadInput: names the value, `$.details.telephone`, and says what is expected.
    """
    for name in ("place", "road"):
        _check_name(getattr(details, name), f"$.details.{name}")
    if details.telephone is not None and not _TELEPHONE.fullmatch(details.telephone):
        raise BadInput(
            "$.details.telephone",
            "電話番号を、ハイフンで区切って入れてください（例：042-000-0000、110） / "
            "Give the telephone number with hyphens (042-000-0000, 110)",
        )
    if details.heat_index is not None and details.heat_index not in HEAT_INDEX:
        raise BadInput(
            "$.details.heat_index",
            f"暑さ指数は{HEAT_INDEX[0]}から{HEAT_INDEX[-1]}までの数字です / "
            f"The heat index is a number from {HEAT_INDEX[0]} to {HEAT_INDEX[-1]}",
        )
    if details.age is not None and not 0 <= details.age <= OLDEST:
        raise BadInput(
            "$.details.age",
            f"年齢は0から{OLDEST}までの数字です / The age is a number from 0 to {OLDEST}",
        )
    if details.from_at and details.until_at and details.until_at <= details.from_at:
        raise BadInput(
            "$.details.until_at",
            "終わりの時刻は、始まりより後にしてください / The end must be after the beginning",
        )


def written(details: Details, name: str, language: Language, style: Style, *, again: bool) -> str | None:
    """The value in the words of a language. None: it is not given, and not `OPTIONAL`."""
    value = getattr(details, name)
    if value is None:
        return _spoken_or_not(NOT_KNOWN[language], style) if name in OPTIONAL else None
    match value:
        case Name():
            places = [placename.of_town(one) for one in placename.split(value)]
            return placename.listed(places, language, style, again=again)
        case Person():
            return _spoken_or_not(PEOPLE[language][value], style)
        case Colour():
            return _spoken_or_not(COLOURS[language][value], style)
    return _WRITTEN[name](value, language, style)


def moment_words(moment: datetime, language: Language) -> str:
    """Day and time in Japan: 「9月8日21時47分」."""
    words = _WORDS[language]
    time = shelter_list.clock_words(moment, language)
    return words.moment.format(day=day_words(moment.astimezone(JST).date(), language), time=time)


def day_words(day: date, language: Language) -> str:
    """「9月8日」."""
    words = _WORDS[language]
    month = words.months[day.month - 1] if words.months else ""
    return words.day.format(m=day.month, d=day.day, month=month)


def _check_name(name: Name | None, place: str) -> None:
    if name is None:
        return
    for script, language in (("ja", Language.JA), ("en", Language.EN)):
        text, where = getattr(name, script), f"{place}.{script}"
        if not text.strip():
            raise BadInput(where, _MISSING[script])
        if len(text) > LONGEST_NAME[script]:
            raise BadInput(
                where,
                f"{LONGEST_NAME[script]}文字までにしてください / At most {LONGEST_NAME[script]} characters",
            )
        if re.search(r"[\n{}<>]", text):
            raise BadInput(
                where, "1行で、かっこ {} <> を使わずに書いてください / One line, without {} and <>"
            )
        slots.refuse_unseen(text, where, language)
    if not re.search("[A-Za-z]", name.en) or re.search(r"[぀-ヿ一-鿿]", name.en):
        raise BadInput(
            f"{place}.en",
            "外国語の文に入ります。ローマ字で書いてください / "
            "It stands in the foreign texts: write it in Latin letters",
        )


_MISSING = {
    "ja": "名前を日本語で書いてください / Give the name in Japanese",
    "en": "外国語の文に入る名前を、ローマ字で書いてください / Give the name in Latin letters",
}
_TELEPHONE = re.compile(r"1[0-9]{2}|#[0-9]{4}|0[0-9]{1,4}-[0-9]{1,4}-[0-9]{3,4}")
"""110, 171; #7119; with an area code."""


def _spoken_or_not(words: str, style: Style) -> str:
    """A voice reads no reading in brackets."""
    return re.sub("（[ぁ-んー]+）", "", words) if style is Style.SPOKEN else words


def _telephone(number: str, language: Language, style: Style) -> str:
    """On the telephone digit by digit, with a pause at each hyphen."""
    if style is not Style.SPOKEN:
        return number
    return _WORDS[language].pause.join(" ".join(part) for part in number.split("-"))


def _age(years: int, language: Language, style: Style) -> str:
    return _spoken_or_not(_WORDS[language].age.format(n=years), style)


_WRITTEN: Mapping[str, Callable[..., str]] = {
    "from_at": lambda moment, language, _style: moment_words(moment, language),
    "until_at": lambda moment, language, _style: moment_words(moment, language),
    "day": lambda day, language, _style: day_words(day, language),
    "telephone": _telephone,
    "heat_index": lambda degrees, _language, _style: str(degrees),
    "age": _age,
}


class _Words(NamedTuple):
    day: str
    """{m}, {d}, {month}."""
    moment: str
    """{day}, {time}."""
    age: str
    """{n} years."""
    pause: str
    """Between the parts of a spoken number."""
    months: tuple[str, ...] = ()


_ENGLISH_MONTHS = ("Jan", "Feb", "March", "April", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec")
_NEPALI_MONTHS = (
    "जनवरी", "फेब्रुअरी", "मार्च", "अप्रिल", "मे", "जुन", "जुलाई", "अगस्ट", "सेप्टेम्बर", "अक्टोबर", "नोभेम्बर", "डिसेम्बर",
)  # fmt: skip

_WORDS: Mapping[Language, _Words] = {
    Language.JA: _Words("{m}月{d}日", "{day}{time}", "{n}歳くらい", "、"),
    Language.JA_EASY: _Words("{m}月{d}日", "{day} {time}", "{n}歳（さい）くらい", "、"),
    Language.EN: _Words("{month} {d}", "{time} on {day}", "about {n} years old", ", ", _ENGLISH_MONTHS),
    Language.ZH_HANS: _Words("{m}月{d}日", "{day}{time}", "约{n}岁", "，"),
    Language.ZH_HANT: _Words("{m}月{d}日", "{day}{time}", "約{n}歲", "，"),
    Language.KO: _Words("{m}월 {d}일", "{day} {time}", "{n}세 정도", ", "),
    Language.VI: _Words("ngày {d}/{m}", "{time} {day}", "khoảng {n} tuổi", ", "),
    Language.NE: _Words("{month} {d}", "{day}, {time}", "करिब {n} वर्ष", ", ", _NEPALI_MONTHS),
}

NOT_KNOWN: Mapping[Language, str] = {
    Language.JA: "未定",
    Language.JA_EASY: "まだ わかりません",
    Language.EN: "not known yet",
    Language.ZH_HANS: "尚未确定",
    Language.ZH_HANT: "尚未確定",
    Language.KO: "미정",
    Language.VI: "chưa rõ",
    Language.NE: "अझै थाहा छैन",
}

PEOPLE: Mapping[Language, Mapping[Person, str]] = {
    language: dict(zip(Person, words, strict=True))
    for language, words in {
        Language.JA: ("男性", "女性", "男の子", "女の子"),
        Language.JA_EASY: (
            "男（おとこ）の人（ひと）",
            "女（おんな）の人（ひと）",
            "男（おとこ）の子（こ）",
            "女（おんな）の子（こ）",
        ),
        Language.EN: ("man", "woman", "boy", "girl"),
        Language.ZH_HANS: ("男性", "女性", "男孩", "女孩"),
        Language.ZH_HANT: ("男性", "女性", "男孩", "女孩"),
        Language.KO: ("남성", "여성", "남자아이", "여자아이"),
        Language.VI: ("nam", "nữ", "bé trai", "bé gái"),
        Language.NE: ("पुरुष", "महिला", "केटा", "केटी"),
    }.items()
}

COLOURS: Mapping[Language, Mapping[Colour, str]] = {
    language: dict(zip(Colour, words, strict=True))
    for language, words in {
        Language.JA: ("黒", "白", "灰色", "青", "赤", "緑", "黄色", "茶色", "不明"),
        Language.JA_EASY: (
            "黒（くろ）", "白（しろ）", "灰色（はいいろ）", "青（あお）", "赤（あか）", "緑（みどり）",
            "黄色（きいろ）", "茶色（ちゃいろ）", "わかりません",
        ),
        Language.EN: ("black", "white", "grey", "blue", "red", "green", "yellow", "brown", "not known"),
        Language.ZH_HANS: ("黑色", "白色", "灰色", "蓝色", "红色", "绿色", "黄色", "棕色", "不明"),
        Language.ZH_HANT: ("黑色", "白色", "灰色", "藍色", "紅色", "綠色", "黃色", "棕色", "不明"),
        Language.KO: ("검은색", "흰색", "회색", "파란색", "빨간색", "초록색", "노란색", "갈색", "알 수 없음"),
        Language.VI: ("đen", "trắng", "xám", "xanh dương", "đỏ", "xanh lá", "vàng", "nâu", "không rõ"),
        Language.NE: ("कालो", "सेतो", "खरानी", "नीलो", "रातो", "हरियो", "पहेँलो", "खैरो", "थाहा छैन"),
    }.items()
}  # fmt: skip
