"""The poster: everything on one page, the sites of the text and no others, and nothing over the edge."""

from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

import config
from channels._poster import faces
from channels._poster.around import Around, around, spots
from channels._poster.drawing import NUMBER_PT, TOWN_PT
from channels._poster.faces import supported
from channels._poster.fit import EDGE, FROM_AFAR_PT, HEIGHT, WIDTH, filled_percent
from channels._poster.letters import width_pt, wrapped
from channels._poster.page import poster
from channels._poster.words import WORDS
from hub import city as cities
from hub import shelter_list
from hub.alert import Mode
from hub.cap import MsgType
from hub.channel import Content, Span
from hub.errors import BadInput
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.language import Language
from hub.recipient import Zone
from hub.shelter_list import Crowding, ShelterLine, ShelterLines
from hub.testing.parcels import NOW, content
from shelters.site import load_sites
from tests.unit.channels.pdf import drawn, lines, pages, written

CITY = cities.load(config.folder("akishima"))
SITES = load_sites(config.folder("akishima"))
POSITIONS = {site.name.ja: site.position for site in SITES.values()}
ZONE = next(iter(CITY.zones))
NEAR = sorted(
    (site for site in SITES.values() if site.designated_for(Hazard.FLOOD)),
    key=lambda site: site.position.distance_m(CITY.zones[ZONE].centre),
)[:4]
LINES = ShelterLines(
    lines=tuple(
        ShelterLine(name=site.name.ja, latin=site.name.en, crowding=Crowding.HAS_ROOM) for site in NEAR
    ),
    as_of=NOW - timedelta(minutes=7),
)
WITH_LETTERS = [language for language in Language if supported(language)]
FONTS_HERE = pytest.mark.skipif(bool(faces.advice()), reason=f"the fonts are not here: {faces.advice()}")


def an_alert(language: Language = Language.JA, **changes: object) -> Content:
    made = content(language)
    before, _, after = made.body
    body = (before, Span(shelter_list.written(LINES, language), "shelters"), after)
    return structs.replace(made, language=language, **({"body": body} | changes))


def here(language: Language = Language.JA, zone: Zone | None = ZONE) -> Around:
    return around(CITY, POSITIONS, zone, in_japanese=language in (Language.JA, Language.JA_EASY))


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("language", WITH_LETTERS)
def test_one_page_says_everything_in_every_language_there_are_letters_for(language: Language) -> None:
    alert = an_alert(language)
    made = poster(alert, here(language), colour=True)
    assert pages(made) == 1
    said = squeezed("".join(lines(made)))
    assert squeezed(alert.text(alert.headline)) in said
    for span in alert.body:
        if span.slot is None:
            for paragraph in span.text.split("\n"):
                assert squeezed(paragraph) in said
    for site in NEAR:
        assert squeezed(site.name.ja) in said
    for more in (alert.link, alert.number, alert.sender, CITY.contact.telephone, WORDS[language].ask):
        assert squeezed(more) in said
    assert "2026-09-0821:47" in said


def test_the_same_alert_gives_the_same_octets() -> None:
    assert poster(an_alert(), here(), colour=False) == poster(an_alert(), here(), colour=False)


@pytest.mark.parametrize("language", [Language.VI, Language.NE])
def test_without_its_font_there_is_no_poster_but_what_to_install(
    language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faces, "of", lambda _: ())
    assert not faces.supported(language)
    with pytest.raises(BadInput, match=r"language: .*fonts-noto-core.*フォントがありません"):
        poster(an_alert(language), here(), colour=True)


def test_the_map_has_the_sites_of_the_text_in_its_order_and_no_others() -> None:
    found = spots(an_alert(), here())
    assert [spot.number for spot in found] == [1, 2, 3, 4, 0]  # the last line says how old the list is
    centre = CITY.zones[ZONE].centre
    for spot, site in zip(found, NEAR, strict=False):
        assert (spot.position, site.name.ja in spot.line) == (site.position, True)
        assert spot.distance_m == centre.distance_m(site.position)
    said = "".join(lines(poster(an_alert(), here(), colour=True)))
    others = {site.name.ja for site in SITES.values()} - {site.name.ja for site in NEAR}
    assert not [name for name in others if name in said]


