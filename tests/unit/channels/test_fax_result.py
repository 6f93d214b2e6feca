"""What a gateway's result says, and of which fax."""

from email.message import EmailMessage
from uuid import UUID

import pytest

from channels.fax import Settings
from channels.fax.result import returned
from hub.delivery import Outcome

KEY = UUID("5b0c2a52-6a1c-4c4f-9f0e-5d6c1b7a2e90")
OURS = f"<{KEY.hex}@city.example>"
FAX = Settings(host="h", sender="fax@city.example", address="{number}@fax.example")


def result(text: str, *, subject: str = "", **headers: str) -> bytes:
    message = EmailMessage()
    message["Subject"] = subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def outcomes(mail: bytes) -> list[tuple[UUID, Outcome | None]]:
    return [(each.key, each.outcome) for each in returned(mail, sent=FAX.sent_words, failed=FAX.failed_words)]


@pytest.mark.parametrize("where", ["In_Reply_To", "References", "Original_Message_ID", "text"])
@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("FAXの送信完了をお知らせします", Outcome.DELIVERED),
        ("Your fax was successfully sent to 81425550100", Outcome.DELIVERED),
        ("送信エラー（話中）のため終了しました", Outcome.PERMANENT),
        ("Fax transmission FAILED: no answer", Outcome.PERMANENT),
    ],
)
def test_a_result_that_names_our_fax_is_a_receipt(where: str, words: str, outcome: Outcome) -> None:
    quoted = where == "text"
    mail = result(f"{words}\n> Message-ID: {OURS}" if quoted else words, **({} if quoted else {where: OURS}))
    assert outcomes(mail) == [(KEY, outcome)]
    assert outcomes(result("", subject=words, In_Reply_To=OURS)) == [(KEY, outcome)]


@pytest.mark.parametrize(
    "mail",
    [
        result("送信完了"),
        result("送信完了", In_Reply_To="<1234@elsewhere.example>"),
        result("お受けしました", In_Reply_To=OURS),
        result("送信完了 1件、送信失敗 1件", In_Reply_To=OURS),
        result(f"送信完了\n{OURS}\n<{'0' * 32}@city.example>"),
        b"",
        b"\xff\xfe\x00 no mail",
    ],
)
def test_what_names_none_or_several_or_says_nothing_is_no_receipt(mail: bytes) -> None:
    assert outcomes(mail) == []


def test_a_character_set_that_nobody_knows_is_passed_over() -> None:
    mail = result("x", In_Reply_To=OURS, subject="送信完了").replace(b'charset="utf-8"', b'charset="martian"')
    assert outcomes(mail) == [(KEY, Outcome.DELIVERED)]
