"""A hub in the middle of a night: something of everything that a page of the console can show."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from hub import (
    drills,
    gone,
    headquarters,
    mustering,
    on_call,
    organisation,
    page,
    roster,
    wifi_desk,
    wifi_drill,
    wifi_state,
)
from hub.alert import Mode
from hub.approval import Approval
from hub.clock import JST, fiscal_year, utc_now
from hub.draft import Draft
from hub.drills import Drill
from hub.inbound import occasions
from hub.language import Language
from hub.ledger import answers, bounces, dead_letters, enrolment, register, replies, trials
from hub.ledger.answers import Answer
from hub.ledger.bounces import Noted
from hub.ledger.register import Registration
from hub.ledger.trials import Finding
from hub.muster import Answer as Said
from hub.muster import CalledGroup, Roll
from hub.mustering import Mustering
from hub.on_call import Duty, Person
from hub.recipient import Kind, RecipientId
from hub.reply import Given, Reply
from hub.roster import Key, Roster, Typed
from hub.schedule import ASK_BEFORE
from hub.wifi_desk import Change
from hub.wifi_state import FacilityState, Known
from shelters import link as links
from shelters import register as devices
from shelters import register_changes as changes
from shelters.device import Counts
from shelters.device_rows import DeviceRow, Rows, SensorRow
from shelters.link import Link
from shelters.register_changes import Overlap
from shelters.shelter import Stage
from tests.browser.console_hub import Hub
from tests.browser.sending import SATO, TANAKA, accept, message, sent, submitted
from tests.browser.test_shelters import opened
from tests.unit.operator_ui.test_dead_letters import a_letter
from yobikake.rehearsal.telegram import FORECAST_AREA, flood_forecast

OPEN, OPENING, LINKED = "E1320700001", "E1320700005", "E1320700002"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    values: Mapping[str, str]
    """What stands for each name in an address."""
    more: Mapping[str, str]
    """Addresses of other states of a page, by what they show."""
    code: str
    """Of a shelter's link."""


async def filled(hub: Hub) -> Filled:
    """Sato looks: what waits for approval is tanaka's, but for one."""
    ledger = hub.assembly.ledger
    order = await sent(hub, "flood-4")
    correction = await hub.assembly.intake.correct(order, SATO)
    await accept(hub, await hub.assembly.intake.submit(correction.id, SATO, seen=correction.version))
    drill = await sent(hub, "landslide-4", mode=Mode.STAFF_DRILL)
    in_force = await sent(hub, "flood-5")
    waiting, own = await submitted(hub, "flood-4", by=TANAKA), await submitted(hub, "flood-5", by=SATO)
    editing = await hub.assembly.intake.save(message(hub, "earthquake"), SATO)
    people = await staff(hub)
    muster = await called(hub, people)
    plan = Drill(
        id=drills.new_id(), day=today(), kind=drills.Kind.STAFF, scenario="多摩川の氾濫", leader="防災課", alerts=(drill,)
    )  # fmt: skip
    asked, code = str(uuid4()), links.new_token()
    year = fiscal_year(plan.day)
    await opened(hub, OPEN)
    await opened(hub, OPENING, to=Stage.UNLOCKED)
    await opened(hub, LINKED)
    await ledger.write(lambda conn: write(conn, hub, plan, asked, code))
    await ledger.write(
        lambda conn: replies.put(conn, in_force, Given(RecipientId(1), Reply.CANNOT, utc_now()))
    )
    await held_back(hub, order, in_force)
    trial = await wifi(hub)
    return Filled(
        values={
            "alert": in_force, "draft": waiting.id, "site": OPEN, "mode": Mode.LIVE, "language": "vi", "year": str(year),
            "drill": plan.id, "person": str(people[0]), "muster": str(muster), "rule": "quake-5", "answer": asked,
            "login": "tanaka", "code": "tamagawa-flood", "device": "gym-north", "trial": trial,
        },
        more={
            "own draft": f"/drafts/{own.id}",
            "edited draft": f"/drafts/{editing.id}",
            "staff drill": f"/drafts/{(await submitted(hub, 'flood-4', Mode.STAFF_DRILL, by=SATO)).id}",
            "scheduled": f"/drafts/{(await scheduled(hub)).id}",
            "rejected": f"/drafts/{(await rejected(hub)).id}",
            "order with a correction": f"/alerts/{order}",
            "drill sent": f"/alerts/{drill}",
            "beginning a drill": "/new/staff_drill",
            "beginning a residents' drill": "/new/resident_drill",
            "shelter being opened": f"/shelters/{OPENING}",
            "pointing in Nepali": "/pointing/ne",
        },
        code=code,
    )  # fmt: skip


