"""Sealing, blind index, MACs; and keys from files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import keys
from hub.alert import Mode
from hub.codec import BatchRecord, RecordCodec
from hub.errors import BadInput, BadSettings


def some(seed: int = 1) -> keys.Keys:
    return keys.Keys(fields={"1": bytes([seed]) * 32}, index=bytes(32), record=bytes([seed]) * 32)


@given(st.binary(max_size=200))
def test_what_is_sealed_opens_in_its_place_only(plain: bytes) -> None:
    ours = some()
    sealed = ours.seal(plain, bound_to="contacts mail 7")
    assert plain not in sealed or len(plain) < 3
    assert ours.unseal(sealed, key_id="1", bound_to="contacts mail 7") == plain
    with pytest.raises(BadInput, match="contacts mail 8"):
        ours.unseal(sealed, key_id="1", bound_to="contacts mail 8")


def test_a_changed_value_does_not_open() -> None:
    sealed = bytearray(some().seal(b"a@b.example", bound_to="x"))
    sealed[-1] ^= 1
    with pytest.raises(BadInput):
        some().unseal(bytes(sealed), key_id="1", bound_to="x")


def test_an_old_key_still_opens_after_rotation() -> None:
    sealed = some().seal(b"a", bound_to="x")
    rotated = keys.Keys(
        fields={"1": bytes([1]) * 32, "2": bytes([2]) * 32}, index=bytes(32), record=bytes(32)
    )
    assert rotated.active == "2"
    assert rotated.unseal(sealed, key_id="1", bound_to="x") == b"a"


def test_the_blind_index_finds_equals_by_channel() -> None:
    assert some().blind("mail", "a") == some(2).blind("mail", "a")
    assert some().blind("mail", "a") != some().blind("line", "a")


def test_keys_show_nothing_of_themselves() -> None:
    assert "\\x01" not in repr(some())


def test_a_record_of_another_hub_topic_or_key_is_refused() -> None:
    record = BatchRecord(batch="b", version=1, mode=Mode.LIVE)
    sealed = RecordCodec(some()).seal("deliveries.mail.urgent", "b", record)
    assert RecordCodec(some()).unseal(BatchRecord, "deliveries.mail.urgent", "b", sealed) == record
    for codec, topic, key in (
        (RecordCodec(some(2)), "deliveries.mail.urgent", "b"),
        (RecordCodec(some()), "deliveries.mail.routine", "b"),
        (RecordCodec(some()), "deliveries.mail.urgent", "c"),
    ):
        with pytest.raises(BadInput, match="MAC"):
            codec.unseal(BatchRecord, topic, key, sealed)


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    keys.create(tmp_path / "keys")
    assert keys.load(tmp_path / "keys").active == "1"
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    with pytest.raises(BadSettings, match="holds keys already"):
        keys.create(tmp_path / "keys")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"not base64!", "is not base64"), (b"YWJj", "3 bytes instead of 32"), (None, "cannot be read")],
)
def test_a_bad_key_file_is_named(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    keys.create(tmp_path / "keys")
    path = tmp_path / "keys" / "index.key"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    with pytest.raises(BadSettings, match=f"index.key: .*{complaint}"):
        keys.load(tmp_path / "keys")


def test_a_key_others_can_read_is_refused(tmp_path: Path) -> None:
    keys.create(tmp_path / "keys")
    (tmp_path / "keys" / "record.key").chmod(0o644)
    with pytest.raises(BadSettings, match=r"record.key.*chmod 600"):
        keys.load(tmp_path / "keys")
