"""The people of the rehearsal city."""

import re
from collections import Counter

from hub.language import Language
from hub.recipient import Kind, Town, Zone
from yobikake.rehearsal.residents import Place, residents, staff

PLACES = [
    Place(Town("99999-001"), Zone("north"), 3000),
    Place(Town("99999-002"), Zone("north"), 1000),
    Place(Town("99999-003"), Zone("south"), 0),
]


def test_the_same_seed_gives_the_same_people() -> None:
    assert list(residents(PLACES, n=500, seed=7)) == list(residents(PLACES, n=500, seed=7))
    assert list(residents(PLACES, n=500, seed=7)) != list(residents(PLACES, n=500, seed=8))


def test_they_live_where_the_weights_say() -> None:
    people = [persona.registration for persona in residents(PLACES, n=4000)]
    homes = Counter((person.town, person.zone) for person in people)
    assert set(homes) == {("99999-001", "north"), ("99999-002", "north")}
    assert 2 < homes["99999-001", "north"] / homes["99999-002", "north"] < 4


def test_every_language_is_spoken_and_most_speak_japanese() -> None:
    assert {persona.registration.language for persona in residents(PLACES, n=8)} == set(Language)
    spoken = Counter(persona.registration.language for persona in residents(PLACES, n=5000))
    assert 0.85 < spoken[Language.JA] / 5000 < 0.95
    assert min(spoken.values()) >= 10


def test_everyone_has_one_to_three_channels_and_nobody_has_all_of_nothing() -> None:
    people = [persona.registration for persona in residents(PLACES, n=5000, voice_max=300)]
    assert {len(person.contacts) for person in people} == {1, 2, 3}
    for channel in ("fax", "line", "mail", "sms", "voice"):
        assert 0 < sum(channel in person.contacts for person in people) < len(people)


def test_no_more_are_called_than_asked_for() -> None:
    called = [p for p in residents(PLACES, n=5000, voice_max=300) if "voice" in p.registration.contacts]
    assert len(called) == 300
    assert not any("voice" in p.registration.contacts for p in residents(PLACES, n=5000, voice_max=0))
    assert sum("voice" in p.registration.contacts for p in residents(PLACES, n=50, voice_max=300)) == 5


def test_some_have_agreed_to_drills_and_most_have_not() -> None:
    agreed = sum(persona.registration.drills for persona in residents(PLACES, n=5000))
    assert 500 < agreed < 1000


def test_no_address_can_be_anybodys() -> None:
    people = [*residents(PLACES, n=3000), *staff()]
    addresses = [contact for persona in people for contact in persona.registration.contacts.items()]
    assert len(addresses) == len(set(addresses))
    unreal = {
        "mail": re.compile(r"[a-z0-9]+@[a-z]+\.example"),
        "voice": re.compile(r"\+81000\d{7}"),
        "fax": re.compile(r"\+81000\d{7}"),
        "sms": re.compile(r"\+81000\d{7}"),
        "line": re.compile(r"U0{16}[0-9a-f]{16}"),
    }
    assert all(unreal[channel].fullmatch(address) for channel, address in addresses)


def test_staff_are_staff_and_live_in_no_town() -> None:
    people = [persona.registration for persona in staff()]
    assert len(people) == 12
    assert {person.kind for person in people} == {Kind.STAFF}
    assert {person.town for person in people} == {""}
    assert all("mail" in person.contacts for person in people)


def test_names_are_for_the_inbox_only() -> None:
    persona = next(residents(PLACES, n=8))
    assert persona.name
    assert persona.name not in repr(persona.registration)
