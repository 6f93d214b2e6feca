"""Rendering is pure, and what every channel says of every template is written down, word for word.

`pytest tests/unit/test_golden.py --update-golden` writes the pages anew: read the difference before it is committed.
"""

import random
import re
import sys
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.x.thread import thread
from channels.x.weight import LIMIT
from hub import clock, render, slots
from hub.alert import Alert, Mode
from hub.channel import Content
from hub.delivery import Variant
from hub.framing import FRAMINGS
from hub.hazard import Hazard
from hub.language import Language
from hub.measure import weighted
from hub.recipient import Zone
from hub.shelter_list import Crowding, ShelterLine, ShelterLines
from tests.golden.page import SHOWN, forms, page, said
from tests.golden.published import published
from tests.unit.test_phrases import BANK, NOW, NothingKnown, sent

PAGES = Path(__file__).parents[1] / "golden" / "texts"
NUMBER = "2026-0147"
OPEN = ShelterLines(
    lines=(
        ShelterLine(name="つつじ小学校", latin="Tsutsuji Elementary School", crowding=Crowding.HAS_ROOM),
        ShelterLine(name="かわべ中学校", latin="Kawabe Junior High School", crowding=Crowding.UNKNOWN),
        ShelterLine(name="さくら会館", latin="Sakura Hall", people=86),
        ShelterLine(name="もみじ公民館", latin="Momiji Community Centre", few=True),
    ),
    as_of=NOW - timedelta(minutes=7),
)


class Sites(NothingKnown):
    """The city's sites, as they are."""

    def __init__(self, lines: ShelterLines | None) -> None:
        self._lines = lines

    def shelters(self, zone: Zone | None, hazard: Hazard, language: Language) -> ShelterLines | None:
        return self._lines

    def official(self, site: str) -> bool:
        return True


def rendered(
    alert: Alert, language: Language, lines: ShelterLines | None = OPEN, *, now: datetime = NOW
) -> Content:
    return render.render(alert, Variant(language, None), Sites(lines), lambda: now, number=NUMBER)


def in_every_language(
    template: str, mode: Mode = Mode.LIVE, lines: ShelterLines | None = OPEN
) -> Mapping[Language, Content]:
    alert = sent(BANK[template], mode)
    return {language: rendered(alert, language, lines) for language in Language}


PAGES_OF_ALL = {template: (template, Mode.LIVE, OPEN) for template in BANK} | {
    "flood-4.resident-drill": ("flood-4", Mode.RESIDENT_DRILL, OPEN),
    "flood-4.staff-drill": ("flood-4", Mode.STAFF_DRILL, OPEN),
    "flood-4.no-list": ("flood-4", Mode.LIVE, None),
}


@pytest.mark.parametrize("name", PAGES_OF_ALL)
def test_every_channel_says_what_is_written_down(name: str, request: pytest.FixtureRequest) -> None:
    path = PAGES / f"{name}.txt"
    if request.config.getoption("--update-golden"):
        path.write_text(written(name), encoding="utf-8")
    assert path.is_file(), "there is no such page: --update-golden writes it"
    assert written(name).split("\n") == path.read_text(encoding="utf-8").split("\n")


@pytest.mark.parametrize("template", BANK)
def test_every_template_fits_on_x_in_a_rehearsal_hub_too(template: str) -> None:
    """Its link is an address without a name, which X would not shorten."""
    for content in in_every_language(template).values():
        there = msgspec.structs.replace(content, link="http://127.0.0.1:8081/zh-hant/a/2026-0147")
        assert all(weighted(post.text) <= LIMIT for post in thread(there)), content.language


def written(name: str) -> str:
    template, mode, lines = PAGES_OF_ALL[name]
    hazard, level = BANK[template].hazard, BANK[template].level
    title = f"{name}: {hazard.value}, {f'level {level.value}' if level else 'no level'}, {mode.value}"
    site = published(sent(BANK[template], mode), Sites(lines), NUMBER)
    return page(title, in_every_language(template, mode, lines), site, whole=name == "flood-4")


def test_every_channel_has_its_place_on_the_pages() -> None:
    content = in_every_language("flood-4")[Language.JA]
    blocks = {*said(content), *forms(content)}
    assert {name for names in SHOWN.values() for name in names} == blocks


def test_no_page_is_of_a_template_that_is_gone() -> None:
    assert {path.stem for path in PAGES.iterdir()} == PAGES_OF_ALL.keys()


# --- pure ----------------------------------------------------------------------------------------


