"""Addresses in the envelope."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.mailbox import path
from yobikake.rehearsal.smtp_dialogue import mailbox


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("resident@mail.example", b"<resident@mail.example>"),
        ("a.b+c_d-e@mail.example", b"<a.b+c_d-e@mail.example>"),
        ("a..b@carrier.example", b'<"a..b"@carrier.example>'),
        ("a.@carrier.example", b'<"a."@carrier.example>'),
        (".a@carrier.example", b'<".a"@carrier.example>'),
        ("a@b@mail.example", b'<"a@b"@mail.example>'),
        ('say "hi"@mail.example', b'<"say \\"hi\\""@mail.example>'),
        ("山田@mail.example", "<山田@mail.example>".encode()),
    ],
)
def test_an_address_is_quoted_where_it_must_be(address: str, expected: bytes) -> None:
    assert path(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "@mail.example",
        "nobody@",
        "a@b c.example",
        "a@b..example",
        "a\r\nDATA@mail.example",
        "a@mail.example>\r\nDATA",
        "a@mail.example> SIZE=1",
        "a\0@mail.example",
        f"{'a' * 65}@mail.example",
        f"a@{'b' * 250}.example",
    ],
)
def test_what_is_no_address_never_reaches_the_wire(address: str) -> None:
    assert path(address) is None


@given(
    st.text(max_size=30),
    st.sampled_from(["mail.example", "x.example> SIZE=1", "a b.example", "日本.example"]),
)
def test_a_path_holds_one_address_and_nothing_else(local: str, domain: str) -> None:
    written = path(f"{local}@{domain}")
    if written is not None:
        assert written.startswith(b"<")
        assert written.endswith(b">")
        assert not any(octet < 0x20 or octet == 0x7F for octet in written)
        assert mailbox(written[1:-1], smtputf8=True) == f"{local}@{domain}"
