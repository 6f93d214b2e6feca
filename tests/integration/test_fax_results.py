"""A gateway's results become what is known of each fax, and none of them makes another one."""

from datetime import time, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from uuid import UUID

import config
from channels.fax import Fax, Settings
from channels.mail import Security
from hub import city as cities
from hub.canaries import Canaries
from hub.canary import DAY, Canary, Proof, only
from hub.clock import utc_now
from hub.delivery import Outcome
from hub.ledger import canaries
from hub.ledger import trials as record
from hub.ledger.trials import Finding
from hub.recipient import RecipientId, Targeting, WholeCity
from hub.returns import Returns
from hub.trials import Hours, Trials
from tests.integration.bounce_mails import report
from tests.integration.engine import KEYS, OUTBOUND, Engine, engine, residents, until
from tests.unit.channels.pdf import lines
from yobikake.bounce_role import of_canary, take
from yobikake.rehearsal.fax import DOMAIN, FaxGateway, attached
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.smtp import letter

BY_FAX = Targeting(audience=WholeCity(), channels=("fax",))


def number(n: int) -> str:
    return f"+8142{n:07}"


def a_fax(gateway: FaxGateway) -> Settings:
    return Settings(
        host="127.0.0.1", port=gateway.port, security=Security.NONE, sender="fax@city.example",
        address=f"{{number}}@{DOMAIN}", per_minute=600,
    )  # fmt: skip


async def test_a_result_says_what_became_of_a_fax_and_nothing_is_sent_again(tmp_path: Path) -> None:
    async with FaxGateway(Inbox()) as gateway:
        settings = a_fax(gateway)
        fax = Fax(settings, outbound=OUTBOUND, clock=utc_now)
        fax.know(cities.load(config.folder("akishima")), {})
        async with engine(tmp_path, channels={"fax": fax}) as hub:
            returns = Returns(
                ledger=hub.ledger, keys=KEYS, postbox=hub.postbox, clock=hub.clock, page=hub.page
            )
            people = await hub.register(residents(4, channel="fax", address=number))
            async with hub.running():
                alert = await hub.send(targeting=BY_FAX)
                assert (await hub.done(alert))["fax"].accepted == 4
                sent, failed, bounced, silent = people
                by_number = {letter(each).message_id: each for each in gateway.messages}
                assert len(by_number) == 4, "each has a name of its own"
                for who, words in (
                    (sent, "送信完了"),
                    (failed, "送信失敗：話中"),
                    (silent, "お受けしました"),
                ):
                    known = await take(returns, result(hub, gateway, who, words), fax=settings)
                    assert known == (who is not silent)
                mailbox = f"{hub.addresses[bounced][1:]}@{DOMAIN}"
                key = UUID(hex=name_of(hub, gateway, bounced).partition("@")[0].strip("<"))
                assert await take(returns, report(key, mailbox), fax=settings)
                await until(partial(over, hub, alert))
                said = await hub.outcomes(alert, "fax")
            assert said == {
                sent: Outcome.DELIVERED, failed: Outcome.PERMANENT, bounced: Outcome.PERMANENT,
                silent: Outcome.ACCEPTED,
            }  # fmt: skip
    assert len(gateway.messages) == 4
    assert all(attached(message) for message in gateway.messages)


async def test_the_result_of_a_new_numbers_trial_is_kept_with_it(tmp_path: Path) -> None:
    async with FaxGateway(Inbox()) as gateway:
        settings = a_fax(gateway)
        city = cities.load(config.folder("akishima"))
        fax = Fax(settings, outbound=OUTBOUND, clock=utc_now)
        fax.know(city, {})
        async with engine(tmp_path, channels={"fax": fax}) as hub:
            (new,) = await hub.register(residents(1, channel="fax", address=number))
            await hub.ledger.write(lambda conn: record.ask(conn, [(new, "fax")], at=hub.clock()))
            trials = Trials(
                [fax], ledger=hub.ledger, keys=KEYS, clock=hub.clock, hours=Hours(begin=time(0), end=time.max),
                city=city.names, link="https://here.example",
            )  # fmt: skip
            await fax.open()
            await trials.look()
            (page,) = gateway.pages
            assert "災害の情報ではありません" in "".join(lines(page))
            returns = Returns(
                ledger=hub.ledger, keys=KEYS, postbox=hub.postbox, clock=hub.clock, page=hub.page
            )
            for _ in range(2):  # reports may come twice
                await take(returns, result(hub, gateway, new, "送信完了"), fax=settings)
            found = await hub.ledger.read(lambda conn: record.of(conn, new, "fax"))
            assert found is not None
            assert (found.finding, found.reason) == (Finding.CONFIRMED, "sent")
            await fax.close()
    assert len(gateway.messages) == 1


async def over(hub: Engine, alert: str) -> bool:
    tally = (await hub.tally(alert))["fax"]
    return (tally.delivered, tally.failed) == (1, 2)


def name_of(hub: Engine, gateway: FaxGateway, who: RecipientId) -> str:
    """The Message-ID of the mail by which somebody got a fax."""
    to = f"To: {hub.addresses[who][1:]}@".encode()
    return next(letter(each).message_id for each in gateway.messages if to in each)


def result(hub: Engine, gateway: FaxGateway, who: RecipientId, words: str) -> bytes:
    return answer(name_of(hub, gateway, who), words)


def answer(name: str, words: str) -> bytes:
    message = EmailMessage()
    message["From"] = "results@fax.example"
    message["In-Reply-To"] = name
    message.set_content(words)
    return message.as_bytes()


async def test_a_test_fax_is_proven_by_what_its_gateway_writes_back(tmp_path: Path) -> None:
    async with FaxGateway(Inbox()) as gateway:
        settings = a_fax(gateway)
        fax = Fax(settings, outbound=OUTBOUND, clock=utc_now)
        fax.know(cities.load(config.folder("akishima")), {})
        async with engine(tmp_path, channels={"fax": fax}) as hub:
            returns = Returns(
                ledger=hub.ledger, keys=KEYS, postbox=hub.postbox, clock=hub.clock, page=hub.page
            )
            watch = Canaries(
                [
                    Canary(
                        kind="fax", channel=fax, to=only("+81425550000"), proof=Proof.RECEIPT, every=7 * DAY,
                        wait=timedelta(hours=1), at=time(0),
                    )
                ],
                ledger=hub.ledger, clock=hub.clock, page=hub.page, recovered=hub.page, city="昭島市",
                link="http://127.0.0.1",
            )  # fmt: skip
            await watch.look()
            (message,) = gateway.messages
            words = answer(letter(message).message_id, "送信完了")
            taking = partial(take, returns, fax=settings, tried=partial(of_canary, hub.ledger, hub.clock))
            assert await taking(words)
            await watch.look()
            known = (await hub.ledger.read(canaries.known))["fax"]
            assert (known.waiting, known.missed) == (False, 0)
            assert known.proven_at is not None
            assert not await taking(words), "nobody waits for it any more"
