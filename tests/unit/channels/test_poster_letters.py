"""Vietnamese and Nepali on paper: their letters are in the page, joined, and a reader of PDFs gets the text back."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels._poster.embedded import EMBEDDED, shaped
from channels._poster.letters import runs, supported, wrapped
from channels._poster.page import poster
from hub.channel import Content
from hub.language import Language
from tests.servers.absence import absent
from tests.servers.posters import PDFTOTEXT
from tests.unit.channels.pdf import pages
from tests.unit.channels.test_poster import LINES, NOTO, here
from tests.unit.test_golden import in_every_language

BROUGHT = [Language.VI, Language.NE]
LETTERS = ["क", "कि", "क्ष", "स्त्री", "र्दे", "ह्न", "र्\u200dयो", "सँ", "a", "7", " "]


def read(pdf: bytes) -> str:
    """By Poppler, as Evince and Okular do."""
    if not PDFTOTEXT.find():
        absent("pdftotext is not here: poppler-utils")
    command = [PDFTOTEXT.path, "-raw", "-", "-"]
    return subprocess.run(command, input=pdf, stdout=subprocess.PIPE, check=True).stdout.decode()


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


@NOTO
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("template", ["flood-4", "earthquake"])
def test_what_is_copied_or_spoken_is_what_was_approved(language: Language, template: str) -> None:
    alert = in_every_language(template, lines=LINES)[language]
    pdf = poster(alert, here(language), colour=True)
    assert pages(pdf) == 1
    said = squeezed(read(pdf))
    assert squeezed(alert.text(alert.headline)) in said
    for span in alert.body:
        for paragraph in "" if span.slot == "shelters" else span.text.split("\n"):
            assert squeezed(paragraph) in said
    assert f"/Lang ({language})".encode() in pdf


@NOTO
@pytest.mark.parametrize("language", BROUGHT)
def test_a_subset_of_the_font_is_in_the_page(language: Language) -> None:
    pdf = poster(flood(language), here(language), colour=True)
    assert b"+" + EMBEDDED[language].file.encode() in pdf
    assert b"/FontFile2" in pdf
    assert len(pdf) < 60_000


@NOTO
def test_devanagari_is_joined_and_reordered() -> None:
    font = EMBEDDED[Language.NE].file
    ki = shaped(font, "कि")
    assert ki[-1] == "क"  # the vowel that is written after it stands before it
    assert len(shaped(font, "क्ष")) == 1  # three characters, one glyph
    assert len(shaped(font, "र्क")) == 2
    assert shaped(font, "र्क")[0] == "क"  # its r above the letter that follows it


@NOTO
@pytest.mark.parametrize("language", BROUGHT)
def test_the_octets_do_not_depend_on_what_was_drawn_before_or_beside(language: Language) -> None:
    with ThreadPoolExecutor(4) as threads:
        made = set(threads.map(lambda _: poster(flood(language), here(language), colour=False), range(8)))
    assert len(made) == 1


@NOTO
@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(LETTERS)), st.sampled_from([10.0, 30.0, 200.0]))
def test_no_line_ends_within_a_letter(letters: list[str], width: float) -> None:
    lines = list(wrapped("".join(letters), 12, width, Language.NE))
    assert squeezed("".join(lines)) == squeezed("".join(letters))
    may_end = set(accumulate(len(letter.strip()) for letter in letters)) | {0}
    assert set(accumulate(len(squeezed(line)) for line in lines)) <= may_end


@NOTO
def test_a_word_of_vietnamese_is_in_one_font() -> None:
    (word,) = runs("Nghiễm", Language.VI)
    assert word.font == "NotoSans-Bold"
    assert {each.font for each in runs("よびかけ", Language.VI)} == {"HeiseiKakuGo-W5"}


def flood(language: Language) -> Content:
    assert supported(language)
    return in_every_language("flood-4", lines=LINES)[language]
