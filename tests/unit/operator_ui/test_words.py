"""Every text of the console exists in English, and errors are told in the reader's language."""

from pathlib import Path

import pytest
from jinja2 import Environment

from hub import drills
from hub.alert import DecisionMethod
from hub.details import COLOURS, PEOPLE
from hub.errors import BadInput, Conflict
from hub.evacuation import MEANINGS
from hub.hazard import Hazard
from hub.language import Language
from hub.muster import Answer
from hub.on_call import Duty
from hub.reply import Reply
from operator_ui import words
from operator_ui.pages import FOLDER
from operator_ui.staff import counters, report_figures, sections
from operator_ui.staff.accounts_pages import ACTIONS, ROLES
from operator_ui.staff.glance import Look
from operator_ui.staff.hourly_page import HEADINGS
from operator_ui.staff.new import REST
from operator_ui.staff.settings_page import ENTRIES
from operator_ui.staff.shelter_pages import NEEDS
from operator_ui.staff.wifi_page import LOOKS
from shelters.crowding import JAPANESE
from shelters.manual import Item
from shelters.occupancy import Recount, Source
from shelters.shelter import Stage
from shelters.support import Support
from shelters.why import Why

_SOURCES = [
    *Path(str(FOLDER / "templates")).glob("*.html"),
    *Path(str(FOLDER / "staff" / "templates")).glob("*.html"),
]
ENGLISH = words.load(FOLDER / "locales", ["en"])["en"]


def texts(template: Path) -> set[str]:
    """What the template asks gettext for."""
    found = Environment(extensions=["jinja2.ext.i18n"]).extract_translations(
        template.read_text(encoding="utf-8")
    )
    singular = (each[0] if isinstance(each, tuple) else each for _, _, each in found)
    return {text for text in singular if text}


@pytest.mark.parametrize("template", _SOURCES, ids=lambda path: path.name)
def test_every_text_of_a_template_is_translated(template: Path) -> None:
    missing = {
        text for text in texts(template) if ENGLISH.gettext(text) == text and text != "%(used)s / %(limit)s"
    }
    plural = {text for text in missing if ENGLISH.ngettext(text, text, 2) == text}
    assert not plural


def test_every_word_that_code_gives_to_a_template_is_translated() -> None:
    given = [
        *(meaning.name for meaning in MEANINGS.values()),
        *(meaning.action for meaning in MEANINGS.values()),
        *(hazard.japanese for hazard in Hazard),
        *(look.japanese for look in Look),
        *(stage.japanese for stage in Stage),
        *(source.japanese for source in Source),
        *(reason.japanese for reason in Recount),
        *(why.japanese for why in Why),
        *(method.value for method in DecisionMethod),
        *JAPANESE.values(),
        *NEEDS,
        *(kind.japanese for kind in Support),
        *HEADINGS.values(),
        *(item.japanese for item in Item),
        *(duty.japanese for duty in Duty),
        *(kind.japanese for kind in drills.Kind),
        *(state.japanese for state in drills.State),
        *report_figures.STEPS,
        *(answer.japanese for answer in Answer),
        *(reply.japanese for reply in Reply),
        *sections.PARTS.values(),
        *sections.TYPES.values(),
        *sections.FACTS,
        sections.ORDER,
        *(word for word in report_figures.WORDS if word != "配信"),
        *(word for word in counters.WORDS.values() if not word.isascii()),
        *(word for role in ROLES.values() for word in role),
        *ACTIONS.values(),
        *(word for entry in ENTRIES for word in entry[2:4]),
        REST,
        *(name for name, _, _ in LOOKS.values()),
        *PEOPLE[Language.JA].values(),
        *COLOURS[Language.JA].values(),
    ]
    assert not [text for text in given if ENGLISH.gettext(text) == text]


def test_the_placeholders_of_a_translation_are_those_of_its_text() -> None:
    for template in _SOURCES:
        for text in texts(template):
            for said in (ENGLISH.gettext(text), ENGLISH.ngettext(text, text, 2)):
                assert placeholders(said) == placeholders(text), text


def placeholders(text: str) -> set[str]:
    return {part.split(")")[0] for part in text.split("%(")[1:]}


@pytest.mark.parametrize(
    ("message", "japanese", "english"),
    [
        ("作成した人は承認できません / The author cannot approve", "作成した人は承認できません", "The author cannot approve"),
        ("needs {area} / {area} を決めてください", "{area} を決めてください", "needs {area}"),
        ("要確認：日本語、简体中文です / Check: 日本語, 简体中文", "要確認：日本語、简体中文です", "Check: 日本語, 简体中文"),
        ("5.1.1", "5.1.1", "5.1.1"),
        ("only English / and more English", "only English / and more English", "only English / and more English"),
    ],
)  # fmt: skip
def test_a_message_is_told_in_one_language(message: str, japanese: str, english: str) -> None:
    assert words.one_language(message, "ja") == japanese
    assert words.one_language(message, "en") == english


def test_an_error_is_told_without_the_place_in_the_form() -> None:
    assert (
        words.said(BadInput("$.order.grounds", "根拠を書いてください / is empty"), "ja")
        == "根拠を書いてください"
    )
    assert words.said(Conflict("すでに止めています / Sending was stopped already"), "en") == (
        "Sending was stopped already"
    )
