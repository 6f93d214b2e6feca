"""What a real Postfix writes when a carrier refuses, read from the maildir that `config/postfix` delivers into."""

import os
import shutil
from functools import partial
from pathlib import Path

import pytest

from channels.mail import Mail, Security, Settings
from channels.mail.intake.maildir import Maildir
from hub import unsubscribe
from hub.clock import utc_now
from hub.delivery import Outcome
from hub.language import Language
from hub.outbound import Deployment, Outbound
from hub.recipient import Targeting, WholeCity, Zone
from hub.returns import Returns
from tests.integration.engine import KEYS, engine, residents, until
from tests.integration.smarthost import NOBODY, PASSWORD, USER, Smarthost, smarthost
from tests.integration.test_bounces import listening
from tests.servers.absence import absent
from tests.servers.postfix import PROGRAMS
from yobikake.bounce_role import take
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.servers.folder import temporary
from yobikake.rehearsal.servers.program import advice, missing
from yobikake.rehearsal.smtp import SmtpGateway

pytestmark = pytest.mark.postfix

PEOPLE = 150


@pytest.mark.parametrize("personal", [False, True])
async def test_a_carriers_refusal_comes_back_and_is_counted(tmp_path: Path, personal: bool) -> None:
    if lacking := missing(PROGRAMS):
        absent(advice(lacking))
    if os.geteuid() != 0:
        absent("only root starts Postfix")
    address = "r{}@docomo.ne.jp.example".format
    faults = Faults(permanent=0.1, seed=1)
    with temporary("test-postfix-") as folder:
        async with SmtpGateway(Inbox()) as carriers, smarthost(folder, carriers.port) as made:
            carriers.faults = faults
            async with engine(tmp_path, channels={"mail": _mail(made, tmp_path, personal)}) as hub:
                people = residents(PEOPLE, language=Language.JA, zone=Zone("z0"), address=address)
                ids = await hub.register(people)
                refused = {who for who in ids if faults.hits(0.1, "permanent", hub.addresses[who])}
                assert 0 < len(refused) < PEOPLE
                returns = Returns(
                    ledger=hub.ledger, keys=KEYS, postbox=hub.postbox, clock=hub.clock, page=hub.page
                )
                box = Maildir(made.maildir, every_s=0.1)
                for path in (made.maildir, *made.maildir.rglob("*")):
                    shutil.chown(path, NOBODY, NOBODY)  # whom Postfix delivers as; else it is the hub's user
                async with hub.running(), listening(box, partial(take, returns)):
                    alert = await hub.send(targeting=Targeting(audience=WholeCity(), channels=("mail",)))

                    async def all_came_back() -> bool:
                        return (await hub.tally(alert))["mail"].failed == len(refused)

                    await until(all_came_back)
                outcomes = await hub.outcomes(alert)
    assert {who for who in ids if outcomes[who] is Outcome.PERMANENT} == refused
    assert {outcomes[who] for who in ids if who not in refused} == {Outcome.ACCEPTED}
    assert not list((made.maildir / "new").glob("*"))


def _mail(made: Smarthost, folder: Path, personal: bool) -> Mail:
    password_file = folder / "password"
    password_file.write_text(PASSWORD)
    settings = Settings(
        host="127.0.0.1",
        port=made.urgent,
        security=Security.STARTTLS,
        username=USER,
        password_file=password_file,
        sender="bousai@city.example",
        bounces="bounces@bounce.city.example",
        connections=2,
        personal=personal,
    )
    outbound = Outbound(deployment=Deployment.REHEARSAL, ca_file=made.ca_file)
    mail = Mail(settings, outbound=outbound, clock=utc_now)
    mail.leave_by("https://bosai.city.example/unsubscribe/", partial(unsubscribe.token, KEYS, "mail"))
    return mail
