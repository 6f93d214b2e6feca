"""The window that answers (窓口): a resident asks in their own words, on the public page or in LINE.

Nothing here writes a sentence of its own. What a reply says is a sentence of the bank (`config/faq`), an approved text of
an alert, or a value that the hub knows now. Who is not understood is told so, with the number to call.
"""
