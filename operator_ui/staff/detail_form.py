"""The typed values of a template as fields of a form, and the fields as values again."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, NamedTuple

import msgspec

from hub import details as typed
from hub.clock import JST
from hub.details import Colour, Details, Person
from hub.errors import BadInput
from hub.language import Language
from hub.phrases import Template
from hub.place import Name
from operator_ui.form import HUGE, Form, Problem
from operator_ui.staff.checks import detail_field as field_id

LABELS: Mapping[str, str] = {
    "place": "場所の名前 / Place",
    "road": "道路と区間 / Road and section",
    "from_at": "始まり / From",
    "until_at": "終わり（未定なら空けておく） / Until (leave empty if not known)",
    "day": "対象の日 / Day",
    "telephone": "問い合わせ先の電話番号 / Telephone number",
    "heat_index": "暑さ指数（WBGT） / Heat index (WBGT)",
    "person": "探している方 / Who is looked for",
    "age": "年齢（およそ） / Age (about)",
    "colour": "服の色 / Colour",
}
_IN_LATIN = "（ローマ字・外国語の文に入ります） /  (in Latin letters, for the foreign texts)"


class Field(NamedTuple):
    """One input. `label` is 「日本語 / English」; `choices` are (value, Japanese words) pairs of a list."""

    id: str
    label: str
    kind: str
    """An input's type, or `choice`."""
    value: str
    optional: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    longest: int = 40


def fields(template: Template, details: Details, form: Form | None = None) -> list[Field]:
    """What the template asks for, filled with `details`, or with what was typed into `form` already."""
    found = [field for name in template.asks for field in _fields(name, template, details)]
    if form is None:
        return found
    return [field._replace(value=form.text(field.id)) for field in found]


def details_from(form: Form, template: Template, old: Details) -> tuple[Details, list[Problem]]:
    """`old` with what the form says. A field that cannot be used keeps its old value and is a problem; one
    that the form does not have keeps its value too."""
    details, problems = old, list[Problem]()
    for name in template.asks:
        if not any(form.ticked(field.id) for field in _fields(name, template, old)):
            continue
        try:
            value = _VALUES[name](form, name)
            _require(value, name, template)
            changed = msgspec.structs.replace(details, **{name: value})
            typed.check(changed)
        except BadInput as e:
            problems.append(Problem(field_id(e.path), e.message.removeprefix(f"{e.path}: ")))
        else:
            details = changed
    return details, problems


def label_of(name: str, template: Template) -> str:
    return template.labels.get(name, LABELS[name])


def _fields(name: str, template: Template, details: Details) -> Iterator[Field]:
    value, label = getattr(details, name), label_of(name, template)
    place = field_id(f"$.details.{name}")
    if name in ("place", "road"):
        japanese, english = label.split(" / ")
        for_latin, in_latin = _IN_LATIN.split(" / ")
        yield Field(f"{place}-ja", label, "text", value.ja if value else "", longest=_LONGEST["ja"])
        yield Field(
            f"{place}-en",
            f"{japanese}{for_latin} / {english}{in_latin}",
            "text",
            value.en if value else "",
            longest=_LONGEST["en"],
        )
        return
    optional = name in typed.OPTIONAL
    if name in _CHOICES:
        yield Field(place, label, "choice", value or "", choices=_choices(_CHOICES[name]))
    else:
        yield Field(place, label, _KINDS[name], _shown(value), optional=optional)


_LONGEST = typed.LONGEST_NAME
_KINDS = {
    "from_at": "datetime-local",
    "until_at": "datetime-local",
    "day": "date",
    "telephone": "tel",
    "heat_index": "number",
    "age": "number",
}
_CHOICES: Mapping[str, type[Person] | type[Colour]] = {"person": Person, "colour": Colour}


def _choices(kind: type[Person] | type[Colour]) -> tuple[tuple[str, str], ...]:
    words: Mapping[Any, str] = (typed.PEOPLE if kind is Person else typed.COLOURS)[Language.JA]
    return tuple((member.value, words[member]) for member in kind)


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.astimezone(JST).strftime("%Y-%m-%dT%H:%M")
        case date():
            return value.isoformat()
    return str(value)


def _require(value: object, name: str, template: Template) -> None:
    if value is None and name not in typed.OPTIONAL:
        japanese, english = label_of(name, template).split(" / ")
        raise BadInput(f"$.details.{name}", f"「{japanese}」を入れてください / Fill in: {english}")


def _name(form: Form, name: str) -> Name:
    place = field_id(f"$.details.{name}")
    return Name(ja=form.text(f"{place}-ja"), en=form.text(f"{place}-en"))


def _moment(form: Form, name: str) -> datetime | None:
    text = form.text(field_id(f"$.details.{name}"))
    try:
        return datetime.fromisoformat(text).replace(tzinfo=JST).astimezone(UTC) if text else None
    except (ValueError, OverflowError) as e:
        raise BadInput(f"$.details.{name}", "日付と時刻を入れてください / Give a date and a time") from e


def _day(form: Form, name: str) -> date | None:
    text = form.text(field_id(f"$.details.{name}"))
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as e:
        raise BadInput(f"$.details.{name}", "日付を入れてください / Give a date") from e


def _number(form: Form, name: str) -> int | None:
    place = field_id(f"$.details.{name}")
    number = form.number(place)
    return HUGE if number is None and form.text(place) else number


def _telephone(form: Form, name: str) -> str | None:
    return form.text(field_id(f"$.details.{name}")) or None


def _choice(kind: type[Enum]) -> Callable[[Form, str], Enum | None]:
    return lambda form, name: form.choice(field_id(f"$.details.{name}"), kind)


_VALUES: Mapping[str, Callable[[Form, str], object]] = {
    "place": _name,
    "road": _name,
    "from_at": _moment,
    "until_at": _moment,
    "day": _day,
    "telephone": _telephone,
    "heat_index": _number,
    "person": _choice(Person),
    "age": _number,
    "colour": _choice(Colour),
}