def test_sites_at_one_place_hide_neither_each_others_numbers_nor_the_cross() -> None:
    centre = CITY.zones[ZONE].centre
    crowded = {site.name.ja: centre for site in NEAR}
    made = poster(an_alert(), around(CITY, crowded, ZONE, in_japanese=True), colour=True)
    marks = [each for each in written(made) if each.size_pt == NUMBER_PT and each.text.isdigit()]
    assert [each.text for each in marks] == ["1", "2", "3", "4"]
    for one, other in combinations(marks, 2):
        assert max(abs(one.x - other.x), abs(one.y - other.y)) >= 18, "each is a square of 18 points"


def test_towns_on_the_map_are_named_whole() -> None:
    made = poster(an_alert(), here(), colour=True)
    towns = [each for each in written(made) if each.size_pt == TOWN_PT]
    assert len(towns) > 5
    for each in towns:
        assert each.x >= EDGE
        assert each.x + width_pt(each.text, TOWN_PT, Language.JA) <= WIDTH - EDGE


def test_a_headline_gives_way_to_a_map_but_stays_legible_from_afar() -> None:
    alert = an_alert(headline=(Span("洪水のときに使える避難場所を開きました（よびかけ市 21時47分）"),))
    sizes = {}
    for times in (0, 6, 20):
        before, sites, after = alert.body
        longer = structs.replace(alert, body=(Span(before.text + "逃げてください。\n" * times), sites, after))
        made = poster(longer, here(), colour=True)
        top = [each for each in written(made) if each.y > HEIGHT - 200]
        (size_pt,) = {each.size_pt for each in top if "避難場所を" in each.text}
        sizes[times] = (size_pt, any(line.startswith("＋ ") for line in lines(made)))
    assert sizes[0] == (40.0, True)
    assert sizes[6][0] < 40
    assert sizes[6] >= (FROM_AFAR_PT, True)
    assert sizes[20] == (40.0, False)


def test_a_name_within_another_one_means_the_longer() -> None:
    names = {"中学校": POSITIONS[NEAR[0].name.ja], "東中学校": POSITIONS[NEAR[1].name.ja]}
    alert = an_alert(body=(Span("・東中学校：空いています", "shelters"),))
    (spot,) = spots(alert, around(CITY, names, None, in_japanese=True))
    assert spot.position == names["東中学校"]


def test_without_a_site_there_is_no_map() -> None:
    unknown = an_alert(
        body=(Span("逃げてください。\n"), Span("市のホームページで確かめてください。", "shelters"))
    )
    said = lines(poster(unknown, here(), colour=True))
    assert not any(line.startswith("＋") for line in said)
    assert "市のホームページで確かめてください。" in said
    assert any(line.startswith("＋") for line in lines(poster(an_alert(), here(), colour=True)))


def test_distances_are_from_where_it_hangs() -> None:
    for zone in (ZONE, None, Zone("no longer there")):
        centre = CITY.zones[zone].centre if zone in CITY.zones else CITY.centre
        said = "".join(lines(poster(an_alert(), here(zone=zone), colour=True)))
        for site in NEAR:
            assert f"約{max(0.1, centre.distance_m(site.position) / 1000):.1f} km" in said


