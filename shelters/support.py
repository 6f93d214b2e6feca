"""Who in a shelter needs more than a place (要配慮者), by kind, as staff count them there."""

from enum import StrEnum


class Support(StrEnum):
    """One person may count under several kinds. A pet is none of the people."""

    WHEELCHAIR = "wheelchair"
    INFANT = "infant"
    PREGNANT = "pregnant"
    MEDICAL_CARE = "medical_care"
    PET = "pet"
    FOREIGN_LANGUAGE = "foreign_language"

    @property
    def japanese(self) -> str:
        return _JAPANESE[self]


_JAPANESE = {
    Support.WHEELCHAIR: "車いす",
    Support.INFANT: "乳児",
    Support.PREGNANT: "妊産婦",
    Support.MEDICAL_CARE: "医療的ケア",
    Support.PET: "ペット",
    Support.FOREIGN_LANGUAGE: "外国語",
}
