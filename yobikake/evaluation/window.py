"""How well the window answers: a city's set of questions, each with what is right."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import permutations
from typing import NamedTuple

import msgspec

from hub import folder as files
from hub.city import City
from hub.errors import BadSettings
from hub.folder import Folder
from hub.hazard import Hazard
from hub.language import Language
from hub.place import Position
from operator_ui.window.answers import Answers
from operator_ui.window.question import Question
from operator_ui.window.reply import Kind, NamedSite, Origin, Reply
from yobikake.evaluation.figure import Figure
from yobikake.evaluation.window_states import NOW, Stated, StateName, may_be_named

RIGHT_OR_UNSURE_PERCENT, RIGHT_PERCENT, WRONG_SITES = 95, 80, 0
"""The goals: what is right or says that it is not sure, what is right, and sites that should not have been named."""

_ROUNDED_M = 1
_SHORTEST_NAME = 4
"""Characters of a site's name that is looked for in a text."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`expect`: topics or kinds of reply, any of which is right. `asked`: hazards that it names.

    `held_out`: since when it is part of a set that was asked once, of a bank that did not know it. `unseen`: was such a set
    until 2026-11-30, and has been used for developing since. `also`: what a second question in it expects. `near`: the town or
    station it names, from which sites have to be told.
    """

    ask: str
    expect: tuple[str, ...]
    at: StateName = StateName.FLOOD
    also: tuple[str, ...] = ()
    near: str = ""
    asked: tuple[Hazard, ...] = ()
    unseen: bool = False
    held_out: date | None = None


class _Questions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    questions: tuple[Asked, ...]


class Judged(NamedTuple):
    language: Language
    asked: Asked
    verdict: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`wrong_sites`: sites named in any state to any of the questions that should not have been."""

    judged: list[Judged]
    wrong_sites: int
    replies: int

    def figures(self) -> dict[str, dict[str, Figure]]:
        """Of all, of each set that was held out, by language, and by what was expected first."""
        parts = {"all": _shares(self.judged, goals=True)}
        parts["all"]["wrong sites"] = Figure(value=self.wrong_sites, at_most=WRONG_SITES)
        for day in sorted({each.asked.held_out for each in self.judged if each.asked.held_out}):
            parts[f"held out {day}"] = _shares(
                [each for each in self.judged if each.asked.held_out == day], goals=True
            )
        parts["unseen"] = _shares([each for each in self.judged if each.asked.unseen])
        for language in Language:
            parts[language.value] = _shares([each for each in self.judged if each.language is language])
        for first in sorted({each.asked.expect[0] for each in self.judged}):
            parts[f"expected: {first}"] = _shares(
                [each for each in self.judged if each.asked.expect[0] == first]
            )
        return parts


def questions(folder: Folder) -> dict[Language, tuple[Asked, ...]]:
    """`questions.toml` of a city. Raises `BadSettings`."""
    found = files.toml(folder, "questions.toml", dict[Language, _Questions])
    if not any(each.questions for each in found.values()):
        raise BadSettings("questions.toml", "has no question / 質問がありません")
    return {language: each.questions for language, each in found.items()}


def evaluate(
    window: Answers,
    asked: Mapping[Language, Iterable[Asked]],
    states: Mapping[StateName, Stated],
    city: City,
    *,
    progress: Callable[[], None] = lambda: None,
) -> Judgement:
    """Each question is judged in its own state, and asked in all for the sites that are named."""
    judged: list[Judged] = []
    wrong_sites = replies = 0
    for language, each_asked in asked.items():
        for each in each_asked:
            question = Question(text=each.ask, asked_at=NOW, language=language)
            for name, stated in states.items():
                reply = window.answer(question, stated.now)
                replies += 1
                wrong_sites += sum(1 for _ in wrongly_named(reply, each, stated, city))
                if name is each.at:
                    judged.append(_judged(language, each, reply, city))
            progress()
    return Judgement(judged=judged, wrong_sites=wrong_sites, replies=replies)


def wrongly_named(reply: Reply, asked: Asked, stated: Stated, city: City) -> Iterator[str]:
    """Codes of sites that the reply names and must not: as a site, or anywhere in what the hub put into its text."""
    hazards = stated.hazards | {each for each in asked.asked if each not in city.absent}
    steps = {row.site.code: row.step for row in stated.now.board.rows}
    for code, site in stated.now.sites.items():
        right = bool(hazards) and may_be_named(site, steps[code], hazards) and not stated.now.stuck
        if not right and _names(reply, site.code, site.name.ja):
            yield code


