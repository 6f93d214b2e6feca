"""The occasion of a rehearsal: a river forecast in 気象庁's form, written here and marked 訓練.

The warning, the levels and the codes are invented; the codes lie outside those in use. It is well-formed
after jmx.xsd, so that what reads it is the same code that reads a real one.
"""

from datetime import UTC, datetime
from xml.sax.saxutils import escape

from hub.clock import JST, cap_time
from hub.evacuation import Level

FORECAST_AREA = "999999999901"
"""The invented code of the forecast area; a rehearsal city lists it among its rivers."""
RIVER_CODE = "9999999999"

_NAMES = {
    Level.ADVISORY: "レベル２氾濫注意報",
    Level.ELDERLY_EVACUATE: "レベル３氾濫警報",
    Level.EVACUATE: "レベル４氾濫危険警報",
    Level.SECURE_LIFE: "レベル５氾濫特別警報",
}
_SITUATIONS = {
    Level.ADVISORY: ("氾濫注意水位に到達し、今後、水位はさらに上昇する見込み", "です"),
    Level.ELDERLY_EVACUATE: ("避難判断水位に到達し、今後、氾濫危険水位に到達する見込み", "です"),
    Level.EVACUATE: ("氾濫危険水位に到達し、氾濫のおそれ", "が高まっています"),
    Level.SECURE_LIFE: ("氾濫が発生しているおそれ", "があります"),
}
"""As a headline says it, and what makes a sentence of it."""


def flood_forecast(
    at: datetime,
    *,
    level: Level = Level.EVACUATE,
    river: str = "多摩川",
    station: str = "石原",
    serial: int = 1,
) -> bytes:
    """指定河川洪水予報 of `river` at `level` (2 to 5), issued at `at`, as UTF-8 XML.

    Reports of one rehearsal share their event and count in `serial`.
    """
    name, (situation, ending) = _NAMES[level], _SITUATIONS[level]
    return _TELEGRAM.format(
        sent=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        at=cap_time(at),
        event=f"{FORECAST_AREA}{at.astimezone(JST):%Y%m%d}",
        serial=serial,
        river=escape(river),
        station=escape(station),
        name=name,
        level="２３４５"[level - Level.ADVISORY],
        code=f"{int(level)}0",
        situation=situation,
        ending=ending,
        area=FORECAST_AREA,
        river_code=RIVER_CODE,
        station_code=f"{FORECAST_AREA}00001",
    ).encode()


_TELEGRAM = """\
<?xml version="1.0" encoding="UTF-8"?>
<Report xmlns="http://xml.kishou.go.jp/jmaxml1/" xmlns:jmx="http://xml.kishou.go.jp/jmaxml1/">
  <Control>
    <Title>指定河川洪水予報</Title>
    <DateTime>{sent}</DateTime>
    <Status>訓練</Status>
    <EditorialOffice>よびかけ訓練気象台</EditorialOffice>
    <PublishingOffice>よびかけ訓練河川事務所 よびかけ訓練気象台</PublishingOffice>
  </Control>
  <Head xmlns="http://xml.kishou.go.jp/jmaxml1/informationBasis1/">
    <Title>{river}{name}</Title>
    <ReportDateTime>{at}</ReportDateTime>
    <TargetDateTime>{at}</TargetDateTime>
    <EventID>{event}</EventID>
    <InfoType>発表</InfoType>
    <Serial>{serial}</Serial>
    <InfoKind>指定河川洪水予報</InfoKind>
    <InfoKindVersion>1.1_1</InfoKindVersion>
    <Headline>
      <Text>【訓練】【警戒レベル{level}相当情報［洪水］】{river}では、{situation}</Text>
      <Information type="指定河川洪水予報（予報区域）">
        <Item>
          <Kind>
            <Name>{name}</Name>
            <Code>{code}</Code>
            <Condition>{name}</Condition>
          </Kind>
          <Areas codeType="指定河川洪水予報（予報区域）">
            <Area>
              <Name>{river}</Name>
              <Code>{area}</Code>
            </Area>
          </Areas>
        </Item>
      </Information>
      <Information type="指定河川洪水予報（河川）">
        <Item>
          <Kind>
            <Name>{name}</Name>
            <Code>{code}</Code>
            <Condition>{name}</Condition>
          </Kind>
          <Areas codeType="河川">
            <Area>
              <Name>{river}</Name>
              <Code>{river_code}</Code>
            </Area>
          </Areas>
        </Item>
      </Information>
    </Headline>
  </Head>
  <Body xmlns="http://xml.kishou.go.jp/jmaxml1/body/meteorology1/">
    <Notice>この電文は訓練用です。実在の発表ではありません。</Notice>
    <Warning type="指定河川洪水予報">
      <Item>
        <Kind>
          <Property>
            <Type>主文</Type>
            <Text>【訓練】【警戒レベル{level}相当】{river}の{station}水位観測所では、{situation}{ending}。市町村からの避難情報を確認してください。</Text>
          </Property>
        </Kind>
        <Areas codeType="河川">
          <Area>
            <Name>{river}</Name>
            <Code>{river_code}</Code>
          </Area>
        </Areas>
        <Stations>
          <Station>
            <Name>{station}</Name>
            <Code type="水位観測所">{station_code}</Code>
            <Location>訓練のための観測所</Location>
          </Station>
        </Stations>
      </Item>
    </Warning>
  </Body>
</Report>
"""
