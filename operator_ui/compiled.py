"""Templates are compiled once in a process, not once for each language and listener: it takes some 50 ms each."""

from types import CodeType

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class Compiled(BytecodeCache):
    """Of every environment with the same settings. What differs among languages must not be worked out when
    a template is compiled: filters that know their language are marked with `pass_context`.
    """

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def __len__(self) -> int:
        return len(self._codes)

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code
