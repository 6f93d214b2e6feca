"""定型文: the bank of phrases a draft starts from, one file a template, in every language.

A template knows no city: `{city}`, `{river}`, `{area}`, `{earlier}`, `{earlier_at}` and the typed values of
`hub.details` are filled when a draft is made; the slots of `hub.slots` stay, and the renderer fills them.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache

import msgspec

from hub import details as typed
from hub import folder as files
from hub import placename, shelter_list, slots, wording
from hub.alert import AlertInfo
from hub.cap import MsgType
from hub.details import Details
from hub.errors import BadInput, BadSettings
from hub.evacuation import Level
from hub.folder import Folder
from hub.hazard import Hazard
from hub.language import Language
from hub.place import Name
from hub.placename import Names, Style
from hub.slots import Form

PARAMETERS = frozenset({"city", "river", "area", "earlier", "earlier_at", *typed.NAMES})
"""What a draft fills in. `earlier`, `earlier_at`: the number and time of the alert it corrects."""

_GAP = re.compile(r"\{(\w+)\}")
_NOTHING = Details()


class State(StrEnum):
    """Whether a person has compared the phrase with its source."""

    VERIFIED = "verified"
    NEEDS_REVIEW = "needs_review"

    @property
    def japanese(self) -> str:
        return "人が確認済" if self is State.VERIFIED else "要確認"


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """The alert that a correction speaks of."""

    number: str
    sent: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The texts of one occasion. `verified` names the phrases a person has checked, by language."""

    id: str
    title: Name
    hazard: Hazard
    level: Level | None
    msg_type: MsgType
    correction: bool
    review_by: date
    infos: Mapping[Language, AlertInfo]
    verified: Mapping[Language, frozenset[Form]]
    labels: Mapping[str, str]
    """What a form calls a typed value here, 「日本語 / English」, where its own name says too little."""

    def state(self, language: Language, form: Form, *, today: date) -> State:
        """Past `review_by` a check no longer counts: the phrase needs one again. It can still be sent."""
        fresh = today <= self.review_by and form in self.verified.get(language, ())
        return State.VERIFIED if fresh else State.NEEDS_REVIEW

    @property
    def parameters(self) -> frozenset[str]:
        """What `fill` must be given."""
        texts = (getattr(info, form) for info in self.infos.values() for form in Form)
        return PARAMETERS.intersection(_GAP.findall("".join(texts)))

    @property
    def asks(self) -> tuple[str, ...]:
        """The typed values that somebody gives for each draft, in the order of a form."""
        parameters = self.parameters
        return tuple(name for name in typed.NAMES if name in parameters)

    @property
    def name(self) -> Name:
        """The title beside its hazard's: 「警戒レベル4 避難指示」 of 「洪水　警戒レベル4 避難指示」."""
        ja, en = self.title.ja, self.title.en
        return Name(ja=ja.partition("　")[2] or ja, en=en.partition(": ")[2] or en)

    def takes(self, details: Details) -> Details:
        """Those of the values that this template speaks of."""
        return Details(**{name: getattr(details, name) for name in self.asks})


def load(folder: Folder, *, without: Collection[Hazard] = ()) -> Mapping[str, Template]:
    """Every `*.toml` in the folder, by its name without the ending; but for hazards that the city does not have.

    Raises:
        BadSettings: names the file and the key, and what to do.
    """
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    templates = [_template(name, files.text(folder, name)) for name in names]
    return {template.id: template for template in templates if template.hazard not in without}


