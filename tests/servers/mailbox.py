"""A real IMAP server, Dovecot, in a folder of its own: one user, one mailbox, plain on 127.0.0.1."""

import grp
import os
import pwd
from pathlib import Path

from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.servers.process import Process
from yobikake.rehearsal.servers.program import SBIN, Program

DOVECOT = Program(name="dovecot", package="dovecot-imapd", folders=SBIN)

USER, PASSWORD = "bounces", "not-a-password-of-anybody"

_CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
protocols = imap
ssl = no
disable_plaintext_auth = no
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = 0
first_valid_gid = 0
mail_location = maildir:{folder}/mail
mail_uid = {user}
mail_gid = {group}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


def programs() -> list[Program]:
    return [DOVECOT]


class Mailbox:
    """Run by this user, or, since Dovecot does not let root read mail, by `nobody`."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"imap://127.0.0.1:{self.port}"
        self._folder = folder
        person = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._user, self._uid, self._gid = person.pw_name, person.pw_uid, person.pw_gid
        self._process: Process | None = None

    async def start(self) -> None:
        for name in ("run", "state", "mail"):
            (self._folder / name).mkdir(parents=True)
        for path in [self._folder, *self._folder.rglob("*")]:
            path.chmod(0o755)
            os.chown(path, self._uid, self._gid)
        file = self._folder / "dovecot.conf"
        file.write_text(
            _CONFIGURATION.format(
                folder=self._folder,
                user=self._user,
                group=grp.getgrgid(self._gid).gr_name,
                port=self.port,
                password=PASSWORD,
            )
        )
        self._process = Process(
            [DOVECOT.path, "-F", "-c", file], directory=self._folder, log=self._folder / "dovecot.log"
        )
        await self._process.start(ready="starting up")

    async def stop(self) -> None:
        if self._process is not None:
            await self._process.stop()