def _names(reply: Reply, code: str, name: str) -> bool:
    def of(site: NamedSite) -> bool:
        return site.entry.code == code

    return any(
        any(map(of, each.sites))
        or (len(name) >= _SHORTEST_NAME and any(name in text for text in _put_in(each)))
        for each in reply.each()
    )


def _put_in(reply: Reply) -> Iterator[str]:
    """What the hub put into its sentences, besides those of sites."""
    said = (*reply.lead, reply.answer, reply.heading, *reply.closing)
    return (span.text for each in said if each for span in each.spans if span.origin is Origin.LIVE)


def _judged(language: Language, asked: Asked, reply: Reply, city: City) -> Judged:
    shown = reply.topic if reply.kind is Kind.CURATED else reply.kind.value
    return Judged(language, asked, verdict(asked, reply, city), shown)


def verdict(asked: Asked, reply: Reply, city: City) -> str:
    """Half of what was asked, told as if it were all, is wrong; sites from nowhere are not sure of the place."""
    first, *more = _answers(reply)
    if reply.kind is Kind.UNSURE and "unsure" not in asked.expect:
        return "unsure"
    if asked.also:
        both = any(
            not one.isdisjoint(asked.expect) and not other.isdisjoint(asked.also)
            for one, other in permutations([first, *more], 2)
        )
        return "right" if both else "unsure" if _in_part(asked, [first, *more], reply) else "wrong"
    if first.isdisjoint(asked.expect) and not (asked.expect == ("unsure",) and reply.kind is Kind.POLITE):
        return "wrong"
    return _placed(reply, _position(city, asked.near)) if asked.near else "right"


def _in_part(asked: Asked, answers: Sequence[set[str]], reply: Reply) -> bool:
    """Whether one of two questions was answered, and it was said that the other was not."""
    return reply.in_part and any(not each.isdisjoint({*asked.expect, *asked.also}) for each in answers)


def _answers(reply: Reply) -> list[set[str]]:
    """What each part of a reply answers: a cry for help, then what else was asked."""
    if reply.kind is Kind.EMERGENCY:
        own = [{"emergency"}, *([{reply.topic}] if reply.topic else [])]
    else:
        own = [{reply.kind.value, reply.topic} - {""}]
    return own + [{each.kind.value, each.topic} for each in reply.more]


def _position(city: City, name: str) -> Position:
    """Of a station, or the middle of a town. A name that is none of this city's is a mistake in the questions: `BadSettings`."""
    for station in city.stations:
        if name == f"{station.ja}駅":
            return station.position
    centres = [town.centre for town in city.towns.values() if town.name.ja.startswith(name)]
    if not centres:
        raise BadSettings("questions.toml near", f"{name} is no town or station / 町にも駅にもありません")
    return Position(
        latitude=sum(each.latitude for each in centres) / len(centres),
        longitude=sum(each.longitude for each in centres) / len(centres),
    )


def _placed(reply: Reply, near: Position) -> str:
    """Whether the sites are told from there, from nowhere, or from somewhere else."""
    if any(site.metres is None for site in reply.sites):
        return "unsure"
    apart = (
        abs(
            site.metres
            - near.distance_m(Position(latitude=site.entry.latitude, longitude=site.entry.longitude))
        )
        for site in reply.sites
        if site.metres is not None
    )
    return "right" if max(apart, default=0) <= _ROUNDED_M else "wrong"


def _shares(judged: list[Judged], *, goals: bool = False) -> dict[str, Figure]:
    counted, n = Counter(each.verdict for each in judged), len(judged)
    if not n:
        return {"questions": Figure(value=0)}
    right, unsure = counted["right"], counted["unsure"]
    return {
        "questions": Figure(value=n),
        "right %": Figure(value=100 * right / n, at_least=RIGHT_PERCENT if goals else None),
        "unsure %": Figure(value=100 * unsure / n),
        "wrong %": Figure(value=100 * counted["wrong"] / n),
        "right or unsure %": Figure(
            value=100 * (right + unsure) / n, at_least=RIGHT_OR_UNSURE_PERCENT if goals else None
        ),
    }
