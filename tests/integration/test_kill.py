"""kill -9 in the middle of an alert: nobody is missed, and nobody gets it twice without being flagged."""

from pathlib import Path

from hub.delivery import Outcome
from tests.integration.city_hub import city_hub, gateway, kill, received

RECIPIENTS = 3_000


async def test_a_hub_that_was_killed_goes_on_where_it_stood(tmp_path: Path) -> None:
    log = tmp_path / "gateway.jsonl"
    async with (
        gateway(log, drain_per_s=1_500) as port,
        city_hub(tmp_path / "hub", port=port, recipients=RECIPIENTS) as hub,
    ):
        async with hub.serving() as process:
            alert = await hub.send()
            await hub.until(lambda: received(log).total() > RECIPIENTS // 4)
            kill(process)
            await process.wait()
        assert received(log).total() < RECIPIENTS, "the kill came too late to show anything"

        async with hub.serving():
            tally = await hub.done(alert)

        outcomes, resent = await hub.outcomes(alert)
        times_received = received(log)
        assert outcomes.keys() == set(hub.addresses.values())
        assert tally.accepted + tally.ambiguous == RECIPIENTS
        assert set(outcomes.values()) <= {Outcome.ACCEPTED, Outcome.AMBIGUOUS}
        assert times_received.keys() == outcomes.keys(), "somebody was missed"
        twice = {address for address, times in times_received.items() if times > 1}
        assert twice <= resent, "somebody got it twice, and nothing says so"
        assert max(times_received.values()) <= 2
