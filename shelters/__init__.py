"""Shelters: what they are, whether they receive, how full they are, and which may be named for what."""
