"""The screens: the staff console and the residents' pages, each a listener of its own, and what both share."""
