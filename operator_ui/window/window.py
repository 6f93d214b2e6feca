"""The window: from a question to a reply.

understood? → in danger? → topics → sites | alerts | curated answer, each; or unsure → the number to call
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from threading import Lock

from msgspec.structs import replace

from hub import placename
from hub.alert import Mode
from hub.city import City
from hub.hazard import Hazard
from hub.language import Language
from hub.place import Name
from hub.shelter_list import clock_words
from operator_ui.window import going, in_force
from operator_ui.window.answers import State
from operator_ui.window.bank import Bank, Live, Topic
from operator_ui.window.places import Neighbours, Places
from operator_ui.window.question import Question
from operator_ui.window.reply import Choice, Kind, NamedAlert, Reply, Said
from operator_ui.window.understanding import Understanding, Understood
from shelters.public_list import Entry
from shelters.site import Facility, Site

_COMMAS = {Language.JA: "・", Language.JA_EASY: "・", Language.ZH_HANS: "、", Language.ZH_HANT: "、"}


_BESIDE_A_CRY = frozenset({Kind.SITES, Kind.ALERTS, Kind.CURATED})
"""What may stand below 119 and 110."""


class Window:
    """Made once, and asked from any thread; the first question in a language takes up to a second more: it is learnt then.

    `answer` is the protocol `Answers`.
    """

    def __init__(self, bank: Bank, city: City, sites: Iterable[Site], neighbours: Neighbours) -> None:
        self._bank, self._city = bank, city
        self._places = Places(city, sites, neighbours, bank.places, bank.marks.other_places)
        self._lock = Lock()

    @cached_property
    def _understanding(self) -> Understanding:
        return Understanding(self._bank, self._places)

    def answer(self, question: Question, now: State) -> Reply:
        with self._lock:  # the tokenizer is for one at a time
            understood = self._understanding.read(question)
        replies = _Answering(
            self._bank, self._city, self._places, question=question, understood=understood, now=now
        ).replies()
        if understood.danger:
            return self._to_a_cry(replies, understood.language)
        first, *more = replies
        return replace(first, more=tuple(more), in_part=understood.in_part)

    def _to_a_cry(self, replies: Sequence[Reply], language: Language) -> Reply:
        """119 and 110, and below them only what helps whoever is in danger."""
        danger = self._bank.say("emergency", language)
        helpful = [each for each in replies if each.kind in _BESIDE_A_CRY]
        if not helpful:
            return Reply(kind=Kind.EMERGENCY, language=language, lead=(danger,))
        first, *more = helpful
        return replace(first, kind=Kind.EMERGENCY, lead=(danger, *first.lead), more=tuple(more))


class _Answering:
    """One question at one state."""

    def __init__(
        self,
        bank: Bank,
        city: City,
        places: Places,
        *,
        question: Question,
        understood: Understood,
        now: State,
    ) -> None:
        self._bank, self._city, self._places = bank, city, places
        self._asked, self._now, self._language = understood, now, understood.language
        own = question.town if question.town in city.towns else None
        at = places.town_at(question.position) if question.position else None
        self._away = question.position is not None and at is None and not understood.in_city
        self._towns = understood.towns or ((at,) if at else ()) or ((own,) if own else ())
        named = places.centre(understood.towns)
        self._near = named or question.position or places.centre(self._towns)
        if understood.station is not None:  # where people from all towns are
            self._towns, self._near = (), understood.station.position
        elif understood.either:  # which of them is asked back
            self._towns, self._near = (), None

    def replies(self) -> list[Reply]:
        """One for each topic, no two alike. The number to call stands at the end: whoever is not helped can ask a person."""
        if not self._asked.topics:
            # a cry for help that was not heard as one is most often among what is not understood
            lead = (self._say("unsure"), self._say("in_danger"))
            return [self._made(Kind.UNSURE, lead=lead, closing=(self._call(),))]
        made = [replace(self._reply(topic), topic=topic.id) for topic in self._asked.topics]
        *before, last = _once({(each.kind, each.lead, each.answer): each for each in made}.values())
        closing: tuple[Said, ...] = ()
        if self._asked.in_part:
            closing = (self._say("only_part"), self._say("in_danger"))
        if closing or any(each.kind is not Kind.POLITE for each in made):
            closing += (self._call(),)
        return [*before, replace(last, closing=(*last.closing, *closing))]

    def _reply(self, topic: Topic) -> Reply:
        if topic.live is None:
            return self._curated(topic)
        answer = self._answer(topic) if topic.answers else None
        # who has fled to another city asks from there whether they may come home
        if self._asked.outside or (self._away and answer is None):
            return self._made(Kind.OUTSIDE, lead=(self._say("outside", city=self._city_name),))
        if self._now.stuck:
            return replace(self._made(Kind.STUCK, lead=(self._say("stuck"),)), answer=answer)
        if topic.live is not Live.ALERTS:
            return self._which_town(self._sites(), "ask_town")
        alerts = self._alerts()  # what is said beside them would puzzle where there are none
        alerts = replace(alerts, answer=answer) if alerts.alerts else alerts
        return self._which_town(alerts, "ask_town_alerts")

    def _which_town(self, reply: Reply, ask: str) -> Reply:
        """Where a town is named that is spelt like another, asks which; meanwhile it says what is true for the whole city."""
        if not self._asked.either or reply.choices:
            return reply
        asks = [self._say(ask, town=each.called(self._language)) for each in self._asked.either]
        choices = tuple(Choice(label=each, ask=each.text) for each in asks)
        return replace(reply, lead=(*reply.lead, self._say("which_town")), choices=choices)

    # --- what the bank answers ------------------------------------------------------------------

    def _curated(self, topic: Topic) -> Reply:
        said = self._answer(topic)
        if topic.polite:
            return self._made(Kind.POLITE, lead=(said,))
        reply = self._made(Kind.CURATED, lead=(said,))
        if topic.facility is None or self._asked.outside or self._away:
            return reply
        return self._with_facility(reply, topic.facility)

    def _answer(self, topic: Topic) -> Said:
        return self._bank.answer(
            topic, self._language, city=self._city_name, telephone=self._city.contact.telephone
        )

    def _with_facility(self, reply: Reply, facility: Facility) -> Reply:
        """And which sites are known to have what was asked about, while an alert is in force."""
        hazards = self._hazards()
        found = [] if self._now.stuck else going.recommended(self._now.board, hazards, near=self._near)
        sites = [each for each in found if facility in each.facilities][: going.MOST_NEAR]
        return self._with_sites(reply, sites, hazards) if sites else reply

    # --- what is in force -----------------------------------------------------------------------

    def _alerts(self) -> Reply:
        live = [each for each in self._now.alerts if each.alert.mode is Mode.LIVE]
        drills = [each for each in self._now.alerts if each.alert.mode is not Mode.LIVE]
        here = in_force.of_towns(live, self._towns)
        if not live:
            said, shown = self._say("no_alerts"), live
        elif not self._towns:
            said, shown = self._say("alerts_now"), live
        else:
            key = "alerts_here" if here else "no_alerts_here"
            said, shown = self._say(key, town=self._town_name()), here or live
        alerts = [
            in_force.named(each, self._language, self._now) for each in [*shown, *drills][: in_force.MOST]
        ]
        return replace(self._made(Kind.ALERTS, lead=(said,)), alerts=tuple(alerts))

    # --- where to go ----------------------------------------------------------------------------

    def _sites(self) -> Reply:
        absent = [each for each in self._asked.hazards if each in self._city.absent]
        hazards = self._hazards()
        if not hazards and absent:
            said = self._say("absent", city=self._city_name, hazard=self._listed(absent))
            return self._made(Kind.SITES, lead=(said,))
        if not hazards:
            return self._which_hazard()
        reply = self._made(Kind.SITES, lead=self._warnings())
        found = going.recommended(self._now.board, hazards, near=self._near)
        key = "sites_for"
        if not found:
            found, key = going.full(self._now.board, hazards, near=self._near), "sites_full"
        if self._asked.site is not None:
            found, reply = self._of_one(found, reply)
        if not found:
            none = self._say("no_site", hazard=self._listed(hazards))
            return replace(reply, lead=(*reply.lead, none), hazards=hazards)
        return self._with_sites(reply, going.most_useful(found, self._near), hazards, key=key)

    def _hazards(self) -> tuple[Hazard, ...]:
        """All that threaten, and what was asked about: a site must do for every one of them."""
        threatening = self._now.live_hazards or self._now.hazards
        asked = (each for each in self._asked.hazards if each not in self._city.absent)
        return tuple(dict.fromkeys([*threatening, *asked]))

    def _warnings(self) -> tuple[Said, ...]:
        if not in_force.secure_life(self._now, self._towns):
            return ()
        return (self._say("level_5"),)

    def _of_one(self, found: list[Entry], reply: Reply) -> tuple[list[Entry], Reply]:
        """The site that was asked about, if it may be named; else that it may not be, without its name (I16)."""
        one = [each for each in found if each.code == self._asked.site]
        if one:
            return one, reply
        return found, replace(reply, lead=(*reply.lead, self._say("not_now")))

    def _which_hazard(self) -> Reply:
        open_for = [
            hazard
            for hazard in self._bank.hazards
            if hazard not in self._city.absent
            and (
                going.recommended(self._now.board, [hazard], near=None)
                or going.full(self._now.board, [hazard], near=None)
            )
        ]
        calm = () if self._now.alerts else (self._say("no_alerts"),)
        if not open_for:
            return self._made(Kind.SITES, lead=(*calm, self._say("none_open")))
        choices = [self._choice(hazard) for hazard in open_for]
        reply = self._made(Kind.WHICH_HAZARD, lead=(*calm, self._say("which_hazard")))
        return replace(reply, choices=tuple(choices))

    def _choice(self, hazard: Hazard) -> Choice:
        label = self._say("ask_hazard", hazard=self._listed([hazard]))
        return Choice(label=label, ask=label.text)

    def _with_sites(
        self, reply: Reply, found: Sequence[Entry], hazards: tuple[Hazard, ...], *, key: str = "sites_for"
    ) -> Reply:
        sites = tuple(going.named(found, self._bank, self._language, self._near))
        if key == "sites_for" and going.ranked(sites):
            key = "sites_ranked"
        reported = [each.as_of for each in found if each.as_of is not None]
        advice = [] if self._warnings() else [self._say("danger_nearest")]
        advice.append(self._say("anyone"))
        if not self._near:
            advice.append(self._say("share_place"))
        if reported:
            advice.append(self._say("as_of", time=clock_words(min(reported), self._language)))
        return replace(
            reply,
            alerts=self._drills(),
            heading=self._say(key, hazard=self._listed(hazards)),
            sites=sites,
            closing=tuple(advice),
            hazards=hazards,
        )

    def _drills(self) -> tuple[NamedAlert, ...]:
        """Where only a drill names sites, it stands above them with its mark (I6)."""
        if self._now.live_hazards:
            return ()
        drills = [each for each in self._now.alerts if each.alert.mode is not Mode.LIVE]
        return tuple(in_force.named(each, self._language, self._now) for each in drills[:1])

    # --- words ----------------------------------------------------------------------------------

    @property
    def _city_name(self) -> str:
        return self._city.names[self._language]

    def _say(self, key: str, **values: str) -> Said:
        return self._bank.say(key, self._language, **values)

    def _listed(self, hazards: Sequence[Hazard]) -> str:
        comma = _COMMAS.get(self._language, ", ")
        return comma.join(self._bank.hazards[each].name[self._language] for each in hazards)

    def _town_name(self) -> str:
        """Of several parts of one town, what they share: 「朝日町」."""
        names = [self._city.towns[town].name for town in self._towns]
        shared = Name(
            ja=_shared([name.ja for name in names]), en=_shared([name.en for name in names]).rstrip(" -")
        )
        return placename.of_town(shared)[self._language]

    def _made(self, kind: Kind, *, lead: tuple[Said, ...], closing: tuple[Said, ...] = ()) -> Reply:
        return Reply(kind=kind, language=self._language, lead=lead, closing=closing)

    def _call(self) -> Said:
        contact = self._city.contact
        return self._say("call_sample" if contact.placeholder else "call", telephone=contact.telephone)


def _once(replies: Iterable[Reply]) -> Iterator[Reply]:
    """Advice that stands below the first of them is not repeated: the nearest place is among the first."""
    told: set[Said] = set()
    for reply in replies:
        yield replace(reply, closing=tuple(said for said in reply.closing if said not in told))
        told.update(reply.closing)


def _shared(names: Sequence[str]) -> str:
    """The beginning that all have."""
    first, last = min(names), max(names)
    return next((first[:i] for i, letter in enumerate(first) if letter != last[i : i + 1]), first)
