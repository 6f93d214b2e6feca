"""What came back holds an address back, and what is not its fault does not."""

from hub import gone
from hub.delivery import Variant
from hub.language import Language
from hub.ledger import (
    Ledger,
    bounces,
    held_back,
    register,
)
from hub.ledger.bounces import Noted
from hub.testing.ledger_suite.rows import KEYS, NOW, accepted_alerts, note, people_with_mailboxes


class BounceSuite:
    async def test_two_alerts_that_came_back_hard_hold_a_contact_back_and_one_does_not(
        self, ledger: Ledger
    ) -> None:
        once, twice, soft = await people_with_mailboxes(ledger, 3)
        await accepted_alerts(ledger, "a-1", "a-2", "a-3")
        await note(ledger, Noted(once, "a-1", True, False, "userunknown"))
        await note(ledger, Noted(once, "a-1", True, False, "userunknown"))
        await note(ledger, *(Noted(twice, alert, True, False, "userunknown") for alert in ("a-1", "a-3")))
        await note(
            ledger, *(Noted(soft, alert, False, False, "mailboxfull") for alert in ("a-1", "a-2", "a-3"))
        )
        assert await ledger.write(lambda conn: bounces.settle(conn, KEYS, "mail", at=NOW)) == 1
        (held,) = await ledger.read(lambda conn: held_back.listed(conn, ["mail"]))
        assert (held.recipient, held.alerts, held.reasons) == (twice, 2, ("userunknown",))
        nowhere = Variant(Language.JA, None)
        opened = await ledger.read(
            lambda conn: register.open_addresses(conn, KEYS, "mail", nowhere, [once, twice, soft])
        )
        assert (set(opened.addresses), opened.suppressed) == ({once, twice, soft}, {twice})
        assert await ledger.write(lambda conn: bounces.settle(conn, KEYS, "mail", at=NOW)) == 0, (
            "nothing is new"
        )

    async def test_what_is_hard_counts_for_an_alert_that_was_soft_before_and_not_the_other_way(
        self, ledger: Ledger
    ) -> None:
        (who,) = await people_with_mailboxes(ledger, 1)
        await accepted_alerts(ledger, "a-1", "a-2")
        for alert in ("a-1", "a-2"):
            await note(ledger, Noted(who, alert, False, True, "blocked"))
            await note(ledger, Noted(who, alert, True, False, "userunknown"))
            await note(ledger, Noted(who, alert, False, True, "blocked"))
        assert await ledger.write(lambda conn: bounces.settle(conn, KEYS, "mail", at=NOW)) == 1

    async def test_who_was_reached_or_is_lifted_or_registers_anew_is_held_back_no_more(
        self, ledger: Ledger
    ) -> None:
        lifted, anew = await people_with_mailboxes(ledger, 2)
        await accepted_alerts(ledger, "a-1", "a-2")
        for who in (lifted, anew):
            await note(ledger, *(Noted(who, alert, True, False, "hasmoved") for alert in ("a-1", "a-2")))
        assert await ledger.write(lambda conn: bounces.settle(conn, KEYS, "mail", at=NOW)) == 2
        assert await ledger.write(lambda conn: bounces.forget(conn, "mail", [lifted])) == 1
        await ledger.write(lambda conn: register.remove(conn, [anew]))
        assert await ledger.write(lambda conn: bounces.settle(conn, KEYS, "mail", at=NOW)) == 1
        assert await ledger.read(lambda conn: held_back.listed(conn, ["mail"])) == []

    async def test_an_alert_of_which_too_much_came_back_blames_no_address(self, ledger: Ledger) -> None:
        people = await people_with_mailboxes(ledger, bounces.MASS_LEAST)
        await accepted_alerts(ledger, "a-1", "a-2")
        for alert in ("a-1", "a-2"):
            await note(ledger, *(Noted(who, alert, True, False, "userunknown") for who in people[:-1]))
        assert await gone.settle(ledger, KEYS, "mail", at=NOW) == len(people) - 1
        await note(ledger, Noted(people[-1], "a-2", True, False, "userunknown"))
        assert await gone.settle(ledger, KEYS, "mail", at=NOW) == len(people) - 1
        assert await ledger.read(lambda conn: held_back.listed(conn, ["mail"])) == [], (
            "it was a carrier's fault"
        )

    async def test_who_was_reached_in_between_is_counted_anew(self, ledger: Ledger) -> None:
        once, twice = await people_with_mailboxes(ledger, 2)
        await accepted_alerts(ledger, "a-1", "a-2", "a-3")
        await note(ledger, *(Noted(who, "a-1", True, False, "unknown id") for who in (once, twice)))
        await ledger.write(lambda conn: bounces.reached(conn, "mail", [once]))
        await note(ledger, *(Noted(who, "a-3", True, False, "unknown id") for who in (once, twice)))
        assert await gone.settle(ledger, KEYS, "mail", at=NOW) == 1
        (held,) = await ledger.read(lambda conn: held_back.listed(conn, ["mail"]))
        assert held.recipient == twice

    async def test_whoever_is_registered_no_more_is_passed_over(self, ledger: Ledger) -> None:
        ended, stays = await people_with_mailboxes(ledger, 2)
        await accepted_alerts(ledger, "a-1")
        await ledger.write(lambda conn: register.remove(conn, [ended]))
        await note(ledger, *(Noted(who, "a-1", True, False, "unknown id") for who in (ended, stays)))
        assert await ledger.read(lambda conn: bounces.doubted(conn, "mail", [ended, stays])) == {stays}
