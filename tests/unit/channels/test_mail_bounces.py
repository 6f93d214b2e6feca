"""Whom a mail reports as not reached, and why. The mails are our own; nobody in them exists."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail.bounces import Bounce, Kind, Reason, classify, read
from channels.mail.bounces.addressed import returned
from channels.mail.bounces.part import take_apart
from hub.delivery import Outcome

KEY = "0123456789abcdef0123456789abcdef"

REPORT = f"""\
Return-Path: <>
From: MAILER-DAEMON@relay.example.lg.jp (Mail Delivery System)
To: bounces@city.example.lg.jp
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b/1"

This is a MIME-encapsulated message.

--b/1
Content-Type: text/plain; charset=us-ascii

This is the mail system at host relay.example.lg.jp.

<sato@example.jp>: host mx.example.jp[192.0.2.1] said: DIAGNOSTIC

--b/1
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example.lg.jp
Original-Envelope-Id: {KEY}

Final-Recipient: rfc822; sato@example.jp
Original-Recipient: rfc822;Sato@Example.jp
Action: ACTION
Status: STATUS
Remote-MTA: dns; mx.example.jp
Diagnostic-Code: smtp; DIAGNOSTIC

--b/1
Content-Type: text/rfc822-headers

Message-ID: <{KEY}@city.example.lg.jp>
From: bosai@city.example.lg.jp
To: undisclosed-recipients:;

--b/1--
"""


def report(diagnostic: str, status: str, *, action: str = "failed") -> bytes:
    filled = REPORT.replace("DIAGNOSTIC", diagnostic).replace("STATUS", status).replace("ACTION", action)
    return filled.encode()


def notice(
    text: str, *, sender: str = "MAILER-DAEMON@mx.example.jp", subject: str = "failure notice"
) -> bytes:
    head = f"From: {sender}\nTo: bounces@city.example.lg.jp\nSubject: {subject}\n"
    return f"{head}Content-Type: text/plain; charset=utf-8\n\n{text}".encode()


def only(mail: bytes) -> Bounce:
    (bounce,) = classify(mail)
    return bounce


# --- reports for machines ---


@pytest.mark.parametrize(
    ("diagnostic", "status", "kind", "reason"),
    [
        ("550 5.1.1 <sato@example.jp>: User unknown (in reply to RCPT TO command)", "5.1.1", "hard", "userunknown"),
        ("550 : User unknown (in reply to end of DATA command)", "5.0.0", "soft", "filtered"),
        ("550 Unknown user sato@docomo.ne.jp (in reply to end of DATA command)", "5.0.0", "soft", "filtered"),
        ("550 <sato@ezweb.ne.jp>: User unknown", "5.0.0", "hard", "userunknown"),
        ("550 Invalid recipient: <sato@i.softbank.jp>", "5.0.0", "hard", "userunknown"),
        ("552 Too much mail data sato@docomo.ne.jp", "5.0.0", "soft", "mailboxfull"),
        ("552 5.2.2 mailbox full", "5.2.2", "soft", "mailboxfull"),
        ("452 4.2.2 over quota", "4.2.2", "soft", "mailboxfull"),
        ("550 5.1.6 recipient no longer on server", "5.1.6", "hard", "hasmoved"),
        ("Host or domain name not found. Name service error for name=example.jp type=A: Host not found", "5.4.4", "hard", "hostunknown"),
        ("554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using rbl.example", "5.7.1", "soft", "blocked"),
        ("connect to mx.example.jp[192.0.2.1]:25: Connection timed out", "4.4.1", "soft", "expired"),
        ("550 5.7.26 Unauthenticated email from city is not accepted due to domain's DMARC policy", "5.7.26", "soft", "policyviolation"),
        ("550 5.2.1 The email account that you tried to reach is disabled", "5.2.1", "soft", "suspend"),
        ("550 5.1.8 Sender address rejected", "5.1.8", "soft", "rejected"),
        ("550 5.4.6 mail loop detected", "5.4.6", "soft", "networkerror"),
        ("554 5.0.0 nothing that anybody has heard before", "5.0.0", "soft", "onhold"),
        ("550 no such domain (in reply to MAIL FROM command)", "5.0.0", "soft", "rejected"),
    ],
)  # fmt: skip
def test_a_report_says_whom_how_lasting_and_why(diagnostic: str, status: str, kind: str, reason: str) -> None:
    bounce = only(report(diagnostic, status))
    assert bounce.recipient == "sato@example.jp"
    assert (bounce.kind, bounce.reason) == (kind, reason)


def test_a_report_names_our_envelope_and_the_address_as_we_wrote_it() -> None:
    mail = read(report("550 5.1.1 User unknown", "5.1.1"))
    assert (mail.envelope, mail.message_id) == (KEY, f"<{KEY}@city.example.lg.jp>")
    (ours,) = returned(mail)
    assert (ours.key.hex, ours.outcome, ours.hard) == (KEY, Outcome.PERMANENT, True)
    assert ours.addresses[0] == "Sato@Example.jp", "the spelling of the register comes first"
    assert "sato@example.jp" in ours.addresses
    assert "sato" not in repr(ours).lower(), "what may be logged names nobody"


def test_without_an_envelope_id_the_message_id_that_came_back_names_our_mail() -> None:
    mail = report("550 5.1.1 User unknown", "5.1.1").replace(
        b"Original-Envelope-Id: " + KEY.encode() + b"\n", b""
    )
    (ours,) = returned(read(mail))
    assert ours.key.hex == KEY


def test_of_mail_that_is_not_ours_nothing_is_said() -> None:
    mail = report("550 5.1.1 User unknown", "5.1.1").replace(KEY.encode(), b"20261129.somebody-elses")
    assert len(classify(mail)) == 1
    assert returned(read(mail)) == []


def test_a_delay_is_soft_and_settles_nothing() -> None:
    mail = report("connect to mx.example.jp: Connection timed out", "4.4.1", action="delayed")
    assert only(mail).kind is Kind.SOFT
    assert returned(read(mail)) == []


def test_a_user_unknown_for_now_is_soft() -> None:
    assert only(report("450 4.1.1 <sato@example.jp>: User unknown", "4.1.1")).kind is Kind.SOFT


def test_a_delivery_report_of_success_is_no_bounce_but_is_remembered() -> None:
    mail = report("250 2.1.5 Ok", "2.1.5", action="delivered")
    assert classify(mail) == []
    (ours,) = returned(read(mail))
    assert ours.outcome is Outcome.DELIVERED


def test_each_recipient_of_a_report_has_a_fate_of_its_own() -> None:
    second = (
        "\nFinal-Recipient: rfc822; tanaka@example.jp\nAction: failed\nStatus: 5.2.2\n"
        "Diagnostic-Code: smtp; 552 5.2.2 mailbox full\n"
    )
    mail = report("550 5.1.1 User unknown", "5.1.1").decode()
    place = mail.index("\n--b/1\nContent-Type: text/rfc822-headers")
    found = classify((mail[:place] + second + mail[place:]).encode())
    assert {each.recipient: each.kind for each in found} == {
        "sato@example.jp": Kind.HARD,
        "tanaka@example.jp": Kind.SOFT,
    }


def test_a_report_inside_the_mail_that_came_back_is_not_its_own() -> None:
    inner = report("550 5.1.1 User unknown", "5.1.1").decode()
    mail = (
        'From: bosai@example.jp\nSubject: FYI\nContent-Type: multipart/mixed; boundary="o"\n\n'
        f"--o\n\nsee below\n--o\nContent-Type: message/rfc822\n\n{inner}\n--o--\n"
    )
    assert classify(mail.encode()) == []


# --- complaints ---

COMPLAINT = f"""\
From: fbl@example.com
Subject: FW: 避難指示
Content-Type: multipart/report; report-type=feedback-report; boundary=c

