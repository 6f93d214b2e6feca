"""What is wrong with a setting, in words that say how it is written.

A field whose form is not plain says so beside itself: `Annotated[str, Meta(pattern=…, description="as +8142… / +8142… の形で")]`,
in English and Japanese. The library speaks English only; what we raise ourselves is in both languages already.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

_STEP = re.compile(r"\.(\w+)")
_JAPANESE = (
    (re.compile(r"unknown field `(.+)`"), r"\1 という設定はありません"),
    (re.compile(r"missing required field `(.+)`"), r"\1 を書いてください"),
    (re.compile(r"Expected `\w+` >= ([-\d.]+)"), r"\1 以上にしてください"),
    (re.compile(r"Expected `\w+` > ([-\d.]+)"), r"\1 より大きくしてください"),
    (re.compile(r"Expected `\w+` <= ([-\d.]+)"), r"\1 以下にしてください"),
    (re.compile(r"Expected `\w+` < ([-\d.]+)"), r"\1 より小さくしてください"),
    (re.compile(r"Expected `\w+` of length >= 1\b"), "空にはできません"),
    (re.compile(r"Expected the path of a file or folder"), '場所を "…" で囲んで書いてください'),
    (re.compile(r"Expected|Invalid"), "この値は使えません"),
)
_KINDS = re.compile(r"Expected `([\w |]+)`, got `(\w+)`")
_KIND_NAMES = {
    "int": "整数",
    "float": "数（1.5 など）",
    "str": '"…" で囲んだ文字',
    "bool": "true か false",
    "array": "[…] で囲んだ一覧",
    "object": "名前 = 値 の表",
    "datetime": "日時",
    "date": "日付",
    "time": "時刻",
}
"""The library's word → as TOML writes it. `null` TOML does not have: a line is left out."""


def worded(message: str, kind: Any, place: str) -> str:
    """The library's `message` about `place` (`$.channels[0].from_number`) in a `kind`, in both languages."""
    if message.startswith(("Expected `str` matching", "Expected `str` of length")):
        for note in _at(kind, place):
            if isinstance(note, Meta) and note.description:
                english, _, japanese = note.description.partition(" / ")
                return f"is written {english} / {japanese}書いてください"
    if message.startswith("Invalid enum"):
        for each in _at(kind, place):
            if isinstance(each, type) and issubclass(each, Enum):
                words = ", ".join(str(member.value) for member in each)
                return f"is one of {words} / {words} のどれかを書いてください"
    if (match := _KINDS.search(message)) and (wanted := _named(match[1])):
        return f"{message} / {wanted}を書いてください（いまは{_named(match[2]) or match[2]}です）"
    for pattern, japanese in _JAPANESE:
        if match := pattern.search(message):
            return f"{message} / {match.expand(japanese)}"
    return message


def _named(kinds: str) -> str:
    return "か".join(_KIND_NAMES[each] for each in kinds.split(" | ") if each in _KIND_NAMES)


def _at(kind: Any, place: str) -> Iterator[object]:
    """The types and their notes at the place; what is in a container stands for it."""
    found = list(_parts(kind))
    for name in _STEP.findall(place):
        structs = [each for each in found if isinstance(each, type) and issubclass(each, msgspec.Struct)]
        hints = [get_type_hints(each, include_extras=True) for each in structs]
        found = [part for each in hints if name in each for part in _parts(each[name])]
    yield from found


def _parts(kind: Any) -> Iterator[object]:
    yield kind
    if get_origin(kind) is Annotated:
        yield from kind.__metadata__
        yield from _parts(kind.__origin__)
    else:
        for each in get_args(kind):
            yield from _parts(each)
