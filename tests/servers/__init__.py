"""Real servers for the tests: `python -m tests.servers run -- python -m pytest`.

Apache Kafka, PostgreSQL, Redis and Mosquitto, each in a temporary directory on a free port of
127.0.0.1. An address that already stands in the environment wins: that server is not started.
"""
