"""`yobikake check` finds what is wrong, says it, and goes on; a hub in production never uses a rehearsal's gateway."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from channels.manual import Manual
from hub import keys as key_files
from hub.clock import utc_now
from hub.language import Language
from hub.ledger import enrolment
from hub.ledger.enrolment import Home
from hub.recipient import Town, Zone
from hub.settings import load
from tests.integration.command_line import Said, add, change, hub, run, run_apart
from tests.integration.test_cli_init import connected
from yobikake.initialise import opened
from yobikake.rehearsal.city import Conditions, RehearsalCity, rehearsal_city
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.smtp import SmtpGateway

GATEWAYS = ("mail", "line", "x", "voice", "sms", "fax", "webpush", "wifi", "webhook", "loudspeaker")
CALM = Conditions(
    mail=Faults(),
    line=Faults(),
    x=Faults(),
    voice=Faults(),
    sms=Faults(),
    fax=Faults(),
    webpush=Faults(),
    wifi=Faults(),
    webhook=Faults(),
    loudspeaker=Faults(),
)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[RehearsalCity]:
    """Every gateway of a rehearsal, on free ports."""
    async with rehearsal_city(tmp_path / "town", residents_port=0, staff_port=0, conditions=CALM) as made:
        yield made


async def rehearsal(town: RehearsalCity, *options: str) -> Path:
    said = await run_apart("init", town.folder, "--without-account", *options)
    assert said.code == 0, said.err
    return town.folder / "yobikake.toml"


def findings(said: Said) -> dict[str, dict[str, Any]]:
    return {finding["what"]: finding for finding in json.loads(said.out)}


async def test_a_hub_with_everything_in_order_ends_with_nought(town: RehearsalCity) -> None:
    settings = await rehearsal(town)
    said = await run_apart("check", "-s", settings, "--json")
    assert said.code == 0, said.out + said.err
    found = findings(said)
    assert found.keys() == {
        "settings",
        "city",
        "ledger",
        "audit",
        "alerts",
        "disk",
        "devices",
        "fonts",
        "mail DNS",
        *load(settings).channels,
    }
    assert {each["ok"] for each in found.values()} == {True}
    assert "55 sites (known: capacity of 55, wheelchair of 31, " in found["city"]["detail"]
    assert said.out.count("\n") == 1


async def test_fewer_messages_left_than_people_is_noted(town: RehearsalCity) -> None:
    settings_file = await rehearsal(town)
    settings = load(settings_file)
    keys = key_files.load(settings.keys)
    home = Home(Town("13207-026"), Zone(""), Language.JA, False)
    async with opened(settings) as ledger:
        for number in range(3):
            await ledger.write(
                lambda conn: enrolment.enrol(conn, keys, "line", f"U{number:032x}", home, at=utc_now())  # noqa: B023
            )
    line = next(gateway for gateway in town.http if isinstance(gateway, LineGateway))
    line.quota = 2
    said = await run_apart("check", "line", "-s", settings_file, "--json")
    assert said.code == 0, said.out + said.err
    assert "2 messages are left this month, and 3 people" in findings(said)["line"]["warning"]


async def test_a_gateway_that_is_gone_is_one_finding_among_others(town: RehearsalCity) -> None:
    settings = await rehearsal(town)
    line = next(gateway for gateway in town.http if isinstance(gateway, LineGateway))
    await line.stop()
    said = await run_apart("check", "-s", settings, "--json")
    assert said.code == 1, said.err
    assert "Traceback" not in said.err
    found = findings(said)
    assert [what for what, each in found.items() if not each["ok"]] == ["line"]
    assert found["line"]["detail"]
    only = await run_apart("check", "mail", "-s", settings, "--json")
    assert only.code == 0, only.out
    assert findings(only).keys() == {
        "settings",
        "city",
        "ledger",
        "audit",
        "alerts",
        "disk",
        "devices",
        "fonts",
        "mail",
        "mail DNS",
    }


async def test_every_gateway_gone_is_a_finding_for_each(town: RehearsalCity) -> None:
    settings = await rehearsal(town)
    await town.smtp.stop()
    await town.fax.stop()
    for gateway in town.http:
        await gateway.stop()
    said = await run_apart("check", "-s", settings, "--json")
    assert said.code == 1, said.err
    assert "Traceback" not in said.err
    assert {what for what, each in findings(said).items() if not each["ok"]} == set(GATEWAYS)


async def test_a_production_hub_refuses_a_rehearsals_gateways_and_sends_nothing(town: RehearsalCity) -> None:
    settings = await rehearsal(town, "--production")
    change(town.folder / "city" / "city.toml", "placeholder = true", "placeholder = false")
    said = await run_apart("check", "-s", settings, "--json")
    assert said.code == 1, said.err
    found = findings(said)
    looked_up = {"mail SPF", "mail DKIM", "mail DMARC"}  # as whatever DNS there is says
    assert {what for what, each in found.items() if not each["ok"]} - looked_up == set(GATEWAYS)
    partners = found["webhook"]["detail"]
    assert "ケーブルテレビ: it calls itself a rehearsal" in partners
    for kind in set(GATEWAYS) - {"webhook"}:
        assert f"[channels.{kind}" in found[kind]["detail"]
        assert "rehearsal gateway" in found[kind]["detail"]
    served = await run_apart("serve", "-s", settings)
    assert served.code == 2, served.err
    assert "rehearsal gateway" in served.err
    assert "Traceback" not in served.err
    assert [address for kind in GATEWAYS for address in town.inbox.addresses(kind)] == []


async def test_a_smarthost_that_may_queue_is_asked_about_unless_its_speed_or_a_second_one_is_known(
    town: RehearsalCity,
) -> None:
    """Which of them queues cannot be seen from outside."""
    settings = await rehearsal(town)

    async def mail() -> dict[str, dict[str, Any]]:
        said = await run_apart("check", "mail", "-s", settings, "--json")
        assert said.code == 0, said.out + said.err
        return {what: each for what, each in findings(said).items() if what == "mail"}

    found = await mail()
    assert found.keys() == {"mail"}
    assert "drain_per_s" in found["mail"]["warning"]
    assert "待ちます" in found["mail"]["warning"]
    said = await run_apart("check", "mail", "-s", settings)
    assert said.code == 0
    assert "note mail" in said.out
    add(settings, "[channels.mail.routine]\ndrain_per_s = 50.0")
    assert [each["warning"] for each in (await mail()).values()] == [""]


async def test_the_routine_smarthost_is_asked_too(town: RehearsalCity) -> None:
    settings = await rehearsal(town)
    async with SmtpGateway(Inbox()) as bulk:
        add(settings, f"[channels.mail.routine]\nhost = '127.0.0.1'\nport = {bulk.port}\nsecurity = 'none'")
        said = await run_apart("check", "mail", "-s", settings, "--json")
        assert said.code == 0, said.out + said.err
        found = findings(said)
        assert (found["mail"]["ok"], found["mail routine"]["ok"]) == (True, True)
        assert {each["warning"] for each in found.values()} == {""}
    said = await run_apart("check", "mail", "-s", settings, "--json")
    assert said.code == 1
    assert [what for what, each in findings(said).items() if not each["ok"]] == ["mail routine"]


async def test_a_secret_that_is_missing_keeps_nothing_else_from_being_looked_at(town: RehearsalCity) -> None:
    settings = await rehearsal(town)
    (town.folder / "secrets" / "line").unlink()
    said = await run_apart("check", "-s", settings, "--json")
    assert said.code == 1
    found = findings(said)
    assert [what for what, each in found.items() if not each["ok"]] == ["line"]
    assert "access_token_file" in found["line"]["detail"]


def test_a_broken_audit_trail_is_a_finding(tmp_path: Path) -> None:
    settings = hub(tmp_path / "a")
    options = ("--login", "sato", "--name", "佐藤", "--password", "correct horse battery", "--role", "admin")
    assert run("account", "add", "-s", settings, *options).code == 0
    with connected(settings) as database:
        database.execute("UPDATE audit SET actor = 'nobody'")
    said = run("check", "-s", settings)
    assert (said.code, said.err) == (1, "")
    assert "FAIL audit" in said.out
    assert "ok   ledger" in said.out


def test_without_a_database_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    settings = hub(tmp_path / "a")
    (settings.parent / "data" / "ledger.db").unlink()
    said = run("check", "-s", settings, "--json")
    found = findings(said)
    assert said.code == 1
    assert {what: each["ok"] for what, each in found.items()} == {
        "settings": True, "city": True, "ledger": False, "audit": False, "alerts": False, "disk": True,
        "devices": False,
    }  # fmt: skip
    assert [what for what, each in found.items() if "yobikake init" in each["detail"]] == ["ledger"]


def test_a_production_hub_with_invented_telephone_numbers_is_found_out(tmp_path: Path) -> None:
    said = run("check", "-s", hub(tmp_path / "a", "--production"))
    assert said.code == 1
    assert "FAIL contact" in said.out


def test_a_channel_there_is_not_is_answered_with_those_there_are(tmp_path: Path) -> None:
    settings = hub(tmp_path / "a")
    add(settings, "[channels.manual]")
    said = run("check", "telegraph", "-s", settings)
    assert said.plain
    assert "manual" in said.err
    assert run("check", "manual", "-s", settings).code == 0


def test_a_channel_whose_name_was_mistyped_is_offered_and_one_switched_off_says_how_it_is_switched_on(
    tmp_path: Path,
) -> None:
    settings = hub(tmp_path / "a")
    said = run("check", "mial", "-s", settings)
    assert said.plain
    assert "did you mean mail?" in said.err
    assert "mail ですか" in said.err
    said = run("check", "mail", "-s", settings)
    assert said.plain
    assert "did you mean" not in said.err
    assert "[channels.mail] と、その下の必要な行の # を消してください" in said.err
    assert "\n#[channels.mail]\n" in settings.read_text(encoding="utf-8")


def test_a_city_that_is_none_is_said_once_with_those_there_are(tmp_path: Path) -> None:
    settings = hub(tmp_path / "a")
    change(settings, 'city = "akishima"', 'city = "akisima"')
    said = run("check", "-s", settings)
    assert said.code == 1
    assert said.out.count("akisima") == 1
    assert "akishima ですか" in said.out
    assert said.out.count("city を直すと調べられます") == 4
    said = run("init", tmp_path / "b", "--city", "akisima")
    assert said.plain
    assert "did you mean akishima?" in said.err


async def test_a_finding_is_not_logged_as_well_unless_every_step_is_asked_for(tmp_path: Path) -> None:
    settings = tmp_path / "a" / "yobikake.toml"
    assert (await run_apart("init", settings.parent, "--without-account")).code == 0
    add(settings, '[channels.mail]\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\nsender = "a@b.example"')
    said = await run_apart("check", "mail", "-s", settings)
    assert (said.code, said.err) == (1, "")
    assert "FAIL mail " in said.out
    said = await run_apart("--verbose", "check", "mail", "-s", settings)
    assert "mail smarthost not ready" in said.err
    assert "\x1b" not in said.err, "a file has no colours"


def test_without_the_speech_engine_seconds_are_estimates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = hub(tmp_path / "a")
    add(settings, "[channels.manual]")
    assert "speech" not in findings(run("check", "manual", "-s", settings, "--json"))
    monkeypatch.setattr("channels._speech.engine.installed", lambda: False)
    said = findings(run("check", "manual", "-s", settings, "--json"))["speech"]
    assert said["ok"]
    assert "目安" in said["warning"]


def test_without_fonts_it_is_said_what_to_install_and_what_comes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = hub(tmp_path / "a")
    add(settings, "[channels.manual]")
    monkeypatch.setattr("channels._poster.faces.of", lambda _: ())
    said = findings(run("check", "manual", "-s", settings, "--json"))["fonts"]
    assert said["ok"]
    for part in ("fonts-noto-cjk", "fonts-noto-core", "白紙", "empty page"):
        assert part in said["warning"]


def test_a_connector_that_cannot_be_opened_is_a_finding_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: Manual) -> None:
        raise TypeError("a fault of ours")

    settings = hub(tmp_path / "a")
    add(settings, "[channels.manual]")
    monkeypatch.setattr(Manual, "open", fails)
    said = run("check", "-s", settings, "--json")
    assert said.code == 1
    found = findings(said)
    assert not found["manual"]["ok"]
    assert "TypeError" in found["manual"]["detail"]
    assert "a fault of ours" not in found["manual"]["detail"]
    assert found["ledger"]["ok"]
