"""Letters on paper: every font is in the page, each country's and script's own way, and a reader gets the text back."""

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw, ImageStat

from channels import _fonts
from channels._fonts import Fonts
from channels._poster import faces
from channels._poster.fit import HEIGHT
from channels._poster.letters import phrased, runs, width_pt, wrapped
from channels._poster.page import poster
from channels._poster.subset import shown
from hub.channel import Content, Span
from hub.language import Language
from tests.servers.absence import absent
from tests.servers.posters import PDFFONTS, PDFTOPPM, PDFTOTEXT
from tests.unit.channels.pdf import embedded, lines, pages, written
from tests.unit.channels.test_poster import FONTS_HERE, LINES, an_alert, here
from tests.unit.test_golden import in_every_language
from tests.unit.test_phrases import BANK
from yobikake.rehearsal.servers.program import Program

HAN = (Language.JA, Language.ZH_HANS, Language.ZH_HANT, Language.KO)
LETTERS = ["क", "कि", "क्ष", "स्त्री", "र्दे", "ह्न", "र्\u200dयो", "सँ", "a", "7", " "]


def asked(program: Program, pdf: bytes, *arguments: str) -> bytes:
    """Of Poppler, which Evince and Okular read with."""
    if not program.find():
        absent(f"{program.name} is not here: {program.package}")
    command = [str(program.path), *arguments]
    run = subprocess.run(command, input=pdf, capture_output=True, check=True)
    assert run.stderr == b""
    return run.stdout


def read(pdf: bytes) -> str:
    return asked(PDFTOTEXT, pdf, "-raw", "-", "-").decode()


def fonts_of(pdf: bytes) -> list[tuple[str, ...]]:
    """Of each whether it is embedded, a subset, and readable as Unicode."""
    return [tuple(line.split()[-5:-2]) for line in asked(PDFFONTS, pdf, "-").decode().splitlines()[2:]]


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


@FONTS_HERE
@pytest.mark.parametrize("template", BANK)
def test_what_is_copied_or_spoken_is_what_was_approved(template: str) -> None:
    for language, alert in in_every_language(template, lines=LINES).items():
        pdf = poster(alert, here(language), colour=True)
        assert pages(pdf) == 1
        said = squeezed(read(pdf))
        assert squeezed(alert.text(alert.headline)) in said
        for span in alert.body:
            for paragraph in "" if span.slot == "shelters" else span.text.split("\n"):
                assert squeezed(paragraph) in said
        assert f"/Lang ({language})".encode() in pdf


@FONTS_HERE
@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("language", Language)
def test_every_font_is_in_the_page_and_only_what_it_needs_of_it(language: Language, colour: bool) -> None:
    pdf = poster(in_every_language("flood-4", lines=LINES)[language], here(language), colour=colour)
    assert set(fonts_of(pdf)) == {("yes", "yes", "yes")}
    assert len(pdf) < 60_000  # a gateway takes it, and a line sends it


@FONTS_HERE
@pytest.mark.parametrize(
    "text", ["避難☂\u2f47日", "避難 مأوى 🏠", "Nghie\u0302\u0303m", "ＡB\u00a0c fi ffi", "न मस्ते"]
)
def test_whatever_was_typed_is_in_a_font_of_the_page_and_comes_back(text: str) -> None:
    for language in Language:
        pdf = poster(an_alert(language, body=(Span(text),)), here(language), colour=False)
        assert set(fonts_of(pdf)) == {("yes", "yes", "yes")}
        assert squeezed(text) in squeezed("".join(lines(pdf)))


@FONTS_HERE
def test_each_country_writes_a_character_its_own_way() -> None:
    forms = {language: [glyph.number for glyph in set_in(language, "誤花")] for language in HAN}
    assert len({number for numbers in forms.values() for number in numbers}) == 8, forms


