"""The few words of a bubble that are not the alert's own. The level's name: `hub.level_words`."""

from collections.abc import Mapping

from hub.language import Language

DETAILS: Mapping[Language, str] = {
    Language.JA: "くわしく見る",
    Language.JA_EASY: "くわしく見（み）る",
    Language.EN: "Details",
    Language.ZH_HANS: "查看详情",
    Language.ZH_HANT: "查看詳情",
    Language.KO: "자세히 보기",
    Language.VI: "Xem chi tiết",
    Language.NE: "विस्तृत हेर्नुहोस्",
}
"""The button: at most 20 characters (LINE, action objects, label)."""
