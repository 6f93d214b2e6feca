"""Installing what the servers and the browser need, where this is root's machine."""

import os
import shutil
import subprocess
from collections.abc import Iterable

from tests.servers.postfix import PRESET
from yobikake.rehearsal.servers.program import Program, missing
from yobikake.rehearsal.servers.say import say


def install(programs: Iterable[Program]) -> None:
    """With apt-get; elsewhere do nothing.

    What could not be installed is still missing afterwards: nothing is raised.
    """
    packages = sorted({program.package for program in missing(programs)})
    if not packages or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    say(f"apt-get install {' '.join(packages)} …")
    if _apt_get("update") and _preset(PRESET):
        _apt_get("install", "--yes", "--no-install-recommends", *packages)


def _preset(answers: str) -> bool:
    """What debconf would ask, answered beforehand."""
    done = subprocess.run(["debconf-set-selections"], input=answers, text=True, check=False)
    return done.returncode == 0


def _apt_get(*arguments: str) -> bool:
    done = subprocess.run(
        ["apt-get", "-qq", *arguments],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        say(f"apt-get {arguments[0]} failed: {' '.join(done.stderr.split())[-300:]}")
    return done.returncode == 0