async def scheduled(hub: Hub) -> Draft:
    draft = await submitted(hub, "flood-3", Mode.STAFF_DRILL, by=SATO)
    approval = Approval(draft=draft.id, version=draft.version, typed=draft.message.level)
    return await hub.assembly.intake.schedule(approval, utc_now() + ASK_BEFORE + timedelta(hours=1), TANAKA)


async def rejected(hub: Hub) -> Draft:
    draft = await submitted(hub, "flood-3", by=SATO)
    return await hub.assembly.intake.reject(draft.id, TANAKA, seen=draft.version, reason="水位が下がった")


async def staff(hub: Hub) -> list[int]:
    """Two on the staff list."""
    site = next(iter(hub.assembly.sites))
    known = {group.code for group in groups(hub, Roster())}

    def work(conn: Connection) -> list[int]:
        return [
            roster.set_person(
                conn, hub.assembly.keys,
                Typed(name=name, contacts={"mail": mail}, groups=("disaster",), keys=(Key(site=site, choice=choice),)),
                SATO, old=None, known=known, seen=choice - 1, at=utc_now(),
            )
            for choice, (name, mail) in enumerate((("青葉 明", "aoba@work.example"), ("泉 恵子", "izumi@work.example")), 1)
        ]  # fmt: skip

    return await hub.assembly.ledger.write(work)


def groups(hub: Hub, kept: Roster) -> list[CalledGroup]:
    sites = {str(code): site.name for code, site in hub.assembly.sites.items()}
    return roster.groups(kept, organisation.load(hub.assembly.city_folder), sites)


async def called(hub: Hub, people: list[int]) -> int:
    """A muster of theirs, which one of them has answered."""
    assembly = hub.assembly
    kept, _ = await assembly.ledger.read(lambda conn: roster.listed(conn, assembly.keys))
    roll = Roll(
        reason="多摩川の水位が上がっているため",
        channels=("mail",),
        groups=roster.chosen(groups(hub, kept), ["disaster", roster.KEY_HOLDERS]),
    )
    act = Mustering(ledger=assembly.ledger, keys=assembly.keys, intake=assembly.intake, clock=assembly.clock)
    number = await act.call(roll, Mode.LIVE, SATO, form=str(uuid4()))
    await mustering.answer(
        assembly.ledger, assembly.keys, number, people[0], Said.IN_30, actor=SATO, at=utc_now()
    )
    return number


def today() -> Any:
    return utc_now().astimezone(JST).date()


async def wifi(hub: Hub) -> str:
    """Something of everything that the Wi-Fi's page can show; a drill's id."""
    now, keys = utc_now(), hub.assembly.keys
    states = (
        FacilityState(
            ref="a", name="市民会館・公民館", site=OPEN, drills=True, shows="00000JAPAN", read_at=now
        ),
        FacilityState(
            ref="b", name="環境コミュニケーションセンター", problem="no answer", failed=4, wanted=Mode.LIVE
        ),
        FacilityState(
            ref="c", name="図書館", shows="City-Free-Wi-Fi", read_at=now, problem="read back", failed=1
        ),
        FacilityState(ref="d", name="東部出張所", drills=True, shows="kunren-wifi", read_at=now),
        FacilityState(ref="e", name="武蔵野会館", shows="City-Free-Wi-Fi", read_at=now),
    )
    known = Known(
        at=now, ssid_name="00000JAPAN", drill_ssid_name="kunren-wifi", ask_after_s=0.001, states=states
    )

    def held(conn: Connection) -> str:
        return Change(conn, keys, SATO, seen=0, at=now).begin_trial(["d", "a"], ["a", "d"], minutes=5)

    trial = await hub.assembly.ledger.write(held)

    def rest(conn: Connection) -> None:
        Change(conn, keys, SATO, seen=1, at=now).hold(["e"], ["e"], hours=6, reason="停電のため")
        running = wifi_desk.read(conn, keys).trial
        if running is not None:
            wifi_drill.follow(conn, keys, running, known, at=now)

    await hub.assembly.ledger.write(rest)
    await wifi_state.tell(hub.assembly.live, known)
    return trial


