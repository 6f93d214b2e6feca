"""How a Japanese name is written in other scripts, by rule from how it is read (kana), as regular expressions.

People write by ear, so each rule lets pass what the standard has and what is usual beside it: long vowels marked or not,
か as 가, 카 or 까. Sources: 외래어 표기법 (문화체육관광부고시), 표 4, for Hangul; Hepburn and 訓令式 (内閣告示) for Latin
letters; for Devanagari the letters by which Nepali writes these sounds.
"""

from functools import cache
from itertools import product
from typing import NamedTuple

from operator_ui.window.han import HIRAGANA

_ROWS = {
    "": "あいうえお",
    "k": "かきくけこ",
    "s": "さしすせそ",
    "t": "たちつてと",
    "n": "なにぬねの",
    "h": "はひふへほ",
    "m": "まみむめも",
    "r": "らりるれろ",
    "g": "がぎぐげご",
    "z": "ざじずぜぞ",
    "d": "だぢづでど",
    "b": "ばびぶべぼ",
    "p": "ぱぴぷぺぽ",
}
_SOUNDS = {
    kana: (row, vowel) for row, line in _ROWS.items() for kana, vowel in zip(line, "aiueo", strict=True)
}
_SOUNDS |= {"や": ("y", "a"), "ゆ": ("y", "u"), "よ": ("y", "o"), "わ": ("w", "a"), "を": ("", "o")}
_GLIDES = {"ゃ": "a", "ゅ": "u", "ょ": "o"}
_SOFT = {"s": "sh", "t": "ch", "z": "j", "d": "j"}
"""Rows whose い-column is another sound."""


class Syllable(NamedTuple):
    """`onset`: of a row, or sh, ch, j, ts, f. `glide`: きゃ and its like. `coda`: ん as "n", っ as "q"."""

    onset: str
    glide: bool
    vowel: str
    long: bool = False
    coda: str = ""


@cache
def syllables(kana: str) -> tuple[Syllable, ...]:
    """Of a reading in kana; 「・」 keeps two vowels apart. Empty for what is no kana."""
    found: list[Syllable] = []
    apart = False
    for letter in kana.translate(HIRAGANA):
        last = found[-1] if found else None
        if letter == "・":
            apart = True
            continue
        if letter in _GLIDES and last:
            found[-1] = Syllable(last.onset, last.onset not in ("sh", "ch", "j"), _GLIDES[letter])
        elif letter in "んっ" and last:
            found[-1] = last._replace(coda="n" if letter == "ん" else "q")
        elif last and not apart and _lengthens(letter, last):
            found[-1] = last._replace(long=True)
        elif letter in _SOUNDS:
            found.append(_syllable(*_SOUNDS[letter]))
        else:
            return ()
        apart = False
    return tuple(found)


def _lengthens(letter: str, last: Syllable) -> bool:
    if last.coda or last.long:
        return False
    return letter == "ー" or (last.vowel, letter) in {("o", "う"), ("o", "お"), ("u", "う"), ("a", "あ")}


def _syllable(row: str, vowel: str) -> Syllable:
    if vowel == "i":
        row = _SOFT.get(row, row)
    elif vowel == "u":
        row = {"t": "ts", "h": "f", "d": "z"}.get(row, row)
    return Syllable(row, False, vowel)


# --- Latin letters ------------------------------------------------------------------------------

_LATIN = {
    "sh": "(?:sh|sy|s)",
    "ch": "(?:ch|ty|t|c)",
    "j": "(?:jy?|zy?|dj)",
    "ts": "(?:t?s|t)",
    "f": "[fh]",
    "z": "d?z",
}
_LATIN_CODA = {"": "", "n": "(?:n['’]?|m)", "q": "[kstpcg]?"}
_LATIN_LONG = {"o": "o[ouh]?", "u": "u[uh]?", "a": "a[ah]?"}
_APART = "[ -]?"


def latin(kana: str, *, parted: bool = False) -> str:
    """In text without accents. `parted`: also with a space or a hyphen between any two syllables."""
    between = _APART if parted else ""
    return between.join(map(_in_latin, syllables(kana)))


