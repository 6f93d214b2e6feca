"""The few words on a poster that are not the alert's own."""

from collections.abc import Mapping
from typing import NamedTuple

from hub.language import Language


class Words(NamedTuple):
    ask: str
    """In front of the telephone number."""
    more: str
    """In front of the page's address."""
    here: str
    """What the cross on the map is: {name}, the zone's."""
    whole_city: str
    """The same where there is no zone."""
    distance: str
    """{distance}: `0.8 km`, in a straight line from there."""


WORDS: Mapping[Language, Words] = {
    Language.JA: Words(
        "問い合わせ", "くわしくは", "＋ {name}の中心", "＋ 市の中心", "＋からの直線で約{distance}"
    ),
    Language.JA_EASY: Words(
        "聞（き）きたいとき",
        "もっと 知（し）りたいとき",
        "＋ {name}の まんなか",
        "＋ 市（し）の まんなか",
        "＋から まっすぐ およそ {distance}",
    ),
    Language.EN: Words(
        "Questions",
        "Details",
        "+ middle of {name}",
        "+ middle of the city",
        "about {distance} from + in a straight line",
    ),
    Language.ZH_HANS: Words("咨询电话", "详细信息", "＋ {name}中心", "＋ 市中心", "距离＋直线约{distance}"),
    Language.ZH_HANT: Words("洽詢電話", "詳細資訊", "＋ {name}中心", "＋ 市中心", "距離＋直線約{distance}"),
    Language.KO: Words("문의", "자세한 내용", "+ {name} 중심", "+ 시 중심", "+에서 직선으로 약 {distance}"),
    Language.VI: Words(
        "Liên hệ",
        "Chi tiết",
        "+ trung tâm {name}",
        "+ trung tâm thành phố",
        "cách + khoảng {distance} theo đường thẳng",
    ),
    Language.NE: Words(
        "सोधपुछ",
        "थप जानकारी",
        "+ {name} को बीच भाग",
        "+ शहरको बीच भाग",
        "सीधा रेखामा + बाट करिब {distance}",
    ),
}
"""In every language that a poster is set in (`letters.FONTS`)."""


def kilometres(distance_m: float) -> str:
    """To a tenth, and never nought."""
    return f"{max(0.1, distance_m / 1000):.1f} km"