def write(conn: Connection, hub: Hub, plan: Drill, asked: str, code: str) -> None:
    """What takes one row each."""
    keys, now = hub.assembly.keys, utc_now()
    drills.save(conn, keys, plan, SATO, year=fiscal_year(plan.day), at=now)
    headquarters.set_stage(
        conn, keys, organisation.load(hub.assembly.city_folder), "headquarters-1", SATO,
        since=now, note="市長決定", seen=0, at=now,
    )  # fmt: skip
    on_call.set_list(
        conn, keys, [Person(name="田中 一郎", duty=Duty.DEPUTY, phone="090-0000-0002")], SATO, seen=0, at=now
    )
    answers.write(
        conn,
        Answer(id=asked, version=1, question="水はどこでもらえますか", reply="拝島会館で、22時まで配っています。",
               hazard=None, withdrawn=False, at=now, by="sato"),
    )  # fmt: skip
    dead_letters.keep(conn, [a_letter(at=now)])
    failed(conn, hub, at=now)
    page.record(conn, "mail", "smarthost に届きません / The smarthost cannot be reached", at=now)
    link = Link(
        id=str(uuid4()), site=hub.assembly.sites[LINKED].code, created_at=now, created_by="sato",
        expires_at=now + timedelta(hours=24),
    )  # fmt: skip
    links.add(conn, keys, link, code)
    devices.put(
        conn,
        keys,
        registered(now),
        sites=hub.assembly.sites,
        seen=0,
        at=now,
        by="sato",
        detail={"change": "device"},
    )


def failed(conn: Connection, hub: Hub, *, at: datetime) -> None:
    """A resident whose number is wrong."""
    contacts = {"voice": "+819099990000"}
    someone = Registration(
        kind=Kind.RESIDENT, language=Language.NE, town=next(iter(hub.assembly.city.towns)), contacts=contacts
    )
    (recipient,) = register.add(conn, hub.assembly.keys, [someone], at=at)
    trials.ask(conn, [(recipient, "voice")], at=at)
    trial = trials.due(conn, "voice", at=at)
    assert trial is not None
    trials.begin(conn, trial, key="a", at=at)
    trials.find_out(conn, trial, "a", Finding.WRONG, reason="21211", at=at)


async def held_back(hub: Hub, *alerts: str) -> None:
    """Two residents whose mail came back, and one who stopped it themselves."""
    keys, ledger, at = hub.assembly.keys, hub.assembly.ledger, utc_now()

    def work(conn: Connection) -> None:
        lost = register.find_all(conn, keys, "mail", ["r4@mail.example", "r5@mail.example"])
        for alert in alerts:
            noted = [Noted(who, alert, True, False, "userunknown 5.1.1") for who in lost]
            bounces.note(conn, "mail", noted, at=at)
        enrolment.hold(conn, keys, "mail", "r7@mail.example", suppressed=True)

    await ledger.write(work)
    await gone.settle(ledger, keys, "mail", at=at)


def registered(now: datetime) -> Rows:
    """A door that is counted and one that is not, a room that is looked into, one held back, one taken down, and a key
    in exchange."""
    door = DeviceRow(
        id="gym-north", site=OPEN, counts=Counts.DOOR_TOTALS, key="lorawan", interval_s=600, door="正面",
        sensor=SensorRow(vendor="milesight", model="vs135", dev_eui="24E124713C123456"),
    )  # fmt: skip
    room = DeviceRow(
        id="gym-office", site=OPEN, counts=Counts.PRESENCE, key="lorawan", interval_s=600,
        sensor=SensorRow(vendor="milesight", model="vs330", dev_eui="24E124713C123457"),
    )  # fmt: skip
    desk = DeviceRow(id="gym-desk", site=OPENING, counts=Counts.LIST, interval_s=600)
    old = DeviceRow(id="gym-old", site=OPENING, counts=Counts.HEADS, interval_s=60)
    rows = Rows(devices=(door, room, desk, old))
    rows, _ = changes.add_key(rows, "lorawan")
    rows, _ = changes.exchange_key(rows, "lorawan", Overlap.WEEK, at=now)
    rows = changes.set_doors(rows, OPEN, ["正面", "職員口"], {})
    return changes.retire(changes.hold(rows, "gym-desk"), "gym-old", at=now)


async def warned(hub: Hub) -> None:
    """A telegram in earnest about this city is laid into the folder, and has been read."""
    telegram = flood_forecast(utc_now()).decode().replace(FORECAST_AREA, hub.assembly.city.jma_code)
    folder = hub.assembly.settings.telegrams
    (folder / "river.part").write_text(telegram.replace("<Status>訓練</Status>", "<Status>通常</Status>"))
    (folder / "river.part").rename(folder / "river.xml")
    async with asyncio.timeout(20):
        while not await hub.assembly.ledger.read(occasions.waiting):
            await asyncio.sleep(0.05)
