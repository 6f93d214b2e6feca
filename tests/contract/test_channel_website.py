"""The city's site: a folder of files, through the channel suite and beyond it."""

import asyncio
import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from lxml import etree, html
from msgspec import structs

from channels.website import PAGE, Settings, Website
from channels.website.folder import FEED, FRAGMENT, MARK, STATE
from channels.website.place import Posted
from hub.alert import Mode
from hub.cap import MsgType
from hub.channel import Channel, Parcel, Span
from hub.delivery import Outcome
from hub.errors import Cancelled
from hub.outbound import Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.channel_harness import Feature, Harness, Where, send
from hub.testing.channel_suite import REHEARSAL, ChannelSuite
from hub.testing.parcels import NOW, parcel

NO_GATEWAY = "files in a folder have no such thing"


@dataclass(slots=True, kw_only=True)
class FolderFaults:
    """A folder is there or not (`down`); it knows no other trouble."""

    folder: Path
    latency_s: float = 0.0
    permanent: float = 0.0
    temporary: float = 0.0
    throttle: float = 0.0
    silent: float = 0.0
    credentials: bool = False
    seed: int = 0

    @property
    def down(self) -> bool:
        return not self.folder.exists()

    @down.setter
    def down(self, down: bool) -> None:
        away = self.folder.with_suffix(".away")
        if down:
            self.folder.rename(away)
        elif away.exists():
            away.rename(self.folder)

    def hits(self, ratio: float, kind: str, address: str) -> bool:
        return False


class WebsiteHarness(Harness):
    kind = "website"
    lacks: ClassVar[Mapping[Feature, str]] = {
        Feature.NETWORK: "the city's site pulls files from a folder",
        Feature.MANY_RECIPIENTS: "there is one page",
        Feature.REPEATS: "the same alert again changes nothing but the time",
        **dict.fromkeys(
            (
                Feature.EACH_RECIPIENT,
                Feature.PERMANENT,
                Feature.TEMPORARY,
                Feature.THROTTLE,
                Feature.RETRY_AFTER,
                Feature.CREDENTIALS,
                Feature.AMBIGUITY,
            ),
            NO_GATEWAY,
        ),
    }

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "site"
        self.theirs = folder / "production"
        for directory, mark in ((self.folder, "rehearsal"), (self.theirs, "production")):
            directory.mkdir()
            (directory / MARK).write_text(mark)
        self._faults = FolderFaults(folder=self.folder)
        self.now = NOW

    @property
    def faults(self) -> FolderFaults:
        return self._faults

    @property
    def secrets(self) -> Sequence[str]:
        return []

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY) -> Channel:
        return self.website(outbound, where)

    def website(self, outbound: Outbound = REHEARSAL, where: Where = Where.GATEWAY) -> Website:
        directory = {
            Where.GATEWAY: self.folder,
            Where.NOWHERE: self.folder.with_name("nowhere"),
            Where.REMOTE: self.theirs,
        }[where]
        settings = Settings(
            directory=directory,
            title="よびかけ市 緊急情報",
            link="https://city.example/bousai/",
            feed_url="https://city.example/bousai/alerts.rss",
        )
        return Website(settings, outbound=outbound, clock=lambda: self.now)

    def recipients(self, number: int) -> Sequence[Recipient]:
        return [Recipient(id=RecipientId(1), address="the-page")]

    def sends(self) -> int:
        return int((self.folder / STATE).exists() or (self.theirs / STATE).exists())

    def bodies(self) -> Sequence[bytes]:
        return [(self.folder / STATE).read_bytes()] if (self.folder / STATE).exists() else []

    def arrivals(self) -> Sequence[str]:
        return ["the-page"] * len(items(self.folder)) if (self.folder / FEED).exists() else []

    def in_flight(self) -> int:
        return 0


@pytest.fixture
def harness(tmp_path: Path) -> WebsiteHarness:
    return WebsiteHarness(tmp_path)


class TestWebsite(ChannelSuite, of=WebsiteHarness):
    # Writing files opens no socket that a cancelled send could leave open.
    test_cancelling_a_send_closes_its_sockets = None
    test_after_a_cancelled_send_the_connector_still_works = None

    @pytest.fixture
    def harness(self, harness: WebsiteHarness) -> WebsiteHarness:
        return harness


def items(folder: Path) -> list[Any]:
    return etree.fromstring((folder / FEED).read_bytes()).findall("channel/item")


def fragment(folder: Path) -> Any:
    return html.fragment_fromstring((folder / FRAGMENT).read_text(encoding="utf-8"))


def told(identifier: str = "a", **changed: Any) -> Parcel:
    """An alert for the page; what is `changed` is its content."""
    to = [Recipient(id=RecipientId(1), address="the-page")]
    whole = parcel(to)
    return replace(whole, content=structs.replace(whole.content, identifier=identifier, **changed))


