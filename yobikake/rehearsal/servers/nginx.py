"""nginx with the configuration that is shipped, in front of a folder and of a hub on 127.0.0.1."""

import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.servers.process import Process
from yobikake.rehearsal.servers.program import NGINX, Program

SHIPPED = "yobikake.conf"
HEADERS = "headers.conf"
LOG = "access_log /var/log/nginx/access.log yobikake;"
BANNER, NOBODY = r'"~/banner\.html$" ', "\"'none'\""


class Nginx:
    """`site`: a folder that `export-site` wrote. `hub`: where the residents' listener is, `127.0.0.1:8081`.
    `embedded_by`: the origins of websites that may show the banner. `log`: where requests are written; nowhere.
    """

    name: ClassVar[str] = "nginx"

    @staticmethod
    def needs() -> tuple[Program, ...]:
        return (NGINX,)

    def __init__(
        self,
        directory: Path,
        *,
        site: Path,
        hub: str,
        embedded_by: Sequence[str] = (),
        log: Path | None = None,
    ) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        shipped = files("config") / "nginx"
        (directory / HEADERS).write_text((shipped / HEADERS).read_text(encoding="utf-8"), encoding="utf-8")
        ours = (shipped / SHIPPED).read_text(encoding="utf-8")
        for marked, here in (
            ("127.0.0.1:8081;", f"{hub};"),
            ("listen 80;", f"listen 127.0.0.1:{port};"),
            ("/srv/yobikake/site;", f"{site.absolute()};"),
            (
                f"{BANNER}{NOBODY};",
                f'{BANNER}"{" ".join(embedded_by)}";' if embedded_by else f"{BANNER}{NOBODY};",
            ),
            (f"/opt/yobikake/nginx/{HEADERS};", f"{directory / HEADERS};"),
            (LOG, f"access_log {log} yobikake;" if log else "access_log off;"),
        ):
            if marked not in ours:
                raise ValueError(f"{marked!r} is not in the configuration that is shipped")
            ours = ours.replace(marked, here)
        settings = directory / "nginx.conf"
        settings.write_text(_frame(ours, directory), encoding="utf-8")
        argv: list[str | Path] = [NGINX.path, "-p", directory, "-e", "stderr", "-c", settings]
        self._server = Process(argv, directory=directory, log=directory / "nginx.log")

    @property
    def worker_pid(self) -> int:
        """Of the one process that answers (proc(5), task/children). While it runs."""
        pid = self._server.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return int(children[0])

    @property
    def running(self) -> bool:
        return self._server.running

    async def start(self) -> None:
        await self._server.start(ready="start worker process ")

    async def stop(self) -> None:
        await self._server.stop()


def _frame(ours: str, directory: Path) -> str:
    """What the system's own nginx.conf says elsewhere."""
    user = "user root;" if os.geteuid() == 0 else ""  # a temporary folder is its owner's alone
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in kinds)
    return f"""{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 32768;
pid {directory}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 16384; }}
http {{
sendfile on;
tcp_nopush on;
keepalive_requests 1000000;
{places}{ours}
}}
"""
