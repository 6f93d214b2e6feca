"""The city's account on X: one post for each language, with a picture, a thread where a text does not fit."""

from channels.x.channel import Settings, X

__all__ = ["Settings", "X"]
