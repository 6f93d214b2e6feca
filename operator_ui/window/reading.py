"""A question as the window reads it: cleaned, and taken apart into what can be compared."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from functools import cache
from itertools import pairwise

from sudachipy import Dictionary, Morpheme, SplitMode, Tokenizer

from hub.language import Language
from operator_ui.window.language import folded

Features = Counter[str]
"""Words and pairs of letters, each by how often. `w:` is a word, `c:` a pair or a single character."""

_JAPANESE = (Language.JA, Language.JA_EASY)
_CHINESE = (Language.ZH_HANS, Language.ZH_HANT)
_CONTENT = frozenset(
    {"名詞", "動詞", "形容詞", "形状詞", "副詞", "代名詞", "感動詞", "接尾辞", "接頭辞", "連体詞"}
)
"""Parts of speech that say what is asked; particles and endings say how."""
_EMPTY = frozenset(
    {"為る", "居る", "有る", "成る", "呉れる", "下さる", "御", "行なう", "言う", "の", "事", "物", "です"}
)
"""Words that any question has."""
_DIGITS = re.compile(r"[0-9]{1,2}")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_DEVANAGARI_WORD = re.compile(r"[\u0900-\u0963\u0966-\u097f]+|[a-z0-9]+")


def cleaned(text: str) -> str:
    """In one form of Unicode, small letters, without control characters; spaces are single."""
    plain = unicodedata.normalize("NFKC", text).lower()
    kept = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in plain)
    return " ".join(kept.split())


def features(text: str, language: Language, empty: Collection[str] = ()) -> Features:
    """Of a cleaned text, without the words of `empty`. The same text gives the same."""
    if (
        language in _CHINESE or language is Language.KO
    ):  # words are not parted, or have their particles on them
        return Counter(f"c:{pair}" for run in _WORD.findall(text) for pair in _pairs(run))
    words = [word for word in _words(text, language) if word not in empty and not _DIGITS.fullmatch(word)]
    found = Counter(f"w:{word}" for word in words)
    if language is Language.NE:
        found.update(f"c:{pair}" for word in words for pair in _pairs(word))
    return found


def _words(text: str, language: Language) -> Iterator[str]:
    if language in _JAPANESE:
        yield from _japanese_words(text)
    elif language is Language.NE:
        yield from _DEVANAGARI_WORD.findall(text)
    else:
        yield from (_stem(folded(word)) for word in _WORD.findall(text))


def _japanese_words(text: str) -> Iterator[str]:
    """In their dictionary form and usual script: 「にげれば」 is 逃げる, 「ワイファイ」 Wi-Fi.

    What somebody wrote with spaces between the words is read without them first: they cut words apart.
    """
    for morpheme in _tokenizer().tokenize(text.replace(" ", "、")):
        word = _content(morpheme)
        if word and word not in _EMPTY:
            yield word.lower()


def _content(morpheme: Morpheme) -> str:
    return morpheme.normalized_form() if morpheme.part_of_speech()[0] in _CONTENT else ""


@cache
def _tokenizer() -> Tokenizer:
    """The small dictionary is 110 MB on disk, of which a process reads some 40; it is opened at the first question."""
    return Dictionary(dict="small").tokenizer(SplitMode.A)


def _pairs(word: str) -> Iterator[str]:
    """Letters, each by itself and each with its neighbour."""
    yield from word
    yield from (first + second for first, second in pairwise(word))


def _stem(word: str) -> str:
    """Without an English plural."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
