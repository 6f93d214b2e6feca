"""What a city writes under `[channels.fax]`."""

import re
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from channels.mail.settings import Mailbox, Port, Seconds, Security
from channels.mail.settings import Settings as Transport

NUMBER, NATIONAL = "{number}", "{national}"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fax is a mail to a gateway that has telephone lines."""

    host: str
    """The smarthost's name, as its certificate has it: the one of `[channels.mail]`, or another."""
    port: Port = 587
    security: Security = Security.STARTTLS
    username: str | None = None
    password_file: Path | None = None
    sender: Mailbox
    """Whom the gateway knows as its customer. Its results come here, so `[channels.mail.bounces_from]` reads it."""
    address: str
    """To whom a fax is sent. `{number}` stands for the number in E.164 without its plus, `{national}` for the number as
    it is dialled in Japan."""
    subject: str = ""
    """What the gateway wants to read there (a password, a cover page's name). Without it, the alert's number."""
    sent_words: tuple[str, ...] = (
        "送信完了",
        "送信成功",
        "正常に送信",
        "successfully sent",
        "was successful",
    )
    """A result with one of them, and none of the other ones, says that the fax came out of the machine."""
    failed_words: tuple[str, ...] = (
        "送信失敗",
        "送信エラー",
        "送信できません",
        "話中",
        "応答なし",
        "failed",
        "no answer",
    )
    per_minute: Annotated[int, Meta(ge=1, le=60_000)] = 30
    """Faxes that the gateway takes a minute, as the contract says."""
    connections: Annotated[int, Meta(ge=1, le=20)] = 2
    connect_timeout_s: Seconds = 10.0
    reply_timeout_s: Seconds = 30.0
    timeout_s: Annotated[float, Meta(gt=0, le=600)] = 45.0

    def __post_init__(self) -> None:
        named = [name for name in (NUMBER, NATIONAL) if name in self.address]
        filled = self.address.replace(NUMBER, "1").replace(NATIONAL, "1")
        if len(named) != 1 or not re.fullmatch(r"[A-Za-z0-9._%+=/-]+@[A-Za-z0-9.-]+", filled):
            raise ValueError(
                "address: write {number} or {national} where the number stands, as in {number}@fax.example / "
                "番号の入る所に {number} か {national} を書いてください"
            )
        if (self.username is None) != (self.password_file is None):
            raise ValueError(
                "username and password_file go together / username と password_file は両方書いてください"
            )

    @property
    def transport(self) -> Transport:
        return Transport(
            host=self.host,
            port=self.port,
            security=self.security,
            username=self.username,
            password_file=self.password_file,
            sender=self.sender,
            connections=self.connections,
            connect_timeout_s=self.connect_timeout_s,
            reply_timeout_s=self.reply_timeout_s,
            timeout_s=self.timeout_s,
        )

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]


def mailbox(address: str, number: str) -> str | None:
    """The gateway's mailbox for a number in E.164; None where it has no national form."""
    if NATIONAL not in address:
        return address.replace(NUMBER, number.removeprefix("+"))
    return address.replace(NATIONAL, f"0{number[3:]}") if number.startswith("+81") else None