def fill(
    template: Template,
    *,
    city: Names,
    area: Sequence[Name] = (),
    river: Names | None = None,
    earlier: Earlier | None = None,
    issued_at: datetime | None = None,
    details: Details = _NOTHING,
) -> tuple[AlertInfo, ...]:
    """The texts of a draft for this city and these places, in every language of the template.

    `{issued_at}` stays a slot, so that it follows the order's time, unless it is given here.

    Raises:
        BadInput: the template needs something that was not given; names it.
    """
    towns = [placename.of_town(one) for name in area for one in placename.split(name)]
    values = _Values(
        city=city, towns=towns, river=river, earlier=earlier, issued_at=issued_at, details=details
    )
    return tuple(_filled(info, values, template.id) for info in template.infos.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Values:
    city: Names
    towns: Sequence[Names]
    river: Names | None
    earlier: Earlier | None
    issued_at: datetime | None
    details: Details

    def word(self, gap: str, language: Language, style: Style, *, again: bool) -> str | None:
        """What stands for a gap; None: it was not given."""
        if gap in typed.NAMES:
            return typed.written(self.details, gap, language, style, again=again)
        if gap == "area":
            return placename.listed(self.towns, language, style, again=again) or None
        if place := {"city": self.city, "river": self.river}.get(gap):
            return placename.written(place, language, style, again=again)
        if gap == "earlier":
            return self.earlier.number if self.earlier else None
        earlier_at = self.earlier.sent if self.earlier else None
        moment = {"issued_at": self.issued_at, "earlier_at": earlier_at}.get(gap)
        return shelter_list.clock_words(moment, language) if moment else None


_STYLES = {
    Form.HEADLINE: Style.BRIEF,
    Form.SHORT: Style.BRIEF,
    Form.SPEECH: Style.SPOKEN,
}


def _filled(info: AlertInfo, values: _Values, template: str) -> AlertInfo:
    texts = {form.value: _text(info, form, values, template) for form in Form}
    return AlertInfo(language=info.language, **texts)


def _text(info: AlertInfo, form: Form, values: _Values, template: str) -> str:
    seen: set[str] = set()
    style = _STYLES.get(form, Style.FULL)

    def word(gap: re.Match[str]) -> str:
        name = gap[1]
        value = values.word(name, info.language, style, again=name in seen)
        seen.add(name)
        if value is None and name in PARAMETERS:
            raise BadInput(
                f"{template} {info.language}.{form}", f"needs {{{name}}} / {{{name}}} を決めてください"
            )
        return gap[0] if value is None else value

    return _GAP.sub(word, getattr(info, form))


class _Text(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A language's table. `verified` names the phrases a person has checked."""

    event: str
    headline: str
    description: str
    instruction: str
    short: str
    speech: str
    verified: frozenset[Form] = frozenset()


_RENAMED = {language.name.lower(): language.value for language in Language}


class _Texts(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename=_RENAMED):
    ja: _Text
    ja_easy: _Text | None = None
    en: _Text | None = None
    zh_hans: _Text | None = None
    zh_hant: _Text | None = None
    ko: _Text | None = None
    vi: _Text | None = None
    ne: _Text | None = None


class _File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`title_en`: what a console in English calls it; without it, as in Japanese."""

    title: str
    title_en: str = ""
    hazard: Hazard
    level: Level | None = None
    msg_type: MsgType = MsgType.ALERT
    correction: bool = False
    review_by: date
    labels: dict[str, str] = {}
    text: _Texts


@lru_cache(maxsize=256)
def _template(name: str, content: str) -> Template:
    """Several parts of a hub read the phrases; to check them all takes a third of a second."""
    file = files.from_toml(content, _File, name=name)
    texts = {language: getattr(file.text, language.name.lower()) for language in Language}
    present = {language: text for language, text in texts.items() if text is not None}
    for language, text in present.items():
        _check(text, language, file, place=f"{name} $.text.{language}")
    template = Template(
        id=name.removesuffix(".toml"),
        title=Name(ja=file.title, en=file.title_en or file.title),
        hazard=file.hazard,
        level=file.level,
        msg_type=file.msg_type,
        correction=file.correction,
        review_by=file.review_by,
        infos={language: _info(language, text) for language, text in present.items()},
        verified={language: text.verified for language, text in present.items()},
        labels=file.labels,
    )
    if unused := sorted(file.labels.keys() - set(template.asks)):
        raise BadSettings(
            f"{name} $.labels.{unused[0]}", "no text speaks of it / この差し込みを使う文面がありません"
        )
    return template


def _info(language: Language, text: _Text) -> AlertInfo:
    return AlertInfo(language=language, **{form.value: slots.normalise(getattr(text, form)) for form in Form})


def _check(text: _Text, language: Language, file: _File, *, place: str) -> None:
    """Every phrase is there, its gaps are known, and it says nothing that only some modes may say."""
    for form in Form:
        phrase = getattr(text, form)
        where = f"{place}.{form}"
        if not phrase.strip():
            raise BadSettings(where, "is empty / 文面がありません")
        if word := wording.drill_word(phrase, language):
            raise BadSettings(
                where, f"says «{word}»; drills are marked by the hub / 訓練の言葉は自動で付きます"
            )
        try:
            slots.parse(_without_parameters(phrase), place=where, form=form, language=language)
        except BadInput as e:
            raise BadSettings(e.path, e.message.removeprefix(f"{e.path}: ")) from e
        if file.correction and form in wording.STAND_ALONE and not wording.admits_mistake(phrase, language):
            raise BadSettings(where, "a correction says that there was a mistake / 「誤り」と書いてください")


def _without_parameters(phrase: str) -> str:
    """`phrase` as it will be once a draft has filled its parameters."""
    return _GAP.sub(lambda gap: "…" if gap[1] in PARAMETERS else gap[0], phrase)
