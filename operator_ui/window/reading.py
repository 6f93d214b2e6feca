"""A question as the window reads it: cleaned, and taken apart into what can be compared."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from functools import cache, lru_cache
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

SAYS = re.compile(r"(?:[^\W\d_][\u0900-\u0903\u093a-\u094f]*){2}")
"""More than a particle or a house number: two letters, with the signs that Devanagari puts on them."""


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


def traits(text: str, language: Language) -> frozenset[str]:
    """Of a cleaned text, all by which topics may be told apart: words, words in their order, and pieces of words, endings
    too, since 「出たら」 asks for something else than 「出てる」."""
    if language in _JAPANESE:
        words = [*_words(text, language)]
        return frozenset((*_in_order(words), *_pieces(f"^{text.replace(' ', '')}$", (2, 3))))
    if language in (*_CHINESE, Language.KO):
        runs = _WORD.findall(text)
        ends = language is Language.KO
        return frozenset(piece for run in runs for piece in _pieces(f"^{run}$" if ends else run, (1, 2, 3)))
    written = (_DEVANAGARI_WORD if language is Language.NE else _WORD).findall(text)
    words = [folded(word) for word in written]
    sizes = (2, 3) if language is Language.NE else (3, 4)
    pieces = (piece for word in words for piece in _pieces(f"^{word}$", sizes))
    return frozenset((*_in_order(["^", *words, "$"]), *pieces, *(f"w:{word}" for word in written)))


def _in_order(words: list[str]) -> Iterator[str]:
    yield from (f"w:{word}" for word in words)
    yield from (f"w:{first} {second}" for first, second in pairwise(words))


def _pieces(word: str, sizes: Collection[int]) -> Iterator[str]:
    for size in sizes:
        yield from (f"c:{word[at : at + size]}" for at in range(len(word) - size + 1))


def _words(text: str, language: Language) -> Iterator[str]:
    if language in _JAPANESE:
        yield from _japanese_words(text)
    elif language is Language.NE:
        yield from _DEVANAGARI_WORD.findall(text)
    else:
        yield from (_stem(folded(word)) for word in _WORD.findall(text))


@lru_cache(maxsize=8)
def _japanese_words(text: str) -> tuple[str, ...]:
    """In their dictionary form and usual script: 「にげれば」 is 逃げる, 「ワイファイ」 Wi-Fi.

    What somebody wrote with spaces between the words is read without them first: they cut words apart. The last few are
    remembered, since each is asked for twice.
    """
    read = (_content(morpheme) for morpheme in _tokenizer().tokenize(text.replace(" ", "、")))
    return tuple(word.lower() for word in read if word and word not in _EMPTY)


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
