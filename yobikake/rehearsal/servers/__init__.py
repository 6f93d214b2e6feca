"""Real servers to rehearse with: Apache Kafka, PostgreSQL, Redis and Mosquitto.

Each lies in a directory of its own, listens on free ports of 127.0.0.1, and can be stopped, killed,
frozen and started again, with or without what it remembered. Nothing here is for a hub that reaches
people.
"""
