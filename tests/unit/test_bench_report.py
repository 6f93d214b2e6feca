"""The page on performance: what it says of goals, of what is missing, and that its charts are charts."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import typer

from yobikake.bench import sections
from yobikake.bench.chart import Bar, Chart
from yobikake.bench.figures import Machine
from yobikake.bench.part import at_least, at_most
from yobikake.bench.report import Done, report, write
from yobikake.commands.bench.plan import sizes
from yobikake.commands.bench.report import chosen

SVG = "{http://www.w3.org/2000/svg}"
HERE = Machine(cores=2, python="3.11", system="Linux", load=0.1, versions={"aiohttp": "3"})
SECTION = {section.name: section for section in sections.ALL}


def run(residents: int = 114_000, **figures: float) -> dict[str, Any]:
    found = {"answer_ms": 20.0, "first_ms": 70.0, "last_ms": 900.0, "durable_ms": 950.0} | figures
    return {
        "residents": residents, "shape": "embedded", "delay_ms": figures.get("delay_ms", 0.0),
        "distinct": residents, "rounds": [found | {"cpu_s": {"all": 1.14}}], **found,
    }  # fmt: skip


def done(name: str, found: dict[str, Any], *, missing: str = "") -> Done:
    section = SECTION[name]
    return Done(section=section, arguments=section.short, seconds=1, load=0.5, found=found, missing=missing)


def test_what_is_not_reached_stands_there_as_not_reached() -> None:
    found = {"alert": {"runs": [run(), run(delay_ms=50.0, last_ms=2_600.0, first_ms=226.0)]}}
    goals = {goal.what: goal.met for goal in SECTION["alert"].read(found).goals}
    assert goals == {
        "first at 0 ms": True, "last at 0 ms": True, "first at 50 ms": False, "last at 50 ms": False,
    }  # fmt: skip
    assert at_least("x", 0.5, 0.5).met
    assert at_most("x", 10, 10, "ms").met
    assert not at_most("x", 10.001, 10, "ms").met


def test_a_city_is_compared_with_the_same_embedded_run_and_with_no_other() -> None:
    city = {"runs": [run(last_ms=1_801.0), run(residents=5_000)]}
    embedded = {"runs": [run(last_ms=900.0)]}
    (goal,) = SECTION["city"].read({"city": city, "alert": embedded}).goals
    assert (goal.met, goal.seen) == (False, "2 ×")
    assert not SECTION["city"].read({"city": city}).goals


def test_readings_that_were_never_seen_on_the_page_reach_no_goal() -> None:
    measured: dict[str, Any] = {
        "page_s": {"p50": 0.4, "p95": 1.2, "p99": None}, "goal_p95_s": 2.0, "met": True, "groups": 20, "seen": 19,
        "readings": 10_000, "per_s": 499.0, "recipients": 5_000, "alert_s": 3.0, "absent": [],
    }  # fmt: skip
    (goal,) = (part := SECTION["readings"].read({"readings": measured})).goals
    assert (goal.goal, goal.seen, goal.met) == ("≤ 2 s", "1.2 s", True)
    assert part.tables[0].rows[-1] == ["p99", "not seen"]
    unseen = measured | {"page_s": {"p50": 0.4, "p95": None, "p99": None}, "met": False}
    (goal,) = SECTION["readings"].read({"readings": unseen}).goals
    assert (goal.seen, goal.met) == ("not seen", False)


def connector(channel: str, *, faulty: bool = False, lost: int = 0, **outcomes: int) -> dict[str, Any]:
    sums = {
        "recipients": sum(outcomes.values()),
        "outcomes": outcomes,
        "undecided": 0,
        "lost": lost,
        "twice": 0,
    }
    return {
        "channel": channel, "faulty": faulty, "first_s": 0.1, "last_s": 2.0, "settled_s": 2.5, "per_s": 40.0,
        "requests": 100, "parts": 7_200, "hub_cpu_s": 0.05, "gateway_cpu_s": 0.02, "growth_bytes": 2_000_000,
        "sums": sums | {"resent": 1},
    }  # fmt: skip


def test_connectors_that_lose_nobody_reach_their_goal_and_say_what_a_contract_would_take() -> None:
    measured: dict[str, Any] = {
        "residents": 7_200,
        "runs": [
            connector("webpush", accepted=100),
            connector("sms", delivered=100),
            connector("sms", faulty=True, delivered=97, permanent=2, ambiguous=1),
        ],
        "peers": [
            {"channel": "webpush", "name": "pywebpush", "recipients": 10, "per_s": 20.0, "cpu_ms": 1.0}
        ],
        "window": None,
        "contracts_per_s": {"sms": 1.0},
    }
    part = SECTION["connectors"].read({"connectors": measured})
    clean, faulty, beside = part.tables
    assert [row[0] for row in clean.rows] == ["webpush", "sms"]
    assert faulty.rows == [["sms", "100", "97", "2", "1", "1", "0", "0", "2.5"]]
    assert beside.rows[0][-2:] == ["2", "2"], "the hub used half of its time, and was twice as fast"
    assert all(goal.met for goal in part.goals)
    assert part.notes[0].endswith("sms 7,200 at 1 a second, 2 hours.")
    measured["runs"].append(connector("voice", lost=1, accepted=5))
    assert not SECTION["connectors"].read({"connectors": measured}).goals[0].met


def test_the_page_has_every_section_and_says_why_one_is_missing(tmp_path: Path) -> None:
    found = {"alert": {"runs": [run(last_ms=1_500.0)]}}
    old = tmp_path / "performance" / "old.svg"
    old.parent.mkdir()
    old.touch()
    page = write(
        tmp_path,
        [done("mail", {}, missing="needs smtp-sink: apt-get install postfix"), done("alert", found["alert"])],
        {"alert": SECTION["alert"].read(found)},
        HERE,
        at=datetime(2026, 11, 29, tzinfo=UTC),
        seconds=60,
        full=False,
    ).read_text()
    assert "needs smtp-sink: apt-get install postfix" in page
    assert "last at 0 ms | ≤ 1,000 ms | 1,500 ms | **not reached** |" in page
    assert "](#the-whole-hub-embedded)" in page
    assert "\n## The whole hub, embedded\n" in page
    assert "| all, 0 ms | 1.14 | 10 |" in page
    assert not old.exists()
    assert [chart.name for chart in (tmp_path / "performance").iterdir()] == ["alert.svg"]
    assert "(performance/alert.svg)" in page
    assert "other programs" not in page


def test_a_busy_machine_is_said_to_be_busy(tmp_path: Path) -> None:
    busy = replace(done("mail", {}, missing="x"), load=9.0)
    page = write(tmp_path, [busy], {}, HERE, at=datetime(2026, 11, 29, tzinfo=UTC), seconds=1, full=True)
    assert "other programs were using the 2 processors" in page.read_text()
    assert "bench report --full" in page.read_text()


@pytest.mark.parametrize("logarithmic", [False, True])
def test_bars_are_as_long_as_they_say(logarithmic: bool) -> None:
    bars = [
        Bar(label="a <b>", value=1_000, note="2 ×", ours=True),
        Bar(label="c", value=1),
        Bar(label="d", value=0),
    ]
    svg = Chart(name="x", title="T & U", unit="pages", bars=bars, logarithmic=logarithmic).svg()
    root = ElementTree.fromstring(svg)
    lengths = [float(bar.get("width", 0)) for bar in root.iter(f"{SVG}rect")]
    assert lengths == sorted(lengths, reverse=True)
    assert all(length > 0 for length in lengths)
    said = "".join(root.itertext())
    assert "T & U" in said
    assert "a <b>" in said
    assert ("pages, logarithmic" in said) is logarithmic
    assert "prefers-color-scheme: dark" in svg


async def test_what_fails_or_is_refused_is_skipped_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = replace(SECTION["plan"], short=("plan", "--residents", "7"))
    monkeypatch.setattr(sections, "ALL", [refused])
    told: list[str] = []
    reported = await report(tmp_path, full=False, only=[], say=told.append)
    assert reported.measured == []
    assert "from 100 to" in reported.skipped["plan"]
    assert "Not measured here" in reported.page.read_text()
    assert told == [f"1 of 1: {refused.title}"]


def test_wrong_names_and_sizes_are_refused() -> None:
    assert chosen(" mail, plan") == ["mail", "plan"]
    with pytest.raises(typer.BadParameter, match="there are mail"):
        chosen("fax")
    assert sizes("100, 2000") == [100, 2_000]
    for text in ("", "99", "many", "20000001", "1e6"):
        with pytest.raises(typer.BadParameter):
            sizes(text)
