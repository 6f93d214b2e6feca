"""Reading a sheet of residents: what is good becomes a registration, what is not is named without being shown."""

import pytest

import config
from hub import city as cities
from hub.city import City
from hub.errors import BadInput
from hub.language import Language
from hub.ledger.register import Registration
from hub.recipient import Kind, Town, Zone
from yobikake.registration import COLUMNS, Sheet, read

HEAD = "kind,language,town,mail,line,voice,drills"
GOOD = "resident,en,13207-001,a@example.jp,,,yes"
LINE = "U" + "0123456789abcdef" * 2


@pytest.fixture(scope="module")
def city() -> City:
    return cities.load(config.folder("akishima"))


def sheet(city: City, *rows: str, head: str = HEAD) -> Sheet:
    return read("\r\n".join([head, *rows]), city)


def test_a_row_becomes_a_registration(city: City) -> None:
    found = sheet(city, f"resident,zh-hant,朝日町一丁目,A.b@Example.JP,{LINE},+81425550100,yes")
    assert found.faults == []
    assert [entry.registration for entry in found.entries] == [
        Registration(
            kind=Kind.RESIDENT,
            language=Language.ZH_HANT,
            contacts={"mail": "A.b@example.jp", "line": LINE, "voice": "+81425550100"},
            town=Town("13207-001"),
            zone=Zone("asahi-tsuiji"),
            drills=True,
        )
    ]


@pytest.mark.parametrize(
    ("kind", "said", "kept"), [("", "yes", True), ("", "", False), ("staff", "yes", False)]
)
def test_a_resident_may_need_help(city: City, kind: str, said: str, *, kept: bool) -> None:
    found = sheet(city, f"{kind},13207-006,+81425550100,{said}", head="kind,town,voice,support")
    assert [entry.registration.support for entry in found.entries] == [kept]


@pytest.mark.parametrize(
    ("number", "taken"),
    [
        ("+819055501000", True),
        ("+816055501000", True),
        ("+12025550100", True),
        ("+81425550100", False),
        ("+815055501000", False),
        ("09055501000", False),
    ],
)
def test_a_short_message_goes_to_a_mobile_number_only(city: City, number: str, taken: bool) -> None:
    found = sheet(city, f"{number},13207-006", head="sms,town")
    assert [entry.registration.contacts for entry in found.entries] == [{"sms": number}] * taken
    assert places(found) == [(2, "line 2 sms")] * (not taken)


def test_columns_may_be_left_out_or_empty(city: City) -> None:
    (entry,) = sheet(city, "a@example.jp,13207-006", head="mail,town").entries
    assert entry.registration == Registration(
        kind=Kind.RESIDENT,
        language=Language.JA,
        contacts={"mail": "a@example.jp"},
        town=Town("13207-006"),
        zone=Zone("azuma-tamagawa"),
    )
    (entry,) = sheet(city, "staff,,,b@example.jp,,,").entries
    assert (entry.registration.kind, entry.registration.town, entry.registration.zone) == ("staff", "", "")


def test_empty_rows_count_as_lines_only(city: City) -> None:
    found = sheet(city, ",,,,,,", "", GOOD)
    assert [entry.line for entry in found.entries] == [4]


@pytest.mark.parametrize(
    "address",
    [
        "a..b@docomo.ne.jp",
        "a.@docomo.ne.jp",
        ".a@ezweb.ne.jp",
        "a/b?c@docomo.ne.jp",
        "a_b+c@sub.example.co.jp",
    ],
)
def test_mail_addresses_that_exist_are_taken(city: City, address: str) -> None:
    found = sheet(city, f",,13207-001,{address},,,")
    assert [entry.registration.contacts for entry in found.entries] == [{"mail": address}]


