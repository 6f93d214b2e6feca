"""What smarthosts say, as they say it."""

import pytest

from channels.mail.replies import AT_ONCE, Stage, classify, status
from hub.delivery import Outcome


@pytest.mark.parametrize(
    ("stage", "code", "text", "outcome", "reason"),
    [
        (Stage.DATA, 250, "2.0.0 Ok: queued as 4F2A1", Outcome.ACCEPTED, "2.0.0"),
        (Stage.RCPT, 251, "User not local; will forward", Outcome.ACCEPTED, "251"),
        (Stage.RCPT, 550, "5.1.1 <a@b.example>: Recipient address rejected", Outcome.PERMANENT, "5.1.1"),
        (Stage.RCPT, 550, "5.1.2 Host unknown", Outcome.PERMANENT, "5.1.2"),
        (Stage.RCPT, 501, "5.1.3 Bad recipient address syntax", Outcome.PERMANENT, "5.1.3"),
        (Stage.RCPT, 550, "no such user", Outcome.PERMANENT, "550"),
        (Stage.RCPT, 554, "5.7.1 Relay access denied", Outcome.PERMANENT, "5.7.1"),
        (Stage.RCPT, 450, "4.2.0 Greylisted", Outcome.TEMPORARY, "4.2.0"),
        (Stage.RCPT, 451, "4.7.1 Greylisting in action", Outcome.TEMPORARY, "4.7.1"),
        (Stage.RCPT, 452, "4.2.2 Mailbox full", Outcome.TEMPORARY, "4.2.2"),
        (Stage.RCPT, 552, "5.2.2 Mailbox full", Outcome.TEMPORARY, "5.2.2"),
        (Stage.RCPT, 452, "4.5.3 Too many recipients", Outcome.TEMPORARY, "4.5.3"),
        (Stage.RCPT, 553, "5.6.7 SMTPUTF8 required", Outcome.PERMANENT, "5.6.7"),
        (Stage.MAIL, 452, "4.3.1 Insufficient system storage", Outcome.TEMPORARY, "4.3.1"),
        (Stage.MAIL, 552, "5.3.4 Message size exceeds the limit", Outcome.UNSUPPORTED, "5.3.4"),
        (Stage.DATA, 552, "too big", Outcome.UNSUPPORTED, "552"),
        (Stage.DATA, 554, "5.6.1 Body type not supported", Outcome.UNSUPPORTED, "5.6.1"),
        (Stage.DATA, 554, "5.7.1 Rejected as spam", Outcome.PERMANENT, "5.7.1"),
        (Stage.DATA, 451, "4.3.0 Try again", Outcome.TEMPORARY, "4.3.0"),
        (Stage.MAIL, 530, "5.7.0 Must issue a STARTTLS command first", Outcome.CREDENTIALS, "5.7.0"),
        (Stage.SESSION, 535, "5.7.8 Authentication credentials invalid", Outcome.CREDENTIALS, "5.7.8"),
        (Stage.SESSION, 454, "4.7.0 Temporary authentication failure", Outcome.TEMPORARY, "4.7.0"),
        (Stage.SESSION, 554, "No SMTP service here", Outcome.CREDENTIALS, "554"),
        (Stage.MAIL, 553, "5.7.1 Sender address rejected: not owned by user", Outcome.CREDENTIALS, "5.7.1"),
        (Stage.MAIL, 421, "4.7.28 Unusual rate of mail", Outcome.THROTTLE, "4.7.28"),
        (Stage.SESSION, 421, "4.7.0 Too many connections", Outcome.THROTTLE, "4.7.0"),
        (Stage.MAIL, 450, "4.7.1 Error: too much mail", Outcome.THROTTLE, "4.7.1"),
        (Stage.DATA, 454, "Throttling failure: Maximum sending rate exceeded", Outcome.THROTTLE, "454"),
        (Stage.MAIL, 421, "4.3.2 Service shutting down", Outcome.TEMPORARY, "4.3.2"),
        (Stage.MAIL, 354, "what?", Outcome.TEMPORARY, "354"),
    ],
)
def test_the_table(stage: Stage, code: int, text: str, outcome: Outcome, reason: str) -> None:
    verdict = classify(stage, code, text)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("code", "text", "of_us"),
    [
        (554, "5.7.1 <a@b.example>: Relay access denied", True),
        (454, "4.7.1 <a@b.example>: Relay access denied", True),
        (550, "5.7.54 SMTP; Unable to relay recipient in non-accepted domain", True),
        (550, "relay not permitted", True),
        (553, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", True),
        (550, "5.1.8 <bosai@city.example>: Sender address rejected: Domain not found", True),
        (504, "5.5.2 <hub>: Helo command rejected: need fully-qualified hostname", True),
        (554, "5.3.2 System not accepting network messages", True),
        (550, "5.1.1 <relay-denied@b.example>: no such user", False),
        (550, "<unable@relay.example>: no such user", False),
        (550, "5.2.1 Mailbox disabled", False),
        (550, "5.4.1 Recipient address rejected", False),
        (451, "4.7.1 Greylisting in action", False),
        (552, "5.3.4 Message size exceeds the limit", False),
        (550, "5.5.3 Too many recipients", False),
        (250, "2.1.5 Ok", False),
    ],
)
def test_what_may_be_about_us(code: int, text: str, of_us: bool) -> None:
    assert classify(Stage.RCPT, code, text).of_us is of_us
    assert not classify(Stage.DATA, code, text).of_us


@pytest.mark.parametrize(
    ("code", "text"), [(452, "4.5.3 Too many"), (452, "Too many"), (552, "Too many"), (550, "5.5.3 Too many")]
)
def test_too_many_recipients_come_again_at_once(code: int, text: str) -> None:
    assert classify(Stage.RCPT, code, text).retry_after == AT_ONCE
    assert classify(Stage.DATA, code, text).retry_after is None


@pytest.mark.parametrize("text", ["5.1.1x", "51.1", "5.1", "<5.1.1>", "4.1.1 of another class", ""])
def test_only_a_status_code_of_the_replys_class_counts(text: str) -> None:
    assert status(550, text) == ""


def test_nothing_of_a_replys_words_is_kept() -> None:
    verdict = classify(Stage.RCPT, 550, "resident@mail.example: unknown")
    assert "example" not in repr(verdict)
