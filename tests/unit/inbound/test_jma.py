"""Telegrams of 気象庁: small ones written here, and every official sample where they are at hand."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.inbound import jma
from hub.inbound.warning import InfoType, Place, State, Status

SHARED = Path(os.environ.get("YOBIKAKE_SHARED", Path(__file__).parents[3].parent / "shared"))
JMA = SHARED / "data" / "jma"
needs_samples = pytest.mark.skipif(
    not JMA.is_dir(), reason="no sample telegrams: set YOBIKAKE_SHARED to the folder that has data/jma"
)

CITY = Place(code="9920100", name="よびかけ市")


def telegram(
    *,
    kind: str = "気象警報・注意報（Ｒ０６）（土砂）",
    status: str = "通常",
    info_type: str = "発表",
    reported: str = "2026-09-08T21:40:00+09:00",
    information: str = "",
    body: str = "",
) -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Report xmlns="http://xml.kishou.go.jp/jmaxml1/">
  <Control><Title>{kind}</Title><Status>{status}</Status><PublishingOffice>試し気象台</PublishingOffice></Control>
  <Head xmlns="http://xml.kishou.go.jp/jmaxml1/informationBasis1/">
    <Title>よびかけ県の警報</Title>
    <ReportDateTime>{reported}</ReportDateTime>
    <EventID>E1</EventID><InfoType>{info_type}</InfoType><Serial>2</Serial>
    <Headline><Text>警戒して
      ください。</Text>{information}</Headline>
  </Head>
  <Body xmlns="http://xml.kishou.go.jp/jmaxml1/body/meteorology1/">{body}</Body>
</Report>""".encode()


def body_item(name: str, code: str, state: str, *, condition: str = "") -> str:
    return f"""<Warning type="気象警報・注意報（市町村等）"><Item>
      <Kind><Name>{name}</Name><Code>{code}</Code><Status>{state}</Status><Condition>{condition}</Condition></Kind>
      <Area><Name>よびかけ市</Name><Code>9920100</Code></Area></Item></Warning>"""


def headline_item(name: str, code: str, *, condition: str = "") -> str:
    return f"""<Information type="指定河川洪水予報（予報区域）"><Item>
      <Kind><Name>{name}</Name><Code>{code}</Code><Condition>{condition}</Condition></Kind>
      <Areas codeType="x"><Area><Name>青波川</Name><Code>999900000001</Code></Area></Areas></Item></Information>"""


def test_the_head_says_what_when_and_in_what_earnest() -> None:
    read = jma.parse(telegram(status="訓練", info_type="訂正"))
    assert read.kind == "気象警報・注意報（Ｒ０６）（土砂）"
    assert read.status is Status.DRILL
    assert read.info_type is InfoType.CORRECTION
    assert read.issued_at == datetime(2026, 9, 8, 12, 40, tzinfo=UTC)
    assert (read.event_id, read.serial, read.office) == ("E1", "2", "試し気象台")
    assert read.headline == "警戒して ください。"
    assert read.warnings == ()


@pytest.mark.parametrize(
    ("name", "code", "hazard", "level"),
    [
        ("レベル２大雨注意報", "10", Hazard.INLAND_FLOOD, 2),
        ("レベル３大雨警報", "03", Hazard.INLAND_FLOOD, 3),
        ("レベル４大雨危険警報", "43", Hazard.INLAND_FLOOD, 4),
        ("レベル５大雨特別警報", "33", Hazard.INLAND_FLOOD, 5),
        ("レベル２土砂災害注意報", "29", Hazard.LANDSLIDE, 2),
        ("レベル３土砂災害警報", "09", Hazard.LANDSLIDE, 3),
        ("レベル4土砂災害危険警報", "49", Hazard.LANDSLIDE, 4),
        ("レベル５土砂災害特別警報", "39", Hazard.LANDSLIDE, 5),
        ("レベル３高潮警報", "08", Hazard.STORM_SURGE, 3),
        ("レベル５高潮特別警報", "38", Hazard.STORM_SURGE, 5),
        ("洪水警報", "04", Hazard.FLOOD, 3),
        ("大雨特別警報", "33", Hazard.INLAND_FLOOD, 5),
        ("高潮警報", "08", Hazard.STORM_SURGE, None),
        ("暴風警報", "05", Hazard.STORM, None),
        ("雷注意報", "14", Hazard.OTHER, None),
    ],
)
def test_a_warning_has_a_hazard_and_the_level_its_name_says(
    name: str, code: str, hazard: Hazard, level: int | None
) -> None:
    (warned,) = jma.parse(telegram(kind="気象警報・注意報", body=body_item(name, code, "発表"))).warnings
    assert (warned.name, warned.code, warned.hazard) == (name, code, hazard)
    assert warned.level == level
    assert warned.areas == (CITY,)


