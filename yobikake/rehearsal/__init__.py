"""A city to rehearse in: gateways that speak the real wire protocols, residents who do not exist."""
