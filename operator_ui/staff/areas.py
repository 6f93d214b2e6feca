"""The area of a draft: what a form chose, what texts call it, and which towns it is."""

from collections.abc import Mapping, Sequence

from hub import placename
from hub.city import City
from hub.language import Language
from hub.place import Name
from hub.recipient import Audience, Called, Reached, Town, Towns, WholeCity
from operator_ui.form import Form, Problem

WHOLE = "whole"
TOWNS = "towns"
PRESET = "preset:"
REACHED = "reached"

_NAMED = 5
"""Towns that the words for an area name one by one."""

NONE_CHOSEN = Problem("area", "地域を1つ以上選んでください / Select at least one area")


def chosen(form: Form, city: City, old: Audience) -> Audience | Problem:
    """What the form says; a correction's audience is not the form's to change."""
    if isinstance(old, Reached):
        return old
    choice = form.text("area")
    if choice == WHOLE:
        return WholeCity()
    preset = city.presets.get(choice.removeprefix(PRESET))
    towns = preset.towns if preset else tuple(Town(code) for code in form.all("town") if code in city.towns)
    return Towns(towns=towns) if towns else NONE_CHOSEN


def choice_of(audience: Audience, city: City) -> str:
    """Which radio button stands for the audience."""
    match audience:
        case WholeCity():
            return WHOLE
        case Reached() | Called():
            return REACHED
    return next(
        (PRESET + code for code, preset in city.presets.items() if _same(preset.towns, audience)), TOWNS
    )


def towns(audience: Audience, city: City) -> frozenset[Town]:
    """The towns an audience means. Empty for a correction, which goes to people, not to places."""
    match audience:
        case WholeCity():
            return frozenset(city.towns)
        case Towns(towns=chosen_towns):
            return frozenset(chosen_towns)
    return frozenset()


def names(audience: Audience, city: City) -> Sequence[Name]:
    """What the texts of templates are filled with."""
    match audience:
        case Towns():
            return _town_names(audience, city)
        case _:
            whole = placename.whole_city(city.names)
            return (Name(ja=whole[Language.JA], en=whole[Language.EN]),)


def described(audience: Audience, city: City) -> str:
    """CAP area: the words for the place on screens and in the slot `{area}`."""
    if not isinstance(audience, Towns):
        return placename.whole_city(city.names)[Language.JA]
    preset = _preset(audience, city)
    if preset is not None:
        return city.presets[preset].name.ja
    listed = [city.towns[town].name.ja for town in audience.towns]
    return (
        "・".join(listed) if len(listed) <= _NAMED else f"{'・'.join(listed[:_NAMED])}など{len(listed)}地区"
    )


def by_zone(city: City) -> Mapping[str, Sequence[tuple[Town, str]]]:
    """The towns for a list of boxes: (code, name) under the name of their shelter zone."""
    return {
        zone.name.ja: [(town, city.towns[town].name.ja) for town in zone.towns]
        for zone in city.zones.values()
    }


def _town_names(audience: Towns, city: City) -> Sequence[Name]:
    preset = _preset(audience, city)
    if preset is not None:
        return (city.presets[preset].area,)
    return tuple(city.towns[town].name for town in audience.towns)


def _preset(audience: Towns, city: City) -> str | None:
    return next((code for code, preset in city.presets.items() if _same(preset.towns, audience)), None)


def _same(preset: Sequence[Town], audience: Towns) -> bool:
    return frozenset(preset) == frozenset(audience.towns)
