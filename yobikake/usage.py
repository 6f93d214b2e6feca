"""A command line that was written wrong, in words: the library that reads it speaks English only, and stops at the
first option that is missing."""

import re
from typing import Any

import typer

from hub.errors import HubError

_JAPANESE = (
    (re.compile(r"^No such command (.+)\. Did you mean (.+)\?"), r"\1 というコマンドはありません。\2 ですか"),
    (re.compile(r"^No such command (.+)\."), r"\1 というコマンドはありません"),
    (
        re.compile(r"^No such option: (\S+) \(Possible options: (.+)\)"),
        r"\1 はありません。近いものは \2 です",
    ),
    (re.compile(r"^No such option: (\S+)"), r"\1 はありません"),
    (re.compile(r"^Missing (?:option|argument) (.+?)\."), r"\1 を書いてください"),
    (re.compile(r"^Missing command"), "コマンドを書いてください"),
    (re.compile(r"^Option (.+) requires"), r"\1 には値が要ります"),
    (re.compile(r"^Option (.+) does not take"), r"\1 に値は書けません"),
    (re.compile(r"^Got unexpected extra argument\(s\) \((.+)\)"), r"\1 が余分です"),
    (re.compile(r"^Invalid value for (.+?): "), r"\1 の値が使えません"),
)


def worded(error: typer.TyperException) -> HubError | None:
    """What is wrong, all that the command needs, and where its help is; in both languages. None: help was asked for by
    writing nothing, and stands there."""
    english = error.format_message()
    if not english:
        return None
    if " / " in error.message:
        return HubError(english)  # ours, in both languages
    japanese = next(
        (match.expand(words) for pattern, words in _JAPANESE if (match := pattern.search(english))),
        "書き方が違います",
    )
    ctx = getattr(error, "ctx", None)
    if ctx is None:
        return HubError(f"{english} / {japanese}")
    if english.startswith("Missing") and len(needed := _needed(ctx.command)) > 1:
        every = ", ".join(needed)
        english, japanese = f"{english} It needs {every}.", f"{japanese}。要るもの：{every}"
    see = f"{ctx.command_path} --help"
    stop = "" if english.endswith(("?", ".")) else "."
    return HubError(f"{english}{stop} See {see} / {japanese}。使い方：{see}")


def _needed(command: Any) -> list[str]:
    return [param.get_error_hint().strip("'") for param in command.params if param.required]
