"""How many files and connections this process may have open: as many as the system lets it."""

import resource

import structlog

log = structlog.get_logger(__name__)

OTHERS = 512
"""Databases, brokers, gateways, pages that are just being read."""


def raise_limit(streams: int) -> int:
    """Raise the soft limit to the hard one, and say so if that is too little for so many streams; the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        soft = _raised(soft, hard)
    if soft != resource.RLIM_INFINITY and soft < streams + OTHERS:
        log.warning(warning(soft, streams))
    return soft


def warning(limit: int, streams: int) -> str:
    """What to do where `limit` is too low."""
    needed = streams + OTHERS
    return (
        f"[residents] streams = {streams} needs {needed} open files, and the system allows {limit}: "
        f"set LimitNOFILE={needed} in the service's unit (or `ulimit -n`), or lower `streams` / "
        f"開けるファイル数の上限（{limit}）が足りません。LimitNOFILE={needed} にするか、streams を減らしてください"
    )


def _raised(soft: int, hard: int) -> int:
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # some systems name a hard limit that they do not give
        return soft
    return hard
