"""Whatever the residents' templates say is said in every language."""

import re
from gettext import NullTranslations
from importlib.resources import files

import pytest
from babel.messages.extract import extract_from_dir

from hub.hazard import DESIGNABLE
from hub.language import Language
from operator_ui import words
from shelters.site import Facility

FOLDER = files("operator_ui")
FOREIGN = [language for language in Language if language is not Language.JA]
PLACE = re.compile(r"%\((\w+)\)s")


def said() -> set[str]:
    folder = str(FOLDER / "residents" / "templates")
    found = extract_from_dir(folder, method_map=[("**.html", "jinja2.ext:babel_extract")], options_map={})
    messages = {message for _, _, message, _, _ in found if isinstance(message, str)}
    return messages | {each.japanese for each in (*DESIGNABLE, *Facility)}


@pytest.mark.parametrize("language", FOREIGN)
def test_nothing_is_left_in_japanese(language: Language) -> None:
    catalog = words.load(FOLDER / "locales", [language.value])[language.value]
    messages = said()
    assert len(messages) > 40
    assert messages - translated(catalog) == set()


def translated(catalog: NullTranslations | None) -> set[str]:
    """The keys of a catalog and of those behind it: every file of a language is one."""
    if catalog is None:
        return set()
    return {*getattr(catalog, "_catalog", {})} | translated(catalog._fallback)  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", FOREIGN)
def test_translations_have_the_same_places_to_fill(language: Language) -> None:
    catalog = words.load(FOLDER / "locales", [language.value])[language.value]
    for message in said():
        assert sorted(PLACE.findall(catalog.gettext(message))) == sorted(PLACE.findall(message)), message
