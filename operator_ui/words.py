"""Screen texts in the reader's language: gettext catalogs, kept as `.po` and compiled when the hub starts.

The texts in templates are Japanese, the language of those who answer for them, and are the keys of the
other languages' catalogs. A text without a translation shows in Japanese.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources.abc import Traversable
from io import BytesIO, StringIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from hub.errors import BadInput, HubError
from hub.place import Name
from hub.reasons import sides

SOURCE = "ja"
"""The language of the texts in templates and code."""


def load(folder: Traversable, languages: Iterable[str]) -> Mapping[str, NullTranslations]:
    """Every `<language>/LC_MESSAGES/*.po` in the folder; several files of one language become one catalog."""
    return {language: _catalog(folder / language / "LC_MESSAGES", language) for language in languages}


def one_language(message: str, language: str) -> str:
    """The side of 「日本語 / English」 that is in `language`, whichever comes first; else the whole message."""
    japanese, english = sides(message)
    return japanese if language.startswith(SOURCE) else english


def named(name: Name, language: str) -> str:
    """A name in the reader's language."""
    return name.ja if language.startswith(SOURCE) else name.en


def said(error: HubError, language: str) -> str:
    """What an error tells staff, without the place in a file or form that stands in front of it."""
    message = error.message
    if isinstance(error, BadInput):
        message = message.removeprefix(f"{error.path}: ")
    return one_language(message, language)


def _catalog(folder: Traversable, language: str) -> NullTranslations:
    catalog = NullTranslations()
    if not folder.is_dir():
        return catalog
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".po"):
            compiled = _compiled(entry.read_text(encoding="utf-8"), language)
            compiled.add_fallback(catalog)
            catalog = compiled
    return catalog


def _compiled(text: str, language: str) -> GNUTranslations:
    return GNUTranslations(BytesIO(_binary(text, language)))


@cache
def _binary(text: str, language: str) -> bytes:
    """Once for all listeners of a process."""
    binary = BytesIO()
    write_mo(binary, read_po(StringIO(text), locale=language.removesuffix("-x-easy").replace("-", "_")))
    return binary.getvalue()
