"""The designated sites in the columns of 自治体標準オープンデータセット, 指定緊急避難場所一覧 (デジタル庁).

It is the law's public list (災害対策基本法 49条の4, 49条の7) and says of no site that it is open. What is not known
stays empty; nothing is guessed.
"""

import csv
import io
import re
from collections.abc import Iterable

from hub.city import City
from hub.hazard import Hazard
from hub.language import Language
from shelters.site import Site

HAZARD_COLUMNS = {
    "災害種別_洪水": Hazard.FLOOD,
    "災害種別_崖崩れ、土石流及び地滑り": Hazard.LANDSLIDE,
    "災害種別_高潮": Hazard.STORM_SURGE,
    "災害種別_地震": Hazard.EARTHQUAKE,
    "災害種別_津波": Hazard.TSUNAMI,
    "災害種別_大規模な火事": Hazard.LARGE_FIRE,
    "災害種別_内水氾濫": Hazard.INLAND_FLOOD,
    "災害種別_火山現象": Hazard.VOLCANO,
}
COLUMNS = (
    *("ID", "名称", "名称_カナ", "名称_英字", "所在地_全国地方公共団体コード", "町字ID"),
    *("所在地_連結表記", "所在地_都道府県", "所在地_市区町村", "所在地_町字", "所在地_番地以下"),
    *("建物名等(方書)", "緯度", "経度", "標高", "電話番号"),
    *HAZARD_COLUMNS,
    *("想定収容人数", "対象となる町会・自治会"),
)
"""In this order. The whole data set has some more (code of the publisher, contact, URL, picture, remarks), which this
hub knows nothing to put into."""


def national_csv(sites: Iterable[Site], city: City) -> bytes:
    """UTF-8 without a mark in front, lines ended as RFC 4180 has them."""
    written = io.StringIO()
    rows = csv.DictWriter(written, COLUMNS, restval="")
    rows.writeheader()
    rows.writerows(_row(site, city) for site in sites)
    return written.getvalue().encode()


def _row(site: Site, city: City) -> dict[str, object]:
    municipality = city.names[Language.JA]
    town, rest = split_address(site.address, {each.name.ja for each in city.towns.values()})
    return {
        "ID": site.code,
        "名称": site.name.ja,
        "名称_英字": site.name.en,
        "所在地_全国地方公共団体コード": city.code_with_check,
        "所在地_連結表記": f"{city.prefecture.ja}{municipality}{site.address}",
        "所在地_都道府県": city.prefecture.ja,
        "所在地_市区町村": municipality,
        "所在地_町字": town,
        "所在地_番地以下": rest,
        "緯度": site.position.latitude,
        "経度": site.position.longitude,
        **{column: 1 for column, hazard in HAZARD_COLUMNS.items() if site.designated_for(hazard)},
        "想定収容人数": "" if site.capacity is None else site.capacity,
    }


def split_address(address: str, towns: set[str]) -> tuple[str, str]:
    """「つつじが丘2-1-30」 as 町字 「つつじが丘二丁目」 and the rest 「1-30」.

    Both empty where it could be read in two ways, or is none of `towns`: the whole address stands beside it.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return "", ""
    name, first, rest = found["name"], found["first"], found["rest"] or ""
    block = f"{name}{_CHOME.get(first, first)}丁目"
    if block in towns and (name not in towns or "-" in rest):
        return block, rest
    if name in towns and block not in towns:
        return name, f"{first}-{rest}" if rest else first
    return "", ""


_ADDRESS = re.compile(r"(?P<name>\D+)(?P<first>\d+)(?:-(?P<rest>\d+(?:-\d+)*))?")
_CHOME = {str(number): kanji for number, kanji in enumerate("一二三四五六七八九", start=1)}
