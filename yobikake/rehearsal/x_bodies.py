"""The bodies that the simulated X takes; anything else in them is refused.

Described at https://docs.x.com/x-api (posts, media/upload, media/metadata).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MediaId = Annotated[str, Meta(pattern="^[0-9]{1,19}$")]


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    in_reply_to_tweet_id: str


class Media(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    media_ids: Annotated[tuple[MediaId, ...], Meta(min_length=1, max_length=4)]


class Create(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a post."""

    text: str
    reply: Reply | None = None
    media: Media | None = None


class Upload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`media` in base64."""

    media: str
    media_category: Literal["tweet_image"]
    media_type: Literal["image/png"]


class AltText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(max_length=1000)]


class Metadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alt_text: AltText


class Describe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: MediaId
    metadata: Metadata
