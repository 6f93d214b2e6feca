"""The picture of a post, uploaded with its words before the post is made."""

import asyncio

import structlog

from channels._fonts import Fonts
from channels.x.account import Account
from channels.x.answers import Answer
from channels.x.card import NoCard, alt_text, draw
from hub.channel import Parcel
from hub.delivery import Outcome
from hub.errors import HubError

log = structlog.get_logger(__name__)

PATIENCE_S = 4.0
"""A picture holds a post up no longer than this."""


class Pictures:
    """`fonts` None: the city wants none."""

    def __init__(self, fonts: Fonts | None) -> None:
        self._fonts = fonts

    @property
    def missing(self) -> bool:
        """They are wanted, and there is no font to draw them with."""
        return self._fonts is not None and not self._fonts.found

    async def uploaded(self, account: Account, parcel: Parcel) -> str | None:
        """The picture's id at X, described for those who do not see it. None, and a line in the log, where that
        did not work: a text never waits or fails for its picture.

        Raises:
            GateClosed: nothing more may be sent.
            Refused: this hub may not talk to that gateway.
        """
        if self._fonts is None:
            return None
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._upload(self._fonts, account, parcel)
        except HubError:
            raise
        except (NoCard, TimeoutError) as e:
            log.info("no picture", batch=parcel.batch_id, reason=str(e) or type(e).__name__)
        except Exception:  # whatever a font file or the library makes of it, the text goes
            log.exception("the picture could not be drawn; the post goes without", batch=parcel.batch_id)
        return None

    async def _upload(self, fonts: Fonts, account: Account, parcel: Parcel) -> str:
        png = await asyncio.to_thread(draw, parcel.content, fonts)
        async with account.gated(parcel.prepare):
            picture = await account.upload(png)
        if isinstance(picture, Answer):
            raise NoCard(f"upload {picture.reason}")
        async with account.gated(parcel.prepare):
            described = await account.describe(picture, alt_text(parcel.content))
        if described.outcome is not Outcome.ACCEPTED:
            raise NoCard(f"alt text {described.reason}")
        return picture
