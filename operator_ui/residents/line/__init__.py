"""The chat with the city's LINE account: what comes in, and what is answered.

    webhook.py    `POST /callbacks/line`: signed, counted once, passed on to a chatbot where it is not ours
    chat.py       what each event brings about
    messages.py   an answer of the window as messages of LINE
    words.py      the few words of its own

Loaded by a hub that has LINE: the connector's library takes seconds.
"""
