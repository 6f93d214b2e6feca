"""Place names inside the texts of a language, in the scripts its readers need.

Foreign texts give places in Latin letters too, because signs, trains and maps have those; where the
text itself is in Latin letters the Japanese name stands beside it once, to compare with a sign.
"""

import re
from collections.abc import Mapping, Sequence
from enum import Enum

from hub.language import Language
from hub.place import Name

Names = Mapping[Language, str]
"""One place in every language, as a city's configuration has its own name and its rivers'."""

MOST_NAMES = 3
"""A headline or a short text names this many places at most."""
_NAMED_OF_MANY = 2


class Style(Enum):
    """How much of a name a text has room for."""

    FULL = "full"  # both scripts, in descriptions and instructions
    BRIEF = "brief"  # headlines and short texts
    SPOKEN = "spoken"  # one script: a voice reads it


def of_town(name: Name) -> Names:
    """A town's two names, by language: Han characters for readers of Chinese, Latin letters for the rest."""
    return {language: name.ja if language in _HAN_READERS else name.en for language in Language}


def whole_city(city: Names) -> Names:
    """「昭島市全域」, for an audience of everyone."""
    return {language: words.format(city[language]) for language, words in _WHOLE.items()}


def split(name: Name) -> tuple[Name, ...]:
    """The places inside a name that joins several (「拝島町・田中町」), if both scripts agree on them."""
    ja = [part for part in re.split("[・、]", name.ja) if part]
    en = [part for part in re.split(r", (?:and )?| and ", name.en) if part]
    if len(ja) != len(en):
        return (name,)
    return tuple(Name(ja=one, en=other) for one, other in zip(ja, en, strict=True))


def written(names: Names, language: Language, style: Style, *, again: bool = False) -> str:
    """One place. `again`: it was named before in the same text, so one script is enough."""
    local, latin, japanese = names[language], names[Language.EN], names[Language.JA]
    if language in _JAPANESE or style is Style.SPOKEN or again:
        return local
    if local != latin and language not in _LATIN:
        return f"{local} ({latin})" if language in _SPACED else f"{local}（{latin}）"
    return f"{local} ({japanese})" if style is Style.FULL and local != japanese else local


def listed(places: Sequence[Names], language: Language, style: Style, *, again: bool = False) -> str:
    """Several places; in a short text the first two and how many there are."""
    comma = ", " if language in _SPACED else "、"
    named = places
    if style is Style.BRIEF and len(places) > MOST_NAMES:
        named = places[:_NAMED_OF_MANY]
    text = comma.join(written(place, language, style, again=again) for place in named)
    rest = len(places) - len(named)
    return _AND_OTHERS[language].format(text, n=len(places), rest=rest) if rest else text


_JAPANESE = frozenset({Language.JA, Language.JA_EASY})
_HAN_READERS = _JAPANESE | {Language.ZH_HANS, Language.ZH_HANT}
_LATIN = frozenset({Language.EN, Language.VI})
_SPACED = frozenset({Language.EN, Language.KO, Language.VI, Language.NE})

_AND_OTHERS: Mapping[Language, str] = {
    Language.JA: "{0}など{n}地区",
    Language.JA_EASY: "{0}など{n}か所（しょ）",
    Language.EN: "{0} and {rest} more areas",
    Language.ZH_HANS: "{0}等{n}个地区",
    Language.ZH_HANT: "{0}等{n}個地區",
    Language.KO: "{0} 등 {n}개 지역",
    Language.VI: "{0} và {rest} khu vực khác",
    Language.NE: "{0} लगायत {n} क्षेत्र",
}

_WHOLE: Mapping[Language, str] = {
    Language.JA: "{0}全域",
    Language.JA_EASY: "{0}の 全部（ぜんぶ）",
    Language.EN: "all of {0}",
    Language.ZH_HANS: "{0}全市",
    Language.ZH_HANT: "{0}全市",
    Language.KO: "{0} 전역",
    Language.VI: "toàn bộ {0}",
    Language.NE: "{0} भरि",
}
