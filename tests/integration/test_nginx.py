"""The real nginx with the configuration that is shipped: files first, the hub for the rest, and neither for staff."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio

from hub import reply_link, unsubscribe
from hub.asking import Asking
from hub.cap import MsgType
from hub.delivery import ProviderRef
from hub.language import Language
from hub.ledger import packs, register
from hub.ledger.register import Registration
from hub.recipient import Kind, RecipientId
from operator_ui.residents.captive import captive_path
from operator_ui.residents.data_files import CATALOGUE, data_files
from operator_ui.residents.data_routes import AT_ONCE
from operator_ui.residents.portal import (
    PhoneIn,
    Telephone,
    alert_path,
    ask_path,
    cap_path,
    home_path,
    leaving_path,
)
from operator_ui.residents.reader import best
from operator_ui.residents.static_site import StaticSite
from tests.servers.absence import absent
from tests.unit.residents.portal_setup import CITY, Town, a_town, flood_order, open_some, served
from yobikake.rehearsal.servers.nginx import Nginx
from yobikake.rehearsal.servers.program import advice, missing
from yobikake.site_folder import SiteFolder

NUMBER = "2026-0147"
OLD = "2026-0001"
OURS = {
    *("server", "date", "connection", "etag", "last-modified", "content-length", "transfer-encoding"),
    *("vary", "accept-ranges"),
}
"""Headers that a server has of its own."""
SECONDS = timedelta(seconds=2)


@dataclass(slots=True, kw_only=True)
class Front:
    town: Town
    site: StaticSite
    folder: Path
    hub: str
    hub_stack: AsyncExitStack
    web: aiohttp.ClientSession
    address: str
    log: Path

    async def write(self) -> None:
        into = SiteFolder(self.folder, deployment=self.town.deployment, city=CITY)
        with into.opened():
            into.put((await self.site.site()).files)

    async def get(self, path: str, **headers: str) -> tuple[int, "dict[str, str]", str]:
        named = {"Accept-Encoding": "identity"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        async with self.web.get(self.address + path, headers=named) as answer:
            return answer.status, dict(answer.headers), await answer.text()


@pytest_asyncio.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    if lacking := missing(Nginx.needs()):
        absent(advice(lacking))
    async with AsyncExitStack() as stack:
        town = await stack.enter_async_context(a_town(tmp_path))
        town.embedded_by = ("https://www.city.example.lg.jp", "https://bosai.example.lg.jp")
        town.phone_in = PhoneIn(number="050-0000-0000", voices={})
        town.telephone = Telephone(
            asking=Asking(keys=town.keys), form=lambda *_: {"Digits": "2"}, answered=no_answer, voices={}
        )
        open_some(town.shelters)
        await town.publish(flood_order(), NUMBER)
        hub_stack = await stack.enter_async_context(AsyncExitStack())
        hub = await hub_stack.enter_async_context(served(town))
        site = StaticSite(town.portal())
        stack.push_async_callback(site.close)
        (tmp_path / "nginx").mkdir()
        nginx = Nginx(
            tmp_path / "nginx",
            site=tmp_path / "site",
            hub=urlsplit(hub).netloc,
            embedded_by=town.embedded_by,
            log=tmp_path / "access.log",
        )
        web = await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
        front = Front(
            town=town,
            site=site,
            folder=tmp_path / "site",
            hub=hub,
            hub_stack=hub_stack,
            web=web,
            address=nginx.address,
            log=tmp_path / "access.log",
        )
        await front.write()
        await nginx.start()
        stack.push_async_callback(nginx.stop)
        yield front


async def no_answer(_ref: ProviderRef, _at: datetime) -> None:
    pytest.fail("nobody was called")


PATHS = [
    *(home_path(language) for language in Language),
    "/",
    "/?part",
    "/ja/?part",
    "/ko/?part=1",
    alert_path(NUMBER, Language.VI),
    f"/a/{NUMBER}",
    "/feed.atom",
    "/ne/feed.atom",
    "/feed.rss",
    "/vi/feed.json",
    "/zh-Hant/history",
    "/ko/banner",
    "/api/banner.json",
    cap_path(flood_order().identifier),
    captive_path(Language.VI),
    captive_path(Language.JA, aged=True),
    "/api/alerts.json",
    "/api/shelters.json",
    "/ko/open-data",
    "/ask",
    "/ne/ask",
    CATALOGUE,
    *(file.path for file in data_files(CITY) if not file.old),
    "/sw.js",
    "/favicon.ico",
]


async def test_a_file_is_what_the_hub_would_answer_with_the_same_headers(front: Front) -> None:
    for path in PATHS:
        status, headers, text = await front.get(path)
        async with front.web.get(front.hub + path, headers={"Accept-Encoding": "identity"}) as answer:
            ours = dict(answer.headers)
            assert (status, text) == (answer.status, await answer.text()), path
        assert "Last-Modified" in headers, f"{path} came from the hub"
        assert {k: v for k, v in headers.items() if k.lower() not in OURS} == {
            k: v for k, v in ours.items() if k.lower() not in OURS
        }, path


async def test_the_script_is_kept_for_good(front: Front) -> None:
    _, _, page = await front.get("/ja/")
    script = page.partition('<script src="')[2].partition('"')[0]
    status, headers, _ = await front.get(script)
    assert (status, headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    status, _, _ = await front.get("/static/residents.js")
    assert status == 200, "without its hash the hub has it"


WISHES = [
    *(
        "",
        "ja",
        "en-US,en;q=0.9",
        "zh-TW",
        "zh-CN,zh;q=0.8",
        "zh-Hant-HK",
        "ko-KR",
        "vi",
        "ne-NP",
        "fr,ne;q=0.5",
    ),
    *("fr-FR, de;q=0.8, en;q=0.5", "de", "ja-x-easy", "*", "eno,ja"),
]


async def test_the_language_of_the_root_is_the_one_the_hub_would_choose(front: Front) -> None:
    for wish in WISHES:
        status, headers, text = await front.get("/", Accept_Language=wish)
        assert status == 200
        assert f'<html lang="{best(wish)}">' in text, wish
        assert "Last-Modified" in headers
        async with front.web.get(f"{front.address}/", headers={"Accept-Language": wish}) as answer:
            vary = ", ".join(answer.headers.getall("Vary"))
        assert "Accept-Language" in vary


async def test_it_is_sent_packed_and_not_again_to_who_has_it(front: Front) -> None:
    _, headers, body = await front.get("/ja/")
    async with front.web.get(f"{front.address}/ja/", headers={"Accept-Encoding": "gzip"}) as answer:
        packed = await answer.read()
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in answer.headers["Vary"]
        tag = answer.headers["ETag"]
    assert packed == (front.folder / "ja" / "index.html.gz").read_bytes()
    assert gzip.decompress(packed).decode() == body
    assert tag != {name.lower(): value for name, value in headers.items()}["etag"]
    known = {"Accept-Encoding": "gzip", "If-None-Match": tag}
    async with front.web.get(f"{front.address}/ja/", headers=known) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    lifted = flood_order(
        number="2026-0148", msg_type=MsgType.CANCEL, references=(flood_order().identifier,), sequence=2
    )
    await front.town.publish(lifted, "2026-0148")
    front.town.now += SECONDS
    await front.write()
    async with front.web.get(f"{front.address}/ja/", headers=known) as answer:
        assert answer.status == 200


async def test_the_hub_answers_what_is_no_file(front: Front) -> None:
    async with front.web.get(f"{front.hub}/ja/a/{OLD}") as direct:
        status, headers, text = await front.get(f"/ja/a/{OLD}")
        assert (status, "この番号の情報はありません" in text) == (404, True)
        for name in ("Content-Security-Policy", "Cache-Control", "X-Content-Type-Options"):
            assert headers[name] == direct.headers[name]
    async with front.web.get(f"{front.address}/ja/a/{OLD}") as answer:
        assert len(answer.headers.getall("Content-Security-Policy")) == 1
    await front.town.publish(flood_order(number="2026-0149"), "2026-0149")
    status, headers, text = await front.get("/ja/a/2026-0149")
    assert (status, "避難指示" in text) == (200, True)
    assert "Last-Modified" not in headers, "not written yet"


async def test_one_address_cannot_have_the_hub_to_itself(front: Front) -> None:
    seen = await asyncio.gather(*(front.get(f"/ja/a/{OLD}") for _ in range(500)))
    assert {status for status, _, _ in seen} == {404, 429}
    seen = await asyncio.gather(*(front.get("/ja/") for _ in range(500)))
    assert {status for status, _, _ in seen} == {200}, "files are for everyone behind one address"
    seen = await asyncio.gather(*(front.get(CATALOGUE) for _ in range(AT_ONCE + 200)))
    assert {status for status, _, _ in seen} == {200, 429}, "but for those that programs take"
    refused = next(headers for status, headers, _ in seen if status == 429)
    assert (refused["Retry-After"], refused["Access-Control-Allow-Origin"]) == ("1", "*")


async def test_events_come_through_at_once(front: Front) -> None:
    async with front.web.get(f"{front.address}/events", headers={"Accept": "text/event-stream"}) as stream:
        assert stream.content_type == "text/event-stream"
        first = await event(stream)
        _, _, page = await front.get("/ja/?part")
        assert f'data-version="{first}"' in page
        await front.town.publish(flood_order(number="2026-0150"), "2026-0150")
        front.town.now += SECONDS
        assert await event(stream) != first


async def event(stream: aiohttp.ClientResponse) -> str:
    async for line in stream.content:
        if line.startswith(b"data: "):
            return line.removeprefix(b"data: ").decode().strip()
    raise AssertionError("the stream ended")


async def test_without_the_hub_the_pages_stay_and_say_of_when_they_are(front: Front) -> None:
    await front.hub_stack.aclose()
    for path in PATHS:
        status, _, _ = await front.get(path)
        assert status == 200, path
    _, _, page = await front.get("/ja/")
    assert "9月12日(土) 21時49分 確認" in page
    assert '<noscript><meta http-equiv="refresh" content="60"></noscript>' in page
    status, headers, page = await front.get(f"/en/a/{OLD}")
    assert status == 503
    assert "Check TV and radio too" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]


async def test_the_staff_console_and_what_lies_in_the_folder_are_not_there(front: Front) -> None:
    assert "8080" not in (Path(__file__).parents[2] / "config" / "nginx" / "yobikake.conf").read_text()
    for path in (
        "/signin",
        "/alerts",
        "/.yobikake-site.json",
        "/.yobikake-site.lock",
        "/ja/../.yobikake-site.json",
    ):
        status, _, _ = await front.get(path)
        assert status == 404, path
    (front.folder / "secret.txt").write_text("x")
    status, _, _ = await front.get("/secret.txt")
    assert status == 404


async def test_what_a_client_claims_to_be_is_not_passed_on(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    from operator_ui.senders import Senders

    seen: list[str] = []
    one = Senders.one

    def watched(self: Senders, request: aiohttp.web.Request) -> str | None:
        seen.append(request.headers.get("X-Forwarded-For", ""))
        return one(self, request)

    monkeypatch.setattr(Senders, "one", watched)
    async with front.web.get(f"{front.address}/events", headers={"X-Forwarded-For": "8.8.8.8"}) as stream:
        await event(stream)
    assert seen == ["127.0.0.1"]


async def test_a_question_goes_through_to_the_hub_and_without_it_the_form_has_the_number(
    front: Front,
) -> None:
    reply = f"{front.address}{ask_path(Language.JA)}/reply"
    asked, plain = {"question": "近くの避難所"}, {"Accept-Encoding": "identity"}
    async with front.web.post(reply, data=asked, headers=plain) as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        assert 'class="going"' in await answer.text()
    await front.hub_stack.aclose()
    async with front.web.post(reply, data=asked, headers=plain) as answer:
        assert answer.status == 503
        assert CITY.contact.telephone in await answer.text()
    status, _, form = await front.get(ask_path(Language.JA))
    assert status == 200
    assert CITY.contact.telephone in form


async def test_the_telephone_goes_through_and_without_the_hub_hears_what_it_knew(front: Front) -> None:
    async def asked(path: str) -> tuple[int, str, str]:
        plain = {"Accept-Encoding": "identity"}
        async with front.web.post(front.address + path, data={}, headers=plain) as answer:
            return answer.status, answer.headers["Content-Type"], await answer.text()

    status, kind, said = await asked("/phone")
    assert (status, kind) == (200, "text/xml; charset=utf-8")
    assert "まだ確かめられていません" not in said
    assert "Alert Level 4" in (await asked("/phone/ja/key"))[2]
    await front.hub_stack.aclose()
    for path in ("/phone", "/phone/ja/2"):
        status, kind, said = await asked(path)
        assert (status, kind.partition(";")[0]) == (200, "text/xml"), path
        assert "21時49分より後の情報は、まだ確かめられていません。" in said
    status, headers, said = await front.get("/phone/en.xml")
    assert (status, headers["Content-Type"].partition(";")[0]) == (200, "text/xml")
    assert "Nothing after 21:49 has been confirmed yet." in said
    token = reply_link.token(front.town.keys, NUMBER, RecipientId(1))
    await asked(f"{reply_link.PATH}{token}/ja")
    await front.get("/ja/")  # of the last of all requests the line may still be on its way
    written = front.log.read_text(encoding="utf-8")
    assert token not in written
    assert [line.split(chr(34))[1] for line in written.splitlines()][-3:] == [
        "GET /phone/en.xml",
        "GET /phone/keys/...",
        "GET /ja/",
    ]


async def test_leaving_by_one_click_goes_through_to_the_hub(front: Front) -> None:
    person = Registration(kind=Kind.RESIDENT, language=Language.JA, contacts={"mail": "a@mail.example"})
    ledger, keys = front.town.ledger, front.town.keys
    (id_,) = await ledger.write(lambda conn: register.add(conn, keys, [person], at=front.town.now))
    await ledger.write(lambda conn: register.rebuild(conn, keys))
    token = unsubscribe.token(keys, "mail", id_).decode()
    path = leaving_path(token, Language.EN)
    for address in (path, path.removeprefix("/en")):
        status, headers, text = await front.get(address)
        assert (status, headers["Cache-Control"]) == (200, "no-store")
        assert "<form" in text
    async with front.web.post(front.address + path, data=unsubscribe.BODY, allow_redirects=False) as answer:
        assert answer.status == 200
    assert id_ not in await ledger.read(lambda conn: packs.everyone(conn, "mail"))
    await front.get("/ja/answer/12.345.0123456789abcdef0123456789abcdef")
    await front.get(f"/ja/chat/1.{'A' * 80}")
    for page in ("/ja/", "/ko/"):  # of the last of all requests the line may still be on its way
        await front.get(page, Referer=front.address + path)
    written = front.log.read_text(encoding="utf-8")
    assert token not in written
    assert [line.split('"')[1] for line in written.splitlines()][:6] == [
        "GET /en/unsubscribe/...", "GET /unsubscribe/...", "POST /en/unsubscribe/...", "GET /ja/answer/...",
        "GET /ja/chat/...", "GET /ja/",
    ]  # fmt: skip
