"""What is said on the telephone, whoever called: the voices, the questions, and the words after a key.

Loads nothing of the provider's but the writer of TwiML, so that a listener may use it without a channel.
"""
