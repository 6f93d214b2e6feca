"""Where servers that are thrown away keep their files."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary(prefix: str) -> Iterator[Path]:
    """Other users may pass through it, since PostgreSQL may run as one."""
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path
