"""The city's site as a WordPress, through the channel suite and beyond it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import encode_basic_auth
from lxml import html
from msgspec import structs

from channels.website import Settings, Website
from channels.website.folder import MARK
from channels.website.place import Failed, Posted
from channels.website.wordpress import REF, WordpressSettings
from channels.website.wordpress_answers import failed
from hub.breaker import Heard, heard
from hub.channel import Channel, Content, Span
from hub.delivery import Outcome
from hub.errors import BadSettings
from hub.outbound import Deployment, Outbound
from hub.recipient import Recipient, RecipientId
from hub.settings import convert
from hub.testing.answers import CUT_ANSWER, NO_ANSWER
from hub.testing.channel_harness import Feature, Said, Where, send
from hub.testing.channel_suite import REHEARSAL, ChannelSuite, opened
from hub.testing.parcels import NOW, content, parcel
from tests.contract.gateways import OfHttp
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.mishap import Mishap, Strike
from yobikake.rehearsal.wordpress import WordpressSite

USER, PASSWORD = "yobikake", "abcd EFGH 1234 ijkl MNOP 5678"
ADDRESSES = {Where.NOWHERE: "http://127.0.0.1:9", Where.REMOTE: "https://www.city.example"}


class WordpressHarness(OfHttp):
    kind = "website"
    provider = "wordpress"
    lacks: ClassVar[Mapping[Feature, str]] = {
        Feature.MANY_RECIPIENTS: "there is one site",
        Feature.EACH_RECIPIENT: "there is one site",
        Feature.PERMANENT: "the city's own site is no address that could be unknown",
        Feature.AMBIGUITY: "it looks for the post before it makes one: silence stops it there",
    }
    answers: ClassVar[Mapping[str, Outcome]] = {
        "400": Outcome.PERMANENT,
        "401": Outcome.CREDENTIALS,
        "403": Outcome.CREDENTIALS,
        "404": Outcome.CREDENTIALS,
        "409": Outcome.PERMANENT,
        "413": Outcome.PERMANENT,
        "429": Outcome.THROTTLE,
        "500": Outcome.AMBIGUOUS,
        "502": Outcome.AMBIGUOUS,
        "503": Outcome.TEMPORARY,
        "504": Outcome.AMBIGUOUS,
        NO_ANSWER: Outcome.DELIVERED,  # it looks for the post afterwards, and finds it
        CUT_ANSWER: Outcome.DELIVERED,
    }

    def __init__(self, gateway: WordpressSite, folder: Path) -> None:
        self.gateway = gateway
        self.password_file = folder / "wordpress.password"
        self.password_file.write_text(PASSWORD)
        self.folder = folder / "site"
        self.theirs = folder / "theirs"
        for directory, mark in ((self.folder, "rehearsal"), (self.theirs, "production")):
            directory.mkdir()
            (directory / MARK).write_text(mark)

    @classmethod
    def in_folder(cls, folder: Path) -> "WordpressHarness":
        return cls(WordpressSite(Inbox(), user=USER, password=PASSWORD, clock=lambda: NOW), folder)

    @property
    def secrets(self) -> Sequence[str]:
        return PASSWORD, encode_basic_auth(USER, PASSWORD).removeprefix("Basic ")

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY) -> Channel:
        return self.website(outbound, where)

    def website(self, outbound: Outbound = REHEARSAL, where: Where = Where.GATEWAY) -> Website:
        """In the folder of the right kind of hub, so that it is WordPress that refuses."""
        settings = Settings(
            directory=self.folder if outbound.deployment is Deployment.REHEARSAL else self.theirs,
            title="よびかけ市 緊急情報",
            link="https://city.example/bousai/",
            wordpress=WordpressSettings(
                url=ADDRESSES.get(where, self.gateway.url), user=USER, password_file=self.password_file
            ),
        )
        return Website(settings, outbound=outbound, clock=lambda: NOW)

    def recipients(self, number: int) -> Sequence[Recipient]:
        return [Recipient(id=RecipientId(1), address=REF)]

    def sends(self) -> int:
        return len(self.bodies())

    def bodies(self) -> Sequence[bytes]:
        return [request.body for request in self.gateway.requests if request.method == "POST"]

    def arrivals(self) -> Sequence[str]:
        return [each.address for each in self.gateway.inbox.of("website", REF)]

    @property
    def shown(self) -> list[dict[str, Any]]:
        """What stands on the site."""
        return [post for post in self.gateway.posts.values() if post["status"] == "publish"]


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[WordpressHarness]:
    async with WordpressHarness.running(tmp_path) as harness:
        yield harness


class TestWordpress(ChannelSuite, of=WordpressHarness):
    @pytest.fixture
    def harness(self, harness: WordpressHarness) -> WordpressHarness:
        return harness


async def published(harness: WordpressHarness, said: Content, **changes: Any) -> Said:
    to = harness.recipients(1)
    website = harness.website()
    await website.open()
    try:
        return await send(website, replace(parcel(to, **changes), content=said))
    finally:
        await website.close()


async def test_the_post_has_the_whole_text_and_leads_to_the_page(harness: WordpressHarness) -> None:
    said = structs.replace(content(), body=(Span("[gallery] <b>川</b>\n二行目\n\n次の段落\x01"),))
    assert set((await published(harness, said)).outcomes.values()) == {Outcome.DELIVERED}
    (post,) = harness.shown
    assert post["slug"] == "yobikake-2026-0147"
    assert post["title"] == "【警戒レベル4】避難指示（洪水）川沿い地区"
    assert (post["comment_status"], post["ping_status"]) == ("closed", "closed")
    page = html.fragment_fromstring(post["content"], create_parent="div")
    assert page.xpath("//p[1]/text()") == ["[gallery] <b>川</b>", "二行目"]
    assert page.xpath("//a/@href") == [said.link]
    assert "[" not in post["content"]
    assert "\x01" not in post["content"]


@pytest.mark.parametrize("mishap", [Mishap.CUT_AFTER, Mishap.ERROR_AFTER])
async def test_neither_a_retry_nor_a_lost_answer_makes_a_second_post(
    harness: WordpressHarness, mishap: Mishap
) -> None:
    """What the gate lets pass is the request that creates."""
    to = harness.recipients(1)
    with ExitStack() as stack:

        def strike() -> None:
            stack.enter_context(harness.gateway.mishaps.armed(Strike(mishap=mishap)))

        async with opened(harness) as website:
            found = await send(website, replace(parcel(to, gate=strike), prepare=lambda: None))
            assert set(found.outcomes.values()) == {Outcome.DELIVERED}
    async with opened(harness) as website:
        await send(website, parcel(to, attempt=2, resend=True))
    assert len(harness.shown) == len(harness.gateway.posts) == len(harness.arrivals()) == 1


async def test_a_request_that_was_lost_and_cannot_be_looked_for_is_ambiguous(
    harness: WordpressHarness,
) -> None:
    def lose() -> None:
        harness.faults.silent = 1.0

    website = harness.website()
    await website.open()
    said = await send(website, replace(parcel(harness.recipients(1), gate=lose), prepare=lambda: None))
    assert set(said.outcomes.values()) == {Outcome.AMBIGUOUS}
    assert website.capabilities.resends_ambiguous
    harness.faults.silent = 0.0
    said = await send(website, parcel(harness.recipients(1), attempt=2, resend=True))
    await website.close()
    assert set(said.outcomes.values()) == {Outcome.DELIVERED}
    assert len(harness.gateway.posts) == 1


@pytest.mark.parametrize("fault", ["credentials", "throttle", "down"])
async def test_what_is_wrong_with_wordpress_keeps_nothing_out_of_the_folder(
    harness: WordpressHarness, fault: str
) -> None:
    """Both go through one breaker."""
    setattr(harness.faults, fault, 1.0)
    said = await published(harness, content())
    assert {each.outcome for each in said.results} & {
        Outcome.CREDENTIALS,
        Outcome.THROTTLE,
        Outcome.TEMPORARY,
    }
    assert heard(said.results) is Heard.WORKS


async def keep(website: Website, *in_force: Content) -> None:
    async def asked() -> Mapping[str, Posted]:
        return {each.identifier: Posted(each, NOW + timedelta(hours=3)) for each in in_force}

    await website.places[REF].keep(asked)


async def test_what_is_put_up_while_it_is_asked_what_is_in_force_stays(harness: WordpressHarness) -> None:
    await published(harness, content())
    website = harness.website()
    await website.open()

    async def asked_before() -> Mapping[str, Posted]:
        harness.gateway.posts[9] = {"id": 9, "slug": "yobikake-2026-0999", "status": "publish", "title": "x"}
        return {}

    await website.places[REF].keep(asked_before)
    assert [post["slug"] for post in harness.shown] == ["yobikake-2026-0999"]
    await website.close()


async def test_what_is_no_longer_in_force_leaves_the_site_and_the_rest_follows(
    harness: WordpressHarness,
) -> None:
    first, second = content(), structs.replace(content(), identifier="second", number="2026-0148")
    await published(harness, first)
    await published(harness, second)
    harness.gateway.posts[77] = {"id": 77, "slug": "summer-festival", "status": "publish", "title": "祭り"}
    website = harness.website()
    await website.open()
    now = structs.replace(second, body=(Span("つつじ小学校は受け入れを止めました。"),))
    await keep(website, now)
    assert {post["slug"] for post in harness.shown} == {"yobikake-2026-0148", "summer-festival"}
    assert "受け入れを止めました" in harness.gateway.posts[2]["content"]
    asked = harness.sends()
    await keep(website, now)
    assert harness.sends() == asked, "nothing is changed that says the same"
    await keep(website, first, now)
    assert len(harness.shown) == 3, "what was withdrawn too soon comes back"
    harness.faults.down = True
    with pytest.raises(Failed, match="503"):
        await keep(website)
    await website.close()


async def test_what_is_over_leaves_the_site_however_many_came_after_it(harness: WordpressHarness) -> None:
    contents = [structs.replace(content(), identifier=f"i{n}", number=f"2026-{n:04}") for n in range(1, 102)]
    website = harness.website()
    await website.open()
    for said in contents:
        await send(website, replace(parcel(harness.recipients(1)), content=said))
    await keep(website, contents[0])
    assert [post["slug"] for post in harness.shown] == ["yobikake-2026-0001"]
    corrected = structs.replace(contents[0], body=(Span("水は飲めます。"),))
    await keep(website, corrected)
    assert "水は飲めます" in harness.gateway.posts[1]["content"]
    await keep(website)
    assert harness.shown == []
    await website.close()


async def test_a_slug_that_somebody_else_has_is_not_taken_for_ours(harness: WordpressHarness) -> None:
    harness.gateway.posts[5] = {"id": 5, "slug": "yobikake-2026-0147", "status": "trash"}
    said = await published(harness, content())
    assert [(each.outcome, each.reason) for each in said.results] == [(Outcome.TEMPORARY, "slug")]
    assert harness.shown == []


async def test_a_user_who_may_not_publish_is_found_before_the_night(harness: WordpressHarness) -> None:
    async with opened(harness) as website:
        assert (await website.probe()).ok
        harness.gateway.capabilities = {"edit_posts": True}
        health = await website.probe()
    assert not health.ok
    assert "publish_posts" in health.detail


async def test_the_folder_is_a_target_of_its_own(harness: WordpressHarness) -> None:
    website = harness.website()
    assert [target.ref for target in website.targets()] == ["website", REF]
    harness.faults.down = True
    await website.open()
    said = await send(website, parcel([Recipient(id=RecipientId(2), address="website")]))
    await website.close()
    assert set(said.outcomes.values()) == {Outcome.DELIVERED}


@pytest.mark.parametrize("changes", [{"user": "yobi:kake"}, {"user": ""}, {"url": "www.city.example"}])
def test_a_stanza_that_cannot_work_is_named(changes: dict[str, str]) -> None:
    stanza = {"url": "https://www.city.example", "user": USER, "password_file": "p"} | changes
    with pytest.raises(BadSettings, match=next(iter(changes))):
        convert(stanza, WordpressSettings, where="[channels.website.wordpress]")


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (401, "incorrect_password", Outcome.CREDENTIALS),
        (403, "rest_cannot_create", Outcome.CREDENTIALS),
        (404, "rest_no_route", Outcome.CREDENTIALS),
        (404, "rest_post_invalid_id", Outcome.TEMPORARY),
        (400, "rest_invalid_param", Outcome.PERMANENT),
        (400, "something_new", Outcome.PERMANENT),
        (301, "", Outcome.CREDENTIALS),
        (409, "", Outcome.PERMANENT),
        (429, "", Outcome.THROTTLE),
        (500, "", Outcome.AMBIGUOUS),
        (503, "", Outcome.TEMPORARY),
    ],
)
def test_what_an_answer_to_a_change_means(status: int, code: str, outcome: Outcome) -> None:
    body = f'{{"code": "{code}", "message": "…"}}'.encode()
    assert failed(status, {}, body, creates=True).outcome is outcome
    assert failed(500, {}, b"<html>", creates=False).outcome is Outcome.TEMPORARY