@pytest.mark.parametrize("level", [None, *Level])
@pytest.mark.parametrize("msg_type", [MsgType.ALERT, MsgType.CANCEL])
def test_the_block_is_in_the_levels_colour_unless_it_is_lifted(
    level: Level | None, msg_type: MsgType
) -> None:
    alert = an_alert(level=level, msg_type=msg_type)
    ground = drawn(poster(alert, here(), colour=True)).split(b" rg\n")[0].split(b"\n")[-1]
    shown = level.meaning.colour if level and msg_type is MsgType.ALERT else "#FFFFFF"
    parts = [int(shown[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    assert [float(each) for each in ground.split()] == pytest.approx(parts, abs=1e-4)


def test_in_black_and_white_nothing_is_grey_dots_but_the_towns_names() -> None:
    commands = drawn(poster(an_alert(), here(), colour=False)).split(b"\n")
    grounds = {each for each in commands if each.endswith(b" rg")}
    greys = {each for each in commands if each.endswith((b" g", b" G"))}
    assert grounds <= {b"0 0 0 rg", b"1 1 1 rg"}
    assert greys <= {b"0 g", b"1 g", b".35 g", b"0 G", b"1 G"}


def test_a_drill_has_a_dashed_edge() -> None:
    edges = [drawn(poster(an_alert(mode=mode), here(), colour=True)).count(b"[10 5] 0 d") for mode in Mode]
    assert dict(zip(Mode, edges, strict=True)) == {
        Mode.LIVE: 0, Mode.RESIDENT_DRILL: 1, Mode.STAFF_DRILL: 1,
    }  # fmt: skip


def test_a_longer_text_is_set_smaller_then_without_a_map_and_then_refused() -> None:
    sizes = []
    for times in (1, 3, 6):
        alert = an_alert()
        before, sites, after = alert.body
        longer = structs.replace(alert, body=(Span(before.text * times), sites, after))
        made = poster(longer, here(), colour=True)
        body = [each for each in written(made) if each.text.startswith("よびかけ市は")]
        sizes.append((body[0].size_pt, any(line.startswith("＋ ") for line in lines(made))))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0][1] is True
    assert sizes[-1][1] is False
    endless = an_alert(body=(Span("危険な場所から全員避難。" * 400),))
    with pytest.raises(BadInput, match="body"):
        poster(endless, here(), colour=True)


@pytest.mark.parametrize("language", WITH_LETTERS)
def test_what_is_measured_is_whether_a_page_holds_it(language: Language) -> None:
    before, sites, after = an_alert(language).body
    measured = {}
    for times in range(4, 100, 4):
        longer = an_alert(language, body=(Span(before.text * times), sites, after))
        measured[times] = filled_percent(longer, here(language))
        try:
            poster(longer, here(language), colour=False)
        except BadInput:
            break
    assert measured.pop(times) > 100
    assert list(measured.values()) == sorted(measured.values())
    assert 80 < max(measured.values()) <= 100


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from(WITH_LETTERS),
    st.text(alphabet="避難。、（）「」ー abcxyz あ가\n1éộ स्थान र्दे ि", max_size=120),
    st.text(alphabet="警戒レベル4 Evacuate（）", min_size=1, max_size=80),
    st.sampled_from(["https://h.example/a", "https://h.example/" + "a" * 150]),
)
def test_nothing_stands_over_the_edge(language: Language, text: str, headline: str, link: str) -> None:
    made = poster(
        an_alert(language, body=(Span(text),), headline=(Span(headline),), link=link), here(), colour=True
    )
    for each in written(made):
        assert each.x >= EDGE - 0.1
        assert each.x + width_pt(each.text, each.size_pt, language) <= WIDTH - EDGE + 0.5, each
        assert EDGE - 0.1 <= each.y <= HEIGHT - EDGE


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(WITH_LETTERS), st.text(alphabet="避難。、（）「」ー abc あ ơ्रकि", max_size=60))
def test_lines_lose_nothing(language: Language, text: str) -> None:
    assert squeezed("".join(wrapped(text, 12, 100, language))) == squeezed(text)


def test_no_line_breaks_within_a_time() -> None:
    for width in range(60, 160, 4):
        lines = list(wrapped("避難場所の様子です（21時40分の情報）", 12, width, Language.JA))
        assert any("21時40分" in line for line in lines), width


def test_no_line_begins_with_a_full_stop_or_ends_with_a_bracket() -> None:
    text = "避難してください。（全員）、避難。" * 12
    for width in range(60, 180, 7):
        broken = list(wrapped(text, 12, width, Language.JA))
        assert not [line for line in broken if line.startswith(("。", "、", "）")) or line.endswith("（")]
