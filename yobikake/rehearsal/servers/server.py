"""What every server here can do."""

from pathlib import Path
from typing import ClassVar, Protocol

from yobikake.rehearsal.servers.program import Program


class Server(Protocol):
    """`variable`: what its address is called in an environment."""

    name: ClassVar[str]
    variable: ClassVar[str]
    address: str

    @staticmethod
    def needs() -> tuple[Program, ...]: ...

    def __init__(self, directory: Path) -> None: ...
    def environment(self) -> dict[str, str]:
        """What a program needs to know in order to use it."""
        ...

    @property
    def running(self) -> bool:
        """It was started and has not ended."""
        ...

    async def start(self) -> None:
        """Returns once it answers. Only while it does not run. Raises `NotStarted`."""
        ...

    async def stop(self) -> None:
        """As an administrator ends it. Harmless when it does not run."""
        ...

    async def kill(self) -> None:
        """As a power cut ends it. Harmless when it does not run."""
        ...
