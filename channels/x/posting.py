"""One alert's posts, in order, of which what is public already is not posted again."""

import html
import re
from collections.abc import Sequence
from dataclasses import replace

import structlog

from channels.x.account import Account, Published
from channels.x.answers import Answer
from channels.x.picture import Pictures
from channels.x.thread import Post, thread
from hub.channel import Parcel
from hub.delivery import Outcome

log = structlog.get_logger(__name__)


class Posting:
    """One parcel's posts in order. What is public already is not posted again."""

    def __init__(self, account: Account, parcel: Parcel, pictures: Pictures) -> None:
        self._account = account
        self._parcel = parcel
        self._pictures = pictures
        self.begun: Answer | None = None
        """Set while some of it is public, or may be: what to say if it ends here."""

    async def run(self) -> Answer:
        public = await self._look_first()
        if isinstance(public, Answer):
            return public.made_ambiguous() if self._parcel.resend else public
        return await self._post_rest(thread(self._parcel.content), public)

    async def _look_first(self) -> Sequence[Published] | Answer:
        """The gateway says what it is before the first post; on a resend, also what is public already."""
        if not self._account.recognised:
            self._parcel.gate()
            unreached = await self._account.recognise()
            if unreached is not None:
                return unreached
        return await self._look() if self._parcel.resend else ()

    async def _post_rest(self, posts: Sequence[Post], public: Sequence[Published]) -> Answer:
        self.begun = None
        found = [_find(post, public) for post in posts]
        if missing := found.count(None):
            await self._parcel.room(missing)
        first = last = None
        for number, (post, known) in enumerate(zip(posts, found, strict=True), start=1):
            answer = await self._publish(post, known, reply_to=last)
            log.info(
                "x post",
                batch=self._parcel.batch_id,
                part=number,
                parts=len(posts),
                outcome=answer.outcome.name,
                reason=answer.reason,
                post=answer.post,
            )
            if answer.outcome is not Outcome.ACCEPTED:
                return answer if self.begun is None else replace(answer.made_ambiguous(), post=first)
            last = answer.post
            first = first or last
            self.begun = Answer(outcome=Outcome.AMBIGUOUS, reason=f"{number} of {len(posts)}", post=first)
        return Answer(outcome=Outcome.ACCEPTED, post=first)

    async def _publish(self, post: Post, found: str | None, *, reply_to: str | None) -> Answer:
        if found is not None:
            return Answer(outcome=Outcome.ACCEPTED, reason="found", post=found)
        picture = None if reply_to else await self._pictures.uploaded(self._account, self._parcel)
        answer = await self._ask(post, reply_to, picture)
        if picture and answer.outcome is Outcome.PERMANENT:  # perhaps for the picture's sake: the text goes
            await self._parcel.room(1)
            answer = await self._ask(post, reply_to, None)
        return await self._identify(post, answer) if answer.duplicate else answer

    async def _ask(self, post: Post, reply_to: str | None, picture: str | None) -> Answer:
        async with self._account.gated(self._parcel.gate):
            return await self._account.post(post.text, reply_to=reply_to, picture=picture)

    async def _identify(self, post: Post, duplicate: Answer) -> Answer:
        """X says the account has posted this before: ours, if its mark is on the timeline."""
        self.begun = self.begun or duplicate
        public = await self._look()
        if isinstance(public, Answer):
            return duplicate
        found = _find(post, public)
        return duplicate if found is None else replace(duplicate, outcome=Outcome.ACCEPTED, post=found)

    async def _look(self) -> Sequence[Published] | Answer:
        self.begun = self.begun or Answer(outcome=Outcome.AMBIGUOUS, reason="resend")
        self._parcel.gate()
        return await self._account.timeline()


def _find(post: Post, public: Sequence[Published]) -> str | None:
    """X writes the link of a picture behind the text, in the line of the mark."""
    line = re.compile(rf"^{re.escape(post.mark)}(?:\s+{_SHORT_LINK})*$", re.MULTILINE)
    return next((each.id for each in public if line.search(html.unescape(each.text))), None)


_SHORT_LINK = r"https?://t\.co/\w+"
