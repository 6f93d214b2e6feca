"""One suite for each protocol of the hub, run by every implementation. Needs pytest."""
