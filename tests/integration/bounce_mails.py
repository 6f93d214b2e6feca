"""Reports as a smarthost writes them (RFC 3464), about mail of a hub under test."""

from uuid import UUID


def report(key: UUID, *addresses: str, said: str = "550 5.1.1 User unknown", status: str = "5.1.1") -> bytes:
    fates = "".join(
        f"\nFinal-Recipient: rfc822; {address}\nAction: failed\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {said}\n"
        for address in addresses
    )
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@relay.example\r\nTo: bounces@city.example\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\r\n\r\n'
        "--r\r\nContent-Type: text/plain\r\n\r\nCould not be delivered.\r\n"
        "--r\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; relay.example\nOriginal-Envelope-Id: {key.hex}\n{fates}\r\n--r--\r\n"
    ).encode()


QUESTION = (
    b"From: sato@example.jp\r\nTo: bounces@city.example\r\nSubject: Re: evacuation\r\n\r\n"
    b"Where is the shelter?\r\n.\r\nA line with a dot.\r\n"
)
"""What is no report."""
