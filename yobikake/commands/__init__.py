"""The commands of `yobikake`, a file each. They print for people, and with `--json` for programs."""
