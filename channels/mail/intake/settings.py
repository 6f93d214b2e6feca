"""What a city writes under `[channels.mail.bounces_from]`: the way in, or several."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta


class From(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`maildir_dir`, `lmtp` or `imap`, or more than one; the rest belongs to one of them."""

    maildir_dir: Path | None = None
    """A maildir into which the mail server delivers what comes to `bounces`."""
    lmtp: str = ""
    """Listens there, for a mail server on this machine (RFC 2033 §5 forbids LMTP over a network)."""
    others_dir: Path | None = None
    """With `lmtp`: a maildir for mail that is no report of ours."""
    imap: str = ""
    """`imaps://host[:993]`, or `imap://` on this machine."""
    username: str | None = None
    password_file: Path | None = None
    mailbox: Annotated[
        str,
        Meta(
            pattern=r'^[^"\\\x00-\x1f\x7f-\uffff]+$',
            description="in ASCII, as INBOX / INBOX のような半角の名前で",
        ),
    ] = "INBOX"
    every_s: Annotated[float, Meta(ge=0.1, le=3600)] = 15.0
    """How often a maildir or a mailbox is looked at."""

    def __post_init__(self) -> None:
        if not (self.maildir_dir or self.lmtp or self.imap):
            raise ValueError(
                "write maildir_dir, lmtp or imap / maildir_dir、lmtp、imap のどれかを書いてください"
            )
        if bool(self.lmtp) != (self.others_dir is not None):
            raise ValueError("lmtp and others_dir go together / lmtp と others_dir は両方書いてください")
        if len({bool(self.imap), self.username is not None, self.password_file is not None}) != 1:
            raise ValueError(
                "imap, username and password_file go together / imap と username と password_file は全部書いてください"
            )
        if self.lmtp:
            _check_listener(self.lmtp)
        if self.imap:
            _check_imap(self.imap)

    @property
    def listener(self) -> tuple[str, int]:
        host, _, port = self.lmtp.rpartition(":")
        return host.strip("[]"), int(port)


def _check_listener(place: str) -> None:
    if not re.fullmatch(r"(127(\.\d{1,3}){3}|\[::1\]):\d{1,5}", place):
        raise ValueError(
            "lmtp is written like 127.0.0.1:8024, an address of this machine / "
            "lmtp は 127.0.0.1:8024 のように、このコンピューターのアドレスで書いてください"
        )


def _check_imap(url: str) -> None:
    if not re.fullmatch(r"imaps?://[A-Za-z0-9.\[\]:-]+", url):
        raise ValueError("imap is written like imaps://imap.example.lg.jp / imaps:// の形で書いてください")
    if url.startswith("imap://") and not _is_here(urlsplit(url).hostname or ""):
        raise ValueError(
            "imap:// sends the password as it is: use imaps:// / imap:// は同じコンピューターにだけ使えます"
        )


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
