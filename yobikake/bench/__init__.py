"""How fast, against peers in the same run, and what holds up what: one module a measurement.

Each works in a fresh temporary directory, against gateways on loopback. What it measured is a frozen
dataclass; `yobikake.commands.bench` asks for it and prints it.
"""
