"""Whatever the residents' templates say is said in every language."""

import re
from importlib.resources import files

import pytest
from babel.messages.extract import extract_from_dir

from hub.hazard import DESIGNABLE
from hub.language import Language
from operator_ui import words

FOLDER = files("operator_ui")
FOREIGN = [language for language in Language if language is not Language.JA]
PLACE = re.compile(r"%\((\w+)\)s")


def said() -> set[str]:
    folder = str(FOLDER / "residents" / "templates")
    found = extract_from_dir(folder, method_map=[("**.html", "jinja2.ext:babel_extract")], options_map={})
    messages = {message for _, _, message, _, _ in found if isinstance(message, str)}
    return messages | {hazard.japanese for hazard in DESIGNABLE}


@pytest.mark.parametrize("language", FOREIGN)
def test_nothing_is_left_in_japanese(language: Language) -> None:
    catalog = words.load(FOLDER / "locales", [language.value])[language.value]
    messages = said()
    assert len(messages) > 40
    missing = object()
    untranslated = {message for message in messages if catalog._catalog.get(message, missing) is missing}  # type: ignore[attr-defined]
    assert untranslated == set()


@pytest.mark.parametrize("language", FOREIGN)
def test_translations_have_the_same_places_to_fill(language: Language) -> None:
    catalog = words.load(FOLDER / "locales", [language.value])[language.value]
    for message in said():
        assert sorted(PLACE.findall(catalog.gettext(message))) == sorted(PLACE.findall(message)), message
