"""The steps of a shelter as events, on the topic `shelter-steps`: for whoever else follows what opens and closes.

    key     the site's code
    value   32 bytes of MAC (`hub.codec`), then JSON:
            {"at": "2026-09-12T22:03:00+09:00", "number": 5, "opens_at": null,
             "recorded_at": "2026-09-12T22:03:04+09:00", "site": "E1320700025", "stage": "receiving"}

Written with the step in one commit. It may come twice, and again after a replay; `number` counts a site's steps from 1
without gaps, so that whoever keeps the highest takes no harm (`newest`). Who took a step, and what they noted, stays in
the ledger.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.bus import SHELTER_STEPS
from hub.codec import RecordCodec
from shelters.shelter import Stage, Step
from shelters.site import SiteCode


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`at`: when it happened, by the clock of whoever did it; `recorded_at`: by the hub's. `opens_at`: ○時予定, while it
    is being opened."""

    site: SiteCode
    number: Annotated[int, Meta(ge=1)]
    stage: Stage
    at: datetime
    recorded_at: datetime
    opens_at: datetime | None = None


def sealed(records: RecordCodec, step: Step, *, recorded_at: datetime) -> bytes:
    """As it travels under the key `step.site`."""
    said = StepRecord(
        site=step.site,
        number=step.number,
        stage=step.stage,
        at=step.at,
        recorded_at=recorded_at,
        opens_at=step.opens_at,
    )
    return records.seal(SHELTER_STEPS, step.site, said)


def newest(known: StepRecord | None, told: StepRecord) -> StepRecord:
    """Where a site stands, of what was known and what came: repeats and replays change nothing."""
    return told if known is None or told.number > known.number else known
