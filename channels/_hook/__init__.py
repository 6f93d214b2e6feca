"""One signed message to somebody else's system, as Standard Webhooks says: shared by the connectors that send such."""
