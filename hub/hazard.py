"""What threatens people, in the words of the law and of CAP."""

from enum import StrEnum

from hub.cap import Category


class Hazard(StrEnum):
    """The hazard of an alert.

    The first eight are the 異常な現象の種類 for which a 指定緊急避難場所 is designated
    (災害対策基本法施行令 20条の3; the columns of 国土地理院's data); only these can be asked
    of a shelter site (`designable`). The rest never name a site as suited.
    """

    FLOOD = "flood"  # 洪水
    LANDSLIDE = "landslide"  # 崖崩れ、土石流及び地滑り
    STORM_SURGE = "storm_surge"  # 高潮
    EARTHQUAKE = "earthquake"  # 地震
    TSUNAMI = "tsunami"  # 津波
    LARGE_FIRE = "large_fire"  # 大規模な火事
    INLAND_FLOOD = "inland_flood"  # 内水氾濫
    VOLCANO = "volcano"  # 火山現象
    STORM = "storm"  # 暴風
    CIVIL_PROTECTION = "civil_protection"  # 国民保護（弾道ミサイルなど）
    HEAT = "heat"  # 熱中症
    WATER = "water"  # 断水・給水
    UTILITY = "utility"  # 停電・ガス・道路
    MISSING_PERSON = "missing_person"  # 行方不明
    OTHER = "other"

    @property
    def designable(self) -> bool:
        """Whether the law designates 指定緊急避難場所 for this hazard."""
        return self in DESIGNABLE

    @property
    def category(self) -> Category:
        return CATEGORIES.get(self, Category.OTHER)

    @property
    def japanese(self) -> str:
        """The hazard as an alert's text names it."""
        return JAPANESE[self]


DESIGNABLE = frozenset(
    {
        Hazard.FLOOD,
        Hazard.LANDSLIDE,
        Hazard.STORM_SURGE,
        Hazard.EARTHQUAKE,
        Hazard.TSUNAMI,
        Hazard.LARGE_FIRE,
        Hazard.INLAND_FLOOD,
        Hazard.VOLCANO,
    }
)

MOST_URGENT_FIRST = (
    Hazard.FLOOD,
    Hazard.INLAND_FLOOD,
    Hazard.LANDSLIDE,
    Hazard.STORM_SURGE,
    Hazard.TSUNAMI,
    Hazard.VOLCANO,
    Hazard.EARTHQUAKE,
    Hazard.LARGE_FIRE,
    Hazard.CIVIL_PROTECTION,
    Hazard.STORM,
    Hazard.MISSING_PERSON,
    Hazard.HEAT,
    Hazard.WATER,
    Hazard.UTILITY,
    Hazard.OTHER,
)
"""As lists of staff have them: first what the city itself must order, then what leaves minutes, then the rest.

A missile is 国's to announce, and reaches telephones before a hand is on the keyboard.
"""

CATEGORIES = {
    Hazard.FLOOD: Category.MET,
    Hazard.LANDSLIDE: Category.GEO,
    Hazard.STORM_SURGE: Category.MET,
    Hazard.EARTHQUAKE: Category.GEO,
    Hazard.TSUNAMI: Category.GEO,
    Hazard.LARGE_FIRE: Category.FIRE,
    Hazard.INLAND_FLOOD: Category.MET,
    Hazard.VOLCANO: Category.GEO,
    Hazard.STORM: Category.MET,
    Hazard.CIVIL_PROTECTION: Category.SECURITY,
    Hazard.HEAT: Category.HEALTH,
    Hazard.WATER: Category.INFRA,
    Hazard.UTILITY: Category.INFRA,
    Hazard.MISSING_PERSON: Category.RESCUE,
}

JAPANESE = {
    Hazard.FLOOD: "洪水",
    Hazard.LANDSLIDE: "土砂災害",
    Hazard.STORM_SURGE: "高潮",
    Hazard.EARTHQUAKE: "地震",
    Hazard.TSUNAMI: "津波",
    Hazard.LARGE_FIRE: "大規模な火事",
    Hazard.INLAND_FLOOD: "内水氾濫",
    Hazard.VOLCANO: "火山現象",
    Hazard.STORM: "暴風",
    Hazard.CIVIL_PROTECTION: "国民保護",
    Hazard.HEAT: "熱中症",
    Hazard.WATER: "断水・給水",
    Hazard.UTILITY: "ライフライン",
    Hazard.MISSING_PERSON: "行方不明",
    Hazard.OTHER: "その他",
}
