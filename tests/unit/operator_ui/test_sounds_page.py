"""Staff listen to what loudspeakers will say; nobody else does."""

from tests.unit.operator_ui.desk import Desk, somebody

NAME = "5" * 64


async def test_staff_may_listen_and_the_page_lets_them(desk: Desk) -> None:
    desk.sounds[NAME] = b"RIFF and the rest"
    async with somebody(desk, "ono") as staff:
        async with staff.session.get(f"/sounds/{NAME}.wav") as answer:
            assert (answer.status, answer.content_type) == (200, "audio/wav")
            assert await answer.read() == desk.sounds[NAME]
            assert "private" in answer.headers["Cache-Control"]
        await staff.get(f"/sounds/{'6' * 64}.wav")
        assert staff.status == 404
        async with staff.session.get("/") as answer:
            assert "media-src 'self'" in answer.headers["Content-Security-Policy"]


async def test_nobody_else_may(desk: Desk) -> None:
    desk.sounds[NAME] = b"RIFF and the rest"
    async with somebody(desk) as stranger:
        assert "RIFF" not in await stranger.get(f"/sounds/{NAME}.wav")