def _in_latin(each: Syllable) -> str:
    vowel = _LATIN_LONG[each.vowel] if each.long else each.vowel
    return _LATIN.get(each.onset, each.onset) + ("y" if each.glide else "") + vowel + _LATIN_CODA[each.coda]


# --- Hangul -------------------------------------------------------------------------------------

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_MEDIALS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇ"
_ONSETS = {
    "": "ㅇ", "k": "ㄱㅋㄲ", "s": "ㅅ", "sh": "ㅅ", "t": "ㄷㅌㄸ", "ch": "ㅈㅊㅉ", "ts": "ㅆㅊㅉ", "n": "ㄴ", "h": "ㅎ", "f": "ㅎ",
    "m": "ㅁ", "y": "ㅇ", "r": "ㄹ", "w": "ㅇ", "g": "ㄱ", "z": "ㅈ", "j": "ㅈ", "d": "ㄷ", "b": "ㅂ", "p": "ㅍㅃ",
}  # fmt: skip
_VOWELS = {"a": "ㅏ", "i": "ㅣ", "u": "ㅜ", "e": "ㅔ", "o": "ㅗ"}
_GLIDED = {"a": "ㅑ", "u": "ㅠ", "o": "ㅛ"}
_LONG_BEHIND = {"o": "[우오]?", "u": "우?", "a": "아?"}


def hangul(kana: str) -> str:
    return "".join(map(_in_hangul, syllables(kana)))


def _in_hangul(each: Syllable) -> str:
    codas = {"n": "ㄴㅁㅇ", "q": "ㅅ "}.get(each.coda, " ")
    written = (_block(*block) for block in product(_ONSETS[each.onset], _medials(each), codas))
    return f"[{''.join(written)}]" + (_LONG_BEHIND[each.vowel] if each.long else "")


def _medials(each: Syllable) -> str:
    if each.onset == "w":
        return "ㅘ"
    if each.onset == "y" or each.glide:
        return _GLIDED[each.vowel]
    if each.onset == "sh" and each.vowel != "i":
        return _GLIDED[each.vowel]
    if each.onset in ("ch", "j") and each.vowel != "i":  # 초 by the standard, 쵸 by ear
        return _VOWELS[each.vowel] + _GLIDED[each.vowel]
    if each.vowel == "u" and each.onset in ("s", "ts", "z"):
        return "ㅡㅜ"
    return _VOWELS[each.vowel]


def _block(initial: str, medial: str, final: str) -> str:
    at = _INITIALS.index(initial) * len(_MEDIALS) + _MEDIALS.index(medial)
    return chr(0xAC00 + at * 28 + _FINALS.index(final))


# --- Devanagari ---------------------------------------------------------------------------------

_LETTERS = {
    "k": "क", "s": "स", "sh": "[शसष]", "t": "[तट]", "ch": "[चछ]", "ts": "(?:त्स|[सच])", "n": "न", "h": "ह", "f": "[फह]",
    "m": "म", "y": "य", "r": "र", "w": "व", "g": "ग", "z": "(?:ज़|ज)", "j": "(?:ज़|ज|झ)", "d": "[दड]", "b": "ब", "p": "प",
}  # fmt: skip
_SIGNS = {"a": "ा?", "i": "[िी]", "u": "[ुू]", "e": "[ेै]", "o": "[ोौ]"}
_ALONE = {"a": "[आअ]", "i": "[इईयि]", "u": "[उऊ]", "e": "[एऐ]", "o": "[ओऔ]"}
_NASAL = "(?:न्?|म्?|ङ्?|ण्?|ञ्?|[ंँ])"


def devanagari(kana: str) -> str:
    return "".join(map(_in_devanagari, syllables(kana)))


def _in_devanagari(each: Syllable) -> str:
    letter = _LETTERS.get(each.onset, "")
    soft = each.onset in ("sh", "ch", "j") and each.vowel != "i"
    glide = "्य" if each.glide else "(?:्य)?" if soft else ""
    vowel = _SIGNS[each.vowel] if letter else _ALONE[each.vowel]
    long = "[उऊओ]?" if each.long else ""
    coda = {"n": _NASAL, "q": "(?:[कसतपचट]्)?"}.get(each.coda, "")
    return letter + glide + vowel + long + coda
