"""Real servers for the tests: `python -m tests.servers run -- python -m pytest`.

Those of `yobikake.rehearsal.servers`, each in a temporary directory, and a browser. An address that
already stands in the environment wins: that server is not started.
"""