async def test_the_page_says_what_residents_need(harness: WebsiteHarness) -> None:
    await send(harness.website(), told())
    page = fragment(harness.folder)
    (article,) = page.findall("article")
    assert article.get("data-level") == "4"
    assert article.findtext("h2") == "【警戒レベル4】避難指示（洪水）川沿い地区"
    text = article.text_content()
    assert "9月8日 21時47分" in text
    assert "よびかけ市 第2026-0147号" in text
    assert "・つつじ小学校　空いています（21時40分）" in text
    assert article.find(".//a").get("href") == "https://hub.example/a/2026-0147/ja"


async def test_the_feed_is_rss(harness: WebsiteHarness) -> None:
    await send(harness.website(), told("a"))
    await send(harness.website(), told("b", sent=NOW + timedelta(minutes=5)))
    rss = etree.fromstring((harness.folder / FEED).read_bytes())
    assert (rss.tag, rss.get("version")) == ("rss", "2.0")
    channel = rss.find("channel")
    assert [channel.findtext(name) for name in ("title", "link", "description", "language")] == [
        "よびかけ市 緊急情報",
        "https://city.example/bousai/",
        "よびかけ市 緊急情報",
        "ja",
    ]
    assert parsedate_to_datetime(channel.findtext("lastBuildDate")) == NOW
    newest, oldest = channel.findall("item")
    assert [item.findtext("guid") for item in (newest, oldest)] == ["b", "a"]
    assert {item.find("guid").get("isPermaLink") for item in (newest, oldest)} == {"false"}
    assert parsedate_to_datetime(oldest.findtext("pubDate")) == NOW
    assert oldest.findtext("title") == "【警戒レベル4】避難指示（洪水）川沿い地区"
    (self_link,) = channel.findall("{http://www.w3.org/2005/Atom}link")
    assert self_link.get("href") == "https://city.example/bousai/alerts.rss"


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "</section>&amp;", '" onmouseover="x', "]]>", "\x00\x0b\ufffe", "𠮷😷"],
)
async def test_no_text_breaks_out_of_its_place(harness: WebsiteHarness, text: str) -> None:
    said = await send(
        harness.website(), told(headline=(Span(text),), body=(Span(text),), sender=text, link=text)
    )
    assert said.outcomes == {1: Outcome.DELIVERED}
    page = fragment(harness.folder)
    assert not page.xpath("//script | //@onmouseover | //a")
    readable = "".join(character for character in text if character.isprintable())
    assert page.findtext("article/h2") == readable
    (item,) = items(harness.folder)
    assert (item.findtext("title") or "") == readable


async def keep(website: Website, *in_force: Parcel) -> None:
    async def asked() -> Mapping[str, Posted]:
        return {each.content.identifier: Posted(each.content, each.expires_at) for each in in_force}

    await website.places[PAGE].keep(asked)


async def test_an_alert_that_is_sent_again_stands_there_once(harness: WebsiteHarness) -> None:
    await send(harness.website(), told("a"))
    await send(harness.website(), told("a", headline=(Span("訂正した見出し"),)))
    (item,) = items(harness.folder)
    assert item.findtext("title") == "訂正した見出し"


async def test_what_was_cancelled_or_superseded_is_withdrawn(harness: WebsiteHarness) -> None:
    website = harness.website()
    for identifier in ("a", "b", "c"):
        await send(website, told(identifier))
    await send(website, told("b-cancel", msg_type=MsgType.CANCEL))
    await keep(website, told("a"), told("b-cancel"))
    assert {item.findtext("guid") for item in items(harness.folder)} == {"a", "b-cancel"}
    await keep(website)
    assert not items(harness.folder)
    assert "緊急情報はありません" in fragment(harness.folder).text_content()


async def test_what_the_texts_name_follows_the_present(harness: WebsiteHarness) -> None:
    website = harness.website()
    await send(website, told("a", body=(Span("いま開いている場所："), Span("第一小学校", "shelters"))))
    await keep(website, told("a", body=(Span("いま開いている場所："), Span("第二小学校", "shelters"))))
    assert "第二小学校" in fragment(harness.folder).text_content()
    assert "第一小学校" not in fragment(harness.folder).text_content()
    assert [item.findtext("guid") for item in items(harness.folder)] == ["a"]


async def test_what_is_put_up_while_it_is_asked_what_is_in_force_stays(harness: WebsiteHarness) -> None:
    website = harness.website()
    await send(website, told("over"))

    async def asked_before() -> Mapping[str, Posted]:
        await send(website, told("new"))
        return {}

    await website.places[PAGE].keep(asked_before)
    assert [item.findtext("guid") for item in items(harness.folder)] == ["new"]


