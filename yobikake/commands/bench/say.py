"""How a measurement says how far it is."""

from yobikake.commands.output import err


def say(text: str) -> None:
    err.print(f"… {text}")
