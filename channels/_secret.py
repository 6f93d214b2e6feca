"""Tokens and keys, each in a file of its own."""

from hub.secret import read_secret

__all__ = ["read_secret"]
