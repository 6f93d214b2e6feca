"""A level's name in each language, where a channel shows it large by itself (a bubble, a picture).

As on the residents' pages and in the bank of phrases (`operator_ui/locales`, `config/phrases`), whose sources hold.
"""

from collections.abc import Mapping
from typing import NamedTuple

from hub.evacuation import Level
from hub.language import Language


class LevelWords(NamedTuple):
    level: str
    """In front of the level's figure, with the space that stands between them, if any."""
    names: Mapping[Level, str]
    """Of the levels that a city orders."""


def _words(level: str, elderly: str, evacuate: str, secure: str) -> LevelWords:
    names = {Level.ELDERLY_EVACUATE: elderly, Level.EVACUATE: evacuate, Level.SECURE_LIFE: secure}
    return LevelWords(level, names)


LEVEL_WORDS: Mapping[Language, LevelWords] = {
    Language.JA: _words("警戒レベル", "高齢者等避難", "避難指示", "緊急安全確保"),
    Language.JA_EASY: _words(
        "警戒（けいかい）レベル",
        "高齢者等避難（こうれいしゃとうひなん）",
        "避難指示（ひなんしじ）",
        "緊急安全確保（きんきゅうあんぜんかくほ）",
    ),
    Language.EN: _words(
        "Alert Level ", "Evacuation of the Elderly, etc.", "Evacuation Order", "Emergency Safety Measures"
    ),
    Language.ZH_HANS: _words("警戒等级", "高龄者等避难", "避难指示", "紧急安全确保"),
    Language.ZH_HANT: _words("警戒等級", "高齡者等避難", "避難指示", "緊急安全確保"),
    Language.KO: _words("경계 레벨 ", "고령자 등 피난", "피난 지시", "긴급 안전 확보"),
    Language.VI: _words(
        "Cảnh báo cấp ",
        "Sơ tán người cao tuổi và những người cần thời gian",
        "Chỉ thị sơ tán",
        "Đảm bảo an toàn khẩn cấp",
    ),
    Language.NE: _words("सतर्कता स्तर ", "वृद्धवृद्धा आदिको स्थानान्तरण", "स्थानान्तरण निर्देशन", "आपतकालीन सुरक्षा"),
}
