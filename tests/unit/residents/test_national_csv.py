"""The list of designated sites in the national columns."""

import csv
import io
import os
from pathlib import Path

import pytest

from operator_ui.residents.national_csv import national_csv, split_address
from tests.unit.residents.portal_setup import CITY, SITES

SHARED = Path(os.environ.get("YOBIKAKE_SHARED") or Path(__file__).resolve().parents[4] / "shared")
PUBLISHED = SHARED / "data" / "opendata" / "nanao_reference_shelters_standard_dataset.csv"
HEADER = (
    "ID,名称,名称_カナ,名称_英字,所在地_全国地方公共団体コード,町字ID,所在地_連結表記,所在地_都道府県,所在地_市区町村,"
    "所在地_町字,所在地_番地以下,建物名等(方書),緯度,経度,標高,電話番号,災害種別_洪水,"
    "災害種別_崖崩れ、土石流及び地滑り,災害種別_高潮,災害種別_地震,災害種別_津波,災害種別_大規模な火事,"
    "災害種別_内水氾濫,災害種別_火山現象,想定収容人数,対象となる町会・自治会"
)
"""Of 七尾市's file in the columns of 自治体標準オープンデータセット (CC BY 4.0, 石川県・七尾市)."""
TOWNS = {town.name.ja for town in CITY.towns.values()}


def header() -> bytes:
    return national_csv(SITES.values(), CITY).split(b"\r\n", 1)[0]


def test_its_columns_are_the_national_ones_to_the_byte() -> None:
    assert header() == HEADER.encode()


@pytest.mark.skipif(
    not PUBLISHED.exists(),
    reason="a published file is not here; YOBIKAKE_SHARED names the folder that has it",
)
def test_its_columns_are_those_of_a_published_file_to_the_byte() -> None:
    assert header() == PUBLISHED.read_bytes().split(b"\n", 1)[0]


def test_every_site_is_there_with_what_it_is_designated_for() -> None:
    rows = list(csv.DictReader(io.StringIO(national_csv(SITES.values(), CITY).decode(), newline="")))
    assert [row["ID"] for row in rows] == [*SITES]
    assert sum(row["災害種別_洪水"] == "1" for row in rows) == 21
    assert {row["災害種別_津波"] for row in rows} == {""}
    assert {row["想定収容人数"] for row in rows} == {""}, "not known is no number"
    first = next(row for row in rows if row["ID"] == "E1320700001")
    assert {key: value for key, value in first.items() if value} == {
        "ID": "E1320700001",
        "名称": "昭島市立つつじが丘小学校",
        "名称_英字": "Tsutsujigaoka Elementary School",
        "所在地_全国地方公共団体コード": "132071",
        "所在地_連結表記": "東京都昭島市つつじが丘2-1-30",
        "所在地_都道府県": "東京都",
        "所在地_市区町村": "昭島市",
        "所在地_町字": "つつじが丘二丁目",
        "所在地_番地以下": "1-30",
        "緯度": "35.716853",
        "経度": "139.371215",
        "災害種別_洪水": "1",
        "災害種別_崖崩れ、土石流及び地滑り": "1",
        "災害種別_地震": "1",
        "災害種別_内水氾濫": "1",
    }


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("つつじが丘3-1", ("つつじが丘三丁目", "1")),
        ("大神町4-4-1", ("大神町四丁目", "4-1")),
        ("中神町1172-1", ("中神町", "1172-1")),
        ("福島町890", ("福島町", "890")),
        ("大神町2-4", ("", "")),  # 二丁目4, or 2-4 of the old 大神町
        ("代官山1-6-7", ("", "")),
        ("郷地町・福島町", ("", "")),
    ],
)
def test_an_address_is_divided_where_there_is_one_way_to_read_it(
    address: str, parts: tuple[str, str]
) -> None:
    assert split_address(address, TOWNS) == parts