async def test_a_page_that_was_emptied_fills_again(harness: WebsiteHarness) -> None:
    website = harness.website()
    await send(website, told("a"))
    (harness.folder / STATE).unlink()
    await keep(website, told("a"))
    assert [item.findtext("guid") for item in items(harness.folder)] == ["a"]
    (entry,) = json.loads((harness.folder / STATE).read_bytes())["notices"]
    assert datetime.fromisoformat(entry["expires"]) == told("a").expires_at


async def test_what_expired_leaves_with_the_next_change(harness: WebsiteHarness) -> None:
    website = harness.website()
    await send(website, replace(told("short"), expires_at=NOW + timedelta(hours=1)))
    await send(website, told("long"))
    harness.now = NOW + timedelta(hours=1)
    await keep(website, replace(told("short"), expires_at=NOW + timedelta(hours=1)), told("long"))
    assert [item.findtext("guid") for item in items(harness.folder)] == ["long"]


async def test_the_page_survives_a_restart_and_a_second_process(harness: WebsiteHarness) -> None:
    await send(harness.website(), told("a"))
    await send(harness.website(), told("b"))
    assert len(items(harness.folder)) == 2


@pytest.mark.parametrize(
    "damaged", [b"{", b'{"generated":"\xff"}', b"[" * 100_000], ids=["cut", "no text", "deep"]
)
async def test_a_damaged_state_keeps_no_new_alert_off_the_page(
    harness: WebsiteHarness, damaged: bytes
) -> None:
    await send(harness.website(), told("a"))
    (harness.folder / STATE).write_bytes(damaged)
    said = await send(harness.website(), told("b"))
    assert said.outcomes == {1: Outcome.DELIVERED}
    assert [item.findtext("guid") for item in items(harness.folder)] == ["b"]


async def test_the_machine_readable_file_says_until_when(harness: WebsiteHarness) -> None:
    await send(harness.website(), told("a"))
    (entry,) = json.loads((harness.folder / STATE).read_bytes())["notices"]
    assert (entry["identifier"], entry["level"], entry["msg_type"]) == ("a", 4, "Alert")
    assert datetime.fromisoformat(entry["expires"]) == NOW + timedelta(hours=3)


@pytest.mark.parametrize("mode", [Mode.STAFF_DRILL, Mode.RESIDENT_DRILL])
async def test_a_drill_never_stands_on_the_public_page(harness: WebsiteHarness, mode: Mode) -> None:
    said = await send(harness.website(), replace(told(), mode=mode))
    assert said.outcomes == {1: Outcome.UNSUPPORTED}
    assert harness.sends() == 0


async def test_a_folder_belongs_to_the_first_hub_that_writes_to_it(harness: WebsiteHarness) -> None:
    (harness.folder / MARK).unlink()
    await send(harness.website(), told())
    assert (harness.folder / MARK).read_text() == "rehearsal"


async def test_the_probe_counts_what_is_shown(harness: WebsiteHarness) -> None:
    await send(harness.website(), told())
    assert "1 件" in (await harness.website().probe()).detail


async def test_a_folder_that_goes_in_the_middle_of_a_probe_is_told(
    harness: WebsiteHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    website = harness.website()

    async def well() -> str:
        harness.faults.down = True
        return ""

    monkeypatch.setattr(website.places[PAGE], "trouble", well)
    health = await website.probe()
    assert not health.ok
    assert "ENOENT" in health.detail


def test_there_is_one_page_to_reach(harness: WebsiteHarness) -> None:
    assert [target.ref for target in harness.website().targets()] == ["website"]


@contextmanager
def somebody_changes(folder: Path) -> Iterator[None]:
    """Another process in the middle of a change, for as long as it takes."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


async def test_whoever_waits_for_another_writer_asks_the_gate_once_it_is_his_turn(
    harness: WebsiteHarness,
) -> None:
    closed = asyncio.Event()

    def gate() -> None:
        if closed.is_set():
            raise Cancelled("meanwhile")

    with somebody_changes(harness.folder):
        sending = asyncio.create_task(send(harness.website(), parcel(harness.recipients(1), gate=gate)))
        await asyncio.sleep(0)
        closed.set()
    with pytest.raises(Cancelled):
        await sending
    assert not (harness.folder / STATE).exists()


async def test_a_writer_that_never_ends_holds_nobody_up_for_long(
    harness: WebsiteHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.website.folder.LOCK_WAIT", timedelta(0))
    with somebody_changes(harness.folder):
        said = await send(harness.website(), parcel(harness.recipients(1)))
    assert [(each.outcome, each.reason) for each in said.results] == [(Outcome.TEMPORARY, "EAGAIN")]
    said = await send(harness.website(), parcel(harness.recipients(1), attempt=2))
    assert set(said.outcomes.values()) == {Outcome.DELIVERED}
