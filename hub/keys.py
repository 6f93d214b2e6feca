"""Keys from files: sealing personal data, looking it up blindly, and proving that a record is ours.

A key directory holds, each with 32 random bytes in base64 and readable by the hub's user alone:

    field-<id>.key    AES-256-GCM for fields and address packs; the last id in sort order seals,
                      all of them open (rotation: add a file, rewrite, remove the old one)
    index.key         HMAC-SHA256 for the blind index: equal addresses are found without being read
    record.key        HMAC-SHA256 for bus records and the audit chain
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from hub.errors import BadInput, BadSettings

_NONCE_BYTES = 12
_KEY_BYTES = 32


class Keys:
    """The hub's keys, in memory. Its `repr` shows none of them."""

    def __init__(self, *, fields: dict[str, bytes], index: bytes, record: bytes) -> None:
        self._fields = {key_id: AESGCM(key) for key_id, key in fields.items()}
        self.active = max(self._fields)
        """Id of the key that seals; stored beside what it sealed."""
        self._index = index
        self._record = HMAC(record, SHA256())

    def __repr__(self) -> str:
        return f"Keys(active={self.active!r})"

    def seal(self, plain: bytes, *, bound_to: str) -> bytes:
        """Encrypt with the active key. `bound_to` names the place, so that a value moved elsewhere does not open."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._fields[self.active].encrypt(nonce, plain, bound_to.encode())

    def unseal(self, sealed: bytes, *, key_id: str, bound_to: str) -> bytes:
        """Raises `BadInput` when the key is unknown, or the value was changed or belongs elsewhere."""
        try:
            return self._fields[key_id].decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to.encode()
            )
        except KeyError as e:
            raise BadInput(bound_to, f"sealed with key {key_id!r}, whose file is missing") from e
        except InvalidTag as e:
            raise BadInput(bound_to, "does not open: it was changed, or belongs to another place") from e

    def blind(self, channel: str, address: str) -> bytes:
        """32 bytes that are equal for equal addresses of a channel, and say nothing else."""
        return hmac.digest(self._index, f"{channel}\0{address}".encode(), hashlib.sha256)

    def mac(self, *parts: bytes) -> bytes:
        """32 bytes that only a holder of the record key can make for these parts, in this order."""
        mac = self._record.copy()  # a third of the time of a new one: two for each record of the bus
        for part in parts:
            mac.update(len(part).to_bytes(8, "big") + part)
        return mac.finalize()


def create(directory: Path) -> None:
    """Write a new set of keys. Never overwrites: a lost key is lost data.

    Raises:
        BadSettings: the directory holds keys already.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(directory.glob("*.key")):
        raise BadSettings(
            f"[keys] directory {directory}",
            "holds keys already; they are left as they are / 鍵がすでにあります",
        )
    for name in ("field-1", "index", "record"):
        path = directory / f"{name}.key"
        path.touch(mode=0o600)
        path.write_bytes(base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")


def load(directory: Path) -> Keys:
    """Raises `BadSettings`, naming the file, when one is missing, malformed or readable by others."""
    fields = {path.stem.removeprefix("field-"): _read(path) for path in sorted(directory.glob("field-*.key"))}
    if not fields:
        raise BadSettings(
            f"[keys] directory {directory}",
            "holds no field-*.key; `yobikake init` makes a set / 鍵がありません。yobikake init で作れます",
        )
    return Keys(fields=fields, index=_read(directory / "index.key"), record=_read(directory / "record.key"))


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise BadSettings(
                str(path),
                f"can be read by other users; run: chmod 600 {path} / 他の人も読めます。chmod 600 をしてください",
            )
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except OSError as e:
        raise BadSettings(str(path), f"cannot be read: {e.strerror} / 読めません") from e
    except binascii.Error as e:
        raise BadSettings(
            str(path),
            "is not base64: put the file back from its backup / 壊れています。バックアップから戻してください",
        ) from e
    if len(key) != _KEY_BYTES:
        raise BadSettings(
            str(path),
            f"holds {len(key)} bytes instead of {_KEY_BYTES}: put it back from its backup / 壊れています",
        )
    return key