def test_heavy_rain_before_2026_tells_landslides_from_flooding_by_its_condition() -> None:
    body = body_item("大雨警報", "03", "発表", condition="土砂災害") + body_item(
        "大雨警報", "03", "発表", condition="浸水害"
    )
    read = jma.parse(telegram(kind="気象警報・注意報（Ｈ２７）", body=body))
    assert [warned.hazard for warned in read.warnings] == [Hazard.LANDSLIDE, Hazard.INLAND_FLOOD]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("発表", State.ISSUED),
        ("継続", State.CONTINUED),
        ("解除", State.LIFTED),
        ("危険警報から警報", State.LOWERED),
        ("警報から注意報", State.LOWERED),
    ],
)
def test_the_state_is_read_with_the_code(said: str, state: State) -> None:
    (warned,) = jma.parse(telegram(body=body_item("レベル３土砂災害警報", "09", said))).warnings
    assert warned.state is state


@pytest.mark.parametrize("said", ["なし", "発表警報・注意報はなし", ""])
def test_where_nothing_stands_there_is_no_warning(said: str) -> None:
    assert jma.parse(telegram(body=body_item("レベル３土砂災害警報", "09", said))).warnings == ()


@pytest.mark.parametrize(
    ("name", "code", "condition", "level", "state"),
    [
        ("レベル４氾濫危険警報", "40", "レベル４氾濫危険警報", 4, State.ISSUED),
        ("レベル５氾濫特別警報（氾濫水の予報）", "53", "レベル５氾濫特別警報", 5, State.ISSUED),
        ("レベル２氾濫注意報解除", "10", "レベル２氾濫注意報解除", 2, State.LIFTED),
        ("氾濫警戒情報", "30", "洪水警報（発表）", 3, State.ISSUED),
        ("氾濫危険情報", "41", "洪水警報", 4, State.ISSUED),
        ("氾濫発生情報", "50", "洪水警報（発表）", 5, State.ISSUED),
    ],
)
def test_a_river_s_forecast(name: str, code: str, condition: str, level: int, state: State) -> None:
    read = jma.parse(
        telegram(kind="指定河川洪水予報", information=headline_item(name, code, condition=condition))
    )
    (warned,) = read.warnings
    assert (warned.hazard, warned.level, warned.state) == (Hazard.FLOOD, Level(level), state)
    assert warned.areas == (Place(code="999900000001", name="青波川"),)


def test_a_river_that_stays_high_is_continued() -> None:
    data = telegram(kind="指定河川洪水予報", information=headline_item("レベル４氾濫危険警報", "41"))
    read = jma.parse(data.replace(b"<Text>", "<Text>〔継続〕".encode()))
    assert read.warnings[0].state is State.CONTINUED


def test_a_volcano_s_level_is_another_scale() -> None:
    read = jma.parse(telegram(kind="噴火警報・予報", information=headline_item("レベル３（入山規制）", "13")))
    assert (read.warnings[0].hazard, read.warnings[0].level) == (Hazard.VOLCANO, None)