@pytest.mark.parametrize(
    "row",
    [
        f",,13207-001,{bad},,,"
        for bad in ("secret", "secret@", "@secret.jp", "se cret@example.jp", "secret@example", "ｓecret@example.jp",
                    "secret@a@example.jp", "secret@example..jp", "secret<x@example.jp", "s" * 65 + "@example.jp",
                    '"secret\n@example.jp"')
    ],
)  # fmt: skip
def test_what_is_no_mail_address_is_a_fault_of_that_column(city: City, row: str) -> None:
    assert places(sheet(city, row)) == [(2, "line 2 mail")]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("target,,13207-001,secret@example.jp,,,", "kind"),
        ("secret,,13207-001,secret@example.jp,,,", "kind"),
        (",secret,13207-001,secret@example.jp,,,", "language"),
        (",,,secret@example.jp,,,", "town"),
        (",,secret,secret@example.jp,,,", "town"),
        ("staff,,secret,secret@example.jp,,,", "town"),
        (",,13207-001,,Usecret,,", "line"),
        (f",,13207-001,,{LINE}0,,", "line"),
        (f",,13207-001,,{LINE.lower()},,", "line"),
        (",,13207-001,,,0425550100,", "voice"),
        (",,13207-001,,,81425550100,", "voice"),
        (",,13207-001,,,+81-42-555-0100,", "voice"),
        (",,13207-001,,,+８１425550100,", "voice"),
        (",,13207-001,,,+0425550100,", "voice"),
        (",,13207-001,secret@example.jp,,,secret", "drills"),
        (",,13207-001,,,,", "mail/line/voice/sms/fax/webpush"),
        (",,13207-001,secret@example.jp", "*"),
        (",,13207-001,secret@example.jp,,,,", "*"),
    ],
)
def test_every_fault_names_its_place_in_both_languages_and_shows_nothing(
    city: City, row: str, column: str
) -> None:
    found = sheet(city, GOOD, row)
    assert places(found) == [(3, f"line 3 {column}")]
    assert [entry.line for entry in found.entries] == [2]
    (fault,) = found.faults
    assert f"3行目「{column}」" in fault.message
    assert not [cell for cell in row.split(",") if "secret" in cell and cell in fault.message]
    assert "secret" not in fault.message
    assert "5550100" not in fault.message
    assert LINE not in fault.message


def test_all_that_is_wrong_is_told_at_once(city: City) -> None:
    found = sheet(city, "x,x,x,x,x,x,x", GOOD, ",,13207-001,x,,,")
    assert [fault.path for fault in found.faults] == [
        *(f"line 2 {column}" for column in ("kind", "language", "drills", "town", "mail", "line", "voice")),
        "line 4 mail",
    ]


def test_an_address_may_stand_in_a_file_once(city: City) -> None:
    found = sheet(city, GOOD, ",,13207-001,a@EXAMPLE.jp,,,", ",,13207-001,A@example.jp,,,")
    assert places(found) == [(3, "line 3 mail")]
    assert "line 2" in found.faults[0].message
    assert "2行目" in found.faults[0].message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["line 1", ",".join(COLUMNS)]),
        (GOOD, ["line 1", ",".join(COLUMNS)]),
        (HEAD, ["line 2", "1人も"]),
        (f"{HEAD},pager,電話2\n{GOOD},,", ["line 1", "pager", "電話2", "この列"]),
        (f"{HEAD},x@example.jp\n{GOOD},", ["line 1", "8列目"]),
        (f"{HEAD},mail\n{GOOD},", ["line 1", "mail", "同じ列"]),
        (f'{HEAD}\n{GOOD}\n,,13207-001,"b@example.jp,,,', ["line 3", "引用符"]),
    ],
)
def test_what_is_no_such_table_is_refused(city: City, text: str, words: list[str]) -> None:
    with pytest.raises(BadInput) as refused:
        read(text, city)
    assert all(word in refused.value.message for word in words)
    assert "@" not in refused.value.message


def places(found: Sheet) -> list[tuple[int, str]]:
    return [(fault.line, fault.path) for fault in found.faults]