--c
Content-Type: text/plain

This is an email abuse report.
--c
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Example/1.0
Version: 1
Original-Rcpt-To: <suzuki@example.com>

--c
Content-Type: message/rfc822

Message-ID: <{KEY}@city.example.lg.jp>
To: suzuki@example.com

body
--c--
""".encode()


def test_a_complaint_is_neither_hard_nor_soft_and_no_receipt() -> None:
    assert only(COMPLAINT) == Bounce(recipient="suzuki@example.com", reason=Reason.FEEDBACK)
    assert only(COMPLAINT).kind is Kind.COMPLAINT
    (ours,) = returned(read(COMPLAINT))
    assert (ours.outcome, ours.hard, ours.policy) == (None, False, False)


def test_a_complaint_that_does_not_say_whose_is_one_all_the_same() -> None:
    bare = COMPLAINT.replace(b"Original-Rcpt-To: <suzuki@example.com>\n", b"").replace(
        b"To: suzuki@example.com\n", b""
    )
    assert [each.recipient for each in classify(bare)] == [""]


# --- notices for people, the carriers' among them ---


def test_the_carriers_say_in_japanese_that_a_mailbox_is_full() -> None:
    text = (
        "送信先のメールボックスが一杯のため、送信できませんでした。\n\n"
        "Your mail sent on: Sun, 29 Nov 2026 10:00:00 +0900\n"
        "     Could not be delivered to: <sato@x.dion.ne.jp>\n     As their mailbox is full.\n"
    )
    head = "From: no-reply@app.auone-net.jp\nSubject: =?iso-2022-jp?B?GyRCJWEhPCVrJSglaSE8REw7UBsoQg==?=\n"
    mail = head.encode() + b"Content-Type: text/plain; charset=ISO-2022-JP\n\n" + text.encode("iso2022_jp")
    assert only(mail) == Bounce(recipient="sato@x.dion.ne.jp", reason=Reason.MAILBOX_FULL)


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        (
            "The user(s) account is disabled.\n\n<sato@ezweb.ne.jp>\n",
            "soft", "suspend",
        ),
        (
            "<sato@ezweb.ne.jp>\n\nEach of the following recipients was rejected by a remote mail server.\n",
            "soft", "filtered",
        ),
        (
            "Each of the following recipients was rejected by a remote\nmail server.\n\n"
            "    Recipient: <sato@ezweb.ne.jp>\n    >>> RCPT TO:<sato@ezweb.ne.jp>\n"
            "    <<< 550 <sato@ezweb.ne.jp>: User unknown\n",
            "hard", "userunknown",
        ),
        (
            "Hi. This is the qmail-send program at mx.\n\n<sato@ezweb.ne.jp>:\n"
            "Sorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n"
            "To: someone-else@example.jp\n",
            "hard", "userunknown",
        ),
        (
            "   ----- The following addresses had delivery problems -----\nsato@ezweb.ne.jp\n\n"
            "   ----- Non-delivered information -----\n"
            "The number of messages in recipient's mailbox exceeded the local limit.\n",
            "soft", "mailboxfull",
        ),
        (
            "There was an error delivering your mail to <sato@ezweb.ne.jp>.\n\n"
            "mx.example.jp [192.0.2.1] did not like our RCPT TO:\n550 5.1.1 User unknown\n",
            "hard", "userunknown",
        ),
    ],
)  # fmt: skip
def test_a_notice_is_read_by_the_form_that_its_server_uses(text: str, kind: str, reason: str) -> None:
    bounce = only(notice(text, sender="Postmaster@ezweb.ne.jp", subject="Mail System Error - Returned Mail"))
    assert (bounce.recipient, bounce.kind, bounce.reason) == ("sato@ezweb.ne.jp", kind, reason)


def test_several_in_one_notice_have_reasons_of_their_own() -> None:
    text = (
        "I wasn't able to deliver your message to the following addresses.\n\n"
        "<sato@example.jp>:\n552 5.2.2 Mailbox full\n\n<tanaka@example.jp>:\n550 5.1.1 User unknown\n"
    )
    found = classify(notice(text))
    assert [(each.recipient, each.reason) for each in found] == [
        ("sato@example.jp", Reason.MAILBOX_FULL),
        ("tanaka@example.jp", Reason.USER_UNKNOWN),
    ]


def test_a_notification_of_amazon_ses_is_read_too() -> None:
    inner = (
        r"{\"notificationType\":\"Bounce\",\"bounce\":{\"bouncedRecipients\":[{\"emailAddress\":"
        r"\"sato@example.jp\",\"action\":\"failed\",\"status\":\"5.1.1\",\"diagnosticCode\":"
        r"\"smtp; 550 5.1.1 user unknown\"}]}}"
    )
    mail = notice(
        f'{{"Type":"Notification","Message":"{inner}"}}', sender="no-reply@sns.example", subject="x"
    )
    assert only(mail).reason is Reason.USER_UNKNOWN


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\n\n\n",
        notice("避難所はどこですか。\nsato@example.jp\n", sender="sato@example.jp", subject="Re: 避難指示"),
        notice("不在にしております。\ntanaka@example.jp まで\n", sender="sato@example.jp", subject="自動応答: 避難指示"),
        notice("I will be away.\nPlease write to tanaka@example.jp\n", sender="sato@example.jp", subject="Out of office"),
        notice("Thank you for registering.\n", sender="postmaster@example.jp", subject="Welcome"),
    ],
)  # fmt: skip
def test_what_is_no_bounce_names_nobody(mail: bytes) -> None:
    assert classify(mail) == []


# --- whatever comes ---

SAMPLES = [
    report("550 5.1.1 User unknown", "5.1.1"),
    COMPLAINT,
    notice("<sato@example.jp>:\n550 5.1.1 User unknown\n"),
]


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_octets_of_any_kind_are_read_without_a_word(octets: bytes) -> None:
    assert isinstance(classify(octets), list)


@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 40), st.binary(max_size=30)), max_size=8),
)
@settings(max_examples=300)
def test_a_mail_that_was_damaged_anywhere_is_read_without_a_word(
    mail: bytes, cuts: list[tuple[int, int, bytes]]
) -> None:
    for place, length, patch in cuts:
        mail = mail[:place] + patch + mail[place + length :]
    for bounce in read(mail).bounces:
        assert isinstance(bounce.kind, Kind)


@given(
    st.text(max_size=200),
    st.sampled_from(["utf-8", "iso-2022-jp", "no-such-charset", "utf-16", "idna", "zlib"]),
)
@settings(max_examples=200)
def test_a_charset_that_is_wrong_or_none_is_survived(text: str, charset: str) -> None:
    head = f"From: mailer-daemon@x\nSubject: failure notice\nContent-Type: text/plain; charset={charset}\n"
    classify(head.encode() + b"\n" + text.encode("utf-8", "surrogatepass"))


def test_parts_within_parts_without_end_are_taken_apart_to_a_depth() -> None:
    nested = (
        b"Content-Type: multipart/mixed; boundary=x\n\n"
        + b"--x\nContent-Type: multipart/mixed; boundary=x\n\n" * 5_000
    )
    assert len(list(take_apart(nested).walk())) < 1_000
    assert len(list(take_apart(b"Content-Type: message/rfc822\n\n" * 5_000).walk())) < 20
