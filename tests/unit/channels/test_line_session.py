"""The session given to line-bot-sdk and tweepy: proxy, private authority, redirects, recognition."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from channels._session import GatewaySession, unanswered
from hub.delivery import Outcome
from hub.errors import BadSettings, Cancelled, Refused
from hub.outbound import REHEARSAL_HEADER, Deployment, Outbound

Handler = Callable[[web.Request], Awaitable[web.Response]]
PRODUCTION = Outbound(deployment=Deployment.PRODUCTION)
REHEARSAL = Outbound(deployment=Deployment.REHEARSAL)


async def test_a_rehearsal_answer_never_reaches_a_production_hubs_library() -> None:
    async def rehearsal(_: web.Request) -> web.Response:
        return web.Response(text="taken", headers={REHEARSAL_HEADER: "1"})

    async with serving(rehearsal) as url, session(PRODUCTION, url) as gateway:
        with pytest.raises(Refused):
            await body(gateway, url)
        assert not gateway.recognised


@pytest.mark.parametrize(("status", "recognised"), [(200, True), (401, True), (429, True), (502, False)])
async def test_an_answer_of_the_gateway_itself_recognises_it(status: int, recognised: bool) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with serving(answer) as url, session(PRODUCTION, url) as gateway:
        await body(gateway, url)
        assert gateway.recognised is recognised


async def test_a_gate_is_asked_once_there_is_a_connection_and_before_the_first_byte() -> None:
    happened = asyncio.Queue[str]()
    connected, closed = asyncio.Event(), asyncio.Event()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        happened.put_nowait("request" if await reader.read(1) else "nothing")
        writer.close()
        closed.set()

    def gate() -> None:
        happened.put_nowait("gate")
        raise Cancelled("stopped while the connection was made")

    listener = await asyncio.start_server(server, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener, session(REHEARSAL, url) as gateway:
        with pytest.raises(Cancelled):
            async with gateway.gated(gate):
                await body(gateway, url)
        await closed.wait()
        assert connected.is_set()
        assert [await happened.get(), await happened.get()] == ["gate", "nothing"]


async def test_what_is_asked_outside_a_gate_goes_through() -> None:
    async def taken(_: web.Request) -> web.Response:
        return web.Response(text="taken")

    def gate() -> None:
        raise Cancelled("stopped")

    async with serving(taken) as url, session(REHEARSAL, url) as gateway:
        with pytest.raises(Cancelled):
            async with gateway.gated(gate):
                await body(gateway, url)
        assert await body(gateway, url) == "taken"


async def test_a_redirect_is_not_followed() -> None:
    seen: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with serving(elsewhere) as url, session(REHEARSAL, url) as gateway:
        await body(gateway, f"{url}/first")
    assert seen == ["/first"]


async def test_the_address_fixed_in_a_library_is_replaced() -> None:
    async def path(request: web.Request) -> web.Response:
        return web.Response(text=request.raw_path)

    async with serving(path) as url:
        outbound_session = GatewaySession(
            outbound=REHEARSAL,
            base_url=f"{url}/",
            setting="test",
            timeout_s=30,
            connections=1,
            library_url="https://api.library.example",
        )
        async with opened(outbound_session) as gateway:
            assert await body(gateway, "https://api.library.example/2/posts?a=1%3A2") == "/2/posts?a=1%3A2"


@pytest.mark.parametrize(
    "moved",
    [
        "https://api.moved.example/2/posts",
        "https://api.moved.example/?from=https://api.library.example",
        "https://api.library.example.evil.example/2",
        "https://api.library.example@evil.example/2",
        "/2/posts",
    ],
)
async def test_a_library_that_changes_its_host_does_not_lead_out(moved: str) -> None:
    unopened = GatewaySession(
        outbound=REHEARSAL,
        base_url="http://127.0.0.1:1",
        setting="[channels.x] base_url",
        timeout_s=30,
        connections=1,
        library_url="https://api.library.example",
    )
    async with opened(unopened) as gateway:
        with pytest.raises(Refused, match=r"\[channels\.x\] base_url"):
            await body(gateway, moved)


async def test_requests_go_through_the_proxy() -> None:
    asked: list[str] = []

    async def proxy(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        return web.Response(text="by proxy")

    async with serving(proxy) as proxy_url:
        outbound = Outbound(deployment=Deployment.PRODUCTION, proxy=proxy_url)
        async with session(outbound, "http://gateway.invalid") as gateway:
            assert await body(gateway, "http://gateway.invalid/v2") == "by proxy"
    assert asked == ["http://gateway.invalid/v2"]


@pytest.mark.parametrize(
    ("url", "through"),
    [
        ("https://api.line.me/v2", True),
        ("https://www.city.example.lg.jp/wp-json", False),
        ("https://CITY.example.lg.jp./", True),
        ("https://evilcity.example.lg.jp/", True),
        ("https://10.1.2.3:8443/ubus", False),
        ("https://11.1.2.3/", True),
        ("https://cms.example/", False),
        ("https://cms.example.evil.example/", True),
        ("https://[fd00::7]/", False),
    ],
)
def test_what_is_inside_is_asked_without_the_proxy(url: str, through: bool) -> None:
    inside = (".city.example.lg.jp", "10.0.0.0/8", "cms.example", "fd00::/8")
    outbound = Outbound(deployment=Deployment.PRODUCTION, proxy="http://proxy.example:8080", direct=inside)
    assert (outbound.proxy_to(url) is not None) is through


async def test_a_request_to_what_is_inside_goes_past_the_proxy() -> None:
    async def taken(_: web.Request) -> web.Response:
        return web.Response(text="taken")

    async def proxy(_: web.Request) -> web.Response:
        return web.Response(text="by proxy")

    async with serving(taken) as url, serving(proxy) as proxy_url:
        outbound = Outbound(deployment=Deployment.PRODUCTION, proxy=proxy_url, direct=("127.0.0.0/8",))
        async with session(outbound, url) as gateway:
            assert await body(gateway, url) == "taken"


def test_a_rehearsal_hub_uses_no_proxy_elsewhere() -> None:
    outbound = Outbound(deployment=Deployment.REHEARSAL, proxy="http://proxy.city.example:8080")
    with pytest.raises(Refused, match="proxy"):
        GatewaySession(
            outbound=outbound, base_url="http://127.0.0.1:1", setting="test", timeout_s=1, connections=1
        )


async def test_a_private_authority_is_trusted_only_where_it_is_configured(tmp_path: Path) -> None:
    async def taken(_: web.Request) -> web.Response:
        return web.Response(text="taken")

    async with serving(taken, tls=_certificate(tmp_path)) as url:
        trusting = Outbound(deployment=Deployment.REHEARSAL, ca_file=tmp_path / "certificate.pem")
        async with session(trusting, url) as gateway:
            assert await body(gateway, url) == "taken"
        async with session(REHEARSAL, url) as gateway:
            with pytest.raises(aiohttp.ClientConnectorCertificateError) as caught:
                await body(gateway, url)
    assert unanswered(caught.value) is Outcome.TEMPORARY


def test_sessions_share_the_authorities_that_they_trust() -> None:
    assert Outbound(deployment=Deployment.REHEARSAL).tls() is Outbound(deployment=Deployment.PRODUCTION).tls()


async def test_a_request_that_never_left_is_temporary() -> None:
    async with session(REHEARSAL, "http://127.0.0.1:1") as gateway:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await body(gateway, "http://127.0.0.1:1")
    assert unanswered(caught.value) is Outcome.TEMPORARY


async def test_a_dropped_answer_is_ambiguous() -> None:
    async def drop(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(drop) as url, session(REHEARSAL, url) as gateway:
        with pytest.raises(aiohttp.ClientConnectionError) as caught:
            await body(gateway, url)
    assert unanswered(caught.value) is Outcome.AMBIGUOUS


async def body(gateway: GatewaySession, url: str) -> str:
    async with gateway.request("GET", url) as answer:
        return await answer.text()


@asynccontextmanager
async def opened(gateway: GatewaySession) -> AsyncIterator[GatewaySession]:
    await gateway.open()
    try:
        yield gateway
    finally:
        await gateway.close()


@asynccontextmanager
async def session(outbound: Outbound, url: str) -> AsyncIterator[GatewaySession]:
    unopened = GatewaySession(
        outbound=outbound, base_url=url, setting="test", timeout_s=30, connections=1, in_clear=True
    )
    async with opened(unopened) as gateway:
        yield gateway


@asynccontextmanager
async def serving(handler: Handler, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server on loopback; its base address."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _certificate(folder: Path) -> ssl.SSLContext:
    """A server's own certificate, in `certificate.pem`, which no system trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "private authority")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


@pytest.mark.parametrize(
    ("url", "in_clear", "taken"),
    [
        ("https://api.line.example", False, True),
        ("http://api.line.example", False, False),
        ("http://10.0.0.8", False, False),
        ("http://10.0.0.8", True, True),
        ("http://127.0.0.1:9", False, True),
    ],
)
def test_a_hub_in_production_sends_nothing_in_clear(url: str, in_clear: bool, taken: bool) -> None:
    def made() -> GatewaySession:
        return GatewaySession(
            outbound=Outbound(deployment=Deployment.PRODUCTION),
            base_url=url,
            setting="[channels.line] base_url",
            timeout_s=1,
            connections=1,
            in_clear=in_clear,
        )

    if taken:
        made()
        return
    with pytest.raises(BadSettings, match=r"\[channels.line\] base_url.*https://"):
        made()
