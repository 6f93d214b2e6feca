"""How our mail stands with those who get it: SPF, DKIM and DMARC as DNS has them, and what to publish.

`overall.standing` asks; it is imported by whoever asks, since what asks DNS takes a seventh of a second to load.
"""