def everything(
    template: str, languages: Iterator[Language]
) -> dict[Language, tuple[Content, object, object]]:
    alert = sent(BANK[template], Mode.LIVE)
    contents = {language: rendered(alert, language) for language in languages}
    return {language: (content, said(content), forms(content)) for language, content in contents.items()}


def test_the_same_alert_says_the_same_and_asks_neither_clock_nor_disk_nor_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = everything("flood-4", iter(Language))  # what is loaded once is loaded here
    with monkeypatch.context() as sealed:
        _seal(sealed)
        again = everything("flood-4", reversed(Language))
    assert again == first


def test_the_seal_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as sealed:
        _seal(sealed)
        for impure in (
            clock.utc_now,
            lambda: PAGES.joinpath("flood-4.txt").read_text(),
            time.time,
            random.random,
        ):
            with pytest.raises(Impure):
                impure()


class Impure(Exception):
    """A text was made with something that is not in the alert."""


class NoClock(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        raise Impure


def _refuse(*_: object, **__: object) -> None:
    raise Impure


def _seal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "builtins.open",
        "io.open",
        "os.open",
        "socket.socket.connect",
        "time.time",
        "random.random",
    ):
        monkeypatch.setattr(name, _refuse)
    for name, module in list(sys.modules.items()):
        if (
            name.partition(".")[0] in ("hub", "channels", "yobikake")
            and vars(module).get("datetime") is datetime
        ):
            monkeypatch.setattr(module, "datetime", NoClock)


# --- fixed spans, byte for byte ------------------------------------------------------------------

names = st.text(alphabet="つじ小学校川原WK-・ ", min_size=1, max_size=30).filter(str.strip)
shelter = st.builds(
    ShelterLine,
    name=names,
    latin=st.text(alphabet="ABC xyz-", max_size=20),
    crowding=st.none() | st.sampled_from(Crowding),
    people=st.none() | st.integers(0, 99_999),
    few=st.booleans(),
)
lists = st.none() | st.builds(
    ShelterLines,
    lines=st.lists(shelter, max_size=5).map(tuple),
    as_of=st.integers(0, 45).map(lambda minutes: NOW - timedelta(minutes=minutes)),
)


@given(
    template=st.sampled_from(sorted(BANK)),
    language=st.sampled_from(Language),
    mode=st.sampled_from(Mode),
    lines=lists,
)
@settings(max_examples=50)
def test_what_was_approved_arrives_byte_for_byte(
    template: str, language: Language, mode: Mode, lines: ShelterLines | None
) -> None:
    alert = sent(BANK[template], mode)
    content = rendered(alert, language, lines)
    info = alert.info(language)
    approved = {
        "headline": info.headline,
        "body": f"{info.description}\n{info.instruction}".rstrip("\n"),
        "short": info.short,
        "speech": info.speech,
    }
    fixed = {
        form: [piece for piece in re.split(r"\{\w+\}", text) if piece] for form, text in approved.items()
    }
    for form, pieces in fixed.items():
        spans = getattr(content, form)
        assert [span.text.encode() for span in spans if span.slot is None] == [
            each.encode() for each in pieces
        ]
        assert all(slots.fits(span, language) for span in spans if span.slot not in (None, slots.DRILL))
    for channel, forms_carried in CARRIES.items():
        if channel == "loudspeaker" and language is not Language.JA:
            continue
        carried = _without_frame(said(content)[channel], content)
        for form in forms_carried:
            pieces = (
                [each.rstrip("（(").lstrip("）)") for each in fixed[form]] if channel == "x" else fixed[form]
            )
            assert all(_squeezed(each) in carried for each in pieces), f"{channel}: {form}"


CARRIES = {
    "line": ("headline", "body", "short"),
    "loudspeaker": ("speech",),
    "mail": ("headline", "body"),
    "sms": ("short",),
    "voice": ("speech",),
    "webpush": ("headline", "short"),
    "website": ("short",),
    "x": ("short",),
    "x picture": ("headline", "short"),
}
"""Which of the texts each channel brings whole; X but for the brackets of a number that its mark has. Sheets are cut to their forms' lengths, at the end of a sentence."""


def _without_frame(parts: Sequence[str], content: Content) -> str:
    """The words of a post, a call or a message behind one another, without what the connector put around each part."""
    mark = FRAMINGS[content.language].mark
    lines = [line for part in parts for line in part.removeprefix(mark).split("\n")]
    own = [line for line in lines if line != content.link and not line.startswith(f"[{content.number} ")]
    return _squeezed("".join(own))


def _squeezed(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())
