"""Counting devices as they are sold: their bytes and JSON, understood or refused, never guessed.

frame.py                    the words in which a format is written down
milesight*.py terabee.py imbuildings.py     one vendor's formats each, as tables
decoding.py                 vendor, model, port and bytes → what the device says
"""
