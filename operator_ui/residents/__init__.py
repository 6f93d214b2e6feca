"""The residents' listener: what is in force, where to go, in eight languages; no account, no cookie, no tracking."""
