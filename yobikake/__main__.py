"""`python -m yobikake` is `yobikake`."""

from yobikake.cli import main

main()
