"""What was approved is read at the other end byte for byte, and the same wherever and whenever it is made."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from hub.alert import Alert, Mode
from hub.language import Language
from tests.golden.decoded import decoded
from tests.golden.published import Published, published
from tests.unit.residents.test_cap import SCHEMA
from tests.unit.test_golden import NUMBER, OPEN, PAGES, PAGES_OF_ALL, Sites, rendered
from tests.unit.test_phrases import BANK, sent

ROOT = Path(__file__).parents[2]


@cache
def of(name: str) -> tuple[Alert, Sites, Published]:
    template, mode, lines = PAGES_OF_ALL[name]
    alert = sent(BANK[template], mode)
    return alert, Sites(lines), published(alert, Sites(lines), NUMBER)


@pytest.mark.parametrize("name", PAGES_OF_ALL)
def test_every_approved_line_is_read_as_it_was_approved(name: str) -> None:
    alert, source, site = of(name)
    for language in Language:
        content = rendered(alert, language, source.shelters(None, alert.hazard, language))
        for channel, read in decoded(content, site).items():
            text = _squeezed(read.text) if read.wrapped else read.text
            for form in read.carries:
                for line in fixed(alert, language, form):
                    approved = _squeezed(line) if read.wrapped else line
                    assert approved in text, f"{channel}, {language}, {form}"


def fixed(alert: Alert, language: Language, form: str) -> Iterator[str]:
    """The lines of what was approved, and of a line with a slot the pieces around it."""
    info = alert.info(language)
    texts = {
        "headline": info.headline,
        "body": f"{info.description}\n{info.instruction}",
        "short": info.short,
        "speech": info.speech,
    }
    for line in re.split(r"\{\w+\}|\n", texts[form]):
        if line.strip():
            yield line.strip()


def _squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.skipif(not SCHEMA.exists(), reason="the CAP 1.2 schema is not here (YOBIKAKE_SHARED)")
def test_every_template_is_valid_cap_in_every_language_and_mode() -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    for name in PAGES_OF_ALL:
        _, _, site = of(name)
        document = etree.fromstring(site.once["cap"])
        schema.assertValid(document)
        languages = [info.findtext("{*}language") for info in document.iterfind("{*}info")]
        assert languages == [language.value for language in Language]


def test_elsewhere_the_same_is_said() -> None:
    """In another time zone, locale and order of hashes, with no encoding to fall back on."""
    surroundings = {
        **os.environ,
        "TZ": "America/St_Johns",
        "LC_ALL": "C",
        "LANG": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONHASHSEED": "4711",
        "PYTHONPATH": str(ROOT),
    }
    program = (
        "import sys; from tests.unit.test_golden import written; "
        "sys.stdout.buffer.write(written('flood-4').encode())"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=surroundings, check=True, capture_output=True
    )
    assert said.stdout == (PAGES / "flood-4.txt").read_bytes()


def test_the_modes_are_all_there() -> None:
    assert {mode for _, mode, _ in PAGES_OF_ALL.values()} == set(Mode)
    assert OPEN.lines
