"""Alerts that are sent without a browser, for tests of what comes after."""

from hub.alert import Mode
from hub.approval import Approval
from hub.authorise import Actor, Role
from hub.clock import utc_now
from hub.draft import Draft, Message
from operator_ui.staff.beginning import from_template
from tests.browser.console_hub import Hub
from yobikake import compose

SATO = Actor(login="sato", name="佐藤 花", roles=frozenset(Role))
TANAKA = Actor(login="tanaka", name="田中 一郎", roles=frozenset(Role))
GROUNDS = "石原水位観測所で氾濫危険水位に到達（21:36）"


async def sent(hub: Hub, template: str = "flood-4", mode: Mode = Mode.LIVE) -> str:
    """Composed by sato, approved by tanaka. The alert's identifier."""
    return await accept(hub, await submitted(hub, template, mode, by=SATO))


async def submitted(hub: Hub, template: str, mode: Mode = Mode.LIVE, *, by: Actor) -> Draft:
    made = await hub.assembly.intake.save(message(hub, template, mode), by)
    return await hub.assembly.intake.submit(made.id, by, seen=made.version)


async def accept(hub: Hub, draft: Draft) -> str:
    """By tanaka. The alert's identifier."""
    approval = Approval(draft=draft.id, version=draft.version, typed=draft.message.level)
    return (await hub.assembly.intake.accept(approval, TANAKA)).alert.identifier


def message(hub: Hub, template: str, mode: Mode = Mode.LIVE) -> Message:
    city = hub.assembly.city
    return from_template(
        compose.template(template, without=city.absent),
        mode,
        city=city,
        capabilities=hub.assembly.capabilities,
        grounds=GROUNDS,
        now=utc_now(),
    )
