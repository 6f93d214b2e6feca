"""`hub.typed`: types that several threads meet for the first time at once."""

import subprocess
import sys
from typing import Any

import msgspec
import pytest

from hub import typed

MEET = """
import sys
from threading import Barrier, Thread

import msgspec

from hub import typed

sys.setswitchinterval(1e-6)
THREADS, TYPES, FIELDS = 4, 100, [f"f{n}" for n in range(40)]
INNER = dict.fromkeys(FIELDS, 1)
OUTER = {"one": INNER, "some": [INNER]} | INNER
AS_JSON, AS_MSGPACK = msgspec.json.encode(OUTER), msgspec.msgpack.encode(OUTER)
WAYS = (
    lambda kind: typed.from_json(AS_JSON, kind),
    lambda kind: typed.from_msgpack(AS_MSGPACK, kind),
    lambda kind: typed.convert(OUTER, kind),
)


def met(kind, way, together, read):
    together.wait()
    read.append(WAYS[way % len(WAYS)](kind))


for number in range(TYPES):
    inner = msgspec.defstruct(f"Inner{number}", [(name, "int | None") for name in FIELDS])
    kind = msgspec.defstruct("Outer", [("one", inner), ("some", list[inner])], bases=(inner,))
    together, read = Barrier(THREADS), []
    threads = [Thread(target=met, args=(kind, way, together, read)) for way in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.some[0].f39 for each in read] == [1] * THREADS, read
print("met")
"""


def test_threads_that_meet_a_type_at_once_all_read_it() -> None:
    """In a process of its own: what goes wrong here is a crash of the interpreter."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", MEET], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "met\n"), done.stderr


@pytest.mark.parametrize("kind", [object, dict[str, object]])
def test_what_is_nested_too_deep_is_not_readable(kind: Any) -> None:
    with pytest.raises(msgspec.DecodeError, match="deep"):
        typed.from_json(b'{"a":' * 100_000, kind)
    with pytest.raises(msgspec.DecodeError, match="deep"):
        typed.from_msgpack(b"\x81\xa1a" * 100_000, kind)
