"""No secret reaches what a hub keeps or says to staff: ledger, audit trail, bus and calls for help, whoever refuses what."""

from pathlib import Path

import pytest

from hub.channel import Targets
from hub.clock import utc_now
from hub.language import Language
from hub.ledger.register import Registration
from hub.recipient import Kind, Targeting, Town, WholeCity
from hub.testing.alerts import a_message
from hub.testing.answers_suite import said_of, what_is_said
from hub.testing.channel_harness import REHEARSAL, Feature
from tests.contract.every_connector import HARNESSES
from tests.contract.gateways import OfHttp
from tests.integration.engine import engine

ASKED = {name: harness for name, harness in HARNESSES.items() if Feature.NETWORK not in harness.lacks}


@pytest.mark.parametrize("name", ASKED)
async def test_a_refusal_that_repeats_what_was_asked_is_kept_without_it(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made, kept = tmp_path / "made", tmp_path / "kept"
    for folder in (made, kept):
        folder.mkdir()
    async with ASKED[name].running(made) as harness:
        channel, (recipient,) = harness.channel(REHEARSAL), harness.recipients(1)
        person = Registration(
            kind=Kind.TARGET if isinstance(channel, Targets) else Kind.RESIDENT,
            language=Language.JA,
            town=Town("t1"),
            contacts={harness.kind: recipient.address},
        )
        refusal = "400" if isinstance(harness, OfHttp) else "RCPT 550 5.1.1"
        with what_is_said(caplog) as everything:
            async with engine(kept, channels={harness.kind: channel}, clock=utc_now) as hub:
                harness.answer_with(refusal, echo=True)
                await hub.register([person])
                targeting = Targeting(audience=WholeCity(), channels=(harness.kind,))
                async with hub.running():
                    tally = (await hub.done(await hub.send(a_message(targeting=targeting))))[harness.kind]
                everything += [repr(hub.pages), repr(tally)]
        everything += [path.read_bytes().decode("latin-1") for path in kept.iterdir()]
        assert tally.failed == 1
        assert not said_of(harness, everything)
