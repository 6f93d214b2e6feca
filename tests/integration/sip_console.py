"""Consoles that are called: one that answers and records (baresip), and ones that answer what a test wants (SIPp)."""

import asyncio
import socket
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hub.testing.channel_suite import until
from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.servers.process import Process
from yobikake.rehearsal.servers.program import BARESIP, SIPP

CONFIG = """\
module_path {modules}
module g711.so
module aufile.so
module sndfile.so
module account.so
module menu.so
snd_path {folder}
sip_listen 127.0.0.1:{port}
audio_source aufile,{silence}
audio_player aufile,none
audio_alert aufile,none
"""

SDP = """\
v=0
o=console 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 40000 RTP/AVP 8
a=rtpmap:8 PCMA/8000
"""

_COMMON = """[last_Via:]
      [last_From:]
      [last_To:];tag=[call_number]
      [last_Call-ID:]
      [last_CSeq:]
"""


def free_sip_port() -> int:
    """For UDP and TCP; baresip also wants the next one, for TLS."""
    while True:
        port = free_port()
        if not _taken(port) and _free_for_tls(port + 1):
            return port


def _free_for_tls(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as asking:
        try:
            asking.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@asynccontextmanager
async def recording(folder: Path, *, left: bool = False) -> AsyncIterator[int]:
    """The port of a console that answers every call and keeps what it heard in `folder`. `left`: its caller will not say
    goodbye, which it would wait for."""
    port = free_sip_port()
    folder.mkdir()
    silence = folder / "silence.wav"
    with wave.open(str(silence), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 8000 * 60))
    modules = next(Path("/").glob("usr/lib*/**/baresip/modules"))
    (folder / "config").write_text(CONFIG.format(modules=modules, folder=folder, port=port, silence=silence))
    (folder / "accounts").write_text(f"<sip:console@127.0.0.1:{port}>;regint=0;answermode=auto\n")
    (folder / "contacts").touch()
    console = Process([BARESIP.path, "-f", folder], directory=folder, log=folder / "log")
    await console.start(ready="baresip is ready.")
    try:
        yield port
    finally:
        if left:
            console.kill()
        await console.stop()


def recordings(folder: Path) -> list[Path]:
    """Of what was heard, one for each call that was answered."""
    return list(folder.glob("dump-*-dec.wav"))


def heard(folder: Path) -> npt.NDArray[np.float64]:
    """What a console that has ended heard in its only call, at 8 kHz."""
    (file,) = recordings(folder)
    with wave.open(str(file)) as sound:
        assert sound.getframerate() == 8000
        return np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").astype(np.float64)


@asynccontextmanager
async def answering(folder: Path, *steps: str) -> AsyncIterator[int]:
    """The port of a console that goes through `steps` with its first call."""
    port = free_sip_port()
    folder.mkdir()
    scenario = folder / "scenario.xml"
    scenario.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="console">{"".join(steps)}</scenario>\n'
    )
    argv = [
        str(SIPP.path),
        "-sf",
        str(scenario),
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "-nostdin",
        "-trace_err",
    ]
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await until(lambda: _taken(port) or process.returncode is not None)
        assert process.returncode is None, "SIPp does not understand the scenario"
        yield port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


def asked(method: str, action: str = "") -> str:
    return f'<recv request="{method}" crlf="true">{f"<action>{action}</action>" if action else ""}</recv>'


def answer(status: str, *headers: str, sdp: bool = False) -> str:
    own = "".join(f"      {header}\n" for header in headers)
    body = "      Content-Type: application/sdp\n      Content-Length: [len]\n\n" + SDP if sdp else ""
    rest = body or "      Content-Length: 0\n\n"
    contact = "      Contact: <sip:console@127.0.0.1:[local_port]>\n" if sdp else ""
    return f"<send><![CDATA[\n\n      SIP/2.0 {status}\n      {_COMMON}{contact}{own}{rest}]]></send>"


PAUSE = '<pause milliseconds="700"/>'
HANG_UP = """<send><![CDATA[

      BYE [next_url] SIP/2.0
      Via: SIP/2.0/UDP 127.0.0.1:[local_port];branch=[branch]
      From: <sip:console@127.0.0.1:[local_port]>;tag=[call_number]
      [$1]
      Call-ID: [call_id]
      CSeq: 2 BYE
      Max-Forwards: 70
      Content-Length: 0

]]></send><recv response="200"/>"""
CHALLENGE = (
    'WWW-Authenticate: Digest realm="console", nonce="47ebe028cda119c35d4877b383027d28", algorithm=MD5'
)


def verified(user: str, password: str) -> str:
    return f'<verifyauth assign_to="9" username="{user}" password="{password}"/>'