def test_areas_of_the_same_warning_are_one() -> None:
    other = body_item("レベル３土砂災害警報", "09", "発表").replace("9920100", "9920200")
    read = jma.parse(telegram(body=body_item("レベル３土砂災害警報", "09", "発表") * 2 + other))
    (warned,) = read.warnings
    assert [place.code for place in warned.areas] == ["9920100", "9920200"]


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", "line 1"),
        (b"not xml", "line 1"),
        (b"<Report/>", "Report"),
        (b'<?xml version="1.0"?>\n\n<a><b></a>', "line 3"),
        (telegram(kind=""), "Report/Control/Title"),
        (telegram(status="本番"), "Report/Control/Status"),
        (telegram(info_type=""), "Report/Head/InfoType"),
        (telegram(reported="きのう"), "Report/Head/ReportDateTime"),
        (telegram(reported="2026-09-08T21:40:00"), "Report/Head/ReportDateTime"),
        (telegram()[:300], "line 4"),
    ],
)
def test_what_is_no_telegram_is_refused_with_its_place(data: bytes, place: str) -> None:
    with pytest.raises(BadInput) as refused:
        jma.parse(data)
    assert refused.value.path == place


def test_entities_are_never_resolved(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    entity = f'<!DOCTYPE Report [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    data = telegram(kind="&x;").replace(b"<Report", entity.encode() + b"<Report", 1)
    with pytest.raises(BadInput, match="document type"):
        jma.parse(data)


def test_a_document_type_in_another_encoding_is_refused_too() -> None:
    text = telegram().decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    bomb = text.replace("<Report", '<!DOCTYPE Report [<!ENTITY x "boom">]><Report', 1)
    assert jma.parse(text.encode("utf-16")).serial == "2"
    with pytest.raises(BadInput, match="document type"):
        jma.parse(bomb.encode("utf-16"))


def test_a_telegram_beyond_the_limit_is_not_read() -> None:
    data = telegram() + b" " * jma.MAX_BYTES
    with pytest.raises(BadInput, match=str(jma.MAX_BYTES)):
        jma.parse(data)


# --- the official samples ------------------------------------------------------------------------


def samples(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (JMA / folder).glob("*.xml"))


@needs_samples
@pytest.mark.parametrize("folder", ["samples", "real", "reform2026"])
def test_every_official_telegram_is_read(folder: str) -> None:
    paths = samples(folder)
    assert paths
    for path in paths:
        read = jma.parse(path.read_bytes())
        assert read.kind, path.name
        assert read.issued_at.tzinfo is UTC, path.name
        for warned in read.warnings:
            assert warned.areas, path.name
            assert warned.level in (None, 2, 3, 4, 5), path.name


@needs_samples
def test_feeds_are_refused_as_no_telegrams() -> None:
    for path in samples("feeds"):
        with pytest.raises(BadInput, match="no telegram"):
            jma.parse(path.read_bytes())


@needs_samples
@pytest.mark.parametrize(
    ("sample", "name", "level", "state", "code"),
    [
        ("16_06_01_220728_VXKOii.xml", "氾濫危険情報", 4, State.ISSUED, None),
        ("15_17_01_250630_VPWW55.xml", "レベル３大雨警報", 3, State.CONTINUED, "3220100"),
        ("15_16_01_241031_VPWW56.xml", "レベル４土砂災害危険警報", 4, State.ISSUED, None),
        ("15_16_02_250630_VPWW57.xml", "レベル４高潮危険警報", 4, State.ISSUED, None),
        ("91_01_01_241031_VXSUii.xml", "レベル２氾濫注意報", 2, State.ISSUED, "82018131"),
        ("17_04_03_250630_VXWW50.xml", "解除", None, State.LIFTED, "1420600"),
    ],
)
def test_an_official_warning_says_what_its_text_says(
    sample: str, name: str, level: int | None, state: State, code: str | None
) -> None:
    read = jma.parse((JMA / "samples" / sample).read_bytes())
    found = [warned for warned in read.warnings if warned.name == name]
    assert [(warned.level, warned.state) for warned in found] == [(level, state)]
    if code:
        assert code in {place.code for place in found[0].areas}


@needs_samples
def test_a_withdrawn_telegram_is_known_as_such() -> None:
    withdrawn = [jma.parse(path.read_bytes()) for path in samples("samples")]
    assert sum(read.info_type is InfoType.CANCEL for read in withdrawn) >= 10
    assert sum(read.status is Status.DRILL for read in withdrawn) >= 1
