"""In which language somebody writes: by the script, and where scripts are shared by the words."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from functools import lru_cache

from hub.language import Language

_KANA = re.compile(r"[\u3041-\u30ff]")
_HIRAGANA = re.compile(r"[\u3041-\u309f]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_DEVANAGARI = re.compile(r"[\u0900-\u097f]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1ea0-\u1eff]")
_VIETNAMESE = re.compile(r"[ăđơưĂĐƠƯ\u1ea0-\u1ef9]")
_CHINESE_ALONE = frozenset("的吗嗎哪里裡什么麼怎我你您是没沒这這请請嘛吧呢们們谁誰还還")
"""Characters of everyday Chinese that a Japanese question has hardly ever."""

_JAPANESE = (Language.JA, Language.JA_EASY)
_CHINESE = (Language.ZH_HANS, Language.ZH_HANT)
_LONG_WITHOUT_HAN = 5
"""So many hiragana and no character: who writes so reads so, too."""


def detect(text: str, wish: Language | None, latin: Mapping[Language, Collection[str]] = {}) -> Language:
    """The language to answer in. `wish`: what was chosen before, which holds wherever the text may be in it.

    `latin`: words as `folded` writes them, by which a language is known that is also typed in plain Latin letters.
    """
    if _HANGUL.search(text):
        return Language.KO
    if _DEVANAGARI.search(text):
        return Language.NE
    if _KANA.search(text):
        return _japanese(text, wish)
    if _HAN.search(text):
        return _characters(text, wish)
    if _LATIN.search(text):
        return _latin(text, wish, latin)
    return wish or Language.JA


def folded(text: str) -> str:
    """Without accents, in small letters: many type Vietnamese so."""
    split = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return unicodedata.normalize("NFC", "".join(c for c in split if not "\u0300" <= c <= "\u036f"))


def unaccented(text: str) -> str:
    """As `folded`, letter by letter: as many as before."""
    return text if text.isascii() else "".join(folded(letter)[:1] or letter for letter in text)


def _japanese(text: str, wish: Language | None) -> Language:
    if wish in _JAPANESE:
        return wish
    easy = not _HAN.search(text) and len(_HIRAGANA.findall(text)) >= _LONG_WITHOUT_HAN
    return Language.JA_EASY if easy else Language.JA


def _characters(text: str, wish: Language | None) -> Language:
    hans, hant = sum(map(_simplified_alone, text)), sum(map(_traditional_alone, text))
    chinese = not _CHINESE_ALONE.isdisjoint(text) or hans > 0
    if wish in _JAPANESE and not chinese:
        return wish
    if not chinese and wish not in _CHINESE:
        return Language.JA
    if hans != hant:
        return Language.ZH_HANS if hans > hant else Language.ZH_HANT
    return wish if wish in _CHINESE else Language.ZH_HANS


def _latin(text: str, wish: Language | None, latin: Mapping[Language, Collection[str]]) -> Language:
    if _VIETNAMESE.search(unicodedata.normalize("NFC", text)):
        return Language.VI
    words = re.findall(r"[a-z]+", folded(text))
    for language, vocabulary in sorted(latin.items(), key=lambda each: each[0] is not wish):
        known = sum(word in vocabulary for word in words)
        if words and known * 2 > len(words) and (wish is language or known > 1):
            return language
    return Language.EN


@lru_cache(maxsize=4096)
def _simplified_alone(character: str) -> bool:
    """In the standard of simplified characters, and in none of the others."""
    return _in(character, "gb2312") and not _in(character, "big5") and not _in(character, "shift_jis")


@lru_cache(maxsize=4096)
def _traditional_alone(character: str) -> bool:
    return _in(character, "big5") and not _in(character, "gb2312")


def _in(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return bool(_HAN.fullmatch(character))