@FONTS_HERE
@pytest.mark.parametrize("language", HAN)
def test_a_printer_draws_what_the_font_has(language: Language) -> None:
    """Poppler's picture of a page against FreeType's of the same letters, by the same font of the system."""
    pdf = poster(an_alert(language, body=(Span("誤花直骨避難警戒"),)), here(language), colour=False)
    (line,) = (each for each in written(pdf) if each.text == "誤花直骨避難警戒")
    page = pictured(pdf)
    letters = Fonts(None, setting="test").of(language)
    assert letters is not None
    expected = Image.new("L", page.size, 255)
    at = (line.x * SCALE, (HEIGHT - line.y) * SCALE)
    font = letters.sized(round(line.size_pt * SCALE))
    ImageDraw.Draw(expected).text(at, line.text, font=font, fill=0, anchor="ls")
    box = tuple(map(round, font.getbbox(line.text, anchor="ls")))
    place = (int(at[0]) + box[0], int(at[1]) + box[1], int(at[0]) + box[2], int(at[1]) + box[3])
    difference = ImageStat.Stat(ImageChops.difference(page.crop(place), expected.crop(place))).mean[0]
    assert difference < 12, difference  # of 255: the edges; with another country's forms it is 16 and more


SCALE = 4
"""Pixels a point."""


def pictured(pdf: bytes) -> Image.Image:
    asked_for = ("-r", str(72 * SCALE), "-gray", "-singlefile", "-")
    return Image.open(BytesIO(asked(PDFTOPPM, pdf, *asked_for))).convert("L")


def set_in(language: Language, text: str) -> Sequence[faces.Glyph]:
    (run,) = runs(text, language)
    assert isinstance(run.font, faces.Face)
    return run.font.glyphs(run.text)


@FONTS_HERE
def test_devanagari_is_joined_and_reordered() -> None:
    k, r = set_in(Language.NE, "क")[0].number, set_in(Language.NE, "र")[0].number
    assert set_in(Language.NE, "कि")[-1].number == k  # the vowel that is written after it stands before it
    assert len(set_in(Language.NE, "क्ष")) == 1  # three characters, one glyph
    above = [glyph.number for glyph in set_in(Language.NE, "र्क")]
    assert len(above) == 2
    assert above[0] == k  # its r above the letter that follows it
    assert r not in above


@FONTS_HERE
@pytest.mark.parametrize("language", Language)
def test_the_octets_do_not_depend_on_what_was_drawn_before_or_beside(language: Language) -> None:
    faces.of.cache_clear()
    with ThreadPoolExecutor(4) as threads:
        made = set(threads.map(lambda _: poster(flood(language), here(language), colour=False), range(8)))
    assert len(made) == 1


@FONTS_HERE
@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(LETTERS)), st.sampled_from([10.0, 30.0, 200.0]))
def test_no_line_ends_within_a_letter(letters: list[str], width: float) -> None:
    lines = list(wrapped("".join(letters), 12, width, Language.NE))
    assert squeezed("".join(lines)) == squeezed("".join(letters))
    may_end = set(accumulate(len(letter.strip()) for letter in letters)) | {0}
    assert set(accumulate(len(squeezed(line)) for line in lines)) <= may_end


@FONTS_HERE
@pytest.mark.parametrize(
    ("language", "text"), [(Language.NE, "र्दे स्त्री सँ"), (Language.VI, "AV Nghie\u0302\u0303m To")]
)
def test_every_glyph_stands_where_harfbuzz_set_it(language: Language, text: str) -> None:
    for font, stretch in runs(text, language):
        glyphs = font.glyphs(stretch)
        expected, pen = [], 0.0
        for glyph in glyphs:
            expected.append((glyph.number, pen + glyph.right, glyph.up))
            pen += glyph.advance
        widths = {glyph.number: glyph.width for glyph in glyphs}
        assert placed(shown(glyphs, 1000.0), widths) == expected


def placed(operators: str, widths: Mapping[int, float]) -> list[tuple[int, float, float]]:
    """As a reader of PDFs goes through them (ISO 32000-1 §9.4.4), with letters of 1000."""
    found, pen, up = [], 0.0, 0.0
    for number, glyphs, rise in re.findall(r"(-?[\d.]+)(?=[<>])|<(\w+)>|(-?[\d.]+) Ts", operators):
        if rise:
            up = float(rise)
        elif number:
            pen -= float(number)
        for code in re.findall("....", glyphs):
            found.append((int(code, 16), pen, up))
            pen += widths[int(code, 16)]
    return found


# --- lines ---------------------------------------------------------------------------------------


