"""The main job, end to end: what `make demo` runs, and what it says at the end."""

import asyncio
import json
import sys
from typing import Any

CHANNELS = ("mail", "line", "x", "voice", "sms", "fax", "webpush", "wifi", "webhook", "loudspeaker")


async def test_one_message_goes_out_on_every_channel_and_shelters_answer() -> None:
    said = await _demo("--residents", "1200", "--seed", "3")
    assert said["alert"]["mode"] == "live"
    assert said.keys() == {"alert", "channels", "shelters", "replies"}
    assert said["replies"].keys() == {"避難場所へ", "避難が難しい"}, "by the river nobody stays upstairs"
    assert sum(said["replies"].values()) < said["channels"]["voice"]["delivered"], "some press nothing"
    assert said["channels"].keys() == set(CHANNELS)
    for channel in CHANNELS:
        counted = said["channels"][channel]
        assert counted["planned"] > 0, channel
        assert counted["planned"] == counted["accepted"] + counted["delivered"] + counted["failed"], channel
        assert counted["pending"] == 0, channel
        assert sum(counted["reasons"].values()) == counted["failed"], channel
        assert 0 < counted["first_ms"] <= counted["last_ms"], channel
    assert said["channels"]["wifi"]["delivered"] == 27
    assert said["channels"]["x"]["planned"] == 2
    shelters = said["shelters"]
    assert sum(shelters["crowding"].values()) == shelters["receiving"] > 0
    assert shelters["readings"] > shelters["receiving"]


async def _demo(*options: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "yobikake", "demo", "--once", "--json", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 240)
    assert process.returncode == 0, err.decode()
    assert b"Traceback" not in err, err.decode()
    return json.loads(out)
