"""The languages residents are addressed in."""

from enum import StrEnum


class Language(StrEnum):
    """BCP 47 tags. やさしい日本語 has no registered subtag, so it is a private-use one."""

    JA = "ja"
    JA_EASY = "ja-x-easy"
    EN = "en"
    ZH_HANS = "zh-Hans"
    ZH_HANT = "zh-Hant"
    KO = "ko"
    VI = "vi"
    NE = "ne"

    @property
    def autonym(self) -> str:
        """The language's own name, as a link to it is labelled."""
        return AUTONYMS[self]

    @property
    def fallback(self) -> "Language":
        """The language to use where a text or a voice does not exist in this one."""
        return Language.JA if self in (Language.JA, Language.JA_EASY) else Language.EN


AUTONYMS = {
    Language.JA: "日本語",
    Language.JA_EASY: "やさしい日本語",
    Language.EN: "English",
    Language.ZH_HANS: "简体中文",
    Language.ZH_HANT: "繁體中文",
    Language.KO: "한국어",
    Language.VI: "Tiếng Việt",
    Language.NE: "नेपाली",
}