def test_a_headline_breaks_between_its_phrases() -> None:
    headline = "洪水のときに使える避難場所を開きました（よびかけ市 21時47分）"
    assert list(phrased(headline, 40, 491, Language.JA)) == [
        "洪水のときに使える", "避難場所を開きました", "（よびかけ市 21時47分）",
    ]  # fmt: skip
    assert list(phrased("洪水\u3000青波川", 40, 200, Language.ZH_HANS)) == ["洪水", "青波川"]
    assert list(phrased("洪水\u3000青波川", 20, 200, Language.ZH_HANS)) == ["洪水\u3000青波川"]
    assert not phrased("洪水时可使用的避难场所已开放\u3000呼唤市", 40, 491, Language.ZH_HANS)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(Language), st.text(alphabet="避難。、（）「」ー\u3000 abcあいっーア4", max_size=60))
def test_between_phrases_nothing_is_lost_but_the_space_where_a_line_ends(
    language: Language, text: str
) -> None:
    lines = phrased(text, 12, 100, language)
    if lines:
        pattern = r"\s*".join(map(re.escape, lines))
        assert re.fullmatch(rf"{pattern}\s*", text)
        assert all(width_pt(line, 12, language) <= 100 for line in lines)


@pytest.mark.parametrize(
    ("language", "text", "kept"),
    [
        (
            Language.EN,
            "If you are near the river (家屋倒壊等氾濫想定区域), leave",
            "(家屋倒壊等氾濫想定区域),",
        ),
        (Language.KO, "Kawaguchi-cho (川口町)의 아오나미강 침수", "(川口町)의"),
        (Language.JA_EASY, "洪水（こうずい）の避難指示（ひなんしじ）を出しました", "避難指示（ひなんしじ）"),
        (Language.ZH_HANS, "洪水时可使用的避难场所 距离＋直线约1.2 km)", "1.2 km)"),
        (Language.JA, "青波川の洪水について警戒レベル4 避難指示を発令しました。", "発令しました。"),
        (Language.JA, "危険な場所にいる方は、かならずそこから早く避難してください。", "ください。"),
        (Language.NE, "सतर्कता स्तर 4 (避難指示) - योबिकाके सहर", "(避難指示) -"),
    ],
)
def test_no_line_breaks_within_a_name_a_reading_or_a_distance(
    language: Language, text: str, kept: str
) -> None:
    for width in range(170, 300, 10):
        assert any(kept in line for line in wrapped(text, 12, width, language)), width


# --- what is missing -----------------------------------------------------------------------------


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """As on a machine that has these files and no other."""

    def have(*names: str) -> None:
        there = faces.of

        def of(language: Language) -> Sequence[faces.Face]:
            return [face for face in there(language) if face.path.name in names]

        monkeypatch.setattr(faces, "of", of)

    return have


def test_without_any_font_a_page_names_what_its_reader_must_have(only: Callable[..., None]) -> None:
    only()
    pdf = poster(an_alert(), here(), colour=False)
    assert b"/HeiseiKakuGo-W5" in pdf
    assert not embedded(pdf)
    assert not faces.supported(Language.VI)
    said = faces.warning()
    assert said is not None
    assert "白紙" in said.japanese
    assert "empty page" in said.english
    for text in said:
        assert "fonts-noto-cjk" in text
        assert "fonts-noto-core" in text


@FONTS_HERE
def test_it_is_said_what_is_missing_and_nothing_else(only: Callable[..., None]) -> None:
    assert faces.warning() is None
    only("NotoSansCJK-Bold.ttc")
    assert [each for each in Language if not faces.supported(each)] == [Language.NE]
    assert faces.advice() == faces.DEVANAGARI
    assert "白紙" not in str(faces.warning())


@FONTS_HERE
def test_vietnamese_has_a_font_where_chinese_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fonts, "PLACES", ())
    found = faces.of.__wrapped__(Language.VI)
    assert [face.path.name for face in found if face.has("ệ")] == ["NotoSans-Bold.ttf"]
    assert not [face for face in faces.of.__wrapped__(Language.JA) if face.has("避")]


def test_what_is_no_font_is_not_taken_for_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken, missing = tmp_path / "broken.ttc", tmp_path / "missing.ttc"
    broken.write_bytes(b"ttcf\x00\x01")
    monkeypatch.setattr(_fonts, "PLACES", (missing, broken))
    assert not [face for face in faces.of.__wrapped__(Language.JA) if face.has("避")]


def flood(language: Language) -> Content:
    return in_every_language("flood-4", lines=LINES)[language]
